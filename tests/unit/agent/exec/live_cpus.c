/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/live_cpus.h"

#include "tests/unit/agent/exec/exec_scene.h"

/* The test driver's host has CPUs 0-7. Where QEMU's threads run by the kernel's word only a real hypervisor
 * shows. */

static KtLiveCpus *
read_cpus(const ExecScene *scene, virDomain *domain, const char *process)
{
    g_autoptr(KtJournalStep) step = kt_journal_step_new(KT_STEP_PIN);
    g_autoptr(GError) error = NULL;
    KtLiveCpus *cpus = NULL;
    step->domain_name = g_strdup("test");
    step->process = g_strdup(process);
    g_assert_true(kt_live_cpus_read(&scene->target, step, domain, &cpus, &error));
    g_assert_no_error(error);
    return cpus;
}

static bool
are_equal(const KtLiveCpus *cpus, const char *a, const char *b)
{
    g_autoptr(KtCpuset) first = kt_cpuset_parse(a, false, NULL);
    g_autoptr(KtCpuset) second = kt_cpuset_parse(b, false, NULL);
    return kt_live_cpus_equal(cpus, first, second);
}

static void
test_iothreads(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    g_autoptr(virDomain) domain = virDomainCreateXML(
        scene->connection,
        "<domain type='test'><name>io</name><memory>8192</memory><vcpu>1</vcpu><iothreads>2</iothreads>"
        "<cputune><iothreadpin iothread='2' cpuset='4-5'/></cputune><os><type>hvm</type></os></domain>",
        0);
    g_assert_nonnull(domain);

    g_autoptr(KtLiveCpus) cpus = read_cpus(scene, domain, NULL);

    g_autofree char *pinned = kt_cpuset_format(kt_live_cpus_find(cpus, KT_THREAD_IOTHREAD, 2));
    g_assert_cmpstr(pinned, ==, "4-5");
    g_assert_nonnull(kt_live_cpus_find(cpus, KT_THREAD_IOTHREAD, 1));
    g_assert_null(kt_live_cpus_find(cpus, KT_THREAD_IOTHREAD, 3));
    g_assert_null(kt_live_cpus_find(cpus, KT_THREAD_VCPU, 1));
}

static void
test_process(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    g_autoptr(virDomain) domain = test_domain(scene);
    g_autoptr(KtLiveCpus) same = read_cpus(scene, domain, "id:1");
    g_autoptr(KtLiveCpus) other = read_cpus(scene, domain, "id:7");
    g_assert_true(kt_live_cpus_same_process(same));
    g_assert_false(kt_live_cpus_same_process(other));
}

static void
test_does_not_run(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    g_autoptr(virDomain) domain = test_domain(scene);
    g_assert_cmpint(virDomainDestroy(domain), ==, 0);
    g_assert_null(read_cpus(scene, domain, "id:1"));
    g_assert_null(read_cpus(scene, NULL, "id:1"));
}

/* CPUs 4-7 are offline: they don't count, unless a set has no other. */
static void
test_equal(void)
{
    g_autoptr(ExecScene) scene =
        exec_scene_with_domain((FakeFile[]){{"sys/devices/system/cpu/online", "0-3\n"}, {NULL, NULL}});
    g_autoptr(virDomain) domain = test_domain(scene);
    g_autoptr(KtLiveCpus) cpus = read_cpus(scene, domain, "id:1");
    g_assert_true(are_equal(cpus, "0-3", "0-3"));
    g_assert_true(are_equal(cpus, "0-3", "0-7"));
    g_assert_true(are_equal(cpus, "1,5", "1,6"));
    g_assert_false(are_equal(cpus, "0-2", "0-7"));
    g_assert_false(are_equal(cpus, "5", "6"));
    g_assert_false(are_equal(cpus, "0-3", "6"));
}

/* Where it isn't known which are online all count. */
static void
test_equal_unknown(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    g_autoptr(virDomain) domain = test_domain(scene);
    g_autoptr(KtLiveCpus) cpus = read_cpus(scene, domain, "id:1");
    g_assert_true(are_equal(cpus, "0-3", "0-3"));
    g_assert_false(are_equal(cpus, "0-3", "0-7"));
}

static void
test_pin_refused(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(NULL);
    g_autoptr(virDomain) domain = test_domain(scene);
    g_autoptr(KtCpuset) set = kt_cpuset_parse("3", false, NULL);
    static const KtThreadKind kinds[] = {KT_THREAD_VCPU, KT_THREAD_IOTHREAD};
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(kt_live_cpus_pin(domain, kinds[i], 9, set, &error));
        g_assert_nonnull(strstr(error->message, "cannot be pinned to '3'"));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/live-cpus/iothreads", test_iothreads);
    g_test_add_func("/live-cpus/process", test_process);
    g_test_add_func("/live-cpus/does-not-run", test_does_not_run);
    g_test_add_func("/live-cpus/equal", test_equal);
    g_test_add_func("/live-cpus/equal-unknown", test_equal_unknown);
    g_test_add_func("/live-cpus/pin-refused", test_pin_refused);
    return g_test_run();
}
