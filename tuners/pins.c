/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/pins.h"

#include "tuners/near.h"
#include "tuners/pins_parts.h"
#include "tuners/seats.h"
#include "tuners/tuner.h"

static char *
format_or_null(const KtCpuset *cpus)
{
    return cpus != NULL ? kt_cpuset_format(cpus) : NULL;
}

static void
pin_live(KtPlan *plan, guint index, const KtPinWish *wish)
{
    KtAction action = {
        .domain = (gint)index,
        .setting = wish->value->setting,
        .item = g_strdup(wish->item),
        .from = kt_cpuset_format(wish->live),
        .to = kt_cpuset_format(wish->wanted),
        .when = KT_WHEN_NOW,
        .risk = KT_RISK_NONE,
        .reason = g_strdup(wish->reason),
        .source = g_strdup(wish->value->source),
        .kind = KT_STEP_PIN,
    };
    kt_plan_add(plan, action);
}

/* Whether the next boot would run this thread just there without an edit. Where numad chooses the default,
 * that isn't known before the boot. */
static bool
boots_there(const KtPlan *plan, const KtDomainDef *def, const KtPinWish *wish)
{
    if (wish->unpin)
        return wish->pinned == NULL;
    if (wish->pinned != NULL)
        return hwloc_bitmap_isequal(wish->pinned, wish->wanted);
    if (g_strcmp0(def->vcpu_placement, "auto") == 0)
        return false;
    g_autoptr(KtCpuset) cpus = kt_domain_default_cpus(def, plan->snapshot->topology);
    return hwloc_bitmap_isequal(cpus, wish->wanted);
}

void
kt_pin_stage(KtPlan *plan, guint index, const KtDomainDef *def, const KtPinWish *wish)
{
    if (boots_there(plan, def, wish))
        return;

    KtAction action = {
        .domain = (gint)index,
        .setting = wish->value->setting,
        .item = g_strdup(wish->item),
        .from = format_or_null(wish->pinned),
        .to = wish->unpin ? NULL : kt_cpuset_format(wish->wanted),
        .when = KT_WHEN_NEXT_BOOT,
        .risk = KT_RISK_NONE,
        .reason = g_strdup(wish->reason),
        .source = g_strdup(wish->value->source),
        .kind = KT_STEP_DEFINE,
        .field = wish->field,
    };
    kt_plan_add(plan, action);
}

/* @def: the persistent definition that takes the pin too, NULL = none does. */
static void
pin(KtPlan *plan, guint index, const KtDomainDef *def, const KtPinWish *wish)
{
    pin_live(plan, index, wish);
    if (def != NULL)
        kt_pin_stage(plan, index, def, wish);
}

/* ---- vCPUs ---- */

/* Only online vCPUs have a seat, so only those are pinned, live and staged. libvirt ignores a pin of a vCPU
 * that the persistent definition no longer has. */
static void
pin_vcpu(KtPlan *plan, guint index, const KtDomainDef *def, const KtVcpu *vcpu, const KtValue *value,
         const KtCpuset *wanted, const char *reason)
{
    bool defined = def != NULL && (def->vcpus == 0 || vcpu->id < def->vcpus);
    const KtPinDef *pinned = defined ? kt_domain_def_find_vcpu_pin(def, vcpu->id) : NULL;
    g_autofree char *item = g_strdup_printf("vcpu %u", vcpu->id);
    KtPinWish wish = {
        .value = value,
        .field = KT_XML_VCPU_PIN,
        .item = item,
        .live = vcpu->affinity,
        .pinned = pinned != NULL ? pinned->cpus : NULL,
        .wanted = wanted,
        .unpin = kt_value_is(value, "none"),
        .reason = reason,
    };
    pin(plan, index, defined ? def : NULL, &wish);
}

const char *
kt_pin_vcpu_reason(const KtSeat *seat, const KtValue *value)
{
    if (kt_value_is(value, "none"))
        return "unpinned: it may run wherever its definition allows";
    return seat->reason != NULL ? seat->reason : "as placement found it";
}

bool
kt_pin_refused(KtPlan *plan, const KtDesired *desired, guint index, const KtSeat *seat)
{
    if (seat->refusal == NULL)
        return false;
    const KtValue *placement = kt_desired_domain(desired, index, KT_SETTING_CPU_PLACEMENT, NULL);
    const KtValue *exclusive = kt_desired_domain(desired, index, KT_SETTING_CPU_EXCLUSIVE, NULL);
    bool own = exclusive != NULL && exclusive->number != 0;
    kt_plan_refuse(plan, (gint)index, own ? exclusive : placement, NULL, "%s", seat->refusal);
    return true;
}

static void
pin_vcpus(KtPlan *plan, const KtDesired *desired, guint index)
{
    const KtValue *value = kt_desired_domain(desired, index, KT_SETTING_CPU_PLACEMENT, NULL);
    if (value == NULL)
        return;
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    const KtSeat *seat = &plan->placement->seats[plan->domains[index].seat];
    if (kt_pin_refused(plan, desired, index, seat))
        return;

    bool staged = kt_plan_may_stage(plan, (gint)index, value, NULL);
    guint place = 0;
    for (guint i = 0; i < domain->vcpus->len; i++) {
        const KtVcpu *vcpu = domain->vcpus->pdata[i];
        if (vcpu->online)
            pin_vcpu(plan, index, staged ? domain->inactive : NULL, vcpu, value, seat->vcpus[place++],
                     kt_pin_vcpu_reason(seat, value));
    }
}

/* cpu.exclusive, cpu.smt and cpu.kind say how to place: without a placement there is nothing that they could
 * shape. */
static void
refuse_without_placement(KtPlan *plan, const KtDesired *desired, guint index)
{
    static const struct {
        KtSettingId id;
        const char *idle; /* the value that asks for nothing */
    } shapes[] = {
        {KT_SETTING_CPU_EXCLUSIVE, NULL}, {KT_SETTING_CPU_SMT, "auto"}, {KT_SETTING_CPU_KIND, "auto"}};

    if (kt_seats_wish(desired, index) != NULL)
        return;
    const KtValue *placement = kt_desired_domain(desired, index, KT_SETTING_CPU_PLACEMENT, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(shapes); i++) {
        const KtValue *value = kt_desired_domain(desired, index, shapes[i].id, NULL);
        bool idle = value == NULL ||
                    (shapes[i].idle != NULL ? kt_value_is(value, shapes[i].idle) : value->number == 0);
        if (!idle)
            kt_plan_refuse(
                plan, (gint)index, value, NULL,
                "%s needs cpu.placement, which %s for this domain; name shared-cache, numa or spread",
                value->setting->key, placement == NULL ? "no section names" : "is 'none'");
    }
}

/* ---- QEMU's own threads ---- */

static void
pin_emulator(KtPlan *plan, const KtDesired *desired, guint index)
{
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    KtDomainPlan *planned = &plan->domains[index];
    const KtValue *value = kt_desired_domain(desired, index, KT_SETTING_CPU_EMULATOR, NULL);
    g_autofree char *reason = NULL;
    g_autoptr(KtCpuset) cpus = NULL;
    if (value != NULL && domain->emulator != NULL)
        cpus = kt_near_resolve(plan, index, value, "emulator", &reason);
    if (cpus == NULL) {
        planned->emulator = domain->emulator != NULL ? hwloc_bitmap_dup(domain->emulator) : NULL;
        return;
    }

    const KtDomainDef *def =
        kt_plan_may_stage(plan, (gint)index, value, "emulator") ? domain->inactive : NULL;
    KtPinWish wish = {
        .value = value,
        .field = KT_XML_EMULATOR_PIN,
        .item = "emulator",
        .live = domain->emulator,
        .pinned = def != NULL ? def->emulator_pin : NULL,
        .wanted = cpus,
        .reason = reason,
    };
    pin(plan, index, def, &wish);
    planned->emulator = g_steal_pointer(&cpus);
}

/* libvirt refuses a definition that pins an IOThread it doesn't have. Their numbers are 1 … n unless
 * <iothreadids> gives others, which change with the number only. */
static bool
has_iothread(const KtDomainDef *def, const KtDomainDef *live, guint id)
{
    return def != NULL && (id <= def->iothreads || (live != NULL && live->iothreads == def->iothreads));
}

static void
pin_iothread(KtPlan *plan, guint index, const KtDomainDef *def, const KtIoThread *iothread,
             const KtValue *value, const KtCpuset *wanted, const char *reason)
{
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    bool defined = has_iothread(def, domain->live, iothread->id);
    const KtPinDef *pinned = defined ? kt_domain_def_find_iothread_pin(def, iothread->id) : NULL;
    g_autofree char *item = g_strdup_printf("iothread %u", iothread->id);
    KtPinWish wish = {
        .value = value,
        .field = KT_XML_IOTHREAD_PIN,
        .item = item,
        .live = iothread->affinity,
        .pinned = pinned != NULL ? pinned->cpus : NULL,
        .wanted = wanted,
        .reason = reason,
    };
    pin(plan, index, defined ? def : NULL, &wish);
}

static void
plan_iothread(KtDomainPlan *planned, guint id, const KtCpuset *affinity)
{
    KtIoThread *iothread = g_new0(KtIoThread, 1);
    iothread->id = id;
    iothread->affinity = hwloc_bitmap_dup(affinity);
    g_ptr_array_add(planned->iothreads, iothread);
}

static void
pin_iothreads(KtPlan *plan, const KtDesired *desired, guint index)
{
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    const KtValue *value = kt_desired_domain(desired, index, KT_SETTING_CPU_IOTHREADS, NULL);
    g_autofree char *reason = NULL;
    g_autoptr(KtCpuset) cpus = NULL;
    const KtDomainDef *def = NULL;
    if (value != NULL && domain->iothreads->len > 0)
        cpus = kt_near_resolve(plan, index, value, NULL, &reason);
    if (cpus != NULL && kt_plan_may_stage(plan, (gint)index, value, NULL))
        def = domain->inactive;

    for (guint i = 0; i < domain->iothreads->len; i++) {
        const KtIoThread *iothread = domain->iothreads->pdata[i];
        if (cpus != NULL)
            pin_iothread(plan, index, def, iothread, value, cpus, reason);
        plan_iothread(&plan->domains[index], iothread->id, cpus != NULL ? cpus : iothread->affinity);
    }
}

/* ---- all domains ---- */

static void
solve(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    g_autoptr(GPtrArray) unpinned = g_ptr_array_new_with_free_func((GDestroyNotify)kt_cpuset_free);
    g_autoptr(KtPlacementProblem) wanted = kt_seats_build(snapshot, desired, plan, unpinned);
    plan->problem = kt_seats_build(snapshot, desired, plan, NULL);
    kt_seats_solve(desired, plan, wanted);
    plan->cost = kt_cost(plan->problem, plan->placement);
    g_autoptr(KtPlacement) present = kt_placement_present(plan->problem);
    /* Whoever is refused counts in neither figure: they are to be compared. */
    for (guint i = 0; i < present->n_seats; i++)
        present->seats[i].refusal = g_strdup(plan->placement->seats[i].refusal);
    plan->cost_before = kt_cost(plan->problem, present);
}

void
kt_tune_placement(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    kt_cpuset_free(plan->housekeeping);
    plan->housekeeping = kt_seats_housekeeping(snapshot, desired, plan);
    solve(snapshot, desired, plan);
    kt_seats_boot(desired, plan);
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (domain->active || plan->domains[i].boot_seat >= 0)
            refuse_without_placement(plan, desired, i);
        if (!domain->active) {
            kt_pins_stage_shut_off(plan, desired, i);
            continue;
        }
        pin_vcpus(plan, desired, i);
        pin_emulator(plan, desired, i);
        pin_iothreads(plan, desired, i);
    }
}
