/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tests/unit/tuners/scene.h"

/** 2 nodes with one L3 each, 4 cores an L3, 2 threads a core: CPUs 0-15, cores 0-1, 2-3, … */
#define HOST "pack:2 [numa] l3:1 core:4 pu:2"

static inline const KtSeat *
scene_seat(const Scene *scene, const char *domain)
{
    gint seat = scene->plan->domains[scene_index(scene, domain)].seat;
    g_assert_cmpint(seat, >=, 0);
    return &scene->plan->placement->seats[seat];
}

static inline void
scene_assert_emulator(const Scene *scene, const char *domain, const char *cpus)
{
    g_autofree char *planned = kt_cpuset_format(scene->plan->domains[scene_index(scene, domain)].emulator);
    g_assert_cmpstr(planned, ==, cpus);
}
