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

bool
kt_page_journey_begin(KtJournal *journal, const char *profile, KtJournalStep *step, GError **error)
{
    gint64 run;
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
    step->to_undo = to_undo;
    g_free(step->detail);
    step->detail = g_strdup(detail);
    return kt_journal_end_step(journal, step, NULL, error);
}
