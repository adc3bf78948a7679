/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/plan_guests.h"

#include "agent/daemon/following.h"
#include "agent/daemon/load_watch.h"

GPtrArray *
kt_plan_staying(const KtPlan *plan)
{
    GPtrArray *staying = g_ptr_array_new_with_free_func((GDestroyNotify)kt_followed_free);
    for (guint i = 0; i < plan->n_domains; i++) {
        if (!plan->domains[i].memory_stays)
            continue;
        const KtDomain *domain = plan->snapshot->domains->pdata[i];
        KtFollowed *followed = g_new0(KtFollowed, 1);
        followed->name = g_strdup(domain->name);
        followed->from = g_strdup(plan->domains[i].memory_at);
        followed->state = KT_FOLLOWING_STAYS;
        followed->reason = g_strdup(plan->domains[i].memory_stays);
        g_ptr_array_add(staying, followed);
    }
    return staying;
}

GPtrArray *
kt_plan_watched(const KtPlan *plan)
{
    GPtrArray *guests = g_ptr_array_new_with_free_func((GDestroyNotify)kt_watched_guest_free);
    for (guint i = 0; i < plan->n_domains; i++) {
        const KtDomain *domain = plan->snapshot->domains->pdata[i];
        gint seat = plan->domains[i].seat;
        if (domain->pid <= 0)
            continue;
        KtWatchedGuest *guest = g_new0(KtWatchedGuest, 1);
        guest->uuid = g_strdup(domain->uuid);
        guest->name = g_strdup(domain->name);
        guest->process = g_strdup(domain->process);
        guest->placed = seat >= 0 && plan->problem->domains[seat].placed;
        g_ptr_array_add(guests, guest);
    }
    return guests;
}
