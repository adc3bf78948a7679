/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/disks.h"
#include "tuners/pins.h"
#include "tuners/tuner.h"

/* What `auto` gives at most: more than that hardly helps, and each takes CPU time from vCPUs. */
#define KT_IOTHREADS_AUTO_MAX 4U

/* One disk that can have an IOThread, and the number of it (0 = QEMU's main thread). */
typedef struct {
    KtDiskWish wish;
    char *item;
    bool served;
    guint iothread;
} KtDeal;

/* All that disk.iothreads says of one domain. */
typedef struct {
    GArray *deals;        /* KtDeal, in the definition's order */
    const KtValue *value; /* of the disk with the greatest number: it speaks for the domain */
    guint number;         /* the greatest that was given */
    bool automatic;
} KtDeck;

static void
deal_clear(gpointer data)
{
    g_free(((KtDeal *)data)->item);
}

static bool
is(const char *word, const char *other)
{
    return g_strcmp0(word, other) == 0;
}

/* libvirt: qemuDomainCheckIOThread. Owned, NULL = it can. */
static char *
why_no_iothread(const KtDiskDef *disk)
{
    if (is(disk->type, "vhostuser") || is(disk->type, "vhostvdpa"))
        return g_strdup_printf("a disk of type '%s' is served by another process", disk->type);
    if (is(disk->bus, "scsi"))
        return g_strdup(
            "a scsi disk has the IOThread of its controller, which is left as it is; set it there "
            "(<controller><driver iothread=>), or use a virtio disk");
    if (!is(disk->bus, "virtio"))
        return g_strdup_printf(
            "a disk on bus '%s' is always served by QEMU's main thread; virtio disks can have an "
            "IOThread",
            disk->bus != NULL ? disk->bus : "(not named)");
    if (disk->address_type != NULL && !is(disk->address_type, "pci") && !is(disk->address_type, "ccw"))
        return g_strdup_printf(
            "libvirt gives IOThreads to virtio disks on PCI or CCW, this one's address is '%s'",
            disk->address_type);
    return NULL;
}

static void
collect(const KtDiskWish *wish, void *data)
{
    KtDeck *deck = data;
    bool automatic = kt_value_is(wish->value, "auto");
    bool wanted = automatic || wish->value->number > 0;
    g_autofree char *why = why_no_iothread(wish->disk);
    if (why != NULL) {
        if (automatic && is(wish->disk->bus, "scsi"))
            kt_plan_note(wish->plan, (gint)wish->domain, "%s: %s", wish->item, why);
        else if (wanted && !automatic)
            kt_plan_refuse(wish->plan, (gint)wish->domain, wish->value, wish->item, "%s", why);
        return;
    }
    KtDeal deal = {.wish = *wish, .item = g_strdup(wish->item), .served = wanted};
    g_array_append_val(deck->deals, deal);
    if (wanted && (deck->value == NULL || wish->value->number > deck->number))
        deck->value = wish->value;
    deck->automatic = deck->automatic || automatic;
    deck->number = MAX(deck->number, (guint)wish->value->number);
}

static guint
count_served(const KtDeck *deck)
{
    guint n = 0;
    for (guint i = 0; i < deck->deals->len; i++)
        n += g_array_index(deck->deals, KtDeal, i).served;
    return n;
}

/* Adds IOThreads of @from to @ids, lowest first, until there are @number. */
static void
take(KtCpuset *ids, const KtCpuset *from, guint number)
{
    int id;
    hwloc_bitmap_foreach_begin(id, from)
    {
        if ((guint)hwloc_bitmap_weight(ids) >= number)
            break;
        hwloc_bitmap_set(ids, (unsigned)id);
    }
    hwloc_bitmap_foreach_end();
}

/* The IOThreads that serve: those that disks have already, then the others of the definition, and then new
 * ones, which libvirt gives the lowest free numbers. */
static KtCpuset *
choose_ids(const KtDeck *deck, const KtDomainDef *def, guint number)
{
    KtCpuset *ids = hwloc_bitmap_alloc();
    g_autoptr(KtCpuset) used = hwloc_bitmap_alloc();
    g_autoptr(KtCpuset) fresh = hwloc_bitmap_alloc();
    for (guint i = 0; i < deck->deals->len; i++) {
        const KtDeal *deal = &g_array_index(deck->deals, KtDeal, i);
        if (deal->served && deal->wish.disk->iothread > 0)
            hwloc_bitmap_set(used, deal->wish.disk->iothread);
    }
    hwloc_bitmap_and(used, used, def->iothread_ids);
    hwloc_bitmap_set_range(fresh, 1, (int)(number + def->iothreads));
    hwloc_bitmap_andnot(fresh, fresh, def->iothread_ids);
    take(ids, used, number);
    take(ids, def->iothread_ids, number);
    take(ids, fresh, number);
    return ids;
}

static guint
load_of(const KtDeck *deck, guint id)
{
    guint n = 0;
    for (guint i = 0; i < deck->deals->len; i++)
        n += g_array_index(deck->deals, KtDeal, i).iothread == id;
    return n;
}

static guint
least_loaded(const KtDeck *deck, const KtCpuset *ids)
{
    guint best = 0, least = G_MAXUINT;
    int id;
    hwloc_bitmap_foreach_begin(id, ids)
    {
        guint load = load_of(deck, (guint)id);
        if (load < least) {
            least = load;
            best = (guint)id;
        }
    }
    hwloc_bitmap_foreach_end();
    return best;
}

/* Disks stay with the IOThread that they have as long as none has more than its part: what somebody has dealt
 * out well isn't shuffled. The others are dealt out in turn. */
static void
deal_out(KtDeck *deck, const KtCpuset *ids)
{
    guint number = (guint)hwloc_bitmap_weight(ids);
    guint part = number > 0 ? (count_served(deck) + number - 1) / number : 0;
    for (guint i = 0; i < deck->deals->len; i++) {
        KtDeal *deal = &g_array_index(deck->deals, KtDeal, i);
        guint present = deal->wish.disk->iothread;
        if (deal->served && present > 0 && hwloc_bitmap_isset(ids, present) && load_of(deck, present) < part)
            deal->iothread = present;
    }
    for (guint i = 0; i < deck->deals->len; i++) {
        KtDeal *deal = &g_array_index(deck->deals, KtDeal, i);
        if (deal->served && deal->iothread == 0)
            deal->iothread = least_loaded(deck, ids);
    }
}

/* ---- actions ---- */

static char *
number_text(guint number)
{
    return number > 0 ? g_strdup_printf("%u", number) : NULL;
}

static char *
reason_for_number(const KtDeck *deck, guint number)
{
    if (deck->automatic && number > deck->number)
        return g_strdup_printf(
            "auto: one for each of %u virtio disk%s, at most %u and one a vCPU: requests are "
            "served beside QEMU's main thread",
            count_served(deck), count_served(deck) == 1 ? "" : "s", KT_IOTHREADS_AUTO_MAX);
    return g_strdup("requests of virtio disks are served beside QEMU's main thread");
}

/* False where it may not be staged. IOThreads that nobody needs any more stay: a controller may use them, and
 * they only sleep. */
static bool
add_iothreads(KtPlan *plan, const KtDeck *deck, guint index, const KtDomainDef *def, guint number)
{
    if (number <= def->iothreads)
        return true;
    if (!kt_plan_may_carry(plan, (gint)index, deck->value, NULL))
        return false;
    KtAction action = {
        .domain = (gint)index,
        .setting = deck->value->setting,
        .from = number_text(def->iothreads),
        .to = number_text(number),
        .when = KT_WHEN_NEXT_BOOT,
        .risk = KT_RISK_NONE,
        .reason = reason_for_number(deck, number),
        .source = g_strdup(deck->value->source),
        .kind = KT_STEP_DEFINE,
        .field = KT_XML_IOTHREADS,
    };
    kt_plan_add(plan, action);
    return true;
}

static void
assign(const KtDeck *deck, const KtDeal *deal)
{
    if (deal->iothread == deal->wish.disk->iothread || !kt_disk_may_change(&deal->wish))
        return;
    guint others = deal->iothread > 0 ? load_of(deck, deal->iothread) - 1 : 0;
    g_autofree char *from = number_text(deal->wish.disk->iothread);
    g_autofree char *to = number_text(deal->iothread);
    char *reason = NULL;
    if (deal->iothread == 0)
        reason = g_strdup("served by QEMU's main thread");
    else if (others == 0)
        reason = g_strdup_printf("IOThread %u serves this disk alone", deal->iothread);
    else
        reason = g_strdup_printf("IOThread %u serves this disk and %u other%s", deal->iothread, others,
                                 others == 1 ? "" : "s");
    kt_disk_stage(&deal->wish, KT_XML_DISK_IOTHREAD, from, to, KT_RISK_NONE, reason);
}

/* Those that run, or that a shut-off domain has, are pinned with the domain's other threads. */
static void
pin_new(KtPlan *plan, const KtDesired *desired, guint index, const KtDomainDef *def, const KtCpuset *ids)
{
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    int id;
    hwloc_bitmap_foreach_begin(id, ids)
    {
        bool pinned = domain->active ? kt_domain_find_iothread(domain, (guint)id) != NULL
                                     : hwloc_bitmap_isset(def->iothread_ids, (unsigned)id);
        if (!pinned && !kt_pins_stage_iothread(plan, desired, index, (guint)id))
            break;
    }
    hwloc_bitmap_foreach_end();
}

static void
tune_domain(KtPlan *plan, const KtDesired *desired, guint index, const KtDomainDef *def)
{
    KtDeck deck = {.deals = g_array_new(FALSE, FALSE, sizeof(KtDeal))};
    g_array_set_clear_func(deck.deals, deal_clear);
    kt_disks_each_of(desired, plan, index, KT_SETTING_DISK_IOTHREADS, collect, &deck);
    guint by_itself = MIN(MIN(count_served(&deck), KT_IOTHREADS_AUTO_MAX), def->vcpus);
    guint number = deck.automatic ? MAX(deck.number, by_itself) : deck.number;
    g_autoptr(KtCpuset) ids = choose_ids(&deck, def, number);
    /* A wish has a borrowed item, that of the deck outlives it. */
    for (guint i = 0; i < deck.deals->len; i++)
        g_array_index(deck.deals, KtDeal, i).wish.item = g_array_index(deck.deals, KtDeal, i).item;
    deal_out(&deck, ids);
    if (add_iothreads(plan, &deck, index, def, number)) {
        for (guint i = 0; i < deck.deals->len; i++)
            assign(&deck, &g_array_index(deck.deals, KtDeal, i));
        pin_new(plan, desired, index, def, ids);
    }
    g_array_unref(deck.deals);
}

void
kt_tune_iothreads(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        const KtDomainDef *def = kt_domain_next_def(domain);
        if (def != NULL)
            tune_domain(plan, desired, i, def);
    }
}
