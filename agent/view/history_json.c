/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/history_json.h"

#include "agent/view/step_parts.h"
#include "agent/view/view.h"

/* Times in JSON are RFC 3339, in UTC. */
static json_t *
time_json(gint64 usec)
{
    if (usec == 0)
        return json_null();
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(usec / G_USEC_PER_SEC);
    g_autofree char *text = time ? g_date_time_format_iso8601(time) : NULL;
    return text ? json_string(text) : json_null();
}

static json_t *
run_json(const KtJournalRun *run)
{
    json_t *json = json_object();
    json_object_set_new(json, "run", json_integer(run->id));
    json_object_set_new(json, "verb", kt_json_text(run->verb));
    json_object_set_new(json, "profile", kt_json_text(run->profile));
    json_object_set_new(json, "started", time_json(run->started_usec));
    json_object_set_new(json, "finished", time_json(run->finished_usec));
    json_object_set_new(json, "state", json_string(kt_view_run_state(run)));
    json_object_set_new(json, "changes", json_integer(run->n_actions));
    return json;
}

static json_t *
action_json(const KtJournalStep *step, const KtJournalAction *action)
{
    g_autofree char *target =
        step->domain_name ? g_strconcat("domain:", step->domain_name, NULL) : g_strdup("host");
    json_t *json = json_object();
    json_object_set_new(json, "id", json_integer(action->id));
    json_object_set_new(json, "target", kt_json_text(target));
    json_object_set_new(json, "setting", kt_json_text(action->setting));
    json_object_set_new(json, "item", kt_json_text(action->item));
    json_object_set_new(json, "from", kt_json_text(action->from));
    json_object_set_new(json, "to", kt_json_text(action->to));
    json_object_set_new(json, "when", kt_json_text(action->when));
    json_object_set_new(json, "risk", kt_json_text(action->risk));
    json_object_set_new(json, "reason", kt_json_text(action->reason));
    json_object_set_new(json, "source", kt_json_text(action->source));
    KtResult result = kt_journal_action_was_left(action) ? KT_RESULT_SKIPPED : step->result;
    json_object_set_new(json, "result", json_string(kt_result_name(result)));
    g_autofree char *detail = kt_view_step_detail(step);
    json_object_set_new(json, "detail", kt_json_text(detail));
    return json;
}

json_t *
kt_step_actions_json(const KtJournalStep *step)
{
    json_t *list = json_array();
    for (guint i = 0; i < step->actions->len; i++)
        json_array_append_new(list, action_json(step, step->actions->pdata[i]));
    return list;
}

char *
kt_view_runs_json(GPtrArray *runs, const KtPruned *pruned)
{
    json_t *document = kt_json_document();
    json_t *list = json_array();
    for (guint i = 0; i < runs->len; i++)
        json_array_append_new(list, run_json(runs->pdata[i]));
    json_object_set_new(document, "runs", list);
    json_object_set_new(document, "pruned",
                        pruned->upto == 0 ? json_null()
                                          : json_pack("{s:I, s:I}", "upto", (json_int_t)pruned->upto, "runs",
                                                      (json_int_t)pruned->n_runs));
    return kt_json_dump(document);
}

char *
kt_view_run_json(const KtJournalRun *run)
{
    json_t *document = kt_json_document();
    json_object_update_new(document, run_json(run));
    json_t *actions = json_array();
    for (guint i = 0; run->steps && i < run->steps->len; i++) {
        g_autoptr(json_t) of_step = kt_step_actions_json(run->steps->pdata[i]);
        json_array_extend(actions, of_step);
    }
    json_object_set_new(document, "actions", actions);
    return kt_json_dump(document);
}
