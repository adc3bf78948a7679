/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/drift.h"

#include "tests/unit/tuners/scene.h"

#define PLACED "[domain *]\ncpu.placement = numa\ncpu.exclusive = yes\n"

/** What was left, and what is found now. */
typedef struct {
    const char *name;
    const char *left; /* NULL = nothing ever */
    const char *process;
    bool undone;
    const char *present;
    const char *libvirt; /* what libvirt says of a thread's pin, NULL = it has none */
    KtDrift verdict;
} Case;

/** Of the emulator of a guest whose process is "1:1", on CPUs 0 to 3. */
static const Case pins[] = {
    {"never set", NULL, NULL, false, "2", "2", KT_DRIFT_OURS},
    {"as it was left: something else is wanted", "2", "1:1", false, "2", "2", KT_DRIFT_OURS},
    {"pinned through libvirt", "0", "1:1", false, "2", "2", KT_DRIFT_CHANGED},
    {"another process", "0", "1:0", false, "2", "2", KT_DRIFT_OURS},
    {"it was shut off", "0", NULL, false, "2", "2", KT_DRIFT_OURS},
    {"behind libvirt's back", "0", "1:1", false, "2", "0", KT_DRIFT_OURS},
    {"a thread that is new", "0", "1:1", false, "0-3", NULL, KT_DRIFT_OURS},
    {"a CPU went offline", "2,7", "1:1", false, "2", "2,7-8", KT_DRIFT_OURS},
    {"both libvirt and the kernel say otherwise", "0", "1:1", false, "2", "3", KT_DRIFT_CHANGED},
    {"rolled back", "2", "1:1", true, "2", "2", KT_DRIFT_UNDONE},
    {"rolled back, and started anew", "2", "1:0", true, "2", "2", KT_DRIFT_UNDONE},
};

static KtLeft *
left_of(const Case *row)
{
    if (!row->left)
        return NULL;
    KtLeft *left = g_new0(KtLeft, 1);
    left->value = g_strdup(row->left);
    left->process = g_strdup(row->process);
    left->undone = row->undone;
    left->run = 7;
    return left;
}

static void
test_pins(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(pins); i++) {
        const Case *row = &pins[i];
        g_test_message("%s", row->name);
        g_autoptr(Scene) scene = scene_new("pack:1 core:4 pu:1");
        g_autofree char *pin =
            row->libvirt ? g_strdup_printf("<cputune><emulatorpin cpuset='%s'/></cputune>", row->libvirt)
                         : g_strdup("");
        KtDomain *domain = scene_add_guest(scene, "a", 1, pin, "");
        g_free(domain->process);
        domain->process = g_strdup("1:1");
        kt_cpuset_free(domain->emulator);
        domain->emulator = kt_cpuset_parse(row->present, false, NULL);
        scene_plan(scene, "[domain *]\ncpu.emulator = 1\n");
        const KtAction *action = scene_action(scene, "a", "cpu.emulator", "emulator", KT_WHEN_NOW);
        g_autoptr(KtLeft) left = left_of(row);
        g_assert_cmpint(kt_drift_judge(scene->plan, action, left, NULL), ==, row->verdict);
    }
}

/** Of transparent huge pages in this life of the kernel, "now". */
static const Case knobs[] = {
    {"never set", NULL, NULL, false, "never", NULL, KT_DRIFT_OURS},
    {"as it was left", "never", "now", false, "never", NULL, KT_DRIFT_OURS},
    {"changed", "madvise", "now", false, "never", NULL, KT_DRIFT_CHANGED},
    {"another boot", "madvise", "before", false, "never", NULL, KT_DRIFT_OURS},
    {"recorded before boots were", "madvise", NULL, false, "never", NULL, KT_DRIFT_OURS},
    {"rolled back", "never", "now", true, "never", NULL, KT_DRIFT_UNDONE},
};

static void
test_knobs(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(knobs); i++) {
        const Case *row = &knobs[i];
        g_test_message("%s", row->name);
        g_autoptr(Scene) scene = scene_new("pack:1 core:4 pu:1");
        scene->snapshot->memory->thp.enabled = g_strdup(row->present);
        scene_plan(scene, "[host]\nthp.enabled = always\n");
        const KtAction *action = scene_action(scene, NULL, "thp.enabled", NULL, KT_WHEN_NOW);
        g_autoptr(KtLeft) left = left_of(row);
        g_assert_cmpint(kt_drift_judge(scene->plan, action, left, "now"), ==, row->verdict);
    }
}

/** A definition lasts: no restart explains another one. */
static void
test_definition(void)
{
    const Case row = {"defined anew", "8", "1:0", false, NULL, NULL, KT_DRIFT_CHANGED};
    g_autoptr(Scene) scene = scene_new("pack:1 core:4 pu:1");
    KtDomain *domain = scene_add_guest(scene, "a", 1, "", "");
    g_free(domain->process);
    domain->process = g_strdup("1:1");
    scene_plan(scene, "[domain *]\ncpu.emulator = 1\n");
    const KtAction *action = scene_action(scene, "a", "cpu.emulator", "emulator", KT_WHEN_NEXT_BOOT);
    g_autoptr(KtLeft) left = left_of(&row);
    g_assert_cmpint(kt_drift_judge(scene->plan, action, left, NULL), ==, KT_DRIFT_CHANGED);
}

/* What was given back counts as left, in the definition and where the thread runs: not what a rollback made
 * of it. */
static void
test_given_back(void)
{
    g_autoptr(KtManual) mark = g_new0(KtManual, 1);
    KtAction action = {.kind = KT_STEP_DEFINE, .from = (char *)"0-3"};
    const Case row = {"rolled back", "0-3", "1:0", true, NULL, NULL, KT_DRIFT_OURS};
    g_autoptr(KtLeft) left = left_of(&row);
    mark->found = g_strdup("2");
    mark->defined = g_strdup("3");
    mark->process = g_strdup("1:1");
    mark->run = 9;

    kt_drift_take_released(mark, &action, left);
    g_assert_cmpstr(left->value, ==, "3");
    g_assert_false(left->undone);
    action.kind = KT_STEP_PIN;
    kt_drift_take_released(mark, &action, left);
    g_assert_cmpstr(left->value, ==, "2");
    g_assert_cmpstr(left->process, ==, "1:1");
    g_assert_cmpint(left->run, ==, 9);
}

static GPtrArray *
one_mark(const char *uuid, const char *setting, const char *item)
{
    GPtrArray *marks = g_ptr_array_new_with_free_func((GDestroyNotify)kt_manual_free);
    KtManual *mark = g_new0(KtManual, 1);
    mark->domain_uuid = g_strdup(uuid);
    mark->setting = g_strdup(setting);
    mark->item = g_strdup(item);
    mark->run = 7;
    g_ptr_array_add(marks, mark);
    return marks;
}

/** A vCPU of a placed guest: its domain is an obstacle, without a word of what hangs on the placement. */
static void
test_unnamed_placement(void)
{
    g_autoptr(Scene) scene = scene_new("pack:1 core:4 pu:1");
    scene_add_guest(scene, "a", 2, "", "");
    scene_add_guest(scene, "b", 1, "", "");
    scene_resolve(scene, PLACED);
    g_autoptr(GPtrArray) marks = one_mark("a", "cpu.placement", "vcpu 1");
    kt_drift_unname(scene->desired, scene->snapshot, marks);
    scene->plan = kt_plan_make(scene->snapshot, scene->desired);
    g_assert_null(scene_action(scene, "a", "cpu.placement", "vcpu 0", KT_WHEN_NOW));
    g_assert_nonnull(scene_action(scene, "b", "cpu.placement", "vcpu 0", KT_WHEN_NOW));
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
test_unnamed_disk(void)
{
    g_autoptr(Scene) scene = scene_new("pack:1 core:4 pu:1");
    scene_add_guest(scene, "a", 1, "", "");
    scene_resolve(
        scene, "[host]\nthp.enabled = always\n[domain *]\ndisk.cache = none\ndisk.cache[vdb] = writeback\n");
    g_autoptr(GPtrArray) disk = one_mark("a", "disk.cache", "disk vdb");
    kt_drift_unname(scene->desired, scene->snapshot, disk);
    g_assert_null(kt_desired_domain(scene->desired, 0, KT_SETTING_DISK_CACHE, "vdb"));
    g_assert_nonnull(kt_desired_domain(scene->desired, 0, KT_SETTING_DISK_CACHE, "vda"));

    g_autoptr(GPtrArray) host = one_mark(NULL, "thp.enabled", NULL);
    ((KtManual *)host->pdata[0])->released = true;
    kt_drift_unname(scene->desired, scene->snapshot, host);
    g_assert_nonnull(kt_desired_host(scene->desired, KT_SETTING_THP_ENABLED));
    ((KtManual *)host->pdata[0])->released = false;
    kt_drift_unname(scene->desired, scene->snapshot, host);
    g_assert_null(kt_desired_host(scene->desired, KT_SETTING_THP_ENABLED));
}

static void
test_released(void)
{
    g_autoptr(Scene) scene = scene_new("pack:1 core:4 pu:1");
    scene->snapshot->memory->thp.enabled = g_strdup("never");
    scene_plan(scene, "[host]\nthp.enabled = always\n");
    const KtAction *action = scene_action(scene, NULL, "thp.enabled", NULL, KT_WHEN_NOW);
    g_autoptr(GPtrArray) marks = one_mark(NULL, "thp.enabled", NULL);
    KtManual *mark = marks->pdata[0];
    KtLeft before = {.run = 7}, after = {.run = 8};
    g_assert_null(kt_drift_find_released(marks, action, NULL, &before));
    mark->released = true;
    g_assert_true(kt_drift_find_released(marks, action, NULL, &before) == mark);
    g_assert_null(kt_drift_find_released(marks, action, NULL, &after));
    g_assert_null(kt_drift_find_released(marks, action, "a", &before));

    /* all items of a setting that are left alone together, but for what is found later */
    KtAction item = *action;
    item.item = (char *)"node 1";
    g_assert_true(kt_drift_find_released(marks, &item, NULL, &before) == mark);
    mark->given_back = true;
    g_assert_null(kt_drift_find_released(marks, &item, NULL, &before));
    g_assert_true(kt_drift_find_released(marks, action, NULL, &before) == mark);

    g_autoptr(GPtrArray) disk = one_mark("a", "disk.cache", "disk vda");
    ((KtManual *)disk->pdata[0])->released = true;
    item.setting = kt_setting(KT_SETTING_DISK_CACHE);
    item.item = (char *)"disk vda";
    g_assert_true(kt_drift_find_released(disk, &item, "a", &before) == disk->pdata[0]);
    item.item = (char *)"disk vdb";
    g_assert_null(kt_drift_find_released(disk, &item, "a", &before));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/drift/pins", test_pins);
    g_test_add_func("/drift/knobs", test_knobs);
    g_test_add_func("/drift/definition", test_definition);
    g_test_add_func("/drift/unnamed-placement", test_unnamed_placement);
    g_test_add_func("/drift/unnamed-disk", test_unnamed_disk);
    g_test_add_func("/drift/given-back", test_given_back);
    g_test_add_func("/drift/released", test_released);
    return g_test_run();
}
