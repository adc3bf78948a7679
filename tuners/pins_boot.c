/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/near.h"
#include "tuners/pins_parts.h"
#include "tuners/seats.h"

/* ---- IOThreads ---- */

static void
stage_iothread(KtPlan *plan, guint domain, const KtDomainDef *def, const KtValue *value, guint id,
               const KtCpuset *cpus, const char *reason)
{
    g_autofree char *item = g_strdup_printf("iothread %u", id);
    const KtPinDef *pinned = kt_domain_def_find_iothread_pin(def, id);
    KtPinWish wish = {
        .value = value,
        .field = KT_XML_IOTHREAD_PIN,
        .item = item,
        .pinned = pinned != NULL ? pinned->cpus : NULL,
        .wanted = cpus,
        .reason = reason,
    };
    kt_pin_stage(plan, domain, def, &wish);
}

bool
kt_pins_stage_iothread(KtPlan *plan, const KtDesired *desired, guint domain, guint id)
{
    const KtDomain *guest = plan->snapshot->domains->pdata[domain];
    const KtDomainPlan *planned = &plan->domains[domain];
    const KtDomainDef *def = planned->carried ? guest->live : guest->inactive;
    const KtValue *value = kt_desired_domain(desired, domain, KT_SETTING_CPU_IOTHREADS, NULL);
    if (value == NULL || def == NULL || (planned->seat < 0 && planned->boot_seat < 0))
        return true;
    g_autofree char *item = g_strdup_printf("iothread %u", id);
    g_autofree char *reason = NULL;
    g_autoptr(KtCpuset) cpus = kt_near_resolve(plan, domain, value, item, &reason);
    if (cpus == NULL)
        return false;
    stage_iothread(plan, domain, def, value, id, cpus, reason);
    return true;
}

static void
stage_iothreads(KtPlan *plan, const KtDesired *desired, guint domain, const KtDomainDef *def)
{
    const KtValue *value = kt_desired_domain(desired, domain, KT_SETTING_CPU_IOTHREADS, NULL);
    g_autofree char *reason = NULL;
    g_autoptr(KtCpuset) cpus = NULL;
    if (value != NULL && def->iothreads > 0 && kt_plan_may_stage(plan, (gint)domain, value, NULL))
        cpus = kt_near_resolve(plan, domain, value, NULL, &reason);
    if (cpus == NULL)
        return;
    int id;
    hwloc_bitmap_foreach_begin(id, def->iothread_ids)
    {
        stage_iothread(plan, domain, def, value, (guint)id, cpus, reason);
    }
    hwloc_bitmap_foreach_end();
}

/* ---- a domain that is shut off ---- */

static void
stage_vcpu(KtPlan *plan, guint domain, const KtDomainDef *def, const KtValue *value, guint id,
           const KtSeat *seat, guint place)
{
    g_autofree char *item = g_strdup_printf("vcpu %u", id);
    const KtPinDef *pinned = kt_domain_def_find_vcpu_pin(def, id);
    KtPinWish wish = {
        .value = value,
        .field = KT_XML_VCPU_PIN,
        .item = item,
        .pinned = pinned != NULL ? pinned->cpus : NULL,
        .wanted = seat->vcpus[place],
        .unpin = kt_value_is(value, "none"),
        .reason = kt_pin_vcpu_reason(seat, value),
    };
    kt_pin_stage(plan, domain, def, &wish);
}

static void
stage_vcpus(KtPlan *plan, const KtDesired *desired, guint domain, const KtDomainDef *def)
{
    const KtValue *value = kt_desired_domain(desired, domain, KT_SETTING_CPU_PLACEMENT, NULL);
    KtSeats seats = {0};
    guint index = 0;
    if (value == NULL || !kt_seats_find(plan, domain, &seats, &index))
        return;
    const KtSeat *seat = &seats.placement->seats[index];
    if (kt_pin_refused(plan, desired, domain, seat) || !kt_plan_may_stage(plan, (gint)domain, value, NULL))
        return;
    for (guint i = 0; i < seat->n_vcpus; i++)
        stage_vcpu(plan, domain, def, value, seats.problem->domains[index].vcpus[i].id, seat, i);
}

static void
stage_emulator(KtPlan *plan, const KtDesired *desired, guint domain, const KtDomainDef *def)
{
    const KtValue *value = kt_desired_domain(desired, domain, KT_SETTING_CPU_EMULATOR, NULL);
    g_autofree char *reason = NULL;
    g_autoptr(KtCpuset) cpus = NULL;
    if (value != NULL && kt_plan_may_stage(plan, (gint)domain, value, "emulator"))
        cpus = kt_near_resolve(plan, domain, value, "emulator", &reason);
    if (cpus == NULL)
        return;
    KtPinWish wish = {
        .value = value,
        .field = KT_XML_EMULATOR_PIN,
        .item = "emulator",
        .pinned = def->emulator_pin,
        .wanted = cpus,
        .reason = reason,
    };
    kt_pin_stage(plan, domain, def, &wish);
}

void
kt_pins_stage_shut_off(KtPlan *plan, const KtDesired *desired, guint domain)
{
    const KtDomain *guest = plan->snapshot->domains->pdata[domain];
    if (plan->domains[domain].boot_seat < 0)
        return;
    stage_vcpus(plan, desired, domain, guest->inactive);
    stage_emulator(plan, desired, domain, guest->inactive);
    stage_iothreads(plan, desired, domain, guest->inactive);
}
