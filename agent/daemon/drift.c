/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/drift.h"

#include <string.h>

#include "agent/exec/live_cpus.h"

/** Whether a value can be somebody's, and when it dies by itself. */
typedef enum {
    NEVER, /* a way to what is staged */
    FADES, /* pages, which the kernel moves too: only to take them back is somebody's word */
    LASTS,
    DIES_WITH_GUEST,
    DIES_WITH_HOST,
} Life;

static const Life lives[KT_N_STEP_KINDS] = {
    [KT_STEP_SYSFS] = DIES_WITH_HOST,    [KT_STEP_DEFINE] = LASTS, [KT_STEP_PIN] = DIES_WITH_GUEST,
    [KT_STEP_WEIGHT] = DIES_WITH_GUEST,  [KT_STEP_PAGES] = FADES,  [KT_STEP_KSM_MERGE] = DIES_WITH_HOST,
    [KT_STEP_SERVICES] = DIES_WITH_HOST, [KT_STEP_PAUSE] = NEVER,  [KT_STEP_REPLUG] = NEVER,
    [KT_STEP_RESTART] = NEVER,
};

static bool
is_of_this_life(const KtDomain *domain, const KtAction *action, const KtLeft *left, const char *boot)
{
    switch (lives[action->kind]) {
    case FADES:
    case DIES_WITH_GUEST:
        return domain && g_strcmp0(left->process, domain->process) == 0;
    case DIES_WITH_HOST:
        return left->process && (!boot || g_str_equal(left->process, boot));
    case NEVER:
    case LASTS:
        return true;
    }
    return true;
}

const KtCpuset *
kt_drift_find_pin(const KtDomainDef *def, const char *item)
{
    KtThreadKind kind;
    guint id;
    if (!def || !kt_thread_parse(item, &kind, &id, NULL))
        return NULL;
    if (kind == KT_THREAD_EMULATOR)
        return def->emulator_pin;
    const KtPinDef *pin = kind == KT_THREAD_VCPU ? kt_domain_def_find_vcpu_pin(def, id)
                                                 : kt_domain_def_find_iothread_pin(def, id);
    return pin ? pin->cpus : NULL;
}

/** Whether the kernel's affinity was changed behind libvirt's back: libvirt has the pin that was left, or, of
 * a thread that is new, none, which nobody who pins leaves behind. Or a CPU of it went offline. */
static bool
was_reset(const KtPlan *plan, const KtDomain *domain, const KtAction *action, const KtLeft *left)
{
    g_autoptr(KtCpuset) ours = kt_cpuset_parse(left->value ? left->value : "", false, NULL);
    g_autoptr(KtCpuset) present = kt_cpuset_parse(action->from ? action->from : "", false, NULL);
    if (!ours || !present)
        return false;
    const KtCpuset *pin = kt_drift_find_pin(domain->live, action->item);
    if (!pin || hwloc_bitmap_isequal(pin, ours))
        return true;
    hwloc_bitmap_and(ours, ours, plan->snapshot->topology->placeable);
    return hwloc_bitmap_isequal(ours, present);
}

KtDrift
kt_drift_judge(const KtPlan *plan, const KtAction *action, const KtLeft *left, const char *boot)
{
    const KtDomain *domain = action->domain >= 0 ? plan->snapshot->domains->pdata[action->domain] : NULL;
    if (!left || lives[action->kind] == NEVER)
        return KT_DRIFT_OURS;
    if (left->undone)
        return KT_DRIFT_UNDONE;
    if (lives[action->kind] == FADES)
        return KT_DRIFT_OURS;
    if (g_strcmp0(action->from, left->value) == 0 || !is_of_this_life(domain, action, left, boot))
        return KT_DRIFT_OURS;
    if (action->kind == KT_STEP_PIN && domain && was_reset(plan, domain, action, left))
        return KT_DRIFT_OURS;
    return KT_DRIFT_CHANGED;
}

/** "vda" of "disk vda", where a profile can name a single one; else NULL. */
static const char *
single_item(const KtSetting *setting, const char *item)
{
    static const char *const prefixes[] = {
        [KT_ITEM_NONE] = NULL, [KT_ITEM_DISK] = "disk ", [KT_ITEM_NIC] = "nic "};
    const char *prefix = prefixes[setting->item];
    return prefix && item && g_str_has_prefix(item, prefix) ? item + strlen(prefix) : NULL;
}

/** Whether @mark, which was released, speaks for what @action is about: items of a setting that are left
 * alone together come back together. */
static bool
speaks_for(const KtManual *mark, const KtAction *action, const char *uuid)
{
    if (mark->given_back || single_item(action->setting, action->item))
        return kt_manual_is_of(mark, action, uuid);
    return g_strcmp0(mark->domain_uuid, uuid) == 0 && g_str_equal(mark->setting, action->setting->key);
}

const KtManual *
kt_drift_find_released(const GPtrArray *marks, const KtAction *action, const char *uuid, const KtLeft *left)
{
    for (guint i = 0; i < marks->len; i++) {
        const KtManual *mark = marks->pdata[i];
        if (kt_manual_is_newer(mark, left) && speaks_for(mark, action, uuid))
            return mark;
    }
    return NULL;
}

void
kt_drift_take_released(const KtManual *mark, const KtAction *action, KtLeft *left)
{
    left->undone = false;
    g_free(left->value);
    g_free(left->process);
    left->value = g_strdup(action->kind == KT_STEP_DEFINE ? mark->defined : mark->found);
    left->process = g_strdup(mark->process);
    left->run = mark->run;
}

static gint
find_domain(const KtSnapshot *snapshot, const char *uuid)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (g_strcmp0(domain->uuid, uuid) == 0)
            return (gint)i;
    }
    return -1;
}

static void
unname_of_domain(KtDesired *desired, gint domain, const KtManual *mark)
{
    static const KtSettingId of_placement[] = {KT_SETTING_CPU_EXCLUSIVE, KT_SETTING_CPU_SMT,
                                               KT_SETTING_CPU_KIND};
    const KtSetting *setting = kt_setting_find(KT_SCOPE_DOMAIN, mark->setting);
    if (!setting)
        return;
    kt_desired_unname(desired, domain, setting, single_item(setting, mark->item));
    /* They mean nothing without it. */
    for (guint i = 0; setting->id == KT_SETTING_CPU_PLACEMENT && i < G_N_ELEMENTS(of_placement); i++)
        kt_desired_unname(desired, domain, kt_setting(of_placement[i]), NULL);
}

void
kt_drift_unname(KtDesired *desired, const KtSnapshot *snapshot, const GPtrArray *marks)
{
    for (guint i = 0; i < marks->len; i++) {
        const KtManual *mark = marks->pdata[i];
        if (mark->released)
            continue;
        if (!mark->domain_uuid) {
            const KtSetting *setting = kt_setting_find(KT_SCOPE_HOST, mark->setting);
            if (setting)
                kt_desired_unname(desired, -1, setting, NULL);
            continue;
        }
        gint domain = find_domain(snapshot, mark->domain_uuid);
        if (domain >= 0)
            unname_of_domain(desired, domain, mark);
    }
}
