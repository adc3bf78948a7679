/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/domain_plug.h"
#include "tuners/ways_parts.h"

bool
kt_crossing_goes(const KtCrossing *crossing, KtWhen way)
{
    for (guint i = 0; i < crossing->passages->len; i++) {
        if (g_array_index(crossing->passages, KtPassage, i).way == way)
            return true;
    }
    return false;
}

static void
send_all(KtCrossing *crossing, KtWhen from, KtWhen to)
{
    for (guint i = 0; i < crossing->passages->len; i++) {
        KtPassage *passage = &g_array_index(crossing->passages, KtPassage, i);
        if (passage->way == from)
            passage->way = to;
    }
}

/* Why this NIC can't be swapped while the guest runs; NULL = it can. Owned. */
static char *
replug_refusal(const KtCrossing *crossing, const KtPending *pending)
{
    const char *mac = strchr(pending->item, ' ') + 1;
    const KtNicDef *nic = kt_domain_def_find_nic(crossing->domain->live, mac);
    if (crossing->domain->state != KT_DOMAIN_RUNNING)
        return g_strdup("the guest stands still, so it can't let go of it");
    char *obstacle = kt_domain_nic_plug_obstacle(crossing->domain->live_xml, mac);
    if (obstacle != NULL)
        return obstacle;
    /* Its counters, or the agent, must tell that the guest took the new one. */
    if ((nic == NULL || nic->target == NULL) && !crossing->domain->live->agent_connected)
        return g_strdup(
            "it has no device on the host whose counters would tell whether the guest makes use of "
            "the new one, and no agent in the guest could");
    return NULL;
}

/* Once for an item, however many of its settings it is about. */
static void
refuse(const KtCrossing *crossing, const char *item, const char *what, const char *why)
{
    for (guint i = 0; i < crossing->plan->refused->len; i++) {
        const KtRefusal *refusal = crossing->plan->refused->pdata[i];
        if (refusal->domain == (gint)crossing->index && refusal->setting == crossing->disruption->setting &&
            g_strcmp0(refusal->item, item) == 0)
            return;
    }
    kt_plan_refuse(crossing->plan, (gint)crossing->index, crossing->disruption, item, "%s: %s%s", what, why,
                   crossing->transient ? "" : "; what is staged waits for its next power-on");
}

static void
choose_replugs(KtCrossing *crossing)
{
    for (guint i = 0; i < crossing->passages->len; i++) {
        KtPassage *passage = &g_array_index(crossing->passages, KtPassage, i);
        if (passage->way != KT_WHEN_REPLUG || crossing->allowed < KT_WHEN_REPLUG)
            continue;
        g_autofree char *refusal = replug_refusal(crossing, passage->pending);
        if (refusal == NULL)
            continue;
        bool restarts = crossing->allowed >= KT_WHEN_RESTART;
        passage->way = restarts ? KT_WHEN_RESTART : KT_WHEN_NEXT_BOOT;
        if (!restarts)
            refuse(crossing, passage->pending->item, "it can't be replugged", refusal);
    }
}

/* A longer pause than allowed is refused; what can't be saved at all may be restarted. */
static void
choose_pauses(KtCrossing *crossing)
{
    const KtValue *most = kt_desired_domain(crossing->desired, crossing->index, KT_SETTING_MAX_PAUSE, NULL);
    gint64 usec = kt_pause_estimate(crossing->domain);
    g_autofree char *why = kt_pause_obstacle(crossing->plan, crossing->index);
    bool restarts = why != NULL && crossing->allowed >= KT_WHEN_RESTART;
    if (why == NULL && most != NULL && usec > most->number) {
        g_autofree char *told = kt_value_told(most);
        why = g_strdup_printf("the guest would stand still about %.1f s, longer than %s",
                              (double)usec / G_USEC_PER_SEC, told);
    }
    if (why == NULL)
        return;
    send_all(crossing, KT_WHEN_PAUSE, restarts ? KT_WHEN_RESTART : KT_WHEN_NEXT_BOOT);
    if (!restarts)
        refuse(crossing, NULL, "it can't be paused (saved and resumed)", why);
}

/* Why this guest can't be shut down and started now; NULL = it can. Owned. */
static char *
restart_refusal(const KtCrossing *crossing)
{
    const KtValue *window =
        kt_desired_domain(crossing->desired, crossing->index, KT_SETTING_RESTART_WINDOW, NULL);
    if (window != NULL) {
        g_autofree char *told = kt_value_told(window);
        return g_strdup_printf("its %s is kept only by a daemon; without one it is restarted by apply", told);
    }
    if (crossing->domain->state != KT_DOMAIN_RUNNING)
        return g_strdup("the guest stands still, so it wouldn't shut down before it goes on");
    if (crossing->transient)
        return g_strdup(
            "a transient domain is gone once it is shut down; define it ('virsh define') to make it "
            "persistent");
    return NULL;
}

/* One restart serves all that is staged, so nothing else is done then. */
static void
choose_restart(KtCrossing *crossing)
{
    if (crossing->allowed < KT_WHEN_RESTART || !kt_crossing_goes(crossing, KT_WHEN_RESTART))
        return;
    g_autofree char *why = restart_refusal(crossing);
    if (why == NULL) {
        send_all(crossing, KT_WHEN_PAUSE, KT_WHEN_RESTART);
        send_all(crossing, KT_WHEN_REPLUG, KT_WHEN_RESTART);
    } else {
        send_all(crossing, KT_WHEN_RESTART, KT_WHEN_NEXT_BOOT);
        refuse(crossing, NULL, "it can't be restarted", why);
    }
}

void
kt_crossing_choose(KtCrossing *crossing)
{
    g_autofree char *why =
        crossing->passages->len > 0 ? kt_disturbance_obstacle(crossing->plan, crossing->index) : NULL;
    if (why != NULL) {
        for (KtWhen way = KT_WHEN_PAUSE; way <= KT_WHEN_RESTART; way++)
            send_all(crossing, way, KT_WHEN_NEXT_BOOT);
        refuse(crossing, NULL, "it can't be disturbed now", why);
        return;
    }
    if (kt_crossing_goes(crossing, KT_WHEN_PAUSE))
        choose_pauses(crossing);
    choose_replugs(crossing);
    choose_restart(crossing);
}
