/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/cost_parts.h"

#include "agent/view/ink.h"
#include "tuners/cost_weights.h"

/* Moves, and memory that follows, are counts. */
enum { MOVES = KT_N_COST_PARTS - 2, MOVED_GIB };

static const struct {
    const char *words;
    gsize offset;
} parts[] = {
    {"distance between vCPUs", G_STRUCT_OFFSET(KtCost, locality)},
    {"distance to memory", G_STRUCT_OFFSET(KtCost, memory)},
    {"distance to devices", G_STRUCT_OFFSET(KtCost, devices)},
    {"shared cores", G_STRUCT_OFFSET(KtCost, siblings)},
    {"wrong kind of core", G_STRUCT_OFFSET(KtCost, kinds)},
    {"contention", G_STRUCT_OFFSET(KtCost, contention)},
    {"crowded caches", G_STRUCT_OFFSET(KtCost, crowding)},
};
G_STATIC_ASSERT(G_N_ELEMENTS(parts) == MOVES);

double
kt_cost_part(const KtCost *cost, guint part)
{
    g_assert(part < KT_N_COST_PARTS);
    if (part == MOVES)
        return KT_COST_MOVE * cost->moves;
    if (part == MOVED_GIB)
        return KT_COST_MOVED_GIB * cost->moved_gib;
    return G_STRUCT_MEMBER(double, cost, parts[part].offset);
}

char *
kt_cost_part_words(const KtCost *cost, guint part)
{
    g_assert(part < KT_N_COST_PARTS);
    if (part == MOVES)
        return kt_count(cost->moves, "vCPU moves", "vCPUs move");
    if (part == MOVED_GIB)
        return g_strdup_printf("%.1f GiB of memory follow", cost->moved_gib);
    return g_strdup(parts[part].words);
}
