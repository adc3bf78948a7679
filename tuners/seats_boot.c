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

/* A domain that starts by itself. */
typedef struct {
    guint domain; /* index into the plan's */
    guint seat;   /* index into the problem's */
    char *reason, *refusal;
    KtSeatDomain out; /* where it was refused own CPUs: it is out of the problem meanwhile */
} Starter;

static void
starter_clear(gpointer data)
{
    Starter *starter = data;
    g_free(starter->reason);
    g_free(starter->refusal);
}

/* As placement seats those who run; who isn't placed is there before all. */
static guint
rank_of(const KtSeatDomain *wish)
{
    if (!wish->placed)
        return 0;
    return wish->exclusive ? 1 : 2;
}

static bool
goes_before(const KtDesired *desired, guint one, guint other)
{
    KtSeatDomain a = {0}, b = {0};
    kt_seat_fill_wishes(&a, desired, one);
    kt_seat_fill_wishes(&b, desired, other);
    if (rank_of(&a) != rank_of(&b))
        return rank_of(&a) < rank_of(&b);
    if (a.priority != b.priority)
        return a.priority > b.priority;
    return a.smt == KT_SMT_ISOLATE && b.smt != KT_SMT_ISOLATE;
}

/* In the order in which they get their seats. Starter. Owned. */
static GArray *
find_starters(const KtDesired *desired, const KtPlan *plan)
{
    GArray *starters = g_array_new(FALSE, FALSE, sizeof(Starter));
    g_array_set_clear_func(starters, starter_clear);
    for (guint i = 0; i < plan->n_domains; i++) {
        const KtDomain *domain = plan->snapshot->domains->pdata[i];
        if (domain->active || !domain->autostart || domain->inactive == NULL)
            continue;
        guint at = starters->len;
        while (at > 0 && goes_before(desired, i, g_array_index(starters, Starter, at - 1).domain))
            at--;
        Starter starter = {.domain = i};
        g_array_insert_val(starters, at, starter);
    }
    return starters;
}

static bool
wants_own(const KtDesired *desired, guint domain)
{
    KtSeatDomain wish = {0};
    kt_seat_fill_wishes(&wish, desired, domain);
    return wish.placed && wish.exclusive;
}

static bool
any_selected(const KtDesired *desired, const GArray *starters)
{
    bool any = false;
    for (guint i = 0; i < starters->len; i++)
        any |= kt_desired_selects(desired, g_array_index(starters, Starter, i).domain);
    return any;
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
    seat->cell_nodes = NULL;
    KtSeatVcpu *vcpus = g_memdup2(wish->vcpus, MAX(wish->n_vcpus, 1) * sizeof *vcpus);
    for (guint i = 0; i < wish->n_vcpus; i++)
        vcpus[i].before = planned->vcpus[i];
    seat->vcpus = vcpus;
}

/* By index, the nodes that its memory will be bound to, or can be; NULL = any. Owned. */
static bool *
memory_nodes(const KtDesired *desired, const KtPlan *plan, KtLedger *ledger, guint index)
{
    const KtTopology *topology = plan->snapshot->topology;
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    const KtValue *value = kt_desired_domain(desired, index, KT_SETTING_MEMORY_NUMA, NULL);
    if (topology->n_nodes < 2)
        return NULL;
    if (kt_value_is(value, "strict"))
        return kt_seat_nodes_that_hold(ledger, plan, index);
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
fill_vcpus(KtBootSeats *boot, KtSeatDomain *seat, const KtDomainDef *def, bool unpin)
{
    KtSeatVcpu *vcpus = g_new0(KtSeatVcpu, MAX(def->vcpus, 1));
    seat->n_vcpus = 0;
    for (guint id = 0; id < def->vcpus; id++) {
        if (hwloc_bitmap_isset(def->vcpus_online, id))
            vcpus[seat->n_vcpus++] = (KtSeatVcpu){.id = id,
                                                  .load = 1,
                                                  .before = defined_set(boot, def, id, unpin),
                                                  .cell = kt_seat_cell_of(def, id),
                                                  .guest_core = kt_seat_guest_core_of(def, id)};
    }
    g_free((gpointer)seat->vcpus);
    seat->vcpus = vcpus;
}

/* Who waits for his seat is held nowhere, whatever an earlier plan gave him. */
static void
add_starter(KtBootSeats *boot, const KtDesired *desired, const KtPlan *plan, Starter *starter)
{
    guint index = starter->domain;
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    const KtDomainDef *def = domain->inactive;
    bool pinned = kt_desired_domain(desired, index, KT_SETTING_CPU_PLACEMENT, NULL) == NULL;
    starter->seat = boot->problem->n_domains++;
    KtSeatDomain *seat = (KtSeatDomain *)&boot->problem->domains[starter->seat];
    seat->name = domain->name;
    kt_seat_fill_wishes(seat, desired, index);
    seat->priority = G_MININT; /* nobody who runs makes room for it */
    kt_seat_fill_devices(seat, def, boot->problem->topology);
    kt_seat_fill_cells(seat, def, boot->problem->topology);
    fill_vcpus(boot, seat, def, !pinned);
}

static KtBootSeats *
boot_seats_new(const KtPlan *plan, guint n_starters)
{
    KtBootSeats *boot = g_new0(KtBootSeats, 1);
    boot->sets = g_ptr_array_new_with_free_func((GDestroyNotify)kt_cpuset_free);
    boot->problem = g_new0(KtPlacementProblem, 1);
    boot->problem->topology = plan->problem->topology;
    boot->problem->housekeeping = plan->problem->housekeeping;
    boot->problem->n_domains = plan->problem->n_domains;
    KtSeatDomain *seats = g_new0(KtSeatDomain, plan->problem->n_domains + n_starters);
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

/* Adds the CPUs of one vCPU, with those that an isolated core keeps from others. */
static void
add_own(KtCpuset *cpus, const KtTopology *topology, const KtSeatDomain *domain, const KtCpuset *vcpu)
{
    int os = hwloc_bitmap_first(vcpu);
    const KtPu *pu = os >= 0 ? kt_topology_pu(topology, (guint)os) : NULL;
    hwloc_bitmap_or(cpus, cpus, vcpu);
    if (pu != NULL && domain->exclusive && domain->smt == KT_SMT_ISOLATE)
        hwloc_bitmap_or(cpus, cpus, topology->cores[pu->core].cpus);
}

/* Who has own CPUs that the domain @index would be on in this seat, or NULL. */
static const KtSeatDomain *
find_owner(const KtPlacementProblem *problem, guint index, const KtSeat *found)
{
    g_autoptr(KtCpuset) wanted = hwloc_bitmap_alloc();
    for (guint i = 0; i < found->n_vcpus; i++)
        add_own(wanted, problem->topology, &problem->domains[index], found->vcpus[i]);
    for (guint i = 0; i < problem->n_domains; i++) {
        const KtSeatDomain *other = &problem->domains[i];
        g_autoptr(KtCpuset) own = hwloc_bitmap_alloc();
        for (guint j = 0; other->placed && other->exclusive && j < other->n_vcpus; j++)
            add_own(own, problem->topology, other, other->vcpus[j].before);
        if (i != index && hwloc_bitmap_intersects(own, wanted))
            return other;
    }
    return NULL;
}

/* One more of those who share CPUs, or whose CPUs can't be its own, may leave too few for all who run. */
static void
refuse_own_of_others(const KtPlacementProblem *problem, guint index, KtSeat *found)
{
    const KtSeatDomain *owner = found->refusal == NULL ? find_owner(problem, index, found) : NULL;
    if (owner == NULL)
        return;
    found->refusal = g_strdup_printf("no CPUs are left for it that aren't somebody's own; cpu.exclusive = no "
                                     "for %s would make room",
                                     owner->name);
}

static void
find_seat(KtBootSeats *boot, Starter *starter)
{
    bool moved = true;
    for (guint i = 0; moved && i < MAX_ATTEMPTS; i++) {
        g_autoptr(KtPlacement) found = kt_placement_adjust(boot->problem, starter->seat, 0);
        KtSeat *seat = &found->seats[starter->seat];
        refuse_own_of_others(boot->problem, starter->seat, seat);
        g_free(starter->reason);
        starter->reason = g_steal_pointer(&seat->reason);
        starter->refusal = g_steal_pointer(&seat->refusal);
        moved = starter->refusal == NULL && settle(boot, starter->seat, seat);
    }
    ((KtSeatDomain *)boot->problem->domains)[starter->seat].placed = starter->refusal == NULL;
}

/* It takes no CPU from those who come after it: who is refused CPUs of its own isn't there for them. */
static void
take_out(KtBootSeats *boot, Starter *starter)
{
    g_assert(starter->seat == boot->problem->n_domains - 1);
    KtSeatDomain *seat = (KtSeatDomain *)&boot->problem->domains[--boot->problem->n_domains];
    starter->out = *seat;
    *seat = (KtSeatDomain){0};
}

/* Memory that is to be bound to the nodes of its CPUs is no longer there for others. */
static void
book(const KtBootSeats *boot, const KtDesired *desired, const KtPlan *plan, KtLedger *ledger,
     const Starter *starter)
{
    const KtValue *value = kt_desired_domain(desired, starter->domain, KT_SETTING_MEMORY_NUMA, NULL);
    const KtSeatDomain *seat = &boot->problem->domains[starter->seat];
    const KtTopology *topology = boot->problem->topology;
    g_autoptr(KtCpuset) nodes = hwloc_bitmap_alloc();
    if (!kt_value_is(value, "strict"))
        return;
    for (guint i = 0; i < topology->n_nodes; i++) {
        for (guint j = 0; j < seat->n_vcpus; j++) {
            if (hwloc_bitmap_intersects(topology->nodes[i].cpus, seat->vcpus[j].before))
                hwloc_bitmap_set(nodes, topology->nodes[i].os);
        }
    }
    kt_seat_book(ledger, plan, starter->domain, nodes);
}

/* From where its definition has it, to its seat. */
static void
seat_one(KtBootSeats *boot, const KtDesired *desired, const KtPlan *plan, KtLedger *ledger, Starter *starter)
{
    const KtDomain *domain = plan->snapshot->domains->pdata[starter->domain];
    KtSeatDomain *seat = (KtSeatDomain *)&boot->problem->domains[starter->seat];
    if (kt_seats_wish(desired, starter->domain) != NULL) {
        fill_vcpus(boot, seat, domain->inactive, false);
        seat->nodes = memory_nodes(desired, plan, ledger, starter->domain);
        find_seat(boot, starter);
    }
    book(boot, desired, plan, ledger, starter);
}

/* Who shares CPUs is there from the start, for one to be left open, but seated after those who take their
 * own. */
static void
seat_all(KtBootSeats *boot, const KtDesired *desired, const KtPlan *plan, GArray *starters)
{
    g_autoptr(KtLedger) ledger = kt_seat_open_ledger(desired, plan);
    for (guint i = 0; i < starters->len; i++) {
        Starter *starter = &g_array_index(starters, Starter, i);
        if (!wants_own(desired, starter->domain))
            add_starter(boot, desired, plan, starter);
    }
    for (guint i = 0; i < starters->len; i++) {
        Starter *starter = &g_array_index(starters, Starter, i);
        bool own = wants_own(desired, starter->domain);
        if (own)
            add_starter(boot, desired, plan, starter);
        seat_one(boot, desired, plan, ledger, starter);
        if (own && starter->refusal != NULL)
            take_out(boot, starter);
    }
}

static bool
stays(const KtSeatDomain *domain, const KtSeat *seat)
{
    for (guint i = 0; i < domain->n_vcpus; i++) {
        if (!hwloc_bitmap_isequal(domain->vcpus[i].before, seat->vcpus[i]))
            return false;
    }
    return true;
}

/* Who is beside whom is known when all have their seats. */
static void
explain_all(const KtBootSeats *boot, GArray *starters)
{
    g_autoptr(KtPlacement) all = kt_placement_adjust(boot->problem, KT_PLACEMENT_GONE, 0);
    for (guint i = 0; i < starters->len; i++) {
        Starter *starter = &g_array_index(starters, Starter, i);
        if (starter->refusal != NULL || starter->reason == NULL ||
            !stays(&boot->problem->domains[starter->seat], &all->seats[starter->seat]))
            continue;
        g_free(starter->reason);
        starter->reason = g_steal_pointer(&all->seats[starter->seat].reason);
    }
}

/* Those who were taken out are at the end. */
static void
put_back(KtBootSeats *boot, GArray *starters)
{
    for (guint i = 0; i < starters->len; i++) {
        Starter *starter = &g_array_index(starters, Starter, i);
        if (starter->out.vcpus == NULL)
            continue;
        starter->seat = boot->problem->n_domains++;
        ((KtSeatDomain *)boot->problem->domains)[starter->seat] = starter->out;
    }
}

/* Says in the plan which seat is whose. */
static void
publish(KtBootSeats *boot, const KtDesired *desired, KtPlan *plan, const GArray *starters)
{
    boot->placement = kt_placement_present(boot->problem);
    for (guint i = 0; i < starters->len; i++) {
        Starter *starter = &g_array_index(starters, Starter, i);
        KtSeat *seat = &boot->placement->seats[starter->seat];
        seat->reason = g_steal_pointer(&starter->reason);
        seat->refusal = g_steal_pointer(&starter->refusal);
        if (kt_desired_selects(desired, starter->domain))
            plan->domains[starter->domain].boot_seat = (gint)starter->seat;
    }
}

void
kt_seats_boot(const KtDesired *desired, KtPlan *plan)
{
    g_autoptr(GArray) starters = find_starters(desired, plan);
    if (!any_selected(desired, starters))
        return;
    plan->boot = boot_seats_new(plan, starters->len);
    seat_all(plan->boot, desired, plan, starters);
    explain_all(plan->boot, starters);
    put_back(plan->boot, starters);
    publish(plan->boot, desired, plan, starters);
}
