/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/bench_arms.h"

#include <libvirt/virterror.h>
#include <string.h>

#include "probes/hypervisor.h"
#include "tests/unit/agent/exec/journal_fixture.h"

#define DOMAIN "test" /* of libvirt's test driver */

/** Arms whose profile is undone already; the guests that it staged something of are still to be powered off
 * and on. */
typedef struct {
    JournalFixture journal;
    KtOptions options;
    virConnectPtr connection;
    KtBenchmark *benchmark;
    KtArms arms;
    KtBench bench;
} Scene;

static void
quiet(void *data, virErrorPtr error)
{
    (void)data, (void)error;
}

static Scene *
scene_new(const char *uri)
{
    Scene *scene = g_new0(Scene, 1);
    virSetErrorFunc(NULL, quiet);
    set_up(&scene->journal, NULL);
    scene->connection = virConnectOpen("test:///default");
    scene->options = (KtOptions){.uri = (char *)uri, .state_dir = scene->journal.directory, .verbosity = -1};
    scene->benchmark = kt_benchmark_new();
    scene->arms = (KtArms){.options = &scene->options,
                           .journal = scene->journal.journal,
                           .cycled = g_ptr_array_new(),
                           .left_off = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                           .powered = true};
    g_ptr_array_add(scene->arms.cycled, (gpointer)DOMAIN);
    scene->bench = (KtBench){.benchmark = scene->benchmark,
                             .asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                             .user_data = &scene->arms};
    return scene;
}

static void
scene_free(Scene *scene)
{
    kt_host_free(scene->arms.host);
    virConnectClose(scene->connection);
    g_ptr_array_unref(scene->arms.cycled);
    g_hash_table_unref(scene->arms.left_off);
    g_hash_table_unref(scene->bench.asked);
    kt_benchmark_free(scene->benchmark);
    tear_down(&scene->journal, NULL);
    g_free(scene);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scene, scene_free)

static bool
runs(const Scene *scene)
{
    g_autoptr(virDomain) domain = virDomainLookupByName(scene->connection, DOMAIN);
    return virDomainIsActive(domain) == 1;
}

static void
take_back(Scene *scene)
{
    g_autoptr(GError) error = NULL;
    bool done = kt_arms_switch(&scene->bench, false, &error);
    g_assert_no_error(error);
    g_assert_true(done);
    g_assert_false(scene->arms.powered);
}

static void
destroy(const Scene *scene)
{
    g_autoptr(virDomain) domain = virDomainLookupByName(scene->connection, DOMAIN);
    g_assert_cmpint(virDomainDestroy(domain), ==, 0);
}

static void
test_off_by_its_owner(void)
{
    g_autoptr(Scene) scene = scene_new("test:///default");
    destroy(scene);
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*has not asked for*");
    take_back(scene);
    g_test_assert_expected_messages();
    g_assert_false(runs(scene));
    g_assert_true(g_hash_table_contains(scene->arms.left_off, DOMAIN));
}

/* One that went off only after it was given up, of a workload's order, too. */
static void
test_off_as_asked(void)
{
    g_autoptr(Scene) scene = scene_new("test:///default");
    destroy(scene);
    g_hash_table_add(scene->bench.asked, g_strdup(DOMAIN));
    take_back(scene);
    g_assert_true(runs(scene));
    g_assert_cmpuint(g_hash_table_size(scene->bench.asked), ==, 0);
}

/* Nobody wanted that. */
static void
test_crashed(void)
{
    g_autoptr(Scene) scene = scene_new("test:///default");
    g_autoptr(virDomain) domain = virDomainLookupByName(scene->connection, DOMAIN);
    g_autofree char *dump = g_build_filename(scene->journal.directory, "dump", NULL);
    g_assert_cmpint(virDomainCoreDump(domain, dump, VIR_DUMP_CRASH), ==, 0);
    g_assert_false(runs(scene));
    take_back(scene);
    g_assert_true(runs(scene));
    g_assert_cmpuint(g_hash_table_size(scene->arms.left_off), ==, 0);
}

/* The profile is gone, the guests that ran with it are named. */
static void
test_names_what_is_left(void)
{
    g_autoptr(Scene) scene = scene_new("test:///no/such/file.xml");
    g_autoptr(GError) error = NULL;
    g_ptr_array_add(scene->arms.cycled, (gpointer) "second");
    g_assert_false(kt_arms_switch(&scene->bench, false, &error));
    g_assert_nonnull(strstr(error->message, "is rolled back"));
    g_assert_nonnull(strstr(error->message, "or be off: " DOMAIN ", second: "));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bench-arms/off-by-its-owner", test_off_by_its_owner);
    g_test_add_func("/bench-arms/off-as-asked", test_off_as_asked);
    g_test_add_func("/bench-arms/crashed", test_crashed);
    g_test_add_func("/bench-arms/names-what-is-left", test_names_what_is_left);
    return g_test_run();
}
