/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/recommend.h"

/** `recommend`: a profile to be kept in a file, each line with its reason as a comment above it; at the end
 * what isn't recommended, and why. Never coloured. Owned. */
char *kt_view_recommendation(const KtRecommendation *recommendation, const KtSnapshot *snapshot);

/** The same as JSON: the text, and its lines apart. Owned. */
char *kt_view_recommendation_json(const KtRecommendation *recommendation, const KtSnapshot *snapshot);
