/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/placement_model.h"

/**
 * Whether exclusive vCPUs find CPUs together, as numbers: who isolates takes whole cores, the others any CPU
 * that is left, and where somebody floats or shares a CPU stays open for him. Private to the placement
 * engine.
 */

/** What a core has for those who share. */
typedef enum {
    KT_OPEN_NONE,
    KT_OPEN_USABLE, /* only CPUs that exclusive vCPUs could take as well */
    KT_OPEN_BESIDE, /* one that they can't: for housekeeping */
    KT_N_OPEN,
} KtOpenness;

/** A core that isn't isolated by anybody. */
typedef struct {
    bool whole;     /* no exclusive vCPU is there */
    guint n_usable; /* CPUs that exclusive vCPUs can still have */
    KtOpenness open;
} KtRoomCore;

/** Exclusive vCPUs that have no CPU yet. */
typedef struct {
    guint isolated; /* that want a core each */
    guint others;
} KtDemand;

typedef struct {
    guint n_threads;             /* the most CPUs of a core */
    guint *whole;                /* [(n_threads + 1) · KT_N_OPEN] whole cores by n_usable and open */
    guint n_loose;               /* usable CPUs on cores that aren't whole */
    guint loose_open[KT_N_OPEN]; /* these cores */
    bool keeps_open;
} KtRoom;

/** The room of a host on which nobody has anything yet. */
KtRoom *kt_room_new(const KtModel *model);
void kt_room_free(KtRoom *room);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtRoom, kt_room_free)

/** A core as it is with these owners (by PU, −1 = none; NULL = nobody) and open CPUs (NULL: all that are
 * sharable). */
KtRoomCore kt_room_core(const KtModel *model, guint core, const gint *owner, const bool *open);
/** Adds a core, or (@sign −1) takes it away. */
void kt_room_count(KtRoom *room, KtRoomCore core, gint sign);
bool kt_room_fits(const KtRoom *room, KtDemand demand);
