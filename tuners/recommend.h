/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "profiles/profile.h"
#include "tuners/plan.h"

/**
 * A profile for a host and the domains that it has. Pure, like a tuner: what would suit them is wished,
 * planned by the tuners, and what they refuse is taken out again.
 */

/** One line of it. */
typedef struct {
    char *patterns; /* what its section names: "db-* web"; NULL = [host] */
    const KtSetting *setting;
    char *item;   /* "vdb", a MAC; NULL = all */
    char *value;  /* as the profile language has it */
    char *reason; /* a sentence or two, for a comment */
} KtRecommendedLine;

typedef struct {
    GPtrArray
        *lines; /* KtRecommendedLine in the profile's order: [host] first, those of one section together */
    GPtrArray *left; /* KtRecommendedLine: what was considered and isn't recommended; reason: why */
} KtRecommendation;

/** @first: a plan of kt_recommend_first_profile() for the snapshot that this is for. Planning is what takes
 * time here, so that what asked a live host isn't planned again. */
KtRecommendation *kt_recommend(const KtPlan *first);
void kt_recommendation_free(KtRecommendation *recommendation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtRecommendation, kt_recommendation_free)

/** What it would be if nothing were refused: a plan of it tells what a live host is still to be asked for.
 * Owned. */
KtProfile *kt_recommend_first_profile(const KtSnapshot *snapshot);

/** A section's header without comments or values: "[domain db-* web]", "[host]". Owned. */
char *kt_recommended_header(const KtRecommendedLine *line);

/** "disk.cache[vdb] = none". Owned. */
char *kt_recommended_text(const KtRecommendedLine *line);
