/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_room.h"

static KtDemand
with(KtDemand demand, const KtModelDomain *domain, bool isolated)
{
    if (isolated)
        demand.isolated += domain->n_vcpus;
    else
        demand.others += domain->n_vcpus;
    return demand;
}

static KtDemand
without(KtDemand demand, const KtModelDomain *domain)
{
    if (domain->wish->smt == KT_SMT_ISOLATE)
        demand.isolated -= domain->n_vcpus;
    else
        demand.others -= domain->n_vcpus;
    return demand;
}

/* ---- refusals ---- */

/* How many of @domain's vCPUs would have room. */
static guint
room_for(const KtRoom *room, KtDemand demand, const KtModelDomain *domain)
{
    for (guint n = 0; n < domain->n_vcpus; n++) {
        if (domain->wish->smt == KT_SMT_ISOLATE)
            demand.isolated++;
        else
            demand.others++;
        if (!kt_room_fits(room, demand))
            return n;
    }
    return domain->n_vcpus;
}

/* The smallest domain whose CPUs would make room; of equals the one of the lowest priority. */
static const KtModelDomain *
find_victim(const KtModel *model, const KtRoom *room, KtDemand demand, const KtModelDomain *domain)
{
    const KtModelDomain *victim = NULL;
    for (guint i = 0; i < model->n_domains; i++) {
        const KtModelDomain *other = &model->domains[i];
        if (other == domain || other->fate != KT_FATE_EXCLUSIVE ||
            (victim && other->n_vcpus > victim->n_vcpus))
            continue;
        KtDemand freed = with(without(demand, other), domain, domain->wish->smt == KT_SMT_ISOLATE);
        if (kt_room_fits(room, freed))
            victim = other;
    }
    return victim;
}

static bool
fits_with_housekeeping(const KtModel *model, KtDemand demand, const KtModelDomain *domain)
{
    if (domain->wish->smt == KT_SMT_ISOLATE)
        return false;
    guint placeable = 0;
    for (guint i = 0; i < model->topology->n_pus; i++)
        placeable += model->topology->pus[i].placeable;
    return demand.isolated == 0 && demand.others + domain->n_vcpus + model->keeps_open <= placeable;
}

static void
append_wanted(GString *text, const KtModelDomain *domain)
{
    const char *what = domain->wish->smt == KT_SMT_ISOLATE ? "whole core" : "CPU";
    g_string_append_printf(text, "%u own %s%s wanted", domain->n_vcpus, what, domain->n_vcpus > 1 ? "s" : "");
}

static void
append_way_out(GString *text, const KtModel *model, const KtRoom *room, KtDemand demand,
               const KtModelDomain *domain)
{
    const KtModelDomain *victim = find_victim(model, room, demand, domain);
    if (domain->wish->smt == KT_SMT_ISOLATE && kt_room_fits(room, with(demand, domain, false)))
        g_string_append(text, "cpu.smt = auto would make room");
    else if (victim)
        g_string_append_printf(text, "cpu.exclusive = no for %s (%u vCPU%s) would make room",
                               victim->wish->name, victim->n_vcpus, victim->n_vcpus > 1 ? "s" : "");
    else if (fits_with_housekeeping(model, demand, domain))
        g_string_append(text, "fewer CPUs for housekeeping would make room");
    else
        g_string_append(text, "fewer vCPUs or cpu.exclusive = no would do");
}

static char *
describe_no_room(const KtModel *model, const KtRoom *room, KtDemand demand, const KtModelDomain *domain)
{
    guint free = room_for(room, demand, domain);
    GString *text = g_string_new(NULL);
    append_wanted(text, domain);
    g_string_append_printf(text, ", %u free outside housekeeping%s: %u missing; ", free,
                           model->keeps_open ? " with one left to the others" : "", domain->n_vcpus - free);
    append_way_out(text, model, room, demand, domain);
    return g_string_free(text, FALSE);
}

char *
kt_admit_describe_fragmented(const KtModelDomain *domain, guint n_free)
{
    GString *text = g_string_new(NULL);
    append_wanted(text, domain);
    if (n_free >= domain->n_vcpus)
        g_string_append(text, ", but what is free doesn't lie so");
    else
        g_string_append_printf(text, ", %u free%s: %u missing", n_free,
                               domain->nodes ? " on the node of its memory, which can't follow" : "",
                               domain->n_vcpus - n_free);
    g_string_append(text, "; cpu.exclusive = no for others would make room");
    return g_string_free(text, FALSE);
}

/* ---- who gets in ---- */

/* Whether all of its vCPUs have a CPU of their own already. */
static bool
has_own_cpus(const KtModel *model, const KtModelDomain *domain)
{
    g_autofree guint64 *seen = g_new0(guint64, model->n_words);
    for (guint i = 0; i < domain->n_vcpus; i++) {
        gint pu = model->vcpus[domain->first_vcpu + i].before_pu;
        if (pu < 0 || !model->usable[pu] || kt_bit(seen, (guint)pu))
            return false;
        kt_bit_set(seen, (guint)pu, true);
    }
    return true;
}

/* Among domains[first … end), all of one priority. */
static void
admit(KtModel *model, const KtRoom *room, KtDemand *demand, guint first, guint end, bool holders)
{
    for (guint i = first; i < end; i++) {
        KtModelDomain *domain = &model->domains[i];
        if (!domain->wish->placed || !domain->wish->exclusive || has_own_cpus(model, domain) != holders)
            continue;
        KtDemand more = with(*demand, domain, domain->wish->smt == KT_SMT_ISOLATE);
        if (kt_room_fits(room, more)) {
            domain->fate = KT_FATE_EXCLUSIVE;
            *demand = more;
        }
    }
}

static void
admit_exclusive(KtModel *model)
{
    g_autoptr(KtRoom) room = kt_room_new(model);
    KtDemand demand = {0, 0};
    for (guint first = 0, end; first < model->n_domains; first = end) {
        gint priority = model->domains[first].wish->priority;
        for (end = first; end < model->n_domains && model->domains[end].wish->priority == priority;)
            end++;
        /* Nobody loses its CPUs to a newcomer that isn't more important. */
        admit(model, room, &demand, first, end, true);
        admit(model, room, &demand, first, end, false);
    }
    for (guint i = 0; i < model->n_domains; i++) {
        KtModelDomain *domain = &model->domains[i];
        if (domain->wish->placed && domain->wish->exclusive && domain->fate != KT_FATE_EXCLUSIVE)
            domain->refusal = describe_no_room(model, room, demand, domain);
    }
}

static void
admit_shared(KtModel *model, bool any_sharable)
{
    for (guint i = 0; i < model->n_domains; i++) {
        KtModelDomain *domain = &model->domains[i];
        if (!domain->wish->placed || domain->wish->exclusive)
            continue;
        if (any_sharable)
            domain->fate = KT_FATE_SHARED;
        else
            domain->refusal = g_strdup("no CPU that guests may use can be shared: all are isolated from load "
                                       "balancing (isolcpus); cpu.exclusive = yes would do");
    }
}

void
kt_admit(KtModel *model)
{
    bool any_sharable = false, others = false;
    for (guint i = 0; i < model->topology->n_pus; i++)
        any_sharable |= model->sharable[i];
    for (guint i = 0; i < model->n_domains; i++) {
        const KtSeatDomain *wish = model->domains[i].wish;
        others |= wish->n_vcpus > 0 && (!wish->placed || !wish->exclusive);
    }
    model->keeps_open = others && any_sharable;
    admit_exclusive(model);
    admit_shared(model, any_sharable);
}
