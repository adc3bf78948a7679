/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/pause_guard.h"

#include "tests/unit/agent/exec/exec_scene.h"

#define DOMAIN                                                                                               \
    "<domain type='test'><name>test</name><memory unit='KiB'>1024</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>"

static const FakeFile files[] = {{NULL, NULL}};

/* Asks whether the running domain may be saved; the error, NULL = it may. */
static GError *
ask(ExecScene *scene)
{
    GError *error = NULL;
    g_autoptr(KtPageHold) hold = NULL;
    g_autoptr(KtDomainDef) live = kt_domain_def_parse(DOMAIN, NULL);
    g_autoptr(KtDomainDef) next = kt_domain_def_parse(DOMAIN, NULL);
    g_autoptr(virDomain) domain = test_domain(scene);
    bool may = kt_pause_guard(&scene->target, domain, scene->host->directory, live, next, &hold, &error);
    g_assert_true(may == (error == NULL));
    g_assert_true(may || hold == NULL);
    return error;
}

static void
test_may(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    g_autoptr(GError) error = ask(scene);
    g_assert_no_error(error);
}

/* A start would resume that instead. */
static void
test_has_an_image(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    g_autoptr(virDomain) domain = test_domain(scene);
    if (virDomainManagedSave(domain, 0) == 0) {
        g_autoptr(GError) error = ask(scene);
        g_assert_error(error, KT_ERROR, KT_ERROR_CONFLICT);
        g_assert_nonnull(strstr(error->message, "virsh managedsave-remove"));
    } else {
        g_test_skip("this libvirt's test driver has no managed save");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    virSetErrorFunc(NULL, quiet);
    g_test_add_func("/agent/exec/pause_guard/may", test_may);
    g_test_add_func("/agent/exec/pause_guard/has-an-image", test_has_an_image);
    return g_test_run();
}
