/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/seats.h"
#include "tuners/tuner.h"

static void
note_next_boot(const KtDomain *domain, KtPlan *plan, guint index, bool placed)
{
    if (!domain->persistent)
        kt_plan_note(plan, (gint)index, "transient: it has no next boot, only what %s can be set",
                     plan->domains[index].carried ? "is brought to it now" : "is live");
    if (domain->managed_save)
        kt_plan_note(plan, (gint)index, "a saved image resumes its old settings at the next start");
    if (placed && domain->inactive != NULL && g_strcmp0(domain->inactive->vcpu_placement, "auto") == 0)
        kt_plan_note(
            plan, (gint)index,
            "<vcpu placement='auto'>: numad advises CPUs at each start; explicit pins go before its advice");
}

/* The CPUs that nobody else should be on: the seat's own, and the siblings of an `isolate` one. */
static KtCpuset *
own_cpus(KtSeats seats, guint seat)
{
    const KtTopology *topology = seats.problem->topology;
    const KtSeat *own = &seats.placement->seats[seat];
    KtCpuset *cpus = hwloc_bitmap_alloc();
    for (guint i = 0; i < own->n_vcpus; i++) {
        hwloc_bitmap_or(cpus, cpus, own->vcpus[i]);
        int os = hwloc_bitmap_first(own->vcpus[i]);
        const KtPu *pu = os >= 0 ? kt_topology_pu(topology, (guint)os) : NULL;
        if (pu != NULL && seats.problem->domains[seat].smt == KT_SMT_ISOLATE)
            hwloc_bitmap_or(cpus, cpus, topology->cores[pu->core].cpus);
    }
    return cpus;
}

static bool
floats_over(const KtSeat *seat, const KtCpuset *cpus)
{
    for (guint i = 0; i < seat->n_vcpus; i++) {
        if (hwloc_bitmap_intersects(seat->vcpus[i], cpus))
            return true;
    }
    return false;
}

/* Who shares CPUs that somebody boots on is moved off them only then. */
static void
note_sharing(KtPlan *plan, guint index, guint n, const char *name)
{
    if (n == 0)
        return;
    g_autofree char *who =
        n == 1 ? g_strdup_printf("%s shares", name) : g_strdup_printf("%u domains share", n);
    kt_plan_note(plan, (gint)index,
                 "%s these CPUs until it starts, and then until the next apply, unless the daemon runs", who);
}

/* Design section 10: domains that no section places are obstacles that an exclusive domain may have to bear.
 */
static void
note_floating(KtPlan *plan, guint index)
{
    KtSeats seats = {0};
    guint seat = 0, n_sharing = 0;
    const char *sharing = NULL;
    if (plan->placement == NULL || !kt_seats_find(plan, index, &seats, &seat) || !kt_seats_own(seats, seat))
        return;

    g_autoptr(KtCpuset) own = own_cpus(seats, seat);
    for (guint i = 0; i < plan->problem->n_domains; i++) {
        const KtSeatDomain *other = &plan->problem->domains[i];
        bool seated = other->placed && plan->placement->seats[i].refusal == NULL;
        if ((gint)i == plan->domains[index].seat || !floats_over(&plan->placement->seats[i], own))
            continue;
        if (!seated) {
            kt_plan_note(plan, (gint)index, "not truly exclusive: %s floats here", other->name);
        } else if (plan->domains[index].seat < 0) {
            sharing = other->name;
            n_sharing++;
        }
    }
    note_sharing(plan, index, n_sharing, sharing);
}

static bool
meets_all(const KtCpuset *cpus, const KtCpuGroup *groups, guint n)
{
    for (guint i = 0; i < n; i++) {
        if (!hwloc_bitmap_intersects(cpus, groups[i].cpus))
            return false;
    }
    return true;
}

/* Whether placement leaves each vCPU where it is. */
static bool
stays(const KtSeatDomain *wish, const KtSeat *seat)
{
    for (guint i = 0; i < seat->n_vcpus; i++) {
        if (!hwloc_bitmap_isequal(seat->vcpus[i], wish->vcpus[i].before))
            return false;
    }
    return seat->n_vcpus > 0;
}

/* A wish that comes to what is there anyway looks as if it had been forgotten. */
static void
note_everywhere(KtPlan *plan, guint index)
{
    const KtTopology *topology = plan->snapshot->topology;
    gint place = plan->domains[index].seat;
    if (place < 0 || plan->placement == NULL || topology->n_groups < 2)
        return;
    const KtSeatDomain *wish = &plan->problem->domains[place];
    const KtSeat *seat = &plan->placement->seats[place];
    if (!wish->placed || wish->exclusive || wish->policy == KT_PLACEMENT_SPREAD || seat->refusal ||
        !stays(wish, seat) || !meets_all(seat->vcpus[0], topology->groups, topology->n_groups))
        return;
    kt_plan_note(plan, (gint)index,
                 "cpu.placement: it stays on the whole host, since fewer CPUs would be more crowded than "
                 "their caches are worth (see the cost)");
}

/* One that starts by itself has its pins staged. */
static void
note_shut_off(const KtDomain *domain, const KtDesired *desired, KtPlan *plan, guint index)
{
    static const KtSettingId pins[] = {KT_SETTING_CPU_PLACEMENT, KT_SETTING_CPU_EMULATOR,
                                       KT_SETTING_CPU_IOTHREADS};

    bool wanted = false;
    for (guint i = 0; i < G_N_ELEMENTS(pins); i++)
        wanted = wanted || kt_desired_domain(desired, index, pins[i], NULL) != NULL;
    if (wanted && !domain->active && !domain->autostart)
        kt_plan_note(plan, (gint)index, "shut off: CPUs are chosen when it runs; plan again then");
}

void
kt_tune_notes(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        note_floating(plan, i);
        note_everywhere(plan, i);
        note_shut_off(domain, desired, plan, i);
        if (kt_desired_selects(desired, i))
            note_next_boot(domain, plan, i, kt_seats_wish(desired, i) != NULL);
    }
}
