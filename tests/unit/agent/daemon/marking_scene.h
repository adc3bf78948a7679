/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/daemon/drift.h"
#include "agent/daemon/marking.h"
#include "tests/unit/agent/exec/exec_scene.h"
#include "tests/unit/tuners/scene.h"

/** A host, the journal of what was done to it, and what is somebody's. */
typedef struct {
    Scene *host;
    ExecScene *exec;
    KtMarking marking;
    const char *profile;
    bool everything;    /* KtMarkingScope has the meaning of these three */
    GHashTable *edited; /* NULL = nobody */
    GHashTable *seats;  /* NULL = nobody */
} MarkingScene;

/** Reads what is manual. */
static inline void
marking_scene_read(MarkingScene *scene)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(kt_marking_read(&scene->marking, scene->exec->journal, &error));
    g_assert_no_error(error);
}

/** Of a @host that the daemon is at work on from now on; it is taken over. */
static inline MarkingScene *
marking_scene_new(Scene *host, const char *profile)
{
    MarkingScene *scene = g_new0(MarkingScene, 1);
    scene->host = host;
    scene->profile = profile;
    scene->exec = exec_scene_new(NULL);
    scene->edited = g_hash_table_new(g_str_hash, g_str_equal);
    scene->marking.since_usec = g_get_real_time();
    marking_scene_read(scene);
    return scene;
}

static inline void
marking_scene_free(MarkingScene *scene)
{
    kt_marking_clear(&scene->marking);
    g_hash_table_unref(scene->edited);
    scene_free(scene->host);
    exec_scene_free(scene->exec);
    g_free(scene);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MarkingScene, marking_scene_free)

/** A plan of now, made as the daemon does: what is manual isn't named. */
static inline void
marking_scene_plan(MarkingScene *scene)
{
    Scene *host = scene->host;
    g_clear_pointer(&host->plan, kt_plan_free);
    g_clear_pointer(&host->desired, kt_desired_free);
    g_clear_pointer(&host->profile, kt_profile_free);
    scene_resolve(host, scene->profile);
    kt_drift_unname(host->desired, host->snapshot, scene->marking.manual);
    host->plan = kt_plan_make(host->snapshot, host->desired);
}

/** What of that plan is judged. */
static inline KtMarkingScope
marking_scene_scope(const MarkingScene *scene)
{
    return (KtMarkingScope){.plan = scene->host->plan,
                            .desired = scene->host->desired,
                            .everything = scene->everything,
                            .edited = scene->edited,
                            .seats = scene->seats};
}

/** How much of a plan of now is somebody's; it is marked so. */
static inline guint
marking_scene_mark(MarkingScene *scene)
{
    g_autoptr(GError) error = NULL;
    guint n = 0;
    marking_scene_plan(scene);
    const KtMarkingScope scope = marking_scene_scope(scene);
    g_assert_true(
        kt_marking_mark(&scene->marking, scene->exec->journal, scene->exec->host->root, &scope, &n, &error));
    g_assert_no_error(error);
    return n;
}
