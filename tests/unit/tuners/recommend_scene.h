/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tests/unit/tuners/scene.h"
#include "tuners/recommend.h"
#include "tuners/tuner.h"

/** What is recommended for the scene's host and domains. Owned. */
static inline KtRecommendation *
recommend(const Scene *scene)
{
    g_autoptr(KtProfile) profile = kt_recommend_first_profile(scene->snapshot);
    g_autoptr(KtDesired) desired = kt_desired_resolve(profile, scene->snapshot, NULL);
    g_autoptr(KtPlan) plan = kt_plan_make(scene->snapshot, desired);
    return kt_recommend(plan);
}
