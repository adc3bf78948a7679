/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libvirt/virterror.h>

#include "agent/exec/journal_database.h"
#include "agent/exec/step.h"
#include "agent/view/view.h"
#include "tests/fuzz/scratch.h"

/**
 * A sound database with rows that the program never wrote: shown as history, undone on a host of a few files.
 * The input is lines of values parted by tabs, "-" is SQL's NULL:
 *
 *     run ID VERB PROFILE STARTED FINISHED
 *     step RUN SEQ KIND NAME UUID PROCESS HYPERVISOR PATH BEFORE TARGET AFTER RESULT TO_UNDO DETAIL
 *         UNDOES_RUN UNDOES_SEQ
 *     action RUN SEQ POSITION ID SETTING ITEM FROM TO WHEN RISK REASON SOURCE FIELD
 *     part RUN SEQ POSITION NAME NOTE DONE
 */

static KtRoot *root;
static KtJournal *journal; /* in memory, emptied before each input */

static void
ignore_message(void *data, virErrorPtr error)
{
    (void)data, (void)error;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_be_quiet();
    virSetErrorFunc(NULL, ignore_message);
    /* A hostile row must not reach the systemd of the machine that fuzzes. */
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", TRUE);
    scratch_begin();
    scratch_write("sys/kernel/mm/ksm/run", "0\n", 2);
    root = kt_root_open(scratch, NULL);
    g_autofree char *nowhere = g_build_filename(scratch, "none", NULL);
    journal = kt_journal_open(nowhere, KT_JOURNAL_READ, NULL);
    g_assert_nonnull(journal);
    return 0;
}

static const struct {
    const char *word, *sql;
} tables[] = {
    {"run", "INSERT INTO runs VALUES (?, ?, ?, ?, ?)"},
    {"step", "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"action", "INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"part", "INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?)"},
};

/** What the columns' types refuse isn't there. */
static void
insert(const char *sql, char *const *values)
{
    g_autoptr(sqlite3_stmt) statement = NULL;
    sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL);
    for (int i = 0; values[i] && i < sqlite3_bind_parameter_count(statement); i++) {
        if (!g_str_equal(values[i], "-"))
            sqlite3_bind_text(statement, i + 1, values[i], -1, SQLITE_STATIC);
    }
    sqlite3_step(statement);
}

static void
fill(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", 64);
    sqlite3_exec(
        journal->db,
        "PRAGMA query_only = OFF; PRAGMA foreign_keys = OFF; DELETE FROM parts; DELETE FROM actions; DELETE FROM steps; "
        "DELETE FROM runs; DELETE FROM sqlite_sequence",
        NULL, NULL, NULL);
    scratch_write("sys/kernel/mm/ksm/run", "0\n", 2);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) values = g_strsplit(*line, "\t", 20);
        for (gsize i = 0; *values && i < G_N_ELEMENTS(tables); i++) {
            if (g_str_equal(values[0], tables[i].word))
                insert(tables[i].sql, values + 1);
        }
    }
    sqlite3_exec(journal->db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
}

static void
check_text(const GString *out)
{
    g_assert_true(g_utf8_validate(out->str, (gssize)out->len, NULL));
}

static void
show(GPtrArray *runs)
{
    static const KtStyle style = {.width = 80};
    static const KtPruned pruned = {.upto = 5, .n_runs = 3};
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_runs(out, &style, runs, &pruned);
    g_autofree char *all = kt_view_runs_json(runs, &pruned);
    for (guint i = 0; i < runs->len; i++) {
        const KtJournalRun *run = runs->pdata[i];
        g_autofree char *unfinished = kt_view_unfinished(run, true);
        g_assert_true(!unfinished || g_utf8_validate(unfinished, -1, NULL));
        if (!run->steps)
            continue;
        kt_view_run(out, &style, run);
        g_autofree char *json = kt_view_run_json(run);
        g_assert_true(g_utf8_validate(json, -1, NULL));
    }
    g_assert_true(g_utf8_validate(all, -1, NULL));
    check_text(out);
}

static void
show_undo(GPtrArray *runs)
{
    static const KtStyle style = {.width = 80};
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GPtrArray) steps = kt_undo_steps(runs);
    kt_view_undo(out, &style, steps);
    check_text(out);
}

static void
tell(const KtJournalStep *step, guint index, guint total, gpointer user_data)
{
    (void)index, (void)total, (void)user_data;
    g_free(kt_step_describe(step));
}

/** Undone where no domain can be reached: steps of domains fail, those of files are done below the scratch
 * directory. */
static void
undo(GPtrArray *runs)
{
    KtTarget target = {.root = root};
    g_autoptr(GError) error = NULL;
    g_autoptr(KtReport) report = kt_undo(&target, journal, runs, tell, NULL, &error);
    fuzz_check_error(report != NULL, error);
    if (!report)
        return;
    static const KtStyle style = {.width = 80};
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_report(out, &style, report, NULL);
    check_text(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    g_autoptr(GError) error = NULL;
    fill(text);
    g_autoptr(GPtrArray) runs = kt_journal_runs(journal, &error);
    fuzz_check_error(runs != NULL, error);
    if (runs)
        show(runs);
    g_clear_error(&error);
    g_autoptr(GPtrArray) undoable = kt_journal_undoable(journal, &error);
    fuzz_check_error(undoable != NULL, error);
    if (!undoable)
        return 0;
    show(undoable);
    show_undo(undoable);
    undo(undoable);
    return 0;
}
