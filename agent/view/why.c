/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/why.h"

#include <math.h>

#include "agent/view/cost_parts.h"
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

/* ": crowded caches +3.0, shared cores -12.0" */
static void
append_parts(GString *text, const KtCost *cost, const KtCost *present)
{
    const char *separator = ": ";
    for (guint i = 0; i < KT_N_COST_PARTS; i++) {
        double difference = kt_cost_part(cost, i) - kt_cost_part(present, i);
        if (fabs(difference) < LEAST_DIFFERENCE)
            continue;
        g_autofree char *words = kt_cost_part_words(cost, i);
        g_string_append_printf(text, "%s%s %+.1f", separator, words, difference);
        separator = ", ";
    }
}

static void
print_alternative(GString *out, const KtStyle *style, const KtWhy *why, const KtAlternative *it)
{
    const KtAlternative *present = why->alternatives->pdata[0];
    g_autoptr(GString) text = g_string_new(NULL);
    if (it->present) {
        g_autofree char *cpus = cpus_of(seat_of(why, it));
        g_string_append_printf(text, "now on %s; its cost, and that of all with CPUs of their own", cpus);
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

/* Why there is nothing to tell of a domain. */
static const char *
find_obstacle(const KtDomain *domain)
{
    if (domain->active)
        return "it has no vCPU online: there is nothing to seat until it gets one";
    if (domain->autostart)
        return "it is shut off; 'kvm-tune plan PROFILE' says which CPUs it would boot on, where the profile has "
               "cpu.placement for it";
    return "it is shut off and doesn't start by itself: ask again once it runs, or after 'virsh autostart' "
           "let 'kvm-tune plan PROFILE' say which CPUs it would boot on";
}

/* Nothing has placed it: it may run on all CPUs that guests may use. */
static bool
floats(const KtWhy *why)
{
    const KtSeat *seat = seat_of(why, why->alternatives->pdata[0]);
    for (guint i = 0; i < seat->n_vcpus; i++) {
        if (!hwloc_bitmap_isincluded(why->problem->topology->placeable, seat->vcpus[i]))
            return false;
    }
    return true;
}

static void
print_indented(GString *out, const KtStyle *style, const char *text)
{
    g_string_append(out, "           ");
    kt_wrap(out, style, KT_INK_DIM, 11, 11, text);
}

static void
print_alternatives(GString *out, const KtStyle *style, const KtWhy *why)
{
    for (guint i = 0; i < why->alternatives->len; i++)
        print_alternative(out, style, why, why->alternatives->pdata[i]);
    if (why->alternatives->len == 1)
        print_indented(out, style, "nowhere");
    if (floats(why) && why->alternatives->len > 1)
        print_indented(out, style, "nothing pins it; cpu.placement in a profile would place it");
}

void
kt_view_why(GString *out, const KtStyle *style, const KtSnapshot *snapshot, char *const *names)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (!kt_status_names(names, domain))
            continue;
        g_autoptr(KtWhy) why = kt_why_new(snapshot, i, MOST_TOLD);
        bool own = why != NULL && why->problem->domains[why->domain].exclusive;
        g_autofree char *name = kt_printable(domain->name);
        g_string_append_c(out, '\n');
        kt_ink(out, style, KT_INK_HEADING, "Where else %s could %s\n", name,
               why == NULL ? "be"
               : own       ? "have CPUs of its own"
                           : "have a common set");
        if (why != NULL)
            print_alternatives(out, style, why);
        else
            print_indented(out, style, find_obstacle(domain));
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
