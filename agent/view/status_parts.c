/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/status_parts.h"

#include "profiles/profile.h"
#include "tuners/tuner.h"

bool
kt_status_names(char *const *names, const KtDomain *domain)
{
    if (names == NULL || names[0] == NULL)
        return true;
    for (guint i = 0; names[i]; i++) {
        if (kt_glob_matches(names[i], domain->name) || g_strcmp0(names[i], domain->uuid) == 0)
            return true;
    }
    return false;
}

double
kt_status_delay_percent(const KtDomain *domain)
{
    double run = 0;
    double wait = 0;
    for (guint i = 0; i < domain->vcpus->len; i++) {
        const KtVcpu *vcpu = domain->vcpus->pdata[i];
        if (vcpu->time_ns == KT_ABSENT || vcpu->delay_ns == KT_ABSENT)
            continue;
        run += (double)vcpu->time_ns;
        wait += (double)vcpu->delay_ns;
    }
    return run + wait > 0 ? 100 * wait / (run + wait) : -1;
}

double
kt_status_busy_percent(const KtDomain *domain)
{
    double run = 0;
    guint n = 0;
    for (guint i = 0; i < domain->vcpus->len; i++) {
        const KtVcpu *vcpu = domain->vcpus->pdata[i];
        if (!vcpu->online || vcpu->time_ns < 0)
            continue;
        run += (double)vcpu->time_ns;
        n++;
    }
    return n > 0 && domain->age_ns > 0 ? MIN(100 * run / n / (double)domain->age_ns, 100) : -1;
}

gint64
kt_status_ksm_saved_mib(const KtMemory *memory)
{
    if (memory->ksm.pages_sharing == KT_ABSENT)
        return -1;
    return memory->ksm.pages_sharing * (gint64)memory->page_kib / 1024;
}

const char *
kt_status_ksm_mode(const KtKsm *ksm)
{
    static const char *const words[] = {"off", "on", "unmerge"};
    if (ksm->run == KT_ABSENT)
        return NULL;
    return ksm->run >= 0 && ksm->run < (gint64)G_N_ELEMENTS(words) ? words[ksm->run] : "unknown";
}

KtPlan *
kt_status_pending(const KtSnapshot *snapshot)
{
    KtPlan *plan = kt_plan_new(snapshot);
    kt_tune_pending(snapshot, NULL, plan);
    kt_tune_migration(snapshot, NULL, plan);
    return plan;
}
