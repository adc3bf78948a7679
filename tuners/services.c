/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/services.h"

#include <string.h>

#include "tuners/knob.h"
#include "tuners/tuner.h"

#define CPUS "cpuset.cpus"

/* systemd sets AllowedCPUs= on cgroup version 2 alone, and there it owns the groups: what is written past it
 * goes with its next reload (systemd.resource-control(5)). */
static bool
is_systemds(const KtCgroup *cgroup)
{
    return cgroup->systemd && cgroup->layout == KT_CGROUP_V2;
}

/* Whether libvirt puts its guests below this group: then confining it would confine them. */
static bool
holds_guests(const KtCgroup *cgroup, const KtServiceGroup *group)
{
    const char *machines = cgroup->machine_group;
    return machines != NULL && g_str_has_prefix(machines, group->name) &&
           machines[strlen(group->name)] == '/';
}

/* Why the group's CPUs can't be set, or NULL. Owned. */
static char *
obstacle(const KtCgroup *cgroup, const KtServiceGroup *group)
{
    if (holds_guests(cgroup, group))
        return g_strdup_printf("guests run below it (%s): they would be confined too", cgroup->machine_group);
    if (group->effective != NULL || is_systemds(cgroup))
        return NULL;
    if (cgroup->layout == KT_CGROUP_V1 || cgroup->layout == KT_CGROUP_HYBRID)
        return g_strdup_printf("no CPU is set for /%s, so nothing can run in it", group->path);
    return g_strdup_printf("the cpuset controller isn't enabled for /%s; write '+cpuset' to "
                           "/%s/cgroup.subtree_control",
                           group->path, cgroup->cpuset_mount);
}

/* Both as sets: "0,1" is "0-1". */
static bool
is_already(const KtServiceGroup *group, const KtCpuset *wanted)
{
    g_autoptr(KtCpuset) present = kt_cpuset_parse(group->cpus, false, NULL);
    return present != NULL && hwloc_bitmap_isequal(present, wanted);
}

static void
confine(const KtCgroup *cgroup, KtPlan *plan, const KtValue *value, const KtServiceGroup *group)
{
    g_autofree char *why_not = obstacle(cgroup, group);
    if (why_not != NULL) {
        kt_plan_refuse(plan, -1, value, group->name, "%s", why_not);
        return;
    }
    if (is_already(group, plan->housekeeping))
        return;
    KtAction action = {
        .domain = -1,
        .setting = value->setting,
        .item = g_strdup(group->name),
        .from = *group->cpus != '\0' ? g_strdup(group->cpus) : NULL,
        .to = kt_cpuset_format(plan->housekeeping),
        .when = KT_WHEN_NOW,
        .risk = KT_RISK_LOW,
        .reason = g_strdup("the host's own services run on the housekeeping CPUs alone, beside no guest"),
        .source = g_strdup(value->source),
        .kind = KT_STEP_SERVICES,
        .path = is_systemds(cgroup) ? g_strconcat(KT_SERVICES_SYSTEMD, group->name, NULL)
                                    : g_build_filename(group->path, CPUS, NULL),
    };
    kt_plan_add(plan, action);
}

void
kt_tune_services(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    const KtValue *value = kt_knob_wish(plan, desired, KT_SETTING_SERVICES);
    const KtCgroup *cgroup = snapshot->cgroup;
    if (value == NULL)
        return;
    if (hwloc_bitmap_iszero(plan->housekeeping)) {
        kt_plan_refuse(plan, -1, value, NULL,
                       "this host has no housekeeping CPUs; name them with 'housekeeping' in [host]");
        return;
    }
    if (cgroup->services->len == 0) {
        kt_plan_refuse(
            plan, -1, value, NULL,
            "this host has no group of services to confine (system.slice, user.slice, init.scope with a "
            "cpuset); systemd makes them on cgroup version 2");
        return;
    }
    for (guint i = 0; i < cgroup->services->len; i++)
        confine(cgroup, plan, value, cgroup->services->pdata[i]);
}
