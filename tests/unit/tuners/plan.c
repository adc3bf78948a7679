/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/tuners/scene.h"

/* A host with the running domains a and b, and an empty plan for it. */
static Scene *
two_domains(void)
{
    Scene *scene = scene_new("node:1 core:4 pu:1");
    scene_add_guest(scene, "a", 1, "", "");
    scene_add_guest(scene, "b", 1, "", "");
    scene->plan = kt_plan_new(scene->snapshot);
    return scene;
}

static KtAction
action_of(gint domain, KtSettingId id, const char *item, KtStepKind kind, const char *from, const char *to)
{
    return (KtAction){
        .domain = domain,
        .setting = kt_setting(id),
        .item = g_strdup(item),
        .from = g_strdup(from),
        .to = g_strdup(to),
        .when = kind == KT_STEP_DEFINE ? KT_WHEN_NEXT_BOOT : KT_WHEN_NOW,
        .reason = g_strdup("because"),
        .source = g_strdup("x.conf:1:1"),
        .kind = kind,
    };
}

static KtValue *
value_of(KtSettingId id, const char *text)
{
    g_autoptr(GError) error = NULL;
    KtValue *value = kt_value_parse(kt_setting(id), text, NULL, NULL, &error);
    g_assert_no_error(error);
    value->source = g_strdup("x.conf:1:1");
    return value;
}

static void
test_names(void)
{
    g_assert_cmpstr(kt_when_name(KT_WHEN_NOW), ==, "now");
    g_assert_cmpstr(kt_when_name(KT_WHEN_NEXT_BOOT), ==, "next-boot");
    g_assert_cmpstr(kt_risk_name(KT_RISK_NONE), ==, "none");
    g_assert_cmpstr(kt_risk_name(KT_RISK_HIGH), ==, "high");
    g_assert_cmpstr(kt_step_kind_name(KT_STEP_SYSFS), ==, "sysfs");
    g_assert_cmpstr(kt_step_kind_name(KT_STEP_DEFINE), ==, "define");
    g_assert_cmpstr(kt_step_kind_name(KT_STEP_PIN), ==, "pin");
}

static void
test_adds_differences_only(void)
{
    g_autoptr(Scene) scene = two_domains();

    g_assert_false(kt_plan_add(
        scene->plan, action_of(-1, KT_SETTING_THP_ENABLED, NULL, KT_STEP_SYSFS, "madvise", "madvise")));
    g_assert_false(kt_plan_add(scene->plan,
                               action_of(0, KT_SETTING_DISK_CACHE, "disk vda", KT_STEP_DEFINE, NULL, NULL)));
    g_assert_true(kt_plan_add(scene->plan,
                              action_of(0, KT_SETTING_DISK_CACHE, "disk vda", KT_STEP_DEFINE, NULL, "none")));

    g_assert_cmpuint(scene->plan->actions->len, ==, 1);
    g_assert_cmpuint(((KtAction *)scene->plan->actions->pdata[0])->id, ==, 1);
}

static void
test_orders_by_target(void)
{
    g_autoptr(Scene) scene = two_domains();
    KtPlan *plan = scene->plan;
    g_autoptr(KtValue) cache = value_of(KT_SETTING_DISK_CACHE, "none");
    g_autoptr(KtValue) thp = value_of(KT_SETTING_THP_ENABLED, "never");
    kt_plan_add(plan, action_of(1, KT_SETTING_CPU_PLACEMENT, "vcpu 0", KT_STEP_PIN, "0-3", "1"));
    kt_plan_add(plan, action_of(0, KT_SETTING_CPU_PLACEMENT, "vcpu 0", KT_STEP_PIN, "0-3", "0"));
    kt_plan_add(plan, action_of(0, KT_SETTING_DISK_CACHE, "disk vda", KT_STEP_DEFINE, NULL, "none"));
    kt_plan_add(plan, action_of(-1, KT_SETTING_THP_ENABLED, NULL, KT_STEP_SYSFS, "always", "madvise"));
    kt_plan_refuse(plan, 1, cache, "disk vdb", "%s", "no");
    kt_plan_refuse(plan, -1, thp, NULL, "%s", "no");

    kt_plan_order(plan);

    const gint domains[] = {-1, 0, 0, 1};
    for (guint i = 0; i < plan->actions->len; i++) {
        const KtAction *action = plan->actions->pdata[i];
        g_assert_cmpint(action->domain, ==, domains[i]);
        g_assert_cmpuint(action->id, ==, i + 1);
    }
    g_assert_cmpstr(((KtAction *)plan->actions->pdata[1])->item, ==, "vcpu 0");
    g_assert_cmpstr(((KtAction *)plan->actions->pdata[2])->item, ==, "disk vda");
    g_assert_cmpint(((KtRefusal *)plan->refused->pdata[0])->domain, ==, -1);
}

static void
assert_step(const KtPlan *plan, guint index, KtStepKind kind, gint domain, const char *actions)
{
    const KtStep *step = plan->steps->pdata[index];
    g_assert_cmpint(step->kind, ==, kind);
    g_assert_cmpint(step->domain, ==, domain);
    g_autoptr(GString) found = g_string_new(NULL);
    for (guint i = 0; i < step->actions->len; i++)
        g_string_append_printf(found, "%u ", g_array_index(step->actions, guint, i));
    g_assert_cmpstr(found->str, ==, actions);
}

static void
test_groups_steps(void)
{
    g_autoptr(Scene) scene = two_domains();
    KtPlan *plan = scene->plan;
    kt_plan_add(plan, action_of(-1, KT_SETTING_KSM_MODE, "advisor", KT_STEP_SYSFS, "none", "scan-time"));
    kt_plan_add(plan, action_of(-1, KT_SETTING_KSM_MODE, NULL, KT_STEP_SYSFS, "off", "on"));
    kt_plan_add(plan, action_of(0, KT_SETTING_CPU_PLACEMENT, "vcpu 0", KT_STEP_PIN, "0-3", "0"));
    kt_plan_add(plan, action_of(0, KT_SETTING_CPU_PLACEMENT, "vcpu 0", KT_STEP_DEFINE, NULL, "0"));
    kt_plan_add(plan, action_of(0, KT_SETTING_CPU_EMULATOR, "emulator", KT_STEP_PIN, "0-3", "0"));
    kt_plan_add(plan, action_of(0, KT_SETTING_DISK_CACHE, "disk vda", KT_STEP_DEFINE, NULL, "none"));
    kt_plan_add(plan, action_of(1, KT_SETTING_CPU_PLACEMENT, "vcpu 0", KT_STEP_PIN, "0-3", "1"));

    kt_plan_group_steps(plan);
    kt_plan_group_steps(plan); /* again: no step twice */

    g_assert_cmpuint(plan->steps->len, ==, 5);
    assert_step(plan, 0, KT_STEP_SYSFS, -1, "0 ");
    assert_step(plan, 1, KT_STEP_SYSFS, -1, "1 ");
    assert_step(plan, 2, KT_STEP_DEFINE, 0, "3 5 ");
    assert_step(plan, 3, KT_STEP_PIN, 0, "2 4 ");
    assert_step(plan, 4, KT_STEP_PIN, 1, "6 ");
}

static void
test_notes_once(void)
{
    g_autoptr(Scene) scene = two_domains();

    kt_plan_note(scene->plan, 0, "not truly exclusive: %s floats here", "b");
    kt_plan_note(scene->plan, 0, "not truly exclusive: %s floats here", "b");
    kt_plan_note(scene->plan, 0, "another");

    g_assert_cmpuint(scene->plan->domains[0].notes->len, ==, 2);
    g_assert_cmpuint(scene->plan->domains[1].notes->len, ==, 0);
}

static void
test_staging(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    g_autofree char *xml = scene_xml("x", 1, "", "");
    scene_add_guest(scene, "persistent", 1, "", "");
    scene_add(scene, NULL, xml)->managed_save = true;
    scene_add(scene, xml, NULL);
    scene->plan = kt_plan_new(scene->snapshot);
    g_autoptr(KtValue) cache = value_of(KT_SETTING_DISK_CACHE, "none");

    g_assert_true(kt_plan_may_stage(scene->plan, 0, cache, "disk vda"));
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
    g_assert_false(kt_plan_may_stage(scene->plan, 1, cache, "disk vda"));
    g_assert_nonnull(strstr(((KtRefusal *)scene->plan->refused->pdata[0])->reason, "a saved image"));
    g_assert_false(kt_plan_may_stage(scene->plan, 2, cache, "disk vda"));
    g_assert_nonnull(strstr(((KtRefusal *)scene->plan->refused->pdata[1])->reason, "transient"));
}

static void
test_remote_host(void)
{
    g_autoptr(Scene) scene = two_domains();
    g_autoptr(KtValue) thp = value_of(KT_SETTING_THP_ENABLED, "never");

    g_assert_true(kt_plan_may_touch_host(scene->plan, thp));
    scene->snapshot->host_is_local = false;
    scene->snapshot->uri = g_strdup("qemu+ssh://far/system");
    g_assert_false(kt_plan_may_touch_host(scene->plan, thp));

    const KtRefusal *refusal = scene->plan->refused->pdata[0];
    g_assert_cmpint(refusal->domain, ==, -1);
    g_assert_nonnull(strstr(refusal->reason, "qemu+ssh://far/system"));
    g_assert_cmpstr(refusal->source, ==, "x.conf:1:1");
}

/* Rule 1: what no section names is never touched. */
static void
test_nothing_named(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    scene_add_guest(
        scene, "a", 2, "<cputune><vcpupin vcpu='0' cpuset='1'/></cputune>",
        "<disk type='file' device='disk'><source file='/i/a'/><target dev='vda'/></disk>"
        "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='e1000'/></interface>");
    scene->snapshot->memory->thp.enabled = g_strdup("always");
    scene->snapshot->memory->ksm.run = 1;

    scene_plan(scene, "[host]\nhousekeeping = 0\n[domain other]\ndisk.cache = none\n");

    g_assert_cmpuint(scene->plan->actions->len, ==, 0);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
    g_assert_cmpuint(scene->plan->steps->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan/names", test_names);
    g_test_add_func("/plan/add", test_adds_differences_only);
    g_test_add_func("/plan/order", test_orders_by_target);
    g_test_add_func("/plan/steps", test_groups_steps);
    g_test_add_func("/plan/notes", test_notes_once);
    g_test_add_func("/plan/staging", test_staging);
    g_test_add_func("/plan/remote-host", test_remote_host);
    g_test_add_func("/plan/nothing-named", test_nothing_named);
    return g_test_run();
}
