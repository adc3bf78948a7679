/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/journal.h"
#include "tests/fuzz/scratch.h"

/** state.db as a file of any content: opened to read and to write, read, written to. */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_be_quiet();
    scratch_begin();
    return 0;
}

static void
read_all(KtJournal *journal)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = kt_journal_runs(journal, &error);
    fuzz_check_error(runs != NULL, error);
    g_clear_error(&error);
    g_autoptr(GPtrArray) undoable = kt_journal_undoable(journal, &error);
    fuzz_check_error(undoable != NULL, error);
}

static void
write_run(KtJournal *journal)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtJournalStep) step = kt_journal_step_new(KT_STEP_SYSFS);
    gint64 run = 0;
    step->path = g_strdup("sys/kernel/mm/ksm/run");
    bool ok = kt_journal_begin_run(journal, "apply", "fuzz", 1, &run, &error) &&
              kt_journal_begin_step(journal, run, step, &error) &&
              kt_journal_begin_part(step, "write", NULL, &error) && kt_journal_end_part(step, &error) &&
              kt_journal_end_step(journal, step, NULL, &error) && kt_journal_end_run(journal, run, 2, &error);
    fuzz_check_error(ok, error);
    if (ok) {
        g_autoptr(KtJournalRun) again = kt_journal_run(journal, run, &error);
        fuzz_check_error(again != NULL, error);
    }
}

static void
try_mode(const uint8_t *data, size_t size, KtJournalMode mode)
{
    scratch_clear();
    scratch_write("state.db", data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(KtJournal) journal = kt_journal_open(scratch, mode, &error);
    fuzz_check_error(journal != NULL, error);
    if (!journal)
        return;
    read_all(journal);
    if (mode == KT_JOURNAL_WRITE)
        write_run(journal);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_mode(data, size, KT_JOURNAL_READ);
    try_mode(data, size, KT_JOURNAL_WRITE);
    return 0;
}
