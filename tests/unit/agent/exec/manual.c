/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/manual.h"

#include "tests/unit/agent/exec/journal_fixture.h"

static KtJournalStep *
new_step(const char *uuid, const char *from, const char *to)
{
    KtJournalStep *step = kt_journal_step_new(KT_STEP_PIN);
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    step->domain_name = g_strdup(uuid);
    step->domain_uuid = g_strdup(uuid);
    step->process = g_strdup("1:1");
    action->setting = g_strdup("cpu.emulator");
    action->item = g_strdup("emulator");
    action->from = g_strdup(from);
    action->to = g_strdup(to);
    g_ptr_array_add(step->actions, action);
    return step;
}

/** A run of one step, from @began to @began + 1; with @undoes it undoes that one. */
static KtJournalStep *
run(JournalFixture *fixture, const char *verb, const char *from, const char *to, gint64 began,
    const KtJournalStep *undoes)
{
    g_autoptr(GError) error = NULL;
    gint64 number;
    KtJournalStep *step = new_step("u", from, to);
    kt_journal_begin_run(fixture->journal, verb, NULL, began, &number, &error);
    if (undoes) {
        step->undoes_run = undoes->run;
        step->undoes_seq = undoes->seq;
    }
    kt_journal_begin_step(fixture->journal, number, step, &error);
    step->result = undoes ? KT_RESULT_UNDONE : KT_RESULT_DONE;
    kt_journal_end_step(fixture->journal, step, undoes, &error);
    kt_journal_end_run(fixture->journal, number, began + 1, &error);
    g_assert_no_error(error);
    return step;
}

/** What was left at the pin, which is @from now, to a daemon at work since @since. */
static KtLeft *
find_where(JournalFixture *fixture, gint64 since, const char *from)
{
    g_autoptr(GError) error = NULL;
    KtAction action = {.setting = kt_setting_find(KT_SCOPE_DOMAIN, "cpu.emulator"),
                       .item = (char *)"emulator",
                       .from = (char *)from,
                       .kind = KT_STEP_PIN};
    KtLeft *left = NULL;
    kt_journal_find_left(fixture->journal, &action, "u", since, &left, &error);
    g_assert_no_error(error);
    return left;
}

static KtLeft *
find(JournalFixture *fixture, gint64 since)
{
    return find_where(fixture, since, NULL);
}

static void
test_newest_is_found(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_null(find(fixture, 0));
    G_GNUC_UNUSED g_autoptr(KtJournalStep) first = run(fixture, "apply", "0-3", "1", 10, NULL);
    g_autoptr(KtJournalStep) second = run(fixture, "daemon", "1", "2", 20, NULL);
    g_autoptr(KtLeft) left = find(fixture, 0);
    g_assert_cmpstr(left->value, ==, "2");
    g_assert_cmpstr(left->process, ==, "1:1");
    g_assert_cmpint(left->run, ==, second->run);
    g_assert_false(left->undone);
}

/** Killed before it could say so, or neither done nor undone: where it is what was wanted it was left so. */
static void
test_half_done(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    G_GNUC_UNUSED g_autoptr(KtJournalStep) first = run(fixture, "daemon", "0-3", "1", 10, NULL);
    g_autoptr(KtJournalStep) step = new_step("u", "1", "2");
    gint64 number;
    g_assert_true(kt_journal_begin_run(fixture->journal, "daemon", NULL, 20, &number, NULL));
    g_assert_true(kt_journal_begin_step(fixture->journal, number, step, NULL));
    g_autoptr(KtLeft) killed = find_where(fixture, 0, "2");
    g_autoptr(KtLeft) elsewhere = find_where(fixture, 0, "3");
    g_assert_cmpstr(killed->value, ==, "2");
    g_assert_cmpstr(elsewhere->value, ==, "1");

    step->result = KT_RESULT_FAILED;
    g_assert_true(kt_journal_end_step(fixture->journal, step, NULL, NULL));
    g_autoptr(KtLeft) failed = find_where(fixture, 0, "2");
    g_assert_cmpstr(failed->value, ==, "2");
}

/** To mend a run of the daemon's that was killed is not to want it otherwise. */
static void
test_mended(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    g_autoptr(KtJournalStep) killed = run(fixture, "daemon", "0-3", "1", 10, NULL);
    g_assert_true(kt_journal_end_run(fixture->journal, killed->run, 0, NULL));
    G_GNUC_UNUSED g_autoptr(KtJournalStep) undo = run(fixture, "rollback", "1", "0-3", 20, killed);
    g_autoptr(KtLeft) left = find(fixture, 30);
    g_assert_cmpstr(left->value, ==, "0-3");
    g_assert_false(left->undone);
}

/** Undone: what the daemon did, always; what apply did, only while the daemon is at work. */
static void
test_undone(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    G_GNUC_UNUSED g_autoptr(KtJournalStep) applied = run(fixture, "apply", "0-3", "1", 10, NULL);
    G_GNUC_UNUSED g_autoptr(KtJournalStep) undo = run(fixture, "rollback", "1", "0-3", 20, applied);
    g_autoptr(KtLeft) before = find(fixture, 30);
    g_autoptr(KtLeft) meanwhile = find(fixture, 15);
    g_assert_cmpstr(before->value, ==, "0-3");
    g_assert_false(before->undone);
    g_assert_true(meanwhile->undone);

    G_GNUC_UNUSED g_autoptr(KtJournalStep) kept = run(fixture, "daemon", "0-3", "2", 40, NULL);
    G_GNUC_UNUSED g_autoptr(KtJournalStep) again = run(fixture, "rollback", "2", "0-3", 50, kept);
    g_autoptr(KtLeft) later = find(fixture, 60);
    g_assert_true(later->undone);
}

/** A run that failed undoes itself before it ends: that is nobody's word. */
static void
test_undid_itself(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    g_autoptr(KtJournalStep) failed = run(fixture, "daemon", "0-3", "2", 10, NULL);
    G_GNUC_UNUSED g_autoptr(KtJournalStep) undo = run(fixture, "rollback", "2", "0-3", 11, failed);
    g_autoptr(GError) error = NULL;
    kt_journal_end_run(fixture->journal, failed->run, 13, &error);
    g_assert_no_error(error);
    g_autoptr(KtLeft) left = find(fixture, 0);
    g_assert_cmpstr(left->value, ==, "0-3");
    g_assert_false(left->undone);
}

static void
mark(JournalFixture *fixture, const char *uuid, const char *setting, const char *item)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) marks = g_ptr_array_new();
    KtManual manual = {.domain_uuid = (char *)uuid,
                       .domain_name = (char *)uuid,
                       .setting = (char *)setting,
                       .item = (char *)item,
                       .left = (char *)"1",
                       .since_usec = 5};
    g_ptr_array_add(marks, &manual);
    g_assert_true(kt_journal_mark_manual(fixture->journal, marks, &error));
    g_assert_no_error(error);
}

/** The mark of the pin, or of the host (@uuid NULL). */
static KtManual *
read_mark(JournalFixture *fixture, const char *uuid)
{
    g_autoptr(GPtrArray) marks = kt_journal_manual(fixture->journal, NULL);
    for (guint i = 0; i < marks->len; i++)
        if (g_strcmp0(((KtManual *)marks->pdata[i])->domain_uuid, uuid) == 0)
            return g_ptr_array_steal_index(marks, i);
    return NULL;
}

static void
test_marks(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    G_GNUC_UNUSED g_autoptr(KtJournalStep) kept = run(fixture, "daemon", "0-3", "1", 10, NULL);
    mark(fixture, "u", "cpu.emulator", "emulator");
    mark(fixture, NULL, "thp.enabled", NULL);
    g_autoptr(KtManual) of_domain = read_mark(fixture, "u");
    g_autoptr(KtManual) of_host = read_mark(fixture, NULL);
    g_assert_cmpstr(of_domain->item, ==, "emulator");
    g_assert_cmpstr(of_domain->left, ==, "1");
    g_assert_null(of_domain->found);
    g_assert_cmpint(of_domain->run, ==, kept->run);
    g_assert_null(of_host->item);
    g_assert_false(of_domain->released || of_host->released);

    g_assert_true(kt_journal_release(fixture->journal, "u", NULL));
    g_autoptr(KtManual) released = read_mark(fixture, "u");
    g_autoptr(KtManual) other = read_mark(fixture, NULL);
    g_assert_true(released->released);
    g_assert_false(other->released);
    g_assert_false(released->given_back);

    released->found = g_strdup("2");
    released->process = g_strdup("1:1");
    released->defined = g_strdup("3");
    g_assert_true(kt_journal_note_given_back(fixture->journal, released, NULL));
    g_autoptr(KtManual) given_back = read_mark(fixture, "u");
    g_assert_true(given_back->released && given_back->given_back);
    g_assert_cmpstr(given_back->found, ==, "2");
    g_assert_cmpstr(given_back->process, ==, "1:1");
    g_assert_cmpstr(given_back->defined, ==, "3");

    mark(fixture, "u", "cpu.emulator", "emulator");
    G_GNUC_UNUSED g_autoptr(KtManual) again = read_mark(fixture, "u");
    g_assert_false(again->released || again->given_back);
}

/** What is applied by hand later counts as released; what the daemon does elsewhere doesn't. */
static void
test_applied_later(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    G_GNUC_UNUSED g_autoptr(KtJournalStep) kept = run(fixture, "daemon", "0-3", "1", 10, NULL);
    mark(fixture, "u", "cpu.emulator", "emulator");
    mark(fixture, NULL, "thp.enabled", NULL);
    G_GNUC_UNUSED g_autoptr(KtJournalStep) daemon = run(fixture, "daemon", "2", "1", 20, NULL);
    g_autoptr(KtManual) before = read_mark(fixture, "u");
    g_assert_false(before->released);
    G_GNUC_UNUSED g_autoptr(KtJournalStep) applied = run(fixture, "apply", "2", "1", 30, NULL);
    g_autoptr(KtManual) after = read_mark(fixture, "u");
    g_autoptr(KtManual) host = read_mark(fixture, NULL);
    g_assert_true(after->released);
    g_assert_false(host->released);
}

/** What a look may have missed: other verbs' runs that have begun or ended since, not the daemon's. */
static void
test_others_ran(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    bool ran = true;
    G_GNUC_UNUSED g_autoptr(KtJournalStep) daemon = run(fixture, "daemon", "0-3", "1", G_MAXINT64 / 4, NULL);
    g_assert_true(kt_journal_others_ran_since(fixture->journal, 0, &ran, NULL));
    g_assert_false(ran);
    G_GNUC_UNUSED g_autoptr(KtJournalStep) applied = run(fixture, "apply", "1", "2", 30, NULL);
    g_assert_true(kt_journal_others_ran_since(fixture->journal, 30, &ran, NULL));
    g_assert_true(ran);
    g_assert_true(kt_journal_others_ran_since(fixture->journal, G_MAXINT64 / 2, &ran, NULL));
    g_assert_false(ran);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/manual/newest-is-found", JournalFixture, NULL, set_up, test_newest_is_found, tear_down);
    g_test_add("/manual/undone", JournalFixture, NULL, set_up, test_undone, tear_down);
    g_test_add("/manual/half-done", JournalFixture, NULL, set_up, test_half_done, tear_down);
    g_test_add("/manual/mended", JournalFixture, NULL, set_up, test_mended, tear_down);
    g_test_add("/manual/undid-itself", JournalFixture, NULL, set_up, test_undid_itself, tear_down);
    g_test_add("/manual/marks", JournalFixture, NULL, set_up, test_marks, tear_down);
    g_test_add("/manual/applied-later", JournalFixture, NULL, set_up, test_applied_later, tear_down);
    g_test_add("/manual/others-ran", JournalFixture, NULL, set_up, test_others_ran, tear_down);
    return g_test_run();
}
