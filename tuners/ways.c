/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "tuners/disks.h"
#include "tuners/tuner.h"
#include "tuners/ways_parts.h"

static void
crossing_clear(KtCrossing *crossing)
{
    g_free(crossing->xml);
    g_clear_pointer(&crossing->def, kt_domain_def_free);
    g_clear_pointer(&crossing->passages, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KtCrossing, crossing_clear)

/* The least that brings a setting to a running guest, and its place in the XML. */
static const struct {
    KtSettingId id;
    bool has_item;
    KtWhen way;
    KtXmlField field;
} places[] = {
    {KT_SETTING_DISK_CACHE, true, KT_WHEN_PAUSE, KT_XML_DISK_CACHE},
    {KT_SETTING_DISK_IO, true, KT_WHEN_PAUSE, KT_XML_DISK_IO},
    {KT_SETTING_DISK_DISCARD, true, KT_WHEN_PAUSE, KT_XML_DISK_DISCARD},
    {KT_SETTING_DISK_IOTHREADS, true, KT_WHEN_PAUSE, KT_XML_DISK_IOTHREAD},
    {KT_SETTING_DISK_IOTHREADS, false, KT_WHEN_PAUSE, KT_XML_IOTHREADS},
    {KT_SETTING_MEMORY_NUMA, false, KT_WHEN_PAUSE, KT_XML_NUMATUNE},
    {KT_SETTING_MEMORY_NUMA, true, KT_WHEN_RESTART, KT_XML_MEMNODE},
    {KT_SETTING_MEMORY_BACKING, false, KT_WHEN_PAUSE, KT_XML_HUGEPAGES},
    {KT_SETTING_MEMORY_KSM, false, KT_WHEN_PAUSE, KT_XML_NOSHAREPAGES},
    {KT_SETTING_NIC_MODEL, true, KT_WHEN_REPLUG, KT_XML_NIC_MODEL},
    {KT_SETTING_NIC_QUEUES, true, KT_WHEN_REPLUG, KT_XML_NIC_QUEUES},
};

/* ---- what differs after this plan ---- */

static bool
define_as_planned(KtCrossing *crossing)
{
    g_autoptr(GArray) edits = g_array_new(FALSE, FALSE, sizeof(KtXmlEdit));
    const GPtrArray *actions = crossing->plan->domains[crossing->index].actions;
    for (guint i = 0; i < actions->len; i++) {
        const KtAction *action = actions->pdata[i];
        KtXmlEdit edit = {.field = action->field, .item = action->item, .value = action->to};
        if (action->kind == KT_STEP_DEFINE)
            g_array_append_val(edits, edit);
    }
    crossing->xml = kt_domain_xml_edit(kt_domain_next_xml(crossing->domain), (const KtXmlEdit *)edits->data,
                                       edits->len, NULL);
    crossing->def = crossing->xml != NULL ? kt_domain_def_parse(crossing->xml, NULL) : NULL;
    return crossing->def != NULL;
}

static bool
is_refused(const KtCrossing *crossing, const KtPending *pending)
{
    const GPtrArray *refused = crossing->plan->refused;
    for (guint i = 0; i < refused->len; i++) {
        const KtRefusal *refusal = refused->pdata[i];
        if (refusal->domain == (gint)crossing->index && refusal->setting == pending->setting &&
            g_strcmp0(refusal->item, pending->item) == 0)
            return true;
    }
    return false;
}

/* What the profile says of it: of what it doesn't name nothing is brought anywhere (safety rule 1). */
static const KtValue *
wish_for(const KtCrossing *crossing, const KtPending *pending)
{
    const char *space = pending->item != NULL ? strchr(pending->item, ' ') : NULL;
    if (space != NULL)
        return kt_desired_domain(crossing->desired, crossing->index, pending->setting->id, space + 1);
    return kt_desired_any(crossing->desired, crossing->index, pending->setting->id);
}

/* The least way; a guest that saw no write cache is told of one only when it starts. Memory of single cells
 * is made of other blocks than that of a whole, with older machine types: a saved image wouldn't fit. */
static KtWhen
least_way(const KtCrossing *crossing, const KtPending *pending, KtWhen way)
{
    bool cache = pending->setting->id == KT_SETTING_DISK_CACHE &&
                 !kt_disk_cache_may_change_live(pending->live, pending->staged);
    bool cells = pending->setting->id == KT_SETTING_MEMORY_NUMA &&
                 (crossing->domain->live->memnodes->len > 0 || crossing->def->memnodes->len > 0);
    return cache || cells ? KT_WHEN_RESTART : way;
}

static void
collect(KtCrossing *crossing, const KtPending *pending)
{
    KtPassage passage = {.pending = pending, .value = wish_for(crossing, pending)};
    if (passage.value == NULL || is_refused(crossing, pending))
        return;
    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        if (places[i].id != pending->setting->id || places[i].has_item != (pending->item != NULL))
            continue;
        passage.field = places[i].field;
        passage.way = least_way(crossing, pending, places[i].way);
        g_array_append_val(crossing->passages, passage);
    }
}

/* ---- what is done ---- */

static char *
reason_for(const KtCrossing *crossing, KtWhen way)
{
    gint64 usec = kt_pause_estimate(crossing->domain);
    g_autofree char *told = kt_value_told(crossing->disruption);
    switch (way) {
    case KT_WHEN_PAUSE:
        return g_strdup_printf("saved and resumed: the guest stands still about %.0f s; allowed by "
                               "%s",
                               (double)usec / G_USEC_PER_SEC, told);
    case KT_WHEN_REPLUG:
        return g_strdup_printf("unplugged and plugged in again: the guest is without this NIC for a few "
                               "seconds; allowed by %s",
                               told);
    case KT_WHEN_RESTART:
        return g_strdup_printf("shut down and started again; allowed by %s", told);
    case KT_WHEN_NOW:
    case KT_WHEN_NEXT_BOOT:
        break;
    }
    g_assert_not_reached();
}

static KtStepKind
kind_of(KtWhen way)
{
    if (way == KT_WHEN_PAUSE)
        return KT_STEP_PAUSE;
    return way == KT_WHEN_REPLUG ? KT_STEP_REPLUG : KT_STEP_RESTART;
}

static void
add_action(const KtCrossing *crossing, const KtSetting *setting, const char *source, const char *item,
           KtXmlField field, KtWhen way)
{
    KtAction action = {
        .domain = (gint)crossing->index,
        .setting = setting,
        .item = g_strdup(item),
        .when = way,
        .risk = way == KT_WHEN_PAUSE ? KT_RISK_LOW : KT_RISK_MEDIUM,
        .reason = reason_for(crossing, way),
        .source = g_strdup(source),
        .kind = kind_of(way),
        .field = field,
    };
    kt_domain_xml_get(crossing->domain->live_xml, field, item, &action.from, NULL);
    kt_domain_xml_get(crossing->xml, field, item, &action.to, NULL);
    kt_plan_add(crossing->plan, action);
}

/* IOThreads that the running guest doesn't have yet are pinned as their definition says. */
static void
add_new_pins(const KtCrossing *crossing, KtWhen way)
{
    const GPtrArray *actions = crossing->plan->domains[crossing->index].actions;
    guint n = actions->len;
    for (guint i = 0; i < n; i++) {
        const KtAction *staged = actions->pdata[i];
        bool is_pin = staged->kind == KT_STEP_DEFINE && staged->field == KT_XML_IOTHREAD_PIN;
        guint id = is_pin ? (guint)g_ascii_strtoull(strchr(staged->item, ' ') + 1, NULL, 10) : 0;
        if (is_pin && !hwloc_bitmap_isset(crossing->domain->live->iothread_ids, id))
            add_action(crossing, staged->setting, staged->source, staged->item, KT_XML_IOTHREAD_PIN, way);
    }
}

/* What would be staged of any other domain, and nothing brings to this one. */
static void
refuse_transient(const KtCrossing *crossing, const KtPassage *passage)
{
    bool more = passage->way < KT_WHEN_RESTART && passage->way > crossing->allowed;
    kt_plan_refuse(crossing->plan, (gint)crossing->index, passage->value, passage->pending->item,
                   "a transient domain has no next boot to stage this for; %s%s%s",
                   more ? "allow it now (disruption = " : "define it ('virsh define') to make it persistent",
                   more ? kt_when_name(passage->way) : "", more ? ")" : "");
}

/* The one thing that a pause might be thought to bring, and must not. */
static void
refuse_cache(const KtCrossing *crossing, const KtPassage *passage)
{
    if (passage->way == KT_WHEN_RESTART && passage->field == KT_XML_DISK_CACHE)
        kt_plan_refuse(
            crossing->plan, (gint)crossing->index, crossing->disruption, passage->pending->item,
            "the running guest sees no write cache, so it doesn't flush: with '%s' it would lose data "
            "when the host fails%s",
            passage->pending->staged != NULL ? passage->pending->staged : "default",
            crossing->transient ? "" : "; what is staged waits for its next power-on");
}

static void
act(const KtCrossing *crossing)
{
    for (guint i = 0; i < crossing->passages->len; i++) {
        const KtPassage *passage = &g_array_index(crossing->passages, KtPassage, i);
        if (passage->way == KT_WHEN_NEXT_BOOT || passage->way > crossing->allowed) {
            refuse_cache(crossing, passage);
            if (crossing->transient)
                refuse_transient(crossing, passage);
            continue;
        }
        add_action(crossing, passage->pending->setting, passage->value->source, passage->pending->item,
                   passage->field, passage->way);
        if (passage->field == KT_XML_IOTHREADS)
            add_new_pins(crossing, passage->way);
    }
}

/* What the guest notices, said once. */
static void
tell(const KtCrossing *crossing)
{
    static const KtWhen ways[] = {KT_WHEN_PAUSE, KT_WHEN_REPLUG, KT_WHEN_RESTART};
    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        g_autofree char *reason = NULL;
        if (ways[i] > crossing->allowed || !kt_crossing_goes(crossing, ways[i]))
            continue;
        reason = reason_for(crossing, ways[i]);
        kt_plan_note(crossing->plan, (gint)crossing->index, "%s", reason);
        if (ways[i] == KT_WHEN_PAUSE)
            crossing->plan->domains[crossing->index].pause_usec = kt_pause_estimate(crossing->domain);
    }
}

static KtWhen
most_allowed(const KtValue *disruption)
{
    static const struct {
        const char *word;
        KtWhen when;
    } words[] = {{"pause", KT_WHEN_PAUSE}, {"replug", KT_WHEN_REPLUG}, {"restart", KT_WHEN_RESTART}};
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        if (kt_value_is(disruption, words[i].word))
            return words[i].when;
    }
    return KT_WHEN_NOW;
}

/* What this plan would stage of it: it was only needed to know what the guest is to have. */
static void
drop_staged(const KtCrossing *crossing)
{
    GPtrArray *own = crossing->plan->domains[crossing->index].actions;
    for (guint i = own->len; i-- > 0;) {
        KtAction *action = own->pdata[i];
        if (action->kind != KT_STEP_DEFINE)
            continue;
        g_ptr_array_remove_index(own, i);
        g_ptr_array_remove(crossing->plan->actions, action);
    }
}

static void
cross(KtPlan *plan, const KtDesired *desired, guint index)
{
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    g_auto(KtCrossing) crossing = {
        .plan = plan,
        .desired = desired,
        .index = index,
        .domain = domain,
        .transient = plan->domains[index].carried,
        .disruption = kt_desired_domain(desired, index, KT_SETTING_DISRUPTION, NULL),
        .passages = g_array_new(FALSE, FALSE, sizeof(KtPassage)),
    };
    crossing.allowed = most_allowed(crossing.disruption);
    bool goes_on = crossing.transient || domain->inactive != NULL;
    if (crossing.allowed == KT_WHEN_NOW || domain->live == NULL || !goes_on || domain->managed_save ||
        !define_as_planned(&crossing))
        return;
    g_autoptr(GPtrArray) pendings = g_ptr_array_new_with_free_func(kt_pending_free);
    KtXmlDef live = {domain->live_xml, domain->live}, staged = {crossing.xml, crossing.def};
    kt_pending_between(pendings, &live, &staged);
    for (guint i = 0; i < pendings->len; i++)
        collect(&crossing, pendings->pdata[i]);
    kt_crossing_choose(&crossing);
    act(&crossing);
    tell(&crossing);
    if (crossing.transient)
        drop_staged(&crossing);
}

/* The smallest number that any guest to be restarted asks for. */
static guint
restarts_at_once(const KtPlan *plan, const KtDesired *desired)
{
    guint most = 0;
    for (guint i = 0; i < plan->actions->len; i++) {
        const KtAction *action = plan->actions->pdata[i];
        if (action->when != KT_WHEN_RESTART)
            continue;
        const KtValue *value =
            kt_desired_domain(desired, (guint)action->domain, KT_SETTING_RESTART_PARALLEL, NULL);
        guint own = value != NULL ? (guint)value->number : 1;
        most = most == 0 ? own : MIN(most, own);
    }
    return MAX(most, 1);
}

void
kt_tune_ways(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    for (guint i = 0; i < snapshot->domains->len; i++)
        cross(plan, desired, i);
    plan->restart_parallel = restarts_at_once(plan, desired);
}

void
kt_tune_carried(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        const KtValue *disruption = kt_desired_domain(desired, i, KT_SETTING_DISRUPTION, NULL);
        plan->domains[i].carried =
            !domain->persistent && domain->live != NULL && most_allowed(disruption) > KT_WHEN_NOW;
    }
}
