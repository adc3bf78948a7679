/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/ledger.h"
#include "tuners/seats_parts.h"

/* Each further one is cheaper than the one before; hardly ever is there a second. */
#define MAX_ATTEMPTS 4

void
kt_boot_seats_free(KtBootSeats *boot)
{
    if (boot == NULL)
        return;
    kt_seats_free(boot->problem);
    g_clear_pointer(&boot->placement, kt_placement_free);
    g_ptr_array_unref(boot->sets);
    g_free(boot);
}

bool
kt_seats_find(const KtPlan *plan, guint domain, KtSeats *ret_seats, guint *ret_seat)
{
    const KtDomainPlan *planned = &plan->domains[domain];
    if (planned->seat < 0 && planned->boot_seat < 0)
        return false;
    bool runs = planned->seat >= 0;
    *ret_seats = runs ? kt_seats_running(plan) : (KtSeats){plan->boot->problem, plan->boot->placement};
    *ret_seat = (guint)(runs ? planned->seat : planned->boot_seat);
    return true;
}

/* ---- who boots ---- */

static gint
priority_of(const KtDesired *desired, guint domain)
{
    const KtValue *value = kt_desired_domain(desired, domain, KT_SETTING_PRIORITY, NULL);
    return value != NULL ? (gint)CLAMP(value->number, G_MININT, G_MAXINT) : 0;
}

/* Domains that start by themselves, the more important ones first. guint. Owned. */
static GArray *
find_booting(const KtDesired *desired, const KtPlan *plan)
{
    GArray *booting = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < plan->n_domains; i++) {
        const KtDomain *domain = plan->snapshot->domains->pdata[i];
        bool boots = !domain->active && domain->autostart && domain->inactive != NULL;
        if (!boots || !kt_desired_selects(desired, i))
            continue;
        guint at = booting->len;
        while (at > 0 &&
               priority_of(desired, g_array_index(booting, guint, at - 1)) < priority_of(desired, i))
            at--;
        g_array_insert_val(booting, at, i);
    }
    return booting;
}

/* ---- what is asked ---- */

/* An active domain where it will be. What else it costs doesn't matter to others. */
static void
add_seated(KtSeatDomain *seat, const KtSeatDomain *wish, const KtSeat *planned)
{
    *seat = *wish;
    seat->placed = wish->placed && planned->refusal == NULL;
    seat->memory_share = NULL;
    seat->device_nodes = NULL;
    seat->n_device_nodes = 0;
    seat->nodes = NULL;
    KtSeatVcpu *vcpus = g_memdup2(wish->vcpus, MAX(wish->n_vcpus, 1) * sizeof *vcpus);
    for (guint i = 0; i < wish->n_vcpus; i++)
        vcpus[i].before = planned->vcpus[i];
    seat->vcpus = vcpus;
}

/* By index, the nodes that its memory will be bound to, or can be; NULL = any. Owned. */
static bool *
memory_nodes(const KtDesired *desired, const KtPlan *plan, guint index)
{
    const KtTopology *topology = plan->snapshot->topology;
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    const KtValue *value = kt_desired_domain(desired, index, KT_SETTING_MEMORY_NUMA, NULL);
    if (topology->n_nodes < 2)
        return NULL;
    if (kt_value_is(value, "strict")) {
        g_autoptr(KtLedger) ledger = kt_ledger_new(plan, desired);
        return kt_seat_nodes_that_hold(ledger, plan, index);
    }
    g_autofree bool *nodes = g_new0(bool, topology->n_nodes);
    bool any = value == NULL && kt_seat_add_bound(nodes, domain->inactive, topology);
    for (guint i = 0; value != NULL && value->set != NULL && i < topology->n_nodes; i++) {
        nodes[i] = hwloc_bitmap_isset(value->set, topology->nodes[i].os) != 0;
        any |= nodes[i];
    }
    return any ? g_steal_pointer(&nodes) : NULL;
}

/* Where its definition has a vCPU. */
static const KtCpuset *
defined_set(KtBootSeats *boot, const KtDomainDef *def, guint vcpu, bool unpin)
{
    const KtPinDef *pin = unpin ? NULL : kt_domain_def_find_vcpu_pin(def, vcpu);
    KtCpuset *set = kt_domain_default_cpus(def, boot->problem->topology);
    if (pin != NULL && hwloc_bitmap_intersects(pin->cpus, boot->problem->topology->placeable))
        hwloc_bitmap_and(set, pin->cpus, boot->problem->topology->placeable);
    g_ptr_array_add(boot->sets, set);
    return set;
}

static void
add_booting(KtBootSeats *boot, const KtDesired *desired, KtPlan *plan, guint index)
{
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    const KtDomainDef *def = domain->inactive;
    bool unpin = kt_value_is(kt_desired_domain(desired, index, KT_SETTING_CPU_PLACEMENT, NULL), "none");
    KtSeatDomain *seat = (KtSeatDomain *)&boot->problem->domains[boot->problem->n_domains];
    seat->name = domain->name;
    kt_seat_fill_wishes(seat, desired, index);
    seat->priority = G_MININT; /* nobody who runs makes room for it */
    kt_seat_fill_devices(seat, def, boot->problem->topology);
    seat->nodes = memory_nodes(desired, plan, index);
    KtSeatVcpu *vcpus = g_new0(KtSeatVcpu, MAX(def->vcpus, 1));
    for (guint id = 0; id < def->vcpus; id++) {
        if (hwloc_bitmap_isset(def->vcpus_online, id))
            vcpus[seat->n_vcpus++] = (KtSeatVcpu){.id = id,
                                                  .load = 1,
                                                  .before = defined_set(boot, def, id, unpin),
                                                  .cell = kt_seat_cell_of(def, id),
                                                  .guest_core = kt_seat_guest_core_of(def, id)};
    }
    seat->vcpus = vcpus;
    plan->domains[index].boot_seat = (gint)boot->problem->n_domains++;
}

static KtBootSeats *
boot_seats_new(const KtPlan *plan, guint n_booting)
{
    KtBootSeats *boot = g_new0(KtBootSeats, 1);
    boot->sets = g_ptr_array_new_with_free_func((GDestroyNotify)kt_cpuset_free);
    boot->problem = g_new0(KtPlacementProblem, 1);
    boot->problem->topology = plan->problem->topology;
    boot->problem->housekeeping = plan->problem->housekeeping;
    boot->problem->n_domains = plan->problem->n_domains;
    KtSeatDomain *seats = g_new0(KtSeatDomain, plan->problem->n_domains + n_booting);
    for (guint i = 0; i < plan->problem->n_domains; i++)
        add_seated(&seats[i], &plan->problem->domains[i], &plan->placement->seats[i]);
    boot->problem->domains = seats;
    return boot;
}

/* ---- who gets which seat ---- */

/* Where the seat is now is what the next attempt, and the next domain, starts from; whether it is elsewhere.
 */
static bool
settle(KtBootSeats *boot, guint seat, const KtSeat *found)
{
    bool moved = false;
    KtSeatDomain *domain = (KtSeatDomain *)&boot->problem->domains[seat];
    for (guint i = 0; i < found->n_vcpus; i++) {
        KtSeatVcpu *vcpu = (KtSeatVcpu *)&domain->vcpus[i];
        if (hwloc_bitmap_isequal(vcpu->before, found->vcpus[i]))
            continue;
        moved = true;
        KtCpuset *set = hwloc_bitmap_dup(found->vcpus[i]);
        g_ptr_array_add(boot->sets, set);
        vcpu->before = set;
    }
    return moved;
}

/* The last domain of the problem gets its seat. @told: its reason and refusal. */
static void
seat_last(KtBootSeats *boot, KtSeat *told)
{
    guint last = boot->problem->n_domains - 1;
    bool moved = boot->problem->domains[last].placed;
    for (guint i = 0; moved && i < MAX_ATTEMPTS; i++) {
        g_autoptr(KtPlacement) found = kt_placement_adjust(boot->problem, last, 0);
        KtSeat *seat = &found->seats[last];
        g_free(told->reason);
        told->reason = g_steal_pointer(&seat->reason);
        told->refusal = g_steal_pointer(&seat->refusal);
        moved = told->refusal == NULL && settle(boot, last, seat);
        if (told->refusal != NULL)
            ((KtSeatDomain *)&boot->problem->domains[last])->placed = false;
    }
}

void
kt_seats_boot(const KtDesired *desired, KtPlan *plan)
{
    g_autoptr(GArray) booting = find_booting(desired, plan);
    if (booting->len == 0)
        return;
    guint first = plan->problem->n_domains;
    g_autofree KtSeat *told = g_new0(KtSeat, booting->len);
    g_autoptr(KtBootSeats) boot = boot_seats_new(plan, booting->len);
    for (guint i = 0; i < booting->len; i++) {
        add_booting(boot, desired, plan, g_array_index(booting, guint, i));
        seat_last(boot, &told[i]);
    }
    boot->placement = kt_placement_present(boot->problem);
    for (guint i = 0; i < booting->len; i++) {
        boot->placement->seats[first + i].reason = told[i].reason;
        boot->placement->seats[first + i].refusal = told[i].refusal;
    }
    plan->boot = g_steal_pointer(&boot);
}
