/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * journal-bench [RUNS]: what state.db costs a daemon after so many of its runs (default 10000), in a
 * directory of its own in the working directory. Each is the life of a guest out of 50: it is opened, pruned
 * where it is time, a run with a pin of 8 values and a definition is recorded, it is closed. As often without
 * pruning.
 */

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/exec/journal_prune.h"

#define GUESTS 50
#define VCPUS 8
#define DEFINITION_BYTES 6000
#define SAMPLE 50

static gint64
cpu_usec(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void
die(const GError *error)
{
    fprintf(stderr, "journal-bench: %s\n", error->message);
    exit(EXIT_FAILURE);
}

static void
add_action(KtJournalStep *step, guint vcpu, guint life)
{
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    action->setting = g_strdup("cpu.placement");
    action->item = g_strdup_printf("vcpu %u", vcpu);
    action->from = g_strdup_printf("%u", life % 64);
    action->to = g_strdup_printf("%u", (life + 1) % 64);
    action->when = g_strdup("now");
    action->risk = g_strdup("none");
    action->reason = g_strdup("whole cores of one L3 group, near its memory");
    action->source = g_strdup("/etc/kvm-tune/profiles/latency.conf:12:1");
    g_ptr_array_add(step->actions, action);
}

static char *
definition(guint version)
{
    g_autofree char *rest = g_strnfill(DEFINITION_BYTES, 'x');
    return g_strdup_printf("<domain><!-- %u -->%s</domain>", version, rest);
}

/** One change of guest @guest in its life number @life. */
static void
record(KtJournal *journal, gint64 run, KtStepKind kind, guint guest, guint life)
{
    g_autoptr(KtJournalStep) step = kt_journal_step_new(kind);
    g_autoptr(GError) error = NULL;
    step->domain_name = g_strdup_printf("guest-%u", guest);
    step->domain_uuid = g_strdup_printf("00000000-0000-4000-8000-%012x", guest);
    step->hypervisor = g_strdup("qemu:///system");
    step->process = g_strdup_printf("%u:%u", life, life);
    if (kind == KT_STEP_DEFINE) {
        step->before = definition(life);
        step->after = definition(life + GUESTS);
    }
    for (guint vcpu = 0; vcpu < VCPUS; vcpu++)
        add_action(step, vcpu, life / GUESTS);
    kt_journal_begin_step(journal, run, step, &error);
    step->result = KT_RESULT_DONE;
    if (error || !kt_journal_end_step(journal, step, NULL, &error))
        die(error);
}

static void
prune(KtJournal *journal, guint life)
{
    g_autoptr(GHashTable) domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *process = g_strdup_printf("%u:%u", life, life);
    for (guint guest = 0; guest < GUESTS; guest++)
        g_hash_table_insert(domains, g_strdup_printf("00000000-0000-4000-8000-%012x", guest),
                            guest == life % GUESTS ? process : "");
    const KtLiving living = {.hypervisor = "qemu:///system", .domains = domains};
    if (!kt_journal_prune(journal, &living, &error))
        die(error);
}

/** Gives how long it took to open, and *@ret_usec in all. */
static gint64
live(const char *directory, guint life, bool prunes, gint64 *ret_usec)
{
    g_autoptr(GError) error = NULL;
    gint64 began = cpu_usec(), run = 0;
    g_autoptr(KtJournal) journal = kt_journal_open(directory, KT_JOURNAL_WRITE, &error);
    if (!journal)
        die(error);
    gint64 opened = cpu_usec() - began;
    if (prunes)
        prune(journal, life);
    if (!kt_journal_begin_run(journal, "daemon", "latency", life, &run, &error))
        die(error);
    record(journal, run, KT_STEP_PIN, life % GUESTS, life);
    record(journal, run, KT_STEP_DEFINE, life % GUESTS, life);
    if (!kt_journal_end_run(journal, run, life, &error))
        die(error);
    *ret_usec = cpu_usec() - began;
    return opened;
}

static void
tell(const char *directory, guint life, gint64 opened_usec, gint64 whole_usec, gint64 most_usec)
{
    g_autofree char *path = g_build_filename(directory, "state.db", NULL);
    GStatBuf status = {0};
    g_stat(path, &status);
    printf("  after %6u runs: open %6.2f ms, open to close %6.2f ms (longest %6.2f), %7.2f MiB\n", life,
           (double)opened_usec / SAMPLE / 1000, (double)whole_usec / SAMPLE / 1000, (double)most_usec / 1000,
           (double)status.st_size / 1024 / 1024);
    fflush(stdout);
}

static void
replay(const char *directory, guint lives, bool prunes)
{
    gint64 opened = 0, whole = 0, most = 0;
    guint next = 100;
    printf("%s\n", prunes ? "pruned" : "not pruned");
    for (guint life = 1; life <= lives; life++) {
        gint64 usec;
        bool counts = life + SAMPLE > next;
        opened += live(directory, life, prunes, &usec) * counts;
        whole += usec * counts;
        most = MAX(most, usec);
        if (life == next) {
            tell(directory, life, opened, whole, most);
            opened = whole = most = 0;
            next *= 10;
        }
    }
}

static void
remove_journal(const char *directory)
{
    static const char *const files[] = {"state.db", "state.db-journal", "lock"};
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(directory, files[i], NULL);
        g_unlink(path);
    }
    g_rmdir(directory);
}

int
main(int argc, char **argv)
{
    guint lives = argc > 1 ? (guint)g_ascii_strtoull(argv[1], NULL, 10) : 10000;
    for (guint prunes = 2; prunes-- > 0;) {
        char directory[] = "journal-bench-XXXXXX";
        if (!g_mkdtemp(directory)) {
            perror("journal-bench");
            return EXIT_FAILURE;
        }
        replay(directory, lives, prunes);
        remove_journal(directory);
    }
    return EXIT_SUCCESS;
}
