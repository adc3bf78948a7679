/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/cpuset.h"
#include "base/root.h"

/**
 * Memory of a running process on its way to other nodes, a little at a time: move_pages(2). What doesn't move
 * so (transparent huge pages that find no room as such, pages that other processes have too) goes at last as
 * a whole: migrate_pages(2). Huge pages of a pool stay.
 */
typedef struct KtPageMover KtPageMover;

/** How far it has come. */
typedef enum {
    KT_PAGES_ON_THE_WAY,
    KT_PAGES_THERE, /* all that counts, kt_qemu_memory_counts() */
    KT_PAGES_STUCK, /* the kernel moves no more of it */
    KT_PAGES_GONE,  /* the process has ended */
} KtPagesState;

/** @process: its identity, kt_qemu_process_identity(). @to: OS numbers of nodes. Nothing is moved yet. */
KtPageMover *kt_page_mover_new(const KtRoot *root, const char *process, const KtCpuset *to);
void kt_page_mover_free(KtPageMover *mover);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtPageMover, kt_page_mover_free)

/** Moves about @most_kib more of it to @node, one of the nodes. It looks at a GiB of addresses at most.
 * Errors: unsupported (this kernel moves no pages), access, io. */
bool
kt_page_mover_move(KtPageMover *mover, guint node, gint64 most_kib, KtPagesState *ret_state, GError **error);

/** What it has moved, and what is still elsewhere as far as it knows; KiB. */
gint64 kt_page_mover_moved_kib(const KtPageMover *mover);
gint64 kt_page_mover_left_kib(const KtPageMover *mover);
