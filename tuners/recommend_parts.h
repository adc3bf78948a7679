/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/recommend.h"

/** The steps of kt_recommend(). Private to it and its tests. */

/** One disk or NIC that a wish must leave out. */
typedef struct {
    char *item;
    char *reason;
} KtKeptItem;

/** What would suit the host or one domain. */
typedef struct {
    gint domain; /* index into the snapshot's domains, -1 = host */
    const KtSetting *setting;
    char *value;
    char *reason;
    bool needed;      /* there is something to gain: else it only may stand in a section for many */
    char *refused;    /* why it isn't possible after all; NULL = it is */
    GPtrArray *items; /* KtKeptItem: refused for these alone */
} KtRecommendedWish;

/** All wishes for this host and its domains. */
GPtrArray *kt_recommend_wishes(const KtSnapshot *snapshot);

/** Adds a wish; @reason is taken over. */
KtRecommendedWish *kt_recommend_add(GPtrArray *wishes, gint domain, KtSettingId id, const char *value,
                                    bool needed, char *reason);

/** Wishes that a host has for itself: memory, pools, KSM. */
void kt_recommend_for_host(const KtSnapshot *snapshot, GPtrArray *wishes);

/** The same wishes to be looked up; both the wishes and @n_domains stay as they are. Owned. */
KtRecommendedWish **kt_recommend_index(const GPtrArray *wishes, guint n_domains);

/** The wish that speaks of this, or NULL. @index: of kt_recommend_index(). */
static inline KtRecommendedWish *
kt_recommend_find(KtRecommendedWish *const *index, gint domain, KtSettingId id)
{
    return index[(guint)(domain + 1) * KT_N_SETTINGS + id];
}

/** Puts the wishes of @index into sections. */
KtRecommendation *kt_recommend_sections(const KtSnapshot *snapshot, KtRecommendedWish *const *index);

/** Patterns that match just these domains (@in, one for each of the snapshot's) of all that there are: "*",
 * "db-* web", names in quotes or UUIDs where a name can't stand for itself. Owned. */
char *kt_recommend_patterns(const KtSnapshot *snapshot, const bool *in);
