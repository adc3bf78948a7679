/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/following_pace.h"

#include "base/root.h"

/* Of the last ten seconds; and what it has to fall to until it goes on. */
#define MOST_STALLED_PERCENT 10.0
#define CALM_PERCENT 5.0
/* What the node keeps for everybody else: a fiftieth of it, twice as much until it goes on. */
#define KEPT 50

char *
kt_following_obstacle(const KtFollowingSight *sight, bool waits)
{
    double most = waits ? CALM_PERCENT : MOST_STALLED_PERCENT;
    if (sight->stalled_percent >= most)
        return g_strdup_printf("tasks wait for memory (%.0f %% of the last 10 s)", sight->stalled_percent);
    if (sight->free_kib == KT_ABSENT || sight->total_kib == KT_ABSENT)
        return NULL;
    gint64 kept = MAX(sight->total_kib / KEPT, KT_FOLLOWING_BATCH_KIB) * (waits ? 2 : 1);
    if (sight->free_kib < kept + KT_FOLLOWING_BATCH_KIB)
        return g_strdup_printf("node %u has %" G_GINT64_FORMAT " MiB free, %" G_GINT64_FORMAT
                               " MiB of which are left to others",
                               sight->node, sight->free_kib / 1024, kept / 1024);
    return NULL;
}

gint64
kt_following_rest_usec(gint64 kib, gint64 took_usec)
{
    gint64 due = kib * G_USEC_PER_SEC / KT_FOLLOWING_MOST_KIB_A_SECOND;
    return MAX(due - took_usec, took_usec);
}
