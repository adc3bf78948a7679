/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/perf/ksm_policies.h"
#include "probes/ksm.h"
#include "tuners/ksm.h"

/*
 * ksm-bench: what governing KSM saves for which CPU time. bench/perf/README.md says how to read it.
 *
 *   ksm_load.c      the processes whose memory is merged
 *   ksm_policies.c  who sets KSM's knobs
 *
 * Each row is a child process; its parent puts KSM's knobs back however it ends.
 */

#define STEP_USEC (100 * 1000)

/* The tests that change this machine's KSM take turns by it. */
#define TURN_FILE "/run/kvm-tune-tests/host.lock"

typedef struct {
    char *policies, *loads;
    int seconds;
    int mib;
    int percent;
    int nice; /* of ksmd while it is watched */
} Options;

/** What a row came to. */
typedef struct {
    double equal_mib;     /* at the end */
    double saved_mib;     /* at the end */
    double mean_mib;      /* over the whole time */
    double found_seconds; /* until 99 % were saved for the first time; NAN = never */
    double found_cpu;     /* ksmd's CPU time until then, s */
    double cpu;           /* of ksmd, s */
    double rest_percent;  /* of a CPU that ksmd took in the last third */
    double own_cpu;       /* of the policy, in this process, s */
} Result;

/** What happens to the load, and when. */
typedef struct {
    const char *name;
    guint first; /* processes at the beginning */
    void (*happen)(KsmLoad *load, double share, guint *stage, bool *ret_changed);
} LoadPlan;

static void
nothing_happens(KsmLoad *load, double share, guint *stage, bool *ret_changed)
{
    (void)load, (void)share, (void)stage, (void)ret_changed;
}

/* A process comes, all rewrite a fifth of what is equal, a process goes. */
static void
things_happen(KsmLoad *load, double share, guint *stage, bool *ret_changed)
{
    static const double when[] = {0.25, 0.5, 0.75};
    if (*stage >= G_N_ELEMENTS(when) || share < when[*stage])
        return;
    if (*stage == 0)
        *ret_changed = ksm_load_start(load, 3);
    else if (*stage == 1)
        ksm_load_rewrite(load, 1);
    else {
        ksm_load_stop(load, 0);
        *ret_changed = true;
    }
    ++*stage;
}

static const LoadPlan load_plans[] = {
    {"still", 4, nothing_happens},
    {"changing", 3, things_happen},
};

static double
own_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double
ksmd_seconds(const KtRoot *root, KtKsm *ksm)
{
    g_autoptr(GError) error = NULL;
    if (!kt_ksm_read(root, ksm, &error))
        g_error("%s", error->message);
    if (ksm->ksmd_cpu_usec == KT_ABSENT)
        g_error("this machine has no KSM, or its ksmd can't be seen");
    return (double)ksm->ksmd_cpu_usec / G_USEC_PER_SEC;
}

/* As a kernel begins, with nothing merged. */
static void
reset_ksm(const KtRoot *root, const KtKsm *ksm)
{
    ksm_set(root, "run", KT_KSM_UNMERGE);
    if (ksm->advisor_mode)
        kt_root_write(root, KT_KSM "advisor_mode", KT_KSM_NO_ADVISOR, NULL);
    ksm_set(root, "pages_to_scan", KT_KSM_DEFAULT_PAGES_TO_SCAN);
    ksm_set(root, "sleep_millisecs", 20);
    if (ksm->smart_scan != KT_ABSENT)
        ksm_set(root, "smart_scan", 1);
}

static void
watch(const KtRoot *root, const KsmPolicy *policy, const LoadPlan *plan, KsmLoad *load,
      const Options *options, const char *state_dir, Result *result)
{
    g_auto(KtKsm) ksm;
    kt_ksm_init(&ksm);
    double begin_cpu = ksmd_seconds(root, &ksm), begin_own = own_seconds(), rest_cpu = 0, sum = 0;
    guint steps = (guint)options->seconds * G_USEC_PER_SEC / STEP_USEC, stage = 0;
    gint64 begin = g_get_monotonic_time();
    gpointer running = policy->begin(root, load, state_dir);
    result->found_seconds = result->found_cpu = NAN;
    for (guint i = 0; i < steps; i++) {
        bool changed = false;
        gint64 due = begin + (gint64)(i + 1) * STEP_USEC, now = g_get_monotonic_time();
        plan->happen(load, (double)i / steps, &stage, &changed);
        policy->step(running, load, changed, now);
        now = g_get_monotonic_time();
        if (now < due)
            g_usleep((gulong)(due - now));
        double cpu = ksmd_seconds(root, &ksm) - begin_cpu;
        result->saved_mib = ksm_load_saved_mib(load);
        result->equal_mib = ksm_load_equal_mib(load);
        sum += result->saved_mib;
        if (isnan(result->found_seconds) && result->saved_mib >= 0.99 * result->equal_mib) {
            result->found_seconds = (double)(g_get_monotonic_time() - begin) / G_USEC_PER_SEC;
            result->found_cpu = cpu;
        }
        if (i == steps * 2 / 3)
            rest_cpu = cpu;
        result->cpu = cpu;
    }
    result->own_cpu = own_seconds() - begin_own;
    result->mean_mib = sum / steps;
    result->rest_percent = 100 * (result->cpu - rest_cpu) / ((double)options->seconds / 3);
    policy->end(running);
}

static int
remove_one(const char *path, const struct stat *about, int type, struct FTW *ftw)
{
    (void)about, (void)type, (void)ftw;
    return remove(path);
}

static void
run_row(const KtRoot *root, const KsmPolicy *policy, const LoadPlan *plan, const Options *options,
        Result *result)
{
    KsmLoad load = {.mib = (guint)options->mib, .percent = (guint)options->percent};
    g_auto(KtKsm) ksm;
    g_autofree char *state_dir = g_dir_make_tmp("ksm-bench-XXXXXX", NULL);
    kt_ksm_init(&ksm);
    ksmd_seconds(root, &ksm);
    reset_ksm(root, &ksm);
    for (guint i = 0; i < plan->first; i++)
        if (!ksm_load_start(&load, i))
            g_error("a process of the load did not start");
    watch(root, policy, plan, &load, options, state_dir, result);
    ksm_load_stop_all(&load);
    nftw(state_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The row in a child: whatever becomes of it, the parent lives to put KSM back. */
static bool
run_in_child(const KtRoot *root, const KsmPolicy *policy, const LoadPlan *plan, const Options *options,
             const sigset_t *signals, Result *result)
{
    int channel[2], status;
    if (pipe(channel) != 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigprocmask(SIG_UNBLOCK, signals, NULL);
        run_row(root, policy, plan, options, result);
        _exit(write(channel[1], result, sizeof *result) == sizeof *result ? 0 : 1);
    }
    close(channel[1]);
    bool read_all = read(channel[0], result, sizeof *result) == sizeof *result;
    close(channel[0]);
    return waitpid(child, &status, 0) == child && read_all && status == 0;
}

static void
put_back(const KtRoot *root, const KtKsm *before)
{
    ksm_set(root, "run", KT_KSM_UNMERGE);
    if (before->advisor_mode)
        kt_root_write(root, KT_KSM "advisor_mode", KT_KSM_NO_ADVISOR, NULL);
    ksm_set(root, "pages_to_scan", before->pages_to_scan);
    ksm_set(root, "sleep_millisecs", before->sleep_millisecs);
    if (before->smart_scan != KT_ABSENT)
        ksm_set(root, "smart_scan", before->smart_scan);
    if (before->advisor_mode)
        kt_root_write(root, KT_KSM "advisor_mode", before->advisor_mode, NULL);
    ksm_set(root, "run", before->run);
}

static void
print_row(const LoadPlan *plan, const KsmPolicy *policy, const Result *result, double reference)
{
    double mib = plan->happen == nothing_happens ? result->saved_mib : result->mean_mib;
    double rate = mib / result->cpu;
    printf("%-9s %-9s %7.1f %7.1f %7.1f %8.1f %8.2f %8.2f %7.2f %8.1f", plan->name, policy->name,
           result->equal_mib, result->saved_mib, result->mean_mib, result->found_seconds, result->found_cpu,
           result->cpu, result->rest_percent, rate);
    printf(" %7.2f", reference > 0 ? rate / reference : NAN);
    printf(" %7.2f\n", result->own_cpu);
    fflush(stdout);
}

static bool
is_wanted(const char *list, const char *name)
{
    g_auto(GStrv) names = g_strsplit(list, ",", -1);
    return g_strv_contains((const char *const *)names, name);
}

/* Waits for the turn of this machine's tests; they needn't be there. */
static int
take_turn(void)
{
    int turn = open(TURN_FILE, O_RDWR | O_CLOEXEC);
    if (turn >= 0)
        flock(turn, LOCK_EX);
    return turn;
}

/* The child ends with the terminal's signals; its parent when KSM is put back. */
static void
hold_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGHUP);
    sigprocmask(SIG_BLOCK, signals, NULL);
}

static bool
measure(const KtRoot *root, const KsmPolicy *policy, const LoadPlan *plan, const Options *options,
        Result *result)
{
    g_auto(KtKsm) before;
    sigset_t signals;
    int turn = take_turn();
    hold_signals(&signals);
    kt_ksm_init(&before);
    ksmd_seconds(root, &before);
    int nice = getpriority(PRIO_PROCESS, (id_t)before.ksmd_pid);
    setpriority(PRIO_PROCESS, (id_t)before.ksmd_pid, options->nice);
    bool done = run_in_child(root, policy, plan, options, &signals, result);
    put_back(root, &before);
    setpriority(PRIO_PROCESS, (id_t)before.ksmd_pid, nice);
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
    if (turn >= 0)
        close(turn);
    return done;
}

static int
run(const KtRoot *root, const Options *options)
{
    int failures = 0;
    printf(
        "%d MiB each, %d %% equal, %d s; MiB a CPU-second of what is saved at the end (changing: on average)\n",
        options->mib, options->percent, options->seconds);
    printf(
        "load      policy      equal   saved    mean  99 %% at   ksmd s   ksmd s  rest %%    MiB/s  ×first   own s\n");
    printf("                       MiB     MiB     MiB        s  till 99    in all             CPU\n");
    for (guint l = 0; l < G_N_ELEMENTS(load_plans); l++) {
        double reference = 0;
        for (guint p = 0; p < ksm_n_policies && is_wanted(options->loads, load_plans[l].name); p++) {
            Result result = {0};
            if (!is_wanted(options->policies, ksm_policies[p].name))
                continue;
            if (!measure(root, &ksm_policies[p], &load_plans[l], options, &result)) {
                fprintf(stderr, "%s, %s: failed\n", load_plans[l].name, ksm_policies[p].name);
                failures = 1;
                continue;
            }
            print_row(&load_plans[l], &ksm_policies[p], &result, reference);
            double mib = l == 0 ? result.saved_mib : result.mean_mib;
            reference = reference > 0 ? reference : mib / result.cpu;
        }
    }
    return failures;
}

int
main(int argc, char **argv)
{
    Options options = {.policies = g_strdup("governor,most,ksmtuned,advisor"),
                       .loads = g_strdup("still,changing"),
                       .seconds = 60,
                       .mib = 256,
                       .percent = 60,
                       .nice = 5};
    const GOptionEntry entries[] = {
        {"policies", 0, 0, G_OPTION_ARG_STRING, &options.policies, "Who sets KSM's knobs, in this order",
         "LIST"},
        {"loads", 0, 0, G_OPTION_ARG_STRING, &options.loads, "still, changing", "LIST"},
        {"seconds", 0, 0, G_OPTION_ARG_INT, &options.seconds, "How long each is watched (60)", "N"},
        {"mib", 0, 0, G_OPTION_ARG_INT, &options.mib, "Memory of each process (256)", "N"},
        {"percent", 0, 0, G_OPTION_ARG_INT, &options.percent, "How much of it is equal (60)", "N"},
        {"nice", 0, 0, G_OPTION_ARG_INT, &options.nice,
         "ksmd's priority meanwhile, -20 to 19 (5, as the kernel has it): less on a busy machine", "N"},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "ksm-bench: %s\n", error->message);
        return 1;
    }
    g_autoptr(KtRoot) root = kt_root_open("/", &error);
    if (!root) {
        fprintf(stderr, "ksm-bench: %s\n", error->message);
        return 1;
    }
    int failures = run(root, &options);
    g_free(options.policies);
    g_free(options.loads);
    return failures;
}
