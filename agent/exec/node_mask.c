/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/node_mask.h"

struct bitmask *
kt_node_mask(const KtCpuset *nodes)
{
    unsigned node;
    struct bitmask *mask =
        numa_bitmask_alloc((unsigned)MAX(numa_max_possible_node(), hwloc_bitmap_last(nodes)) + 1);
    hwloc_bitmap_foreach_begin(node, nodes) numa_bitmask_setbit(mask, node);
    hwloc_bitmap_foreach_end();
    return mask;
}
