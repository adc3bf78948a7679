/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/page_hold.h"

#include <errno.h>
#include <numaif.h>
#include <sys/mman.h>

#include "agent/exec/node_mask.h"
#include "base/error.h"
#include "probes/pools.h"
#include "tuners/memory_needs.h"

/** Memory of one guest cell, or of all of a guest without cells. */
typedef struct {
    guint64 kib;
    guint64 page_kib; /* 0 = ordinary pages */
    KtCpuset *nodes;  /* that it is bound to, NULL = none; owned */
} Part;

/** A mapping of huge pages that nobody uses. */
typedef struct {
    void *memory;
    gsize bytes;
} Mapping;

struct KtPageHold {
    GArray *mappings; /* Mapping */
};

static void
part_clear(Part *part)
{
    kt_cpuset_free(part->nodes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Part, part_clear)

static Part
part_of(const KtDomainDef *def, guint64 default_kib, guint index)
{
    const KtCellDef *cell = def->cells->len > 0 ? g_ptr_array_index(def->cells, index) : NULL;
    guint number = cell ? cell->id : 0;
    bool binds = false;
    Part part = {
        .kib = cell ? cell->memory_kib : def->memory_kib,
        .page_kib = kt_memory_page_kib(def, default_kib, number),
        .nodes = kt_memory_nodes(def, number, &binds),
    };
    if (!binds)
        g_clear_pointer(&part.nodes, kt_cpuset_free);
    return part;
}

static bool
is_same(const Part *one, const Part *other)
{
    bool same_nodes = one->nodes && other->nodes ? hwloc_bitmap_isequal(one->nodes, other->nodes)
                                                 : one->nodes == other->nodes;
    return one->kib == other->kib && one->page_kib == other->page_kib && same_nodes;
}

static void
set_shortage(const Part *part, const KtPools *pools, GError **error)
{
    const KtPageSize *size = kt_pools_size(pools, part->page_kib);
    gint64 unpromised = size ? MAX(size->free - MAX(size->reserved, 0), 0) : 0;
    g_autofree char *nodes = part->nodes ? kt_cpuset_format(part->nodes) : NULL;
    g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT,
                "it needs %" G_GUINT64_FORMAT " huge pages of %" G_GUINT64_FORMAT
                " KiB%s%s, and they can't be set aside for it: %" G_GINT64_FORMAT " are free on this host",
                part->kib / part->page_kib, part->page_kib, nodes ? " of node " : "", nodes ? nodes : "",
                unpromised);
}

/** Takes the pages from their nodes. A kernel that can't be told to (before 5.14) has promised them, of
 * whatever node. */
static bool
populate(const Mapping *mapping, const KtCpuset *nodes)
{
    struct bitmask *mask = nodes && numa_available() >= 0 ? kt_node_mask(nodes) : NULL;
    bool bound =
        !mask || mbind(mapping->memory, mapping->bytes, MPOL_BIND, mask->maskp, mask->size + 1, 0) == 0;
    if (mask)
        numa_bitmask_free(mask);
    return bound && (madvise(mapping->memory, mapping->bytes, MADV_POPULATE_WRITE) == 0 || errno == EINVAL);
}

static bool
hold_part(KtPageHold *hold, const Part *part)
{
    Mapping mapping = {.bytes = part->kib * 1024};
    int size = g_bit_nth_msf(part->page_kib * 1024, -1);
    mapping.memory = mmap(NULL, mapping.bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | size << MAP_HUGE_SHIFT, -1, 0);
    if (mapping.memory == MAP_FAILED)
        return false;
    g_array_append_val(hold->mappings, mapping);
    return populate(&mapping, part->nodes);
}

KtPageHold *
kt_page_hold_take(const KtRoot *root, const KtDomainDef *live, const KtDomainDef *next, GError **error)
{
    g_autoptr(KtPageHold) hold = g_new0(KtPageHold, 1);
    hold->mappings = g_array_new(FALSE, FALSE, sizeof(Mapping));
    g_autoptr(KtPools) pools = next->hugepages ? kt_pools_read(root, error) : kt_pools_new();
    for (guint i = 0; pools && i < MAX(next->cells->len, 1); i++) {
        g_auto(Part) then = part_of(next, pools->default_kib, i);
        g_auto(Part) now = part_of(live, pools->default_kib, MIN(i, MAX(live->cells->len, 1) - 1));
        if (then.page_kib > 0 && !is_same(&now, &then) && !hold_part(hold, &then)) {
            set_shortage(&then, pools, error);
            return NULL;
        }
    }
    return pools ? g_steal_pointer(&hold) : NULL;
}

void
kt_page_hold_release(KtPageHold *hold)
{
    if (!hold)
        return;
    for (guint i = 0; i < hold->mappings->len; i++) {
        const Mapping *mapping = &g_array_index(hold->mappings, Mapping, i);
        munmap(mapping->memory, mapping->bytes);
    }
    g_array_unref(hold->mappings);
    g_free(hold);
}
