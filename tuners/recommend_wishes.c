/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/disks.h"
#include "tuners/recommend_parts.h"

/* Below so many vCPUs a second queue gains little. */
#define MANY_VCPUS 4

/** What is looked at for each domain. */
typedef struct {
    const KtSnapshot *snapshot;
    GPtrArray *wishes;
    gint index;
    const KtDomain *domain;
    const KtDomainDef *def; /* the persistent definition, of a transient domain the live one */
    guint widest_group;     /* CPUs of the widest sharing group */
    guint running_vcpus;    /* of all domains together */
} Look;

KtRecommendedWish *
kt_recommend_add(GPtrArray *wishes, gint domain, KtSettingId id, const char *value, bool needed, char *reason)
{
    KtRecommendedWish *wish = g_new0(KtRecommendedWish, 1);
    wish->domain = domain;
    wish->setting = kt_setting(id);
    wish->value = g_strdup(value);
    wish->needed = needed;
    wish->reason = reason;
    g_ptr_array_add(wishes, wish);
    return wish;
}

static void
add(const Look *look, KtSettingId id, const char *value, bool needed, const char *reason)
{
    kt_recommend_add(look->wishes, look->index, id, value, needed, g_strdup(reason));
}

static void
wish_placement(const Look *look)
{
    guint vcpus = look->domain->active ? kt_domain_online_vcpus(look->domain) : look->def->vcpus;
    guint cpus = (guint)hwloc_bitmap_weight(look->snapshot->topology->placeable);
    if (vcpus > look->widest_group)
        kt_recommend_add(
            look->wishes, look->index, KT_SETTING_CPU_PLACEMENT, "numa", true,
            g_strdup_printf("More vCPUs than the %u CPUs of any shared cache: whole nodes keep its memory "
                            "near.",
                            look->widest_group));
    else if (look->running_vcpus > cpus)
        kt_recommend_add(
            look->wishes, look->index, KT_SETTING_CPU_PLACEMENT, "numa", true,
            g_strdup_printf("%u vCPUs run on %u CPUs: over a whole node the scheduler evens out bursts, "
                            "and memory stays near.",
                            look->running_vcpus, cpus));
    else
        add(look, KT_SETTING_CPU_PLACEMENT, "shared-cache", true,
            "A guest's threads talk through memory: within one shared cache that is quick, across caches it can "
            "halve throughput.");
}

/* Every vCPU pinned to one CPU by hand: somebody wanted it alone there. */
static bool
is_pinned_one_to_one(const KtDomainDef *def)
{
    if (def->vcpu_pins->len < def->vcpus)
        return false;
    for (guint i = 0; i < def->vcpu_pins->len; i++) {
        const KtPinDef *pin = def->vcpu_pins->pdata[i];
        if (hwloc_bitmap_weight(pin->cpus) != 1)
            return false;
    }
    return true;
}

static void
wish_exclusive(const Look *look)
{
    if (is_pinned_one_to_one(look->def))
        add(look, KT_SETTING_CPU_EXCLUSIVE, "yes", true,
            "Its definition pins each vCPU to one CPU. A pin keeps nobody else away, this does, and it chooses the "
            "CPUs by cache and node.");
    else if (look->def->hostdevs->len > 0)
        add(look, KT_SETTING_CPU_EXCLUSIVE, "yes", true,
            "It has a device of the host passed through: such guests are after short response times, which CPUs of "
            "its own give.");
    else
        add(look, KT_SETTING_CPU_EXCLUSIVE, "no", false,
            "Nothing in its definition asks for CPUs of its own: in a common set no CPU idles while another guest "
            "has work.");
}

static void
wish_cpus(const Look *look)
{
    wish_placement(look);
    wish_exclusive(look);
    add(look, KT_SETTING_CPU_EMULATOR, "auto", true,
        "QEMU's main thread and the vhost workers that follow it stay close to the vCPUs, but off CPUs that others "
        "own.");
    if (look->def->iothreads > 0)
        add(look, KT_SETTING_CPU_IOTHREADS, "auto", true,
            "It has IOThreads, which run at each request of a disk: near the vCPUs that wait for them.");
}

static void
wish_memory(const Look *look)
{
    if (look->snapshot->topology->n_nodes < 2)
        return;
    static const char reason[] =
        "Memory comes from the nodes of its vCPUs, as long as there is some: far memory costs "
        "each access.";
    KtRecommendedWish *wish = kt_recommend_add(look->wishes, look->index, KT_SETTING_MEMORY_NUMA,
                                               "follow-cpu", true, g_strdup(reason));
    if (look->def->numatune_mode || look->def->memnodes->len > 0)
        wish->refused = g_strdup("its definition says where its memory comes from (<numatune>): left as its "
                                 "administrator wants it");
}

static void
wish_disks(const Look *look)
{
    bool has = false, cached = false, unsaid = false, kept = false;
    for (guint i = 0; i < look->def->disks->len; i++) {
        const KtDiskDef *disk = look->def->disks->pdata[i];
        if (kt_disk_is_removable(disk) || disk->source == NULL)
            continue;
        has = true;
        cached = cached || !kt_disk_cache_is_direct(kt_disk_cache(disk));
        unsaid = unsaid || disk->io == NULL;
        kept = kept || disk->discard == NULL;
    }
    if (!has)
        return;
    add(look, KT_SETTING_DISK_CACHE, "none", cached,
        "The guest caches already: a second copy in the host's page cache only takes memory. Its flushes still reach "
        "the disk.");
    add(look, KT_SETTING_DISK_IO, "auto", unsaid,
        "How requests reach the kernel is chosen by the image: native where it is fully allocated and past the page "
        "cache.");
    add(look, KT_SETTING_DISK_DISCARD, "auto", kept,
        "Where the image is sparse, what the guest frees (fstrim) goes back to the host.");
}

static void
wish_nics(const Look *look)
{
    bool has = false, emulated = false, narrow = false;
    for (guint i = 0; i < look->def->nics->len; i++) {
        const KtNicDef *nic = look->def->nics->pdata[i];
        if (g_strcmp0(nic->type, "hostdev") == 0)
            continue;
        bool is_virtio = nic->model && g_str_has_prefix(nic->model, "virtio");
        has = true;
        emulated = emulated || !is_virtio;
        narrow = narrow || nic->queues == 0;
    }
    if (!has)
        return;
    add(look, KT_SETTING_NIC_MODEL, "virtio", emulated,
        "An emulated card leaves the guest for every register that it touches, virtio once for a batch of packets. "
        "The guest is known to drive it.");
    add(look, KT_SETTING_NIC_QUEUES, "auto", narrow && look->def->vcpus >= MANY_VCPUS,
        "With one queue a single vCPU handles all packets: one queue a vCPU, about 8 at most.");
}

static void
wish_for_domain(const Look *look)
{
    if (look->domain->active || look->domain->autostart) {
        wish_cpus(look);
        wish_memory(look);
    }
    wish_disks(look);
    wish_nics(look);
}

static guint
widest_group(const KtTopology *topology)
{
    guint widest = 0;
    g_autoptr(KtCpuset) placeable = hwloc_bitmap_alloc();
    for (guint i = 0; i < topology->n_groups; i++) {
        hwloc_bitmap_and(placeable, topology->groups[i].cpus, topology->placeable);
        widest = MAX(widest, (guint)hwloc_bitmap_weight(placeable));
    }
    return widest;
}

static guint
running_vcpus(const KtSnapshot *snapshot)
{
    guint n = 0;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        n += domain->active ? kt_domain_online_vcpus(domain) : 0;
    }
    return n;
}

static void
wish_free(gpointer data)
{
    KtRecommendedWish *wish = data;
    g_free(wish->value);
    g_free(wish->reason);
    g_free(wish->refused);
    g_clear_pointer(&wish->items, g_ptr_array_unref);
    g_free(wish);
}

KtRecommendedWish **
kt_recommend_index(const GPtrArray *wishes, guint n_domains)
{
    KtRecommendedWish **index = g_new0(KtRecommendedWish *, (n_domains + 1) * KT_N_SETTINGS);
    for (guint i = 0; i < wishes->len; i++) {
        KtRecommendedWish *wish = wishes->pdata[i];
        index[(guint)(wish->domain + 1) * KT_N_SETTINGS + wish->setting->id] = wish;
    }
    return index;
}

GPtrArray *
kt_recommend_wishes(const KtSnapshot *snapshot)
{
    GPtrArray *wishes = g_ptr_array_new_with_free_func(wish_free);
    Look look = {.snapshot = snapshot,
                 .wishes = wishes,
                 .widest_group = widest_group(snapshot->topology),
                 .running_vcpus = running_vcpus(snapshot)};
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        look.index = (gint)i;
        look.domain = domain;
        look.def = domain->inactive ? domain->inactive : domain->live;
        if (look.def)
            wish_for_domain(&look);
    }
    kt_recommend_for_host(snapshot, wishes);
    return wishes;
}
