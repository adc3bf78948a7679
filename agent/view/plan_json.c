/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/plan_json.h"

#include "agent/view/domain_json.h"
#include "agent/view/view.h"

char *
kt_target_name(const KtSnapshot *snapshot, gint domain)
{
    if (domain < 0)
        return g_strdup("host");
    const KtDomain *of = snapshot->domains->pdata[domain];
    return g_strconcat("domain:", of->name, NULL);
}

static json_t *
target_json(const KtPlan *plan, gint domain)
{
    g_autofree char *name = kt_target_name(plan->snapshot, domain);
    return kt_json_text(name);
}

json_t *
kt_host_json(const KtTopology *topology, const KtCpuset *housekeeping)
{
    json_t *host = json_object();
    json_object_set_new(host, "cpus", json_integer(topology->n_pus));
    json_object_set_new(host, "cores", json_integer(topology->n_cores));
    json_object_set_new(host, "numa_nodes", json_integer(topology->n_nodes));
    json_object_set_new(host, "l3_groups", json_integer(topology->n_l3));
    json_object_set_new(host, "allowed", kt_json_set(topology->placeable));
    if (topology->note)
        json_object_set_new(host, "note", kt_json_text(topology->note));
    if (housekeeping)
        json_object_set_new(host, "housekeeping", kt_json_set(housekeeping));
    return host;
}

static json_t *
action_json(const KtPlan *plan, const KtAction *action)
{
    json_t *json = json_object();
    json_object_set_new(json, "id", json_integer(action->id));
    json_object_set_new(json, "target", target_json(plan, action->domain));
    json_object_set_new(json, "setting", kt_json_text(action->setting->key));
    json_object_set_new(json, "item", kt_json_text(action->item));
    json_object_set_new(json, "from", kt_json_text(action->from));
    json_object_set_new(json, "to", kt_json_text(action->to));
    json_object_set_new(json, "when", json_string(kt_when_name(action->when)));
    json_object_set_new(json, "risk", json_string(kt_risk_name(action->risk)));
    json_object_set_new(json, "reason", kt_json_text(action->reason));
    json_object_set_new(json, "source", kt_json_text(action->source));
    return json;
}

json_t *
kt_plan_actions_json(const KtPlan *plan)
{
    json_t *list = json_array();
    for (guint i = 0; i < plan->actions->len; i++)
        json_array_append_new(list, action_json(plan, plan->actions->pdata[i]));
    return list;
}

static json_t *
refused_json(const KtPlan *plan)
{
    json_t *list = json_array();
    for (guint i = 0; i < plan->refused->len; i++) {
        const KtRefusal *refusal = plan->refused->pdata[i];
        json_t *json = json_object();
        json_object_set_new(json, "target", target_json(plan, refusal->domain));
        json_object_set_new(json, "setting", kt_json_text(refusal->setting->key));
        json_object_set_new(json, "item", kt_json_text(refusal->item));
        json_object_set_new(json, "reason", kt_json_text(refusal->reason));
        json_object_set_new(json, "source", kt_json_text(refusal->source));
        json_array_append_new(list, json);
    }
    return list;
}

json_t *
kt_plan_pending_json(const KtPlan *plan)
{
    json_t *list = json_array();
    for (guint i = 0; i < plan->n_domains; i++) {
        const GPtrArray *pending = plan->domains[i].pending;
        for (guint k = 0; k < pending->len; k++) {
            json_t *json = json_object();
            json_object_set_new(json, "target", target_json(plan, (gint)i));
            json_object_update_new(json, kt_pending_json(pending->pdata[k]));
            json_array_append_new(list, json);
        }
    }
    return list;
}

json_t *
kt_cost_json(const KtCost *cost)
{
    json_t *json = json_object();
    json_object_set_new(json, "total", json_real(cost->total));
    json_object_set_new(json, "locality", json_real(cost->locality));
    json_object_set_new(json, "memory", json_real(cost->memory));
    json_object_set_new(json, "devices", json_real(cost->devices));
    json_object_set_new(json, "siblings", json_real(cost->siblings));
    json_object_set_new(json, "kinds", json_real(cost->kinds));
    json_object_set_new(json, "contention", json_real(cost->contention));
    json_object_set_new(json, "crowding", json_real(cost->crowding));
    json_object_set_new(json, "moves", json_integer(cost->moves));
    json_object_set_new(json, "moved_gib", json_real(cost->moved_gib));
    return json;
}

json_t *
kt_plan_json(const KtPlan *plan)
{
    json_t *document = kt_json_document();
    json_object_set_new(document, "host", kt_host_json(plan->snapshot->topology, plan->housekeeping));
    json_t *domains = json_array();
    for (guint i = 0; i < plan->n_domains; i++)
        json_array_append_new(domains, kt_planned_domain_json(plan, i));
    json_object_set_new(document, "domains", domains);
    json_object_set_new(document, "actions", kt_plan_actions_json(plan));
    json_object_set_new(document, "refused", refused_json(plan));
    json_object_set_new(document, "cost", kt_cost_json(&plan->cost));
    json_object_set_new(document, "cost_before", kt_cost_json(&plan->cost_before));
    return document;
}

char *
kt_view_plan_json(const KtPlan *plan)
{
    return kt_json_dump(kt_plan_json(plan));
}

char *
kt_view_drift_json(const KtPlan *plan)
{
    json_t *document = kt_plan_json(plan);
    json_object_set_new(document, "drift", kt_plan_actions_json(plan));
    json_object_set_new(document, "pending", kt_plan_pending_json(plan));
    return kt_json_dump(document);
}
