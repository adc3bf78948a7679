/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/placement_room.h"

static guint *
whole_cores(const KtRoom *room, guint n_usable, KtOpenness open)
{
    return &room->whole[n_usable * KT_N_OPEN + open];
}

KtRoomCore
kt_room_core(const KtModel *model, guint core, const gint *owner, const bool *open)
{
    const KtIndices *pus = &model->core_pus[core];
    KtRoomCore it = {.whole = true, .open = KT_OPEN_NONE};
    for (guint i = 0; i < pus->n; i++) {
        guint pu = pus->items[i];
        bool is_open = open ? open[pu] : model->sharable[pu];
        bool is_free = !owner || owner[pu] < 0;
        it.whole &= is_free;
        it.n_usable += model->usable[pu] && is_free;
        if (is_open)
            it.open = MAX(it.open, model->usable[pu] ? KT_OPEN_USABLE : KT_OPEN_BESIDE);
    }
    return it;
}

void
kt_room_count(KtRoom *room, KtRoomCore core, gint sign)
{
    if (core.whole) {
        *whole_cores(room, core.n_usable, core.open) += (guint)sign;
        return;
    }
    room->n_loose += (guint)sign * core.n_usable;
    room->loose_open[core.open] += (guint)sign;
}

KtRoom *
kt_room_new(const KtModel *model)
{
    KtRoom *room = g_new0(KtRoom, 1);
    room->keeps_open = model->keeps_open;
    for (guint i = 0; i < model->topology->n_cores; i++)
        room->n_threads = MAX(room->n_threads, model->core_pus[i].n);
    room->whole = g_new0(guint, (room->n_threads + 1) * KT_N_OPEN);
    for (guint i = 0; i < model->topology->n_cores; i++)
        kt_room_count(room, kt_room_core(model, i, NULL, NULL), 1);
    return room;
}

void
kt_room_free(KtRoom *room)
{
    if (!room)
        return;
    g_free(room->whole);
    g_free(room);
}

/* How many CPUs are left for others when those who isolate take the cores with the fewest, all but one core
 * with
 * @spared usable CPUs (-1 = none is spared); -1: they don't find enough cores. */
static gint
left_beside(const KtRoom *room, guint isolated, gint spared)
{
    guint left = room->n_loose;
    for (guint n_usable = 1; n_usable <= room->n_threads; n_usable++) {
        guint n = 0;
        for (guint open = 0; open < KT_N_OPEN; open++)
            n += *whole_cores(room, n_usable, (KtOpenness)open);
        guint taken = MIN(isolated, n - ((gint)n_usable == spared));
        isolated -= taken;
        left += (n - taken) * n_usable;
    }
    return isolated > 0 ? -1 : (gint)left;
}

bool
kt_room_fits(const KtRoom *room, KtDemand demand)
{
    if (!room->keeps_open)
        return left_beside(room, demand.isolated, -1) >= (gint)demand.others;
    /* Some core keeps a CPU open. Where that is one that exclusive vCPUs could have, they have one less. */
    for (guint open = KT_OPEN_USABLE; open < KT_N_OPEN; open++) {
        gint needed = (gint)demand.others + (open == KT_OPEN_USABLE);
        if (room->loose_open[open] > 0 && left_beside(room, demand.isolated, -1) >= needed)
            return true;
        for (guint n_usable = 0; n_usable <= room->n_threads; n_usable++) {
            if (*whole_cores(room, n_usable, (KtOpenness)open) > 0 &&
                left_beside(room, demand.isolated, (gint)n_usable) >= needed)
                return true;
        }
    }
    return false;
}
