/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/refusals.h"

#include "tests/unit/agent/daemon/told.h"
#include "tests/unit/tuners/scene.h"

/* A guest that wants more own CPUs than there are. */
static Scene *
crowded(guint vcpus)
{
    Scene *scene = scene_new("l3:1 core:2 pu:1");
    scene_add_guest(scene, "big", vcpus, "", "");
    scene_plan(scene, "[domain big]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n");
    g_assert_cmpuint(scene->plan->refused->len, ==, 1);
    return scene;
}

/* The profile's file has another name each time. */
static void
rename_source(Scene *scene)
{
    KtRefusal *refusal = scene->plan->refused->pdata[0];
    g_free(refusal->source);
    refusal->source = g_strdup("x.conf:3:1");
}

static void
test_once(gconstpointer data)
{
    const Told *told = data;
    g_autoptr(Scene) first = crowded(3), second = crowded(4), nothing = scene_new("l3:1 core:2 pu:1");
    g_autoptr(KtRefusals) refusals = kt_refusals_new();
    scene_plan(nothing, "[host]\nhousekeeping = none\n");
    rename_source(first);
    rename_source(second);
    told_forget(told);

    kt_refusals_tell(refusals, first->plan, "started; 1 domain");
    told_assert(told, "KVM_TUNE_DOMAIN", "big");
    told_assert(told, "KVM_TUNE_DOMAIN_UUID", "big");
    told_assert(told, "KVM_TUNE_SETTING", "cpu.exclusive");
    told_assert(told, "KVM_TUNE_RESULT", "refused");
    told_assert(told, "KVM_TUNE_SEEN", "started; 1 domain");
    told_assert(told, "KVM_TUNE_SOURCE", "x.conf:3:1");
    g_assert_nonnull(strstr(told_field(told, "KVM_TUNE_REASON"), "3 own CPUs wanted"));

    /* The same, and the same with other figures, isn't news; what was gone meanwhile is. */
    kt_refusals_tell(refusals, first->plan, "resumed; 1 domain");
    kt_refusals_tell(refusals, second->plan, "resumed; 1 domain");
    g_assert_cmpuint(told->entries->len, ==, 1);
    kt_refusals_tell(refusals, nothing->plan, "stopped; 1 domain");
    kt_refusals_tell(refusals, second->plan, "started; 1 domain");
    g_assert_cmpuint(told->entries->len, ==, 2);
}

static void
test_memory_stays(gconstpointer data)
{
    const Told *told = data;
    g_autoptr(Scene) scene = scene_new("l3:1 core:2 pu:1");
    g_autoptr(KtRefusals) refusals = kt_refusals_new();
    scene_add_guest(scene, "vfio", 1, "", "");
    scene_plan(scene, "[host]\nhousekeeping = none\n");
    scene->plan->domains[0].memory_stays = g_strdup("it has huge pages");
    scene->plan->domains[0].memory_at = g_strdup("1");
    told_forget(told);

    kt_refusals_tell(refusals, scene->plan, "started; 1 domain");
    kt_refusals_tell(refusals, scene->plan, "resumed; 1 domain");

    told_assert(told, "KVM_TUNE_RESULT", "stays");
    told_assert(told, "KVM_TUNE_SETTING", "memory.numa");
    told_assert(told, "KVM_TUNE_REASON", "it has huge pages");
    told_assert(told, "MESSAGE", "vfio: its memory stays on node 1: it has huge pages");
}

int
main(int argc, char **argv)
{
    Told told;
    g_test_init(&argc, &argv, NULL);
    told_listen(&told);
    g_test_add_data_func("/refusals/once", &told, test_once);
    g_test_add_data_func("/refusals/memory-stays", &told, test_memory_stays);
    int code = g_test_run();
    g_ptr_array_unref(told.entries);
    return code;
}
