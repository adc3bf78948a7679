/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/journal.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/unit/fake_root.h"

/** A state directory that isn't there yet, in a directory of its own. */
typedef struct {
    FakeHost *host;
    char *state;
    char *database;
} Place;

static Place *
place_new(void)
{
    Place *place = g_new0(Place, 1);
    place->host = fake_host_new(NULL);
    place->state = g_build_filename(place->host->directory, "state", NULL);
    place->database = g_build_filename(place->state, "state.db", NULL);
    return place;
}

static void
place_free(Place *place)
{
    fake_host_free(place->host);
    g_free(place->state);
    g_free(place->database);
    g_free(place);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Place, place_free)

static KtJournal *
must_open(const Place *place, KtJournalMode mode)
{
    g_autoptr(GError) error = NULL;
    KtJournal *journal = kt_journal_open(place->state, mode, &error);
    g_assert_no_error(error);
    return journal;
}

/** Asserts that it can't be opened, and that the message has @part. */
static void
assert_refused(const Place *place, KtJournalMode mode, KtErrorCode code, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtJournal) journal = kt_journal_open(place->state, mode, &error);
    g_assert_null(journal);
    g_assert_error(error, KT_ERROR, (gint)code);
    if (!strstr(error->message, part))
        g_error("'%s' does not have '%s'", error->message, part);
}

static void
run_sql(const Place *place, const char *sql)
{
    sqlite3 *db;
    g_assert_cmpint(sqlite3_open(place->database, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(db);
}

static KtJournalStep *
sample_step(void)
{
    KtJournalStep *step = kt_journal_step_new(KT_STEP_SYSFS);
    step->path = g_strdup("sys/x");
    step->before = g_strdup("0");
    step->target = g_strdup("1");
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    action->id = 7;
    action->setting = g_strdup("ksm.mode");
    action->from = g_strdup("off");
    action->to = g_strdup("'); DROP TABLE runs; --");
    action->when = g_strdup("now");
    action->field = KT_XML_DISK_CACHE;
    g_ptr_array_add(step->actions, action);
    return step;
}

static gint64
begin_run(KtJournal *journal)
{
    g_autoptr(GError) error = NULL;
    gint64 run = 0;
    g_assert_true(kt_journal_begin_run(journal, "apply", "x.conf", 1000, &run, &error));
    g_assert_no_error(error);
    return run;
}

static KtJournalStep *
begin_step(KtJournal *journal, gint64 run)
{
    g_autoptr(GError) error = NULL;
    KtJournalStep *step = sample_step();
    g_assert_true(kt_journal_begin_step(journal, run, step, &error));
    g_assert_no_error(error);
    return step;
}

static void
test_absent_is_empty(void)
{
    /* given no state directory, when it is read, then it is an empty journal and nothing is made */
    g_autoptr(Place) place = place_new();
    g_autoptr(KtJournal) journal = must_open(place, KT_JOURNAL_READ);
    g_autoptr(GPtrArray) runs = kt_journal_runs(journal, NULL);
    g_assert_cmpuint(runs->len, ==, 0);
    g_autoptr(GPtrArray) undoable = kt_journal_undoable(journal, NULL);
    g_assert_cmpuint(undoable->len, ==, 0);
    g_assert_false(g_file_test(place->state, G_FILE_TEST_EXISTS));
}

static void
test_unknown_run(void)
{
    g_autoptr(Place) place = place_new();
    g_autoptr(KtJournal) journal = must_open(place, KT_JOURNAL_READ);
    g_autoptr(GError) error = NULL;
    g_assert_null(kt_journal_run(journal, 12, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "12"));
}

static void
test_modes(void)
{
    /* given a lax umask, when it is made, then nobody else can read it */
    g_autoptr(Place) place = place_new();
    mode_t mask = umask(0);
    kt_journal_close(must_open(place, KT_JOURNAL_WRITE));
    umask(mask);
    struct stat status;
    g_assert_cmpint(stat(place->state, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 07777, ==, 0700);
    g_assert_cmpint(stat(place->database, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 07777, ==, 0600);
}

static void
test_round_trip(void)
{
    /* given a run with a step that ended */
    g_autoptr(Place) place = place_new();
    g_autoptr(KtJournal) journal = must_open(place, KT_JOURNAL_WRITE);
    gint64 run = begin_run(journal);
    g_autoptr(KtJournalStep) step = begin_step(journal, run);
    step->result = KT_RESULT_DONE;
    step->after = g_strdup("1");
    g_assert_true(kt_journal_end_step(journal, step, NULL, NULL));
    g_assert_true(kt_journal_end_run(journal, run, 2000, NULL));
    g_clear_pointer(&journal, kt_journal_close);

    /* when it is read anew, then all of it is there */
    journal = must_open(place, KT_JOURNAL_READ);
    g_autoptr(KtJournalRun) read = kt_journal_run(journal, run, NULL);
    g_assert_cmpstr(read->verb, ==, "apply");
    g_assert_cmpstr(read->profile, ==, "x.conf");
    g_assert_cmpint(read->started_usec, ==, 1000);
    g_assert_cmpint(read->finished_usec, ==, 2000);
    g_assert_cmpuint(read->n_actions, ==, 1);
    g_assert_cmpuint(read->n_to_undo, ==, 1);
    g_assert_false(read->undone);
    g_assert_cmpuint(read->steps->len, ==, 1);
    const KtJournalStep *found = g_ptr_array_index(read->steps, 0);
    g_assert_cmpuint(found->seq, ==, 1);
    g_assert_cmpstr(found->path, ==, "sys/x");
    g_assert_cmpstr(found->before, ==, "0");
    g_assert_cmpstr(found->target, ==, "1");
    g_assert_cmpstr(found->after, ==, "1");
    g_assert_cmpint(found->result, ==, KT_RESULT_DONE);
    g_assert_true(found->to_undo);
    const KtJournalAction *action = g_ptr_array_index(found->actions, 0);
    g_assert_cmpuint(action->id, ==, 7);
    g_assert_cmpstr(action->setting, ==, "ksm.mode");
    g_assert_null(action->item);
    g_assert_cmpstr(action->to, ==, "'); DROP TABLE runs; --");
    g_assert_cmpint(action->field, ==, KT_XML_DISK_CACHE);
}

static void
test_begun_survives_a_crash(void)
{
    /* given a step that was begun, and a process that ends there without a word */
    g_autoptr(Place) place = place_new();
    pid_t child = fork();
    if (child == 0) {
        KtJournal *journal = kt_journal_open(place->state, KT_JOURNAL_WRITE, NULL);
        begin_step(journal, begin_run(journal));
        _exit(0);
    }
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);

    /* then the next one can take the lock, and finds it half done */
    g_autoptr(KtJournal) journal = must_open(place, KT_JOURNAL_WRITE);
    g_autoptr(GPtrArray) runs = kt_journal_undoable(journal, NULL);
    g_assert_cmpuint(runs->len, ==, 1);
    const KtJournalRun *run = g_ptr_array_index(runs, 0);
    g_assert_cmpint(run->finished_usec, ==, 0);
    g_assert_cmpuint(run->n_to_undo, ==, 1);
    g_assert_cmpint(((KtJournalStep *)g_ptr_array_index(run->steps, 0))->result, ==, KT_RESULT_BEGUN);
}

static void
test_undone_in_one_transaction(void)
{
    /* given a done step and a rollback's step that undoes it */
    g_autoptr(Place) place = place_new();
    g_autoptr(KtJournal) journal = must_open(place, KT_JOURNAL_WRITE);
    g_autoptr(KtJournalStep) step = begin_step(journal, begin_run(journal));
    step->result = KT_RESULT_DONE;
    g_assert_true(kt_journal_end_step(journal, step, NULL, NULL));
    gint64 rollback = 0;
    g_assert_true(kt_journal_begin_run(journal, "rollback", NULL, 3000, &rollback, NULL));
    g_autoptr(KtJournalStep) inverse = sample_step();
    inverse->undoes_run = step->run;
    inverse->undoes_seq = step->seq;
    g_assert_true(kt_journal_begin_step(journal, rollback, inverse, NULL));
    g_assert_false(inverse->to_undo);
    inverse->result = KT_RESULT_UNDONE;

    /* when that one ends, then the older one has nothing left, and its run is undone */
    g_assert_true(kt_journal_end_step(journal, inverse, step, NULL));
    g_autoptr(KtJournalRun) run = kt_journal_run(journal, step->run, NULL);
    g_assert_true(run->undone);
    g_assert_cmpint(((KtJournalStep *)g_ptr_array_index(run->steps, 0))->result, ==, KT_RESULT_UNDONE);
    g_autoptr(GPtrArray) undoable = kt_journal_undoable(journal, NULL);
    g_assert_cmpuint(undoable->len, ==, 0);
    g_autoptr(GPtrArray) runs = kt_journal_runs(journal, NULL);
    g_assert_cmpuint(runs->len, ==, 2);
    g_assert_cmpstr(((KtJournalRun *)g_ptr_array_index(runs, 0))->verb, ==, "rollback");
}

static void
test_lock(void)
{
    /* given another process that holds the lock, and has said for what */
    g_autoptr(Place) place = place_new();
    int ready[2], finish[2];
    g_assert_cmpint(pipe(ready) + pipe(finish), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        char byte = 0;
        KtJournal *journal = kt_journal_open(place->state, KT_JOURNAL_WRITE, NULL);
        kt_journal_announce(journal, "apply");
        close(finish[1]);
        _exit(journal && write(ready[1], &byte, 1) == 1 && read(finish[0], &byte, 1) == 0 ? 0 : 1);
    }
    char byte;
    close(ready[1]);
    g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);

    /* then a second writer is refused and told by whom, a reader isn't */
    g_autofree char *holder = g_strdup_printf("held by kvm-tune apply, pid %d, since 2", (int)child);
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_HELD, holder);
    g_autoptr(KtJournal) reader = must_open(place, KT_JOURNAL_READ);
    g_assert_nonnull(reader);

    /* and when it ends, the lock is free */
    int status;
    close(finish[1]);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    g_autoptr(KtJournal) writer = must_open(place, KT_JOURNAL_WRITE);
    g_assert_nonnull(writer);
    close(ready[0]);
    close(finish[0]);
}

static void
test_reader_writes_nothing(void)
{
    g_autoptr(Place) place = place_new();
    kt_journal_close(must_open(place, KT_JOURNAL_WRITE));
    g_autoptr(KtJournal) reader = must_open(place, KT_JOURNAL_READ);
    g_autoptr(GError) error = NULL;
    gint64 run = 0;
    g_assert_false(kt_journal_begin_run(reader, "apply", NULL, 1, &run, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_ACCESS);
}

static void
test_newer_schema(void)
{
    g_autoptr(Place) place = place_new();
    kt_journal_close(must_open(place, KT_JOURNAL_WRITE));
    run_sql(place, "PRAGMA user_version = 99");
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_UNSUPPORTED, "version 99");
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_UNSUPPORTED, "up to version 8");
    assert_refused(place, KT_JOURNAL_READ, KT_ERROR_UNSUPPORTED, "version 99");
}

/** The first number that @sql gives from the file. */
static int
sql_number(const Place *place, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    g_assert_cmpint(sqlite3_open(place->database, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_step(statement), ==, SQLITE_ROW);
    int number = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

static void
test_older_schema(void)
{
    /* given a journal of version 1, which had no parts, with a step */
    g_autoptr(Place) place = place_new();
    KtJournal *journal = must_open(place, KT_JOURNAL_WRITE);
    kt_journal_step_free(begin_step(journal, begin_run(journal)));
    kt_journal_close(journal);
    run_sql(
        place,
        "DROP TABLE parts; DROP TABLE samples; DROP TABLE metrics; DROP TABLE benchmarks; DROP TABLE manual; "
        "DROP INDEX steps_left; DROP TABLE pruned; DROP TABLE loads; DROP TABLE failures; "
        "PRAGMA user_version = 1");

    /* when it is read, then the step is there, and the file stays as it is */
    KtJournal *reader = must_open(place, KT_JOURNAL_READ);
    g_autoptr(KtJournalRun) read = kt_journal_run(reader, 1, NULL);
    g_assert_cmpuint(read->steps->len, ==, 1);
    kt_journal_close(reader);
    g_assert_cmpint(sql_number(place, "PRAGMA user_version"), ==, 1);

    /* when it is written, then it becomes a new one, with the same step, which has no part */
    g_autoptr(KtJournal) writer = must_open(place, KT_JOURNAL_WRITE);
    g_assert_cmpint(sql_number(place, "PRAGMA user_version"), ==, 8);
    g_assert_cmpint(sql_number(place, "SELECT COUNT(*) FROM parts"), ==, 0);
    g_autoptr(GPtrArray) runs = kt_journal_undoable(writer, NULL);
    g_assert_cmpuint(runs->len, ==, 1);
    const KtJournalRun *run = g_ptr_array_index(runs, 0);
    g_assert_null(((KtJournalStep *)g_ptr_array_index(run->steps, 0))->part);
}

static void
assert_part(KtJournal *journal, gint64 run, const char *name, const char *note, bool done)
{
    g_autoptr(KtJournalRun) read = kt_journal_run(journal, run, NULL);
    const KtJournalPart *part = ((KtJournalStep *)g_ptr_array_index(read->steps, 0))->part;
    g_assert_cmpstr(part->name, ==, name);
    g_assert_cmpstr(part->note, ==, note);
    g_assert_cmpint(part->done, ==, done);
}

static void
test_parts(void)
{
    /* given a step: its parts are there as they begin and end */
    g_autoptr(Place) place = place_new();
    g_autoptr(KtJournal) journal = must_open(place, KT_JOURNAL_WRITE);
    g_autoptr(KtJournalStep) step = begin_step(journal, begin_run(journal));
    g_assert_true(kt_journal_begin_part(step, "save", "a note", NULL));
    assert_part(journal, step->run, "save", "a note", false);
    g_assert_true(kt_journal_is_half_way(step, "save"));
    g_assert_true(kt_journal_end_part(step, NULL));
    assert_part(journal, step->run, "save", "a note", true);
    g_assert_true(kt_journal_is_half_way(step, "resume"));
    g_assert_true(kt_journal_begin_part(step, "resume", NULL, NULL));
    assert_part(journal, step->run, "resume", NULL, false);
    g_assert_cmpint(sql_number(place, "SELECT SUM(done) FROM parts"), ==, 1);

    /* when its undo begins, then that says how far it is only from its first part on */
    gint64 rollback = 0;
    g_assert_true(kt_journal_begin_run(journal, "rollback", NULL, 3000, &rollback, NULL));
    g_autoptr(KtJournalStep) inverse = sample_step();
    inverse->undoes_run = step->run;
    inverse->undoes_seq = step->seq;
    g_assert_true(kt_journal_begin_step(journal, rollback, inverse, NULL));
    assert_part(journal, step->run, "resume", NULL, false);
    g_assert_true(kt_journal_begin_part(inverse, "edit", NULL, NULL));
    assert_part(journal, step->run, "edit", NULL, false);
    assert_part(journal, rollback, "edit", NULL, false);
}

static void
test_part_not_recorded(void)
{
    /* given a step that isn't in a journal: how far it came is known as well */
    g_autoptr(KtJournalStep) step = sample_step();
    g_assert_false(kt_journal_is_half_way(step, "save"));
    g_assert_true(kt_journal_begin_part(step, "save", NULL, NULL));
    g_assert_true(kt_journal_is_half_way(step, "save"));
    g_assert_true(kt_journal_end_part(step, NULL));
    g_assert_false(kt_journal_is_half_way(step, "save"));
}

static gpointer
record_parts(gpointer data)
{
    for (guint i = 0; i < 20; i++) {
        g_assert_true(kt_journal_begin_part(data, "off", NULL, NULL));
        g_assert_true(kt_journal_end_part(data, NULL));
    }
    return NULL;
}

static void
test_parts_at_the_same_time(void)
{
    g_autoptr(Place) place = place_new();
    g_autoptr(KtJournal) journal = must_open(place, KT_JOURNAL_WRITE);
    gint64 run = begin_run(journal);
    KtJournalStep *steps[4];
    GThread *threads[4];
    for (guint i = 0; i < G_N_ELEMENTS(steps); i++)
        steps[i] = begin_step(journal, run);
    for (guint i = 0; i < G_N_ELEMENTS(steps); i++)
        threads[i] = g_thread_new("step", record_parts, steps[i]);
    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_thread_join(threads[i]);
        kt_journal_step_free(steps[i]);
    }
    g_assert_cmpint(sql_number(place, "SELECT COUNT(*) FROM parts WHERE done"), ==, 80);
}

static void
test_empty_file(void)
{
    /* given a program that was killed between making the file and its schema */
    g_autoptr(Place) place = place_new();
    g_assert_cmpint(g_mkdir(place->state, 0700), ==, 0);
    g_assert_true(g_file_set_contents_full(place->database, "", 0, G_FILE_SET_CONTENTS_NONE, 0600, NULL));

    /* then a reader finds an empty journal and leaves the file alone, and a writer goes on */
    KtJournal *reader = must_open(place, KT_JOURNAL_READ);
    g_autoptr(GPtrArray) runs = kt_journal_runs(reader, NULL);
    g_assert_cmpuint(runs->len, ==, 0);
    kt_journal_close(reader);
    GStatBuf status;
    g_assert_cmpint(g_stat(place->database, &status), ==, 0);
    g_assert_cmpint(status.st_size, ==, 0);
    g_autoptr(KtJournal) writer = must_open(place, KT_JOURNAL_WRITE);
    g_assert_cmpint(begin_run(writer), ==, 1);
}

static void
test_not_a_database(void)
{
    g_autoptr(Place) place = place_new();
    g_autofree char *text = g_strnfill(8192, 'x');
    g_assert_cmpint(g_mkdir(place->state, 0700), ==, 0);
    g_assert_true(g_file_set_contents_full(place->database, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    assert_refused(place, KT_JOURNAL_READ, KT_ERROR_IO, "state.db.damaged");
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_IO, "state.db.damaged");
}

static void
test_broken_pages(void)
{
    /* given a journal whose pages behind the first are overwritten */
    g_autoptr(Place) place = place_new();
    KtJournal *journal = must_open(place, KT_JOURNAL_WRITE);
    kt_journal_step_free(begin_step(journal, begin_run(journal)));
    kt_journal_close(journal);
    g_autofree char *contents = NULL;
    gsize length;
    g_assert_true(g_file_get_contents(place->database, &contents, &length, NULL));
    g_assert_cmpuint(length, >, 8192);
    memset(contents + 4096, 0xa5, length - 4096);
    g_assert_true(
        g_file_set_contents_full(place->database, contents, length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));

    /* then writing to it and reading it are refused with the way out: a part of the schema is gone, too */
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_IO, "state.db.damaged");
    assert_refused(place, KT_JOURNAL_READ, KT_ERROR_IO, "state.db.damaged");
}

static void
test_foreign_names(void)
{
    /* given a step of a kind that this program doesn't know */
    g_autoptr(Place) place = place_new();
    KtJournal *journal = must_open(place, KT_JOURNAL_WRITE);
    kt_journal_step_free(begin_step(journal, begin_run(journal)));
    kt_journal_close(journal);
    run_sql(place, "UPDATE steps SET kind = 'teleport'");
    g_autoptr(KtJournal) reader = must_open(place, KT_JOURNAL_READ);
    g_autoptr(GError) error = NULL;
    g_assert_null(kt_journal_undoable(reader, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_UNSUPPORTED);
    g_assert_nonnull(strstr(error->message, "teleport"));
}

static void
test_rights_of_directory(void)
{
    g_autoptr(Place) place = place_new();
    kt_journal_close(must_open(place, KT_JOURNAL_WRITE));
    g_assert_cmpint(g_chmod(place->state, 0770), ==, 0);
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_ACCESS, "mode is 0770");
    assert_refused(place, KT_JOURNAL_READ, KT_ERROR_ACCESS, "mode is 0770");
}

static void
test_rights_of_file(void)
{
    g_autoptr(Place) place = place_new();
    kt_journal_close(must_open(place, KT_JOURNAL_WRITE));
    g_assert_cmpint(g_chmod(place->database, 0644), ==, 0);
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_ACCESS, "mode is 0644");
}

static void
test_foreign_owner(void)
{
    if (geteuid() != 0) {
        g_test_skip("only root can give a directory away");
        return;
    }
    g_autoptr(Place) place = place_new();
    kt_journal_close(must_open(place, KT_JOURNAL_WRITE));
    g_assert_cmpint(chown(place->state, 12345, 12345), ==, 0);
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_ACCESS, "belongs to user 12345");
    g_assert_cmpint(chown(place->state, 0, 0), ==, 0);
    g_assert_cmpint(chown(place->database, 12345, 12345), ==, 0);
    assert_refused(place, KT_JOURNAL_READ, KT_ERROR_ACCESS, "belongs to user 12345");
}

static void
test_links(void)
{
    /* given a link in the place of the directory: not followed, with a slash at its end neither */
    g_autoptr(Place) place = place_new();
    g_autofree char *elsewhere = g_build_filename(place->host->directory, "elsewhere", NULL);
    g_autofree char *plain = g_strdup(place->state);
    g_assert_cmpint(g_mkdir(elsewhere, 0700), ==, 0);
    g_assert_cmpint(symlink(elsewhere, place->state), ==, 0);
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_ACCESS, "not a link");
    g_free(place->state);
    place->state = g_strconcat(plain, "/", NULL);
    assert_refused(place, KT_JOURNAL_READ, KT_ERROR_ACCESS, "not a link");

    /* given one in the place of the database, or of the lock */
    g_assert_cmpint(unlink(plain), ==, 0);
    g_assert_cmpint(g_mkdir(plain, 0700), ==, 0);
    g_assert_cmpint(symlink("/etc/passwd", place->database), ==, 0);
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_ACCESS, "plain file");
    g_assert_cmpint(unlink(place->database), ==, 0);
    g_autofree char *lock = g_build_filename(plain, "lock", NULL);
    g_assert_cmpint(unlink(lock), ==, 0);
    g_assert_cmpint(symlink(elsewhere, lock), ==, 0);
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_IO, "lock");
}

static void
test_second_name(void)
{
    /* given a database that has a second name somewhere else */
    g_autoptr(Place) place = place_new();
    kt_journal_close(must_open(place, KT_JOURNAL_WRITE));
    g_autofree char *other = g_build_filename(place->host->directory, "other.db", NULL);
    g_assert_cmpint(link(place->database, other), ==, 0);
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_ACCESS, "one name");
}

static void
test_pipe_as_database(void)
{
    /* given a pipe in the place of the database: nobody waits for its other end */
    g_autoptr(Place) place = place_new();
    g_assert_cmpint(g_mkdir(place->state, 0700), ==, 0);
    g_assert_cmpint(mkfifo(place->database, 0600), ==, 0);
    assert_refused(place, KT_JOURNAL_READ, KT_ERROR_ACCESS, "plain file");
}

static void
test_no_parent(void)
{
    g_autoptr(Place) place = place_new();
    g_free(place->state);
    place->state = g_build_filename(place->host->directory, "no", "where", NULL);
    assert_refused(place, KT_JOURNAL_WRITE, KT_ERROR_IO, "no/where");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/journal/absent-is-empty", test_absent_is_empty);
    g_test_add_func("/journal/unknown-run", test_unknown_run);
    g_test_add_func("/journal/modes", test_modes);
    g_test_add_func("/journal/round-trip", test_round_trip);
    g_test_add_func("/journal/begun-survives-a-crash", test_begun_survives_a_crash);
    g_test_add_func("/journal/undone-in-one-transaction", test_undone_in_one_transaction);
    g_test_add_func("/journal/lock", test_lock);
    g_test_add_func("/journal/reader-writes-nothing", test_reader_writes_nothing);
    g_test_add_func("/journal/newer-schema", test_newer_schema);
    g_test_add_func("/journal/older-schema", test_older_schema);
    g_test_add_func("/journal/parts", test_parts);
    g_test_add_func("/journal/part-not-recorded", test_part_not_recorded);
    g_test_add_func("/journal/parts-at-the-same-time", test_parts_at_the_same_time);
    g_test_add_func("/journal/empty-file", test_empty_file);
    g_test_add_func("/journal/not-a-database", test_not_a_database);
    g_test_add_func("/journal/broken-pages", test_broken_pages);
    g_test_add_func("/journal/foreign-names", test_foreign_names);
    g_test_add_func("/journal/rights-of-directory", test_rights_of_directory);
    g_test_add_func("/journal/rights-of-file", test_rights_of_file);
    g_test_add_func("/journal/foreign-owner", test_foreign_owner);
    g_test_add_func("/journal/links", test_links);
    g_test_add_func("/journal/second-name", test_second_name);
    g_test_add_func("/journal/pipe-as-database", test_pipe_as_database);
    g_test_add_func("/journal/no-parent", test_no_parent);
    return g_test_run();
}
