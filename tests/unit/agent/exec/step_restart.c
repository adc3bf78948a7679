/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/agent/exec/exec_scene.h"

#define N_GUESTS 3

/** A domain beside the test driver's own, with a disk like it. */
static void
add_guest(ExecScene *scene, const char *name, const char *uuid)
{
    g_autofree char *xml = g_strdup_printf(
        "<domain type='test'><name>%s</name><uuid>%s</uuid><memory>8192</memory><os><type>hvm</type></os>"
        "<devices><disk type='file' device='disk'><source file='/guest/%s.img'/><target dev='vda' bus='virtio'/>"
        "</disk></devices></domain>",
        name, uuid, name);
    g_autoptr(virDomain) defined = virDomainDefineXML(scene->connection, xml);
    g_assert_nonnull(defined);
    g_assert_cmpint(virDomainCreate(defined), ==, 0);
    KtDomain *domain = kt_domain_new(name, uuid);
    domain->active = true;
    domain->process = g_strdup_printf("id:%u", virDomainGetID(defined));
    g_ptr_array_add(scene->snapshot->domains, domain);
}

/** A disk's cache of each guest: staged, and brought by a restart. */
static void
plan_restart(ExecScene *scene, gint domain)
{
    for (guint i = 0; i < 2; i++) {
        KtAction action = {.domain = domain,
                           .setting = kt_setting(KT_SETTING_DISK_CACHE),
                           .item = g_strdup("disk vda"),
                           .to = g_strdup("none"),
                           .when = i == 0 ? KT_WHEN_NEXT_BOOT : KT_WHEN_RESTART,
                           .reason = g_strdup("a reason"),
                           .source = g_strdup("x.conf:2:1"),
                           .kind = i == 0 ? KT_STEP_DEFINE : KT_STEP_RESTART,
                           .field = KT_XML_DISK_CACHE};
        g_assert_true(kt_plan_add(scene->plan, action));
    }
}

static ExecScene *
three_guests(void)
{
    ExecScene *scene = exec_scene_with_domain(NULL);
    add_guest(scene, "second", "6695eb01-f6a4-8304-79aa-97f2502e1932");
    add_guest(scene, "third", "6695eb01-f6a4-8304-79aa-97f2502e1933");
    kt_plan_free(scene->plan);
    scene->plan = kt_plan_new(scene->snapshot);
    for (gint i = 0; i < N_GUESTS; i++)
        plan_restart(scene, i);
    return scene;
}

static void
assert_runs_with_it(const ExecScene *scene, guint index)
{
    const KtDomain *domain = g_ptr_array_index(scene->snapshot->domains, index);
    g_autoptr(virDomain) found = virDomainLookupByName(scene->connection, domain->name);
    g_assert_nonnull(found);
    g_assert_cmpint(virDomainIsActive(found), ==, 1);
    g_autofree char *process = g_strdup_printf("id:%u", virDomainGetID(found));
    g_assert_cmpstr(process, !=, domain->process);
    char *xml = virDomainGetXMLDesc(found, 0);
    g_assert_nonnull(strstr(xml, "cache='none'"));
    free(xml);
}

static void
test_together(void)
{
    /* given three guests, of which two may be away at once */
    g_autoptr(ExecScene) scene = three_guests();
    scene->plan->restart_parallel = 2;

    must_apply(scene);

    /* then each was started anew, with what its definition has */
    for (guint i = 0; i < N_GUESTS; i++)
        assert_runs_with_it(scene, i);
}

static void
test_one_stands_still(void)
{
    /* given a guest that somebody has paused, to be restarted together with another */
    g_autoptr(ExecScene) scene = three_guests();
    scene->plan->restart_parallel = 2;
    g_autoptr(virDomain) second = virDomainLookupByName(scene->connection, "second");
    g_assert_cmpint(virDomainSuspend(second), ==, 0);

    g_autoptr(KtReport) report = apply(scene);

    /* then it stays so, and the others are restarted */
    assert_result(report, N_GUESTS + 1, KT_RESULT_CONFLICT);
    assert_message(report, N_GUESTS + 1, "stands still");
    int state;
    g_assert_cmpint(virDomainGetState(second, &state, NULL, 0), ==, 0);
    g_assert_cmpint(state, ==, VIR_DOMAIN_PAUSED);
    assert_runs_with_it(scene, 0);
    assert_runs_with_it(scene, 2);
    g_assert_true(report->partial);
}

static ExecScene *
one_guest(void)
{
    ExecScene *scene = exec_scene_with_domain(NULL);
    plan_restart(scene, 0);
    return scene;
}

/* One that somebody has turned off since the plan stays off, and boots with what is staged. */
static void
test_off_meanwhile(void)
{
    g_autoptr(ExecScene) scene = one_guest();
    g_autoptr(virDomain) domain = test_domain(scene);
    g_assert_cmpint(virDomainDestroy(domain), ==, 0);

    g_autoptr(KtReport) report = apply(scene);

    assert_result(report, 0, KT_RESULT_DONE);
    assert_result(report, 1, KT_RESULT_CONFLICT);
    assert_message(report, 1, "does not run any more");
    g_assert_cmpint(virDomainIsActive(domain), ==, 0);
}

/* A restart isn't undone by another: the definition goes back, and the guest keeps what it runs with. */
static void
test_rolled_back(void)
{
    g_autoptr(ExecScene) scene = one_guest();
    must_apply(scene);
    assert_runs_with_it(scene, 0);
    g_autoptr(virDomain) domain = test_domain(scene);
    unsigned int id = virDomainGetID(domain);

    g_autoptr(KtReport) report = rollback(scene);

    g_assert_false(report->failed);
    g_autoptr(virDomain) after = test_domain(scene);
    g_assert_cmpuint(virDomainGetID(after), ==, id);
    char *definition = test_definition(scene);
    g_assert_null(strstr(definition, "cache='none'"));
    free(definition);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/step-restart/together", test_together);
    g_test_add_func("/step-restart/one-stands-still", test_one_stands_still);
    g_test_add_func("/step-restart/off-meanwhile", test_off_meanwhile);
    g_test_add_func("/step-restart/rolled-back", test_rolled_back);
    return g_test_run();
}
