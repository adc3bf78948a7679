/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/tries.h"

#include <libvirt/virterror.h>
#include <string.h>

#include "base/error.h"
#include "probes/hypervisor.h"
#include "tests/unit/agent/exec/journal_fixture.h"

#define N_BLOCKS 2
#define DOMAIN "test" /* of libvirt's test driver */

/* Counts its calls in the file $0, and fails from call $1 on until call $2. */
static const char script[] =
    "echo . >>\"$0\"; n=$(wc -l <\"$0\"); "
    "[ $n -lt $1 ] || [ $n -ge $2 ] || { echo no route >&2; exit 7; }; echo figure $n";

/** A benchmark on the test driver's domain, whose workloads run on this host. */
typedef struct {
    JournalFixture journal;
    KtRoot *root; /* without any file */
    KtBench bench;
    guint switches;       /* of the arms */
    guint failing_switch; /* which of them fails, from 1; 0 = none */
    bool failing_after;   /* those after it fail, too */
    guint run;            /* before which at_run() is called */
    void (*at_run)(KtBench *bench);
} Scene;

static void
quiet(void *data, virErrorPtr error)
{
    (void)data, (void)error;
}

static bool
switch_arm(KtBench *bench, bool with, GError **error)
{
    Scene *scene = bench->user_data;
    (void)with;
    if (++scene->switches != scene->failing_switch &&
        (!scene->failing_after || scene->switches < scene->failing_switch))
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "no CPU is left");
    return false;
}

static void
progress(const KtBench *bench, guint done, guint total, bool with, const char *workload)
{
    Scene *scene = bench->user_data;
    (void)with, (void)workload;
    g_assert_cmpuint(total, ==, N_BLOCKS * KT_BLOCK_RUNS);
    if (scene->at_run && done == scene->run)
        scene->at_run(&scene->bench);
}

static void
failed(const KtBench *bench, const KtFailure *failure)
{
    g_assert_true(failure == bench->benchmark->failures->pdata[bench->benchmark->failures->len - 1]);
}

static Scene *
scene_new(void)
{
    Scene *scene = g_new0(Scene, 1);
    KtBench *bench = &scene->bench;
    virSetErrorFunc(NULL, quiet);
    set_up(&scene->journal, NULL);
    scene->root = kt_root_open(scene->journal.directory, NULL);
    *bench = (KtBench){.root = scene->root,
                       .connection = virConnectOpen("test:///default"),
                       .workloads = g_ptr_array_new_with_free_func((GDestroyNotify)kt_workload_free),
                       .domains = g_ptr_array_new(),
                       .journal = scene->journal.journal,
                       .benchmark = kt_benchmark_new(),
                       .cancel = g_cancellable_new(),
                       .patience = {.tries = 2},
                       .switch_arm = switch_arm,
                       .progress = progress,
                       .failed = failed,
                       .user_data = scene};
    g_ptr_array_add(bench->domains, (gpointer)DOMAIN);
    bench->benchmark->profile = g_strdup("p");
    bench->benchmark->about = g_strdup("{}");
    bench->benchmark->n_blocks = N_BLOCKS;
    return scene;
}

static void
scene_free(Scene *scene)
{
    kt_root_free(scene->root);
    if (scene->bench.connection)
        virConnectClose(scene->bench.connection);
    g_ptr_array_unref(scene->bench.workloads);
    g_ptr_array_unref(scene->bench.domains);
    kt_benchmark_free(scene->bench.benchmark);
    g_object_unref(scene->bench.cancel);
    tear_down(&scene->journal, NULL);
    g_free(scene);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scene, scene_free)

/* One that fails from call @first on until call @after. */
static void
add_workload(Scene *scene, const char *name, guint first, guint after)
{
    g_autoptr(GPtrArray) diagnostics = g_ptr_array_new();
    g_autofree char *quoted = g_shell_quote(script);
    g_autofree char *text =
        g_strdup_printf("[workload]\nwhere = host\nrun = sh -c %s %s/%s %u %u\n[figure figure]\n"
                        "read = line ^figure ([0-9]+)\n",
                        quoted, scene->journal.directory, name, first, after);
    KtWorkload *workload = kt_workload_parse(name, "x.conf", text, strlen(text), diagnostics);
    g_assert_nonnull(workload);
    g_ptr_array_add(scene->bench.workloads, workload);
}

static bool
run(Scene *scene, GError **error)
{
    g_assert_true(kt_bench_prepare(&scene->bench, error));
    g_assert_true(kt_journal_begin_benchmark(scene->bench.journal, scene->bench.benchmark, error));
    bool measured = kt_bench_run(&scene->bench, error);
    g_assert_true(scene->bench.with == scene->failing_after);
    return measured;
}

static guint
count_runs(const Scene *scene, const char *workload)
{
    for (guint i = 0; i < scene->bench.benchmark->metrics->len; i++) {
        const KtMetric *metric = scene->bench.benchmark->metrics->pdata[i];
        if (!metric->watched && g_str_equal(metric->workload, workload))
            return metric->runs->len;
    }
    g_assert_not_reached();
}

/* How often the workload was started. */
static guint
count_calls(const Scene *scene, const char *workload)
{
    g_autofree char *path = g_build_filename(scene->journal.directory, workload, NULL);
    g_autofree char *text = NULL;
    gsize length = 0;
    g_assert_true(g_file_get_contents(path, &text, &length, NULL));
    return (guint)length / 2;
}

static const KtFailure *
only_failure(const Scene *scene)
{
    g_assert_cmpuint(scene->bench.benchmark->failures->len, ==, 1);
    return scene->bench.benchmark->failures->pdata[0];
}

static void
test_fails_once(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autoptr(GError) error = NULL;
    add_workload(scene, "flaky", 4, 5);
    g_assert_true(run(scene, &error));
    g_assert_no_error(error);
    const KtFailure *failure = only_failure(scene);
    g_assert_cmpuint(count_runs(scene, "flaky"), ==, N_BLOCKS * KT_BLOCK_RUNS);
    g_assert_cmpuint(failure->tries, ==, 1);
    g_assert_false(failure->given_up);
    g_assert_nonnull(strstr(failure->message, "ended with exit code 7: no route"));
    /* and the journal has it */
    g_autoptr(KtBenchmark) read = kt_journal_benchmark(scene->bench.journal, 0, &error);
    g_assert_cmpuint(read->failures->len, ==, 1);
}

static void
test_fails_for_good(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autoptr(GError) error = NULL;
    add_workload(scene, "broken", 6, 1000);
    add_workload(scene, "steady", 0, 0);
    g_assert_true(run(scene, &error));
    g_assert_no_error(error);
    const KtFailure *failure = only_failure(scene);
    g_assert_cmpstr(failure->workload, ==, "broken");
    g_assert_cmpstr(failure->domain, ==, DOMAIN);
    g_assert_cmpuint(failure->tries, ==, 2);
    g_assert_true(failure->given_up);
    g_assert_true(kt_benchmark_gave_up(scene->bench.benchmark, "broken", DOMAIN));
    g_assert_false(kt_benchmark_gave_up(scene->bench.benchmark, "steady", DOMAIN));
    g_assert_cmpuint(count_runs(scene, "steady"), ==, N_BLOCKS * KT_BLOCK_RUNS);
    guint runs = count_runs(scene, "broken");
    g_assert_true(runs > 0 && runs < N_BLOCKS * KT_BLOCK_RUNS);
}

/* Nothing is left to be measured: then it ends, and the arms aren't switched for nothing. */
static void
test_all_fail(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autoptr(GError) error = NULL;
    add_workload(scene, "broken", 3, 1000);
    g_assert_true(run(scene, &error));
    g_assert_true(only_failure(scene)->given_up);
    g_assert_cmpuint(scene->switches, <=, 2);
    g_assert_true(kt_benchmark_has_figures(scene->bench.benchmark, NULL, NULL) ==
                  (count_runs(scene, "broken") > 0));
}

/* What doesn't run at all is told at once, and before anything is changed. */
static void
test_never_runs(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autoptr(GError) error = NULL;
    add_workload(scene, "broken", 0, 1000);
    g_assert_false(run(scene, &error));
    g_assert_nonnull(strstr(error->message, "no route"));
    g_assert_cmpuint(scene->switches, ==, 0);
    g_assert_cmpuint(scene->bench.benchmark->failures->len, ==, 0);
    g_assert_false(kt_benchmark_has_figures(scene->bench.benchmark, NULL, NULL));
    g_assert_cmpuint(count_calls(scene, "broken"), ==, 1);
}

static void
test_arms_not_switched(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autoptr(GError) error = NULL;
    add_workload(scene, "steady", 0, 0);
    scene->failing_switch = 2;
    g_assert_false(run(scene, &error));
    g_assert_nonnull(strstr(error->message, "no CPU is left"));
    g_assert_null(only_failure(scene)->workload);
    g_assert_cmpstr(only_failure(scene)->message, ==, "no CPU is left");
    g_assert_true(kt_benchmark_has_figures(scene->bench.benchmark, NULL, NULL));
    g_assert_cmpuint(scene->switches, ==, 3); /* the third took it back */
}

/* The last roll back, after all was measured. */
static void
test_not_as_it_began(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autoptr(GError) error = NULL;
    bool with[N_BLOCKS * KT_BLOCK_RUNS];
    add_workload(scene, "steady", 0, 0);
    /* that ends with the profile */
    do
        kt_schedule(++scene->bench.benchmark->seed, N_BLOCKS, with);
    while (!with[G_N_ELEMENTS(with) - 1]);
    for (guint i = 0; i < G_N_ELEMENTS(with); i++)
        scene->failing_switch += with[i] != (i > 0 && with[i - 1]);
    scene->failing_switch++;
    scene->failing_after = true;
    g_assert_false(run(scene, &error));
    g_assert_cmpuint(count_runs(scene, "steady"), ==, N_BLOCKS * KT_BLOCK_RUNS);
    const KtFailure *failure = only_failure(scene);
    g_assert_null(failure->workload);
    g_assert_true(failure->given_up && !failure->with);
    g_assert_cmpuint(failure->block, ==, N_BLOCKS - 1);
    g_assert_cmpstr(failure->message, ==, "no CPU is left");
    g_autoptr(KtBenchmark) read = kt_journal_benchmark(scene->bench.journal, 0, NULL);
    g_assert_cmpuint(read->failures->len, ==, 1);
}

static void
turn_off(KtBench *bench)
{
    g_autoptr(virDomain) domain = virDomainLookupByName(bench->connection, DOMAIN);
    g_assert_cmpint(virDomainDestroy(domain), ==, 0);
}

/* A guest that is off isn't waited for. */
static void
test_guest_is_off(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autoptr(GError) error = NULL;
    add_workload(scene, "steady", 0, 0);
    scene->run = 5;
    scene->at_run = turn_off;
    g_assert_true(run(scene, &error));
    g_assert_cmpuint(only_failure(scene)->tries, ==, 1);
    g_assert_cmpstr(only_failure(scene)->message, ==, DOMAIN " does not run: somebody has destroyed it");
    g_assert_cmpuint(count_runs(scene, "steady"), ==, 5);
}

/* What one workload has waited for the guest the next one doesn't wait for again. */
static void
test_settles_once(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autoptr(GError) error = NULL;
    bool with[N_BLOCKS * KT_BLOCK_RUNS];
    kt_schedule(scene->bench.benchmark->seed, N_BLOCKS, with);
    guint runs_before = with[0] ? 0 : 1; /* the first switch; and each is tried once before all */
    add_workload(scene, "first", runs_before + 2, 1000);
    add_workload(scene, "second", runs_before + 2, 1000);
    scene->bench.patience = (KtPatience){.tries = 1, .settle_seconds = 2};
    g_assert_true(run(scene, &error));
    g_assert_cmpuint(scene->bench.benchmark->failures->len, ==, 2);
    const KtFailure *second = scene->bench.benchmark->failures->pdata[1];
    g_assert_cmpstr(second->workload, ==, "second");
    g_assert_true(second->given_up);
    g_assert_cmpuint(second->tries, ==, 1);
}

static gboolean
interrupt(gpointer cancel)
{
    g_cancellable_cancel(cancel);
    return G_SOURCE_REMOVE;
}

static void
interrupt_soon(KtBench *bench)
{
    g_timeout_add(100, interrupt, bench->cancel);
}

/* While it waits for the next try. */
static void
test_interrupted(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autoptr(GError) error = NULL;
    add_workload(scene, "broken", 4, 1000);
    scene->bench.patience = (KtPatience){.tries = 100, .settle_seconds = 100};
    scene->run = 1;
    scene->at_run = interrupt_soon;
    g_assert_false(run(scene, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpuint(count_runs(scene, "broken"), ==, 1);
}

static void
disconnect(KtBench *bench)
{
    virConnectClose(bench->connection);
    bench->connection = NULL;
    g_cancellable_cancel(bench->cancel);
}

static bool
connect_never(KtBench *bench, GError **error)
{
    g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "%s", bench->connection ? "two" : "nobody answers");
    return false;
}

/* While nobody answers: it isn't waited for as long as without an interruption, and what is left is told. */
static void
test_interrupted_without_connection(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autoptr(GError) error = NULL;
    bool with[N_BLOCKS * KT_BLOCK_RUNS];
    add_workload(scene, "steady", 0, 0);
    kt_schedule(scene->bench.benchmark->seed, N_BLOCKS, with);
    scene->bench.patience.tries = 20;
    scene->bench.connect_again = connect_never;
    scene->at_run = disconnect;
    while (!with[scene->run])
        scene->run++; /* the first with the profile */
    scene->failing_switch = 2;
    scene->failing_after = true;
    g_assert_false(run(scene, &error));
    g_assert_cmpuint(scene->switches, ==, 1 + 3);
    g_assert_nonnull(strstr(error->message, "no CPU is left"));
    g_assert_true(only_failure(scene)->given_up);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tries/fails-once", test_fails_once);
    g_test_add_func("/tries/fails-for-good", test_fails_for_good);
    g_test_add_func("/tries/all-fail", test_all_fail);
    g_test_add_func("/tries/never-runs", test_never_runs);
    g_test_add_func("/tries/arms-not-switched", test_arms_not_switched);
    g_test_add_func("/tries/not-as-it-began", test_not_as_it_began);
    g_test_add_func("/tries/guest-is-off", test_guest_is_off);
    g_test_add_func("/tries/settles-once", test_settles_once);
    g_test_add_func("/tries/interrupted", test_interrupted);
    g_test_add_func("/tries/interrupted-without-connection", test_interrupted_without_connection);
    return g_test_run();
}
