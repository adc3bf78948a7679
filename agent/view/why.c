/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/why.h"

#include <math.h>

#include "agent/view/json.h"
#include "agent/view/plan_json.h"
#include "agent/view/status_parts.h"
#include "base/diagnostic.h"

/* How many other seats are told. */
#define MOST_TOLD 6
/* Differences of less are rounding. */
#define LEAST_DIFFERENCE 0.05

static const KtSeat *
seat_of(const KtWhy *why, const KtAlternative *it)
{
    return &it->placement->seats[why->domain];
}

/* All CPUs of a seat, for people. */
static char *
cpus_of(const KtSeat *seat)
{
    g_autoptr(KtCpuset) cpus = hwloc_bitmap_alloc();
    for (guint i = 0; i < seat->n_vcpus; i++)
        hwloc_bitmap_or(cpus, cpus, seat->vcpus[i]);
    return kt_cpuset_format(cpus);
}

/* "crowding +3.0, siblings −12.0" */
static void
append_parts(GString *text, const KtCost *cost, const KtCost *present)
{
    const struct {
        const char *name;
        double difference;
    } parts[] = {
        {"locality", cost->locality - present->locality},
        {"memory", cost->memory - present->memory},
        {"devices", cost->devices - present->devices},
        {"siblings", cost->siblings - present->siblings},
        {"kinds", cost->kinds - present->kinds},
        {"contention", cost->contention - present->contention},
        {"crowding", cost->crowding - present->crowding},
    };
    const char *separator = ": ";
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (fabs(parts[i].difference) < LEAST_DIFFERENCE)
            continue;
        g_string_append_printf(text, "%s%s %+.1f", separator, parts[i].name, parts[i].difference);
        separator = ", ";
    }
    if (cost->moves > 0)
        g_string_append_printf(text, "%s%u move%s", separator, cost->moves, cost->moves > 1 ? "s" : "");
}

static void
print_alternative(GString *out, const KtStyle *style, const KtWhy *why, const KtAlternative *it)
{
    const KtAlternative *present = why->alternatives->pdata[0];
    g_autoptr(GString) text = g_string_new(NULL);
    if (it->present) {
        g_autofree char *cpus = cpus_of(seat_of(why, it));
        g_string_append_printf(text, "now on %s; all domains together, where they are", cpus);
        g_autofree char *total = g_strdup_printf("%9.1f  ", it->cost.total);
        kt_ink(out, style, KT_INK_HEADING, "%s", total);
    } else {
        double difference = it->cost.total - present->cost.total;
        g_string_append(text, seat_of(why, it)->reason);
        append_parts(text, &it->cost, &present->cost);
        kt_ink(out, style, difference < 0 ? KT_INK_GOOD : KT_INK_DIM, "%+9.1f  ", difference);
    }
    g_autofree char *safe = kt_printable(text->str);
    kt_wrap(out, style, KT_INK_PLAIN, 11, 11, safe);
}

void
kt_view_why(GString *out, const KtStyle *style, const KtSnapshot *snapshot, char *const *names)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (!kt_status_names(names, domain))
            continue;
        g_autoptr(KtWhy) why = kt_why_new(snapshot, i, MOST_TOLD);
        if (why == NULL)
            continue;
        bool own = why->problem->domains[why->domain].exclusive;
        g_autofree char *name = kt_printable(domain->name);
        g_string_append_c(out, '\n');
        kt_ink(out, style, KT_INK_HEADING, "Where else %s could have %s\n", name,
               own ? "CPUs of its own" : "a common set");
        for (guint j = 0; j < why->alternatives->len; j++)
            print_alternative(out, style, why, why->alternatives->pdata[j]);
        if (why->alternatives->len == 1)
            kt_ink(out, style, KT_INK_DIM, "           nowhere\n");
    }
}

static json_t *
alternative_json(const KtWhy *why, const KtAlternative *it)
{
    const KtSeat *seat = seat_of(why, it);
    json_t *json = json_object();
    json_t *vcpus = json_array();
    for (guint i = 0; i < seat->n_vcpus; i++)
        json_array_append_new(vcpus, kt_json_set(seat->vcpus[i]));
    json_object_set_new(json, "present", json_boolean(it->present));
    json_object_set_new(json, "vcpus", vcpus);
    json_object_set_new(json, "reason", kt_json_text(seat->reason));
    json_object_set_new(json, "cost", kt_cost_json(&it->cost));
    return json;
}

json_t *
kt_why_json(const KtSnapshot *snapshot, guint domain)
{
    g_autoptr(KtWhy) why = kt_why_new(snapshot, domain, MOST_TOLD);
    if (why == NULL)
        return json_null();
    json_t *json = json_object();
    json_t *list = json_array();
    for (guint i = 0; i < why->alternatives->len; i++)
        json_array_append_new(list, alternative_json(why, why->alternatives->pdata[i]));
    json_object_set_new(json, "exclusive", json_boolean(why->problem->domains[why->domain].exclusive));
    json_object_set_new(json, "alternatives", list);
    return json;
}
