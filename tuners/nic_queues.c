/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/nics.h"

/* What `auto` gives at most: about 8 are worth having. */
#define KT_QUEUES_AUTO_MAX 8

static bool
is(const char *word, const char *other)
{
    return g_strcmp0(word, other) == 0;
}

/* A NIC without a word of them has one. */
static guint
present_queues(const KtNicDef *nic)
{
    return MAX(nic->queues, 1);
}

static guint
wanted_queues(const KtNicWish *wish)
{
    if (kt_value_is(wish->value, "auto"))
        return MIN(wish->def->vcpus, KT_QUEUES_AUTO_MAX);
    return (guint)wish->value->number;
}

/* What an earlier tuner stages, else what the definition says. */
static const char *
planned_model(const KtNicWish *wish)
{
    const KtAction *action = kt_plan_find_edit(wish->plan, wish->domain, KT_XML_NIC_MODEL, wish->item);
    return action != NULL ? action->to : wish->nic->model;
}

/* Only tap devices have several queues that libvirt opens, each with its own vhost thread
 * (qemuBuildInterfaceCommandLine, virDomainNetDefValidate). */
static bool
is_tap(const KtNicDef *nic)
{
    return is(nic->type, "network") || is(nic->type, "bridge") || is(nic->type, "direct") ||
           is(nic->type, "ethernet");
}

/* Why it can't have so many; NULL = it can. Owned. */
static char *
why_not(const KtNicWish *wish, guint wanted)
{
    const KtNicDef *nic = wish->nic;
    const char *model = planned_model(wish);
    if (!is_tap(nic))
        return g_strdup_printf(
            "a NIC of type '%s' has one queue; several need a tap device: network, bridge, direct or "
            "ethernet",
            nic->type != NULL ? nic->type : "(not named)");
    if (!kt_nic_is_virtio(model))
        return g_strdup_printf("only a virtio NIC has several queues, this one's model is '%s'; ask for "
                               "nic.model = virtio too",
                               model != NULL ? model : "default");
    if (wanted > wish->def->vcpus)
        return g_strdup_printf("%u queues are more than its %u vCPU%s could serve; ask for %u, or auto",
                               wanted, wish->def->vcpus, wish->def->vcpus == 1 ? "" : "s", wish->def->vcpus);
    if (nic->mac == NULL || kt_domain_def_find_nic(wish->def, nic->mac) == NULL)
        return g_strdup("a NIC can only be named by a MAC of its own; give it one");
    return NULL;
}

static void
stage(const KtNicWish *wish, guint wanted)
{
    bool fewer = wanted < present_queues(wish->nic);
    KtAction action = {
        .domain = (gint)wish->domain,
        .setting = wish->value->setting,
        .item = g_strdup(wish->item),
        .from = wish->nic->queues > 0 ? g_strdup_printf("%u", wish->nic->queues) : NULL,
        .to = g_strdup_printf("%u", wanted),
        .when = KT_WHEN_NEXT_BOOT,
        .risk = KT_RISK_LOW,
        .reason = fewer ? g_strdup("fewer vhost threads on the host")
                        : g_strdup_printf(
                              "%spackets are worked on by %u vCPUs at once, not by one; a guest that doesn't "
                              "use them by itself wants 'ethtool -L DEVICE combined %u'",
                              kt_value_is(wish->value, "auto") ? "auto, one a vCPU and at most 8: " : "",
                              wanted, wanted),
        .source = g_strdup(wish->value->source),
        .kind = KT_STEP_DEFINE,
        .field = KT_XML_NIC_QUEUES,
    };
    kt_plan_add(wish->plan, action);
}

/* `auto` leaves alone what can't have several. */
static void
tune_nic(const KtNicWish *wish)
{
    guint wanted = wanted_queues(wish);
    if (wanted == present_queues(wish->nic))
        return;
    g_autofree char *why = why_not(wish, wanted);
    if (why != NULL && kt_value_is(wish->value, "auto"))
        return;
    if (!kt_plan_may_carry(wish->plan, (gint)wish->domain, wish->value, wish->item))
        return;
    if (why != NULL)
        kt_plan_refuse(wish->plan, (gint)wish->domain, wish->value, wish->item, "%s", why);
    else
        stage(wish, wanted);
}

void
kt_tune_nic_queues(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    kt_nics_each(snapshot, desired, plan, KT_SETTING_NIC_QUEUES, tune_nic);
}
