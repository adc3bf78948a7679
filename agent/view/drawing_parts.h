/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/drawing.h"

/** What the files of the drawing share. */

/** CPUs that share a cache, a package, a memory node and a kind of core: a row. */
typedef struct {
    GArray *pus; /* const KtPu *, by core */
    KtCpuset *cpus;
    bool free; /* nobody sits there */
} KtDrawingRow;

typedef struct {
    GString *out;
    const KtStyle *style;
    const KtSnapshot *snapshot;
    const KtTopology *topology;
    const KtSeating *seating;
    GPtrArray *rows;   /* KtDrawingRow, by package, node, group, kind */
    guint list_width;  /* columns of the CPU lists */
    guint cells_width; /* columns of the widest line of CPUs */
    bool own;          /* some upper-case letter was drawn */
    bool shared;       /* some lower-case one */
    bool marks[128];   /* the other signs that were drawn */
} KtDrawing;

/** The rows of the topology. Owned. */
GPtrArray *kt_drawing_rows(const KtTopology *topology, const KtSeating *seating);

static inline const KtPu *
kt_drawing_pu(const KtDrawingRow *row, guint index)
{
    return g_array_index(row->pus, const KtPu *, index);
}

/** The set as a list of at most about @columns: "0,2,…,62" where it is longer. Owned. */
char *kt_drawing_list(const KtStyle *style, const KtCpuset *set, guint columns);

/** "12.1 GiB of 62.8 GiB free", or only the size; "" where neither is known. Owned. */
char *kt_drawing_memory(const KtDrawing *drawing, const KtNode *node);

/** Below a frame's head: whose memory and devices are on the node, which is what draws guests there. Only
 * where there are several nodes, and letters tell the guests apart. */
void kt_drawing_ties(KtDrawing *drawing, const KtNode *node);

/** Below the frames: nodes without CPUs, CPUs that are offline, the signs that occur, and who floats. */
void kt_drawing_legend(KtDrawing *drawing);
