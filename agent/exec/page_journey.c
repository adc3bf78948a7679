/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/page_journey.h"

#include "agent/exec/journal_database.h"
#include "agent/exec/step.h"
#include "base/error.h"

#define VERB "daemon"

GPtrArray *
kt_page_journeys_take(KtPlan *plan, const KtTarget *target)
{
    GPtrArray *taken = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_step_free);
    for (guint i = 0; i < plan->steps->len;) {
        const KtStep *step = plan->steps->pdata[i];
        if (step->kind != KT_STEP_PAGES) {
            i++;
            continue;
        }
        g_ptr_array_add(taken, kt_step_from_plan(plan, step, target));
        g_ptr_array_remove_index(plan->steps, i);
    }
    return taken;
}

/* The journal is read from disk: a step without nodes must not reach the kernel. */
KtCpuset *
kt_page_journey_nodes(const KtJournalStep *step, GError **error)
{
    const KtJournalAction *action = step->actions->len == 1 ? step->actions->pdata[0] : NULL;
    g_autoptr(KtCpuset) nodes = kt_cpuset_parse(action && action->to ? action->to : "", false, error);
    if (nodes && hwloc_bitmap_iszero(nodes)) {
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "domain %s: memory cannot move to no node",
                    step->domain_name);
        return NULL;
    }
    return g_steal_pointer(&nodes);
}

/* The newest of this guest's, where it is the same process on its way to the same nodes; *@ret_found stays as
 * it is where there is none. */
static bool
find_unfinished(KtJournal *journal, KtJournalStep *step, bool *ret_found, GError **error)
{
    static const char sql[] =
        "SELECT run, seq, from_value FROM (SELECT steps.*, from_value, to_value, verb FROM steps"
        " LEFT JOIN actions USING (run, seq) JOIN runs ON runs.id = run"
        " WHERE kind = 'pages' AND domain_uuid IS ?1"
        " ORDER BY run DESC, seq DESC LIMIT 1)"
        " WHERE to_undo AND undoes_run IS NULL AND verb = '" VERB
        "' AND result IN ('begun', 'failed', 'skipped')"
        " AND process IS ?2 AND to_value IS ?3";
    KtJournalAction *action = step->actions->len == 1 ? step->actions->pdata[0] : NULL;
    if (!action)
        return true;
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "sss", step->domain_uuid, step->process, action->to);
    if (!statement || !kt_statement_next(journal, statement, ret_found, error))
        return false;
    if (!*ret_found)
        return true;
    step->run = sqlite3_column_int64(statement, 0);
    step->seq = (guint)sqlite3_column_int64(statement, 1);
    g_free(action->from);
    action->from = kt_statement_text(statement, 2);
    return true;
}

/* It is under way again; what was moved before is to be undone, whatever comes. */
static bool
go_on(KtJournal *journal, KtJournalStep *step, GError **error)
{
    step->half_done = true;
    step->result = KT_RESULT_BEGUN;
    step->to_undo = true;
    return kt_journal_end_step(journal, step, NULL, error);
}

bool
kt_page_journey_begin(KtJournal *journal, const char *profile, KtJournalStep *step, GError **error)
{
    bool found = false;
    gint64 run;
    if (!find_unfinished(journal, step, &found, error))
        return false;
    if (found)
        return go_on(journal, step, error);
    if (!kt_journal_begin_run(journal, VERB, profile, g_get_real_time(), &run, error) ||
        !kt_journal_begin_step(journal, run, step, error))
        return false;
    /* It is closed before the journey ends. */
    step->journal = NULL;
    return kt_journal_end_run(journal, run, g_get_real_time(), error);
}

/* Whether the query, about @step, gives 1. */
static bool
ask(KtJournal *journal, const char *sql, const KtJournalStep *step, bool *ret_yes, GError **error)
{
    bool row = false;
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, sql, "iis", step->run, (gint64)step->seq, step->domain_uuid);
    if (!statement || !kt_statement_next(journal, statement, &row, error))
        return false;
    *ret_yes = row && sqlite3_column_int(statement, 0) != 0;
    return true;
}

bool
kt_page_journey_is_overtaken(KtJournal *journal, const KtJournalStep *step, bool *ret_is, GError **error)
{
    static const char sql[] =
        "SELECT NOT EXISTS (SELECT 1 FROM steps WHERE run = ?1 AND seq = ?2 AND to_undo)"
        " OR EXISTS (SELECT 1 FROM steps WHERE run > ?1 AND kind = 'pages' AND domain_uuid IS ?3)";
    return ask(journal, sql, step, ret_is, error);
}

#define KILLED                                                                                               \
    "kind = 'pages' AND result = 'begun' AND undoes_run IS NULL"                                             \
    " AND run IN (SELECT id FROM runs WHERE verb = '" VERB "')"

bool
kt_page_journey_was_killed(KtJournal *journal, bool *ret_was, GError **error)
{
    g_autoptr(sqlite3_stmt) statement =
        kt_statement_new(journal, error, "SELECT 1 FROM steps WHERE " KILLED " LIMIT 1", "");
    return statement && kt_statement_next(journal, statement, ret_was, error);
}

bool
kt_page_journeys_end_killed(KtJournal *journal, GError **error)
{
    return kt_database_exec(journal,
                            "UPDATE steps SET result = 'skipped', detail = 'the daemon was killed meanwhile'"
                            " WHERE " KILLED,
                            error);
}

bool
kt_page_journey_end(KtJournal *journal, KtJournalStep *step, KtResult result, bool to_undo,
                    const char *detail, GError **error)
{
    static const char sql[] =
        "SELECT EXISTS (SELECT 1 FROM steps WHERE run = ?1 AND seq = ?2 AND to_undo AND domain_uuid IS ?3)";
    bool stands;
    if (!ask(journal, sql, step, &stands, error))
        return false;
    if (!stands)
        return true;
    step->result = result;
    step->to_undo = to_undo || step->half_done;
    g_free(step->detail);
    step->detail = g_strdup(detail);
    return kt_journal_end_step(journal, step, NULL, error);
}
