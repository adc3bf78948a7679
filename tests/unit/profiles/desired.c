/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/desired.h"

#include <string.h>

#include "tests/unit/fake_root.h"

/* A profile and domains, resolved. */
typedef struct {
    FakeHost *host;
    KtProfile *profile;
    KtSnapshot snapshot;
    KtDesired *desired;
} Scene;

static void
add_domain(KtSnapshot *snapshot, const char *name, const char *xml)
{
    KtDomain *domain = kt_domain_new(name, "0b1f8a52-94d3-4c1e-8f60-aa00bb11cc22");
    g_autoptr(GError) error = NULL;
    if (xml)
        domain->inactive = kt_domain_def_parse(xml, &error);
    g_assert_no_error(error);
    g_ptr_array_add(snapshot->domains, domain);
}

#define DB_XML                                                                                               \
    "<domain type='kvm'><name>db-1</name><title>Order entry</title><devices>"                                \
    "<disk type='file' device='disk'><target dev='vda' bus='virtio'/></disk>"                                \
    "<disk type='file' device='disk'><target dev='vdb' bus='virtio'/></disk>"                                \
    "<interface type='network'><mac address='52:54:00:00:00:0a'/><source network='default'/></interface>"    \
    "</devices></domain>"

/* Domains db-1 (vda, vdb, one NIC, a title), web, and @text as the profile. */
static Scene
scene_new(const char *text, const char *only)
{
    Scene scene = {.host = fake_host_new((FakeFile[]){{"x.conf", text}, {NULL, NULL}})};
    g_autofree char *path = g_build_filename(scene.host->directory, "x.conf", NULL);
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    char *const directories[] = {NULL};
    scene.profile = kt_profile_load(path, directories, diagnostics);
    g_assert_nonnull(scene.profile);
    scene.snapshot.domains = g_ptr_array_new_with_free_func((GDestroyNotify)kt_domain_free);
    add_domain(&scene.snapshot, "db-1", DB_XML);
    add_domain(&scene.snapshot, "web", NULL);
    scene.desired =
        kt_desired_resolve(scene.profile, &scene.snapshot, only ? (const char *[]){only, NULL} : NULL);
    return scene;
}

static void
scene_clear(Scene *scene)
{
    kt_desired_free(scene->desired);
    kt_profile_free(scene->profile);
    g_ptr_array_unref(scene->snapshot.domains);
    fake_host_free(scene->host);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

enum { DB, WEB };

static const char *
text_of(const KtValue *value)
{
    return value ? value->text : NULL;
}

static const char *
cache_of(const Scene *scene, guint domain, const char *disk)
{
    return text_of(kt_desired_domain(scene->desired, domain, KT_SETTING_DISK_CACHE, disk));
}

static void
test_last_matching_section_wins(void)
{
    g_auto(Scene) scene = scene_new("[domain db-*]\ncpu.smt = isolate\ncpu.exclusive = yes\n"
                                    "[domain *]\ncpu.smt = share\n"
                                    "[domain web]\ncpu.kind = any\n",
                                    NULL);
    const KtDesired *desired = scene.desired;
    g_assert_cmpstr(text_of(kt_desired_domain(desired, DB, KT_SETTING_CPU_SMT, NULL)), ==, "share");
    g_assert_cmpstr(text_of(kt_desired_domain(desired, DB, KT_SETTING_CPU_EXCLUSIVE, NULL)), ==, "yes");
    g_assert_null(kt_desired_domain(desired, WEB, KT_SETTING_CPU_EXCLUSIVE, NULL));
    g_assert_null(kt_desired_domain(desired, DB, KT_SETTING_CPU_KIND, NULL));
    g_assert_cmpstr(text_of(kt_desired_domain(desired, WEB, KT_SETTING_CPU_KIND, NULL)), ==, "any");
}

static void
test_patterns(void)
{
    g_auto(Scene) scene = scene_new("[domain nobody title:Order* other]\ncpu.smt = share\n"
                                    "[domain uuid:0b1f8a52*]\ncpu.kind = any\n",
                                    NULL);
    g_assert_nonnull(kt_desired_domain(scene.desired, DB, KT_SETTING_CPU_SMT, NULL));
    g_assert_null(kt_desired_domain(scene.desired, WEB, KT_SETTING_CPU_SMT, NULL));
    g_assert_nonnull(kt_desired_domain(scene.desired, WEB, KT_SETTING_CPU_KIND, NULL));
}

static void
test_item_after_all(void)
{
    g_auto(Scene) scene = scene_new("[domain *]\ndisk.cache = none\ndisk.cache[vdb] = writeback\n", NULL);
    g_assert_cmpstr(cache_of(&scene, DB, "vda"), ==, "none");
    g_assert_cmpstr(cache_of(&scene, DB, "vdb"), ==, "writeback");
    g_assert_cmpstr(cache_of(&scene, DB, NULL), ==, "none");
}

static void
test_all_after_item(void)
{
    g_auto(Scene) scene = scene_new("[domain db-1]\ndisk.cache[vdb] = writeback\ndisk.io[vdb] = threads\n"
                                    "[domain *]\ndisk.cache = none\n",
                                    NULL);
    g_assert_cmpstr(cache_of(&scene, DB, "vdb"), ==, "none");
    g_assert_cmpstr(text_of(kt_desired_domain(scene.desired, DB, KT_SETTING_DISK_IO, "vdb")), ==, "threads");
    g_assert_null(kt_desired_domain(scene.desired, DB, KT_SETTING_DISK_IO, "vda"));
}

static void
test_last_item_wins(void)
{
    g_auto(Scene) scene = scene_new("[domain *]\ndisk.cache[vdb] = none\n"
                                    "[domain db-1]\ndisk.cache[vdb] = writeback\n",
                                    NULL);
    g_assert_cmpstr(cache_of(&scene, DB, "vdb"), ==, "writeback");
    g_assert_cmpstr(cache_of(&scene, WEB, "vdb"), ==, "none");
}

static void
test_mac_in_any_case(void)
{
    g_auto(Scene) scene = scene_new("[domain *]\nnic.model[52:54:00:00:00:0A] = virtio\n", NULL);
    g_assert_nonnull(kt_desired_domain(scene.desired, DB, KT_SETTING_NIC_MODEL, "52:54:00:00:00:0a"));
    g_assert_cmpuint(kt_desired_unmatched_items(scene.desired)->len, ==, 0);
}

static void
test_keep(void)
{
    g_auto(Scene) scene = scene_new("[host]\nksm.mode = on\nthp.enabled = never\n"
                                    "[domain *]\ncpu.smt = share\ndisk.cache = none\ncpu.kind = any\n"
                                    "[host]\nksm.mode = keep\nthp.enabled = keep\n"
                                    "[domain web]\ncpu.smt = keep\ndisk.cache = keep\ncpu.kind = keep\n"
                                    "[domain db-1]\ndisk.cache[vdb] = keep\n"
                                    "[host]\nthp.enabled = always\n",
                                    NULL);
    const KtDesired *desired = scene.desired;
    g_assert_null(kt_desired_host(desired, KT_SETTING_KSM_MODE));
    g_assert_cmpstr(text_of(kt_desired_host(desired, KT_SETTING_THP_ENABLED)), ==, "always");
    g_assert_cmpstr(text_of(kt_desired_domain(desired, DB, KT_SETTING_CPU_SMT, NULL)), ==, "share");
    g_assert_null(kt_desired_domain(desired, WEB, KT_SETTING_CPU_SMT, NULL));
    g_assert_cmpstr(cache_of(&scene, DB, "vda"), ==, "none");
    g_assert_null(cache_of(&scene, DB, "vdb"));
    g_assert_null(cache_of(&scene, WEB, "vda"));
    g_assert_true(kt_desired_selects(desired, DB));
    g_assert_false(kt_desired_selects(desired, WEB));
}

/* keep for all takes back what was said of single items too. */
static void
test_keep_all_items(void)
{
    g_auto(Scene) scene =
        scene_new("[domain *]\ndisk.cache[vdb] = none\n[domain *]\ndisk.cache = keep\n", NULL);
    g_assert_null(cache_of(&scene, DB, "vdb"));
    g_assert_false(kt_desired_selects(scene.desired, DB));
}

static void
test_selects_by_item_alone(void)
{
    g_auto(Scene) scene = scene_new("[domain db-1]\ndisk.cache[vdb] = none\n"
                                    "[domain web]\ndisk.cache[vdb] = keep\n",
                                    NULL);
    g_assert_true(kt_desired_selects(scene.desired, DB));
    g_assert_false(kt_desired_selects(scene.desired, WEB));
}

static void
test_only(void)
{
    g_auto(Scene) scene =
        scene_new("[host]\nksm.mode = on\nhousekeeping = 0\nmemory-reserve = 1GiB\ncontested = take\n"
                  "[domain *]\ncpu.smt = share\n",
                  "w?b");
    const KtDesired *desired = scene.desired;
    g_assert_null(kt_desired_domain(desired, DB, KT_SETTING_CPU_SMT, NULL));
    g_assert_nonnull(kt_desired_domain(desired, WEB, KT_SETTING_CPU_SMT, NULL));
    g_assert_null(kt_desired_host(desired, KT_SETTING_KSM_MODE));
    g_assert_nonnull(kt_desired_host(desired, KT_SETTING_HOUSEKEEPING));
    g_assert_nonnull(kt_desired_host(desired, KT_SETTING_MEMORY_RESERVE));
    g_assert_nonnull(kt_desired_host(desired, KT_SETTING_CONTESTED));
}

/* An item that no matching domain has is likely a mistake; one of a section that matches nothing isn't known
 * to be. */
static void
test_unmatched_items(void)
{
    g_auto(Scene) scene = scene_new("[domain *]\ndisk.cache[vdb] = none\ndisk.cache[vdc] = none\n"
                                    "nic.model[52:54:00:00:00:0b] = virtio\n"
                                    "[domain web]\ndisk.cache[vda] = none\n"
                                    "[domain later-*]\ndisk.cache[vdz] = none\n",
                                    "web");
    GPtrArray *unmatched = kt_desired_unmatched_items(scene.desired);
    g_assert_cmpuint(unmatched->len, ==, 3);
    g_assert_cmpstr(((const KtValue *)unmatched->pdata[0])->item, ==, "vdc");
    g_assert_cmpstr(((const KtValue *)unmatched->pdata[1])->item, ==, "52:54:00:00:00:0b");
    g_assert_cmpstr(((const KtValue *)unmatched->pdata[2])->item, ==, "vda");
}

/* A copy that doesn't know some settings, with items or without; the rest is the same. */
static void
test_without(void)
{
    g_auto(Scene) scene = scene_new("[host]\nksm.mode = on\nthp.enabled = madvise\n[domain db-1]\n"
                                    "disk.cache[vda] = none\nnic.model = virtio\n[domain web]\n"
                                    "disk.cache = none\n",
                                    NULL);
    g_assert_cmpstr(kt_desired_any(scene.desired, 0, KT_SETTING_DISK_CACHE)->item, ==, "vda");
    g_assert_cmpstr(kt_desired_any(scene.desired, 1, KT_SETTING_DISK_CACHE)->text, ==, "none");
    g_assert_null(kt_desired_any(scene.desired, 1, KT_SETTING_NIC_MODEL));

    g_autoptr(KtDesired) copy = kt_desired_without(
        scene.desired, (bool[KT_N_SETTINGS]){[KT_SETTING_KSM_MODE] = true, [KT_SETTING_DISK_CACHE] = true});

    g_assert_null(kt_desired_host(copy, KT_SETTING_KSM_MODE));
    g_assert_nonnull(kt_desired_host(copy, KT_SETTING_THP_ENABLED));
    g_assert_null(kt_desired_domain(copy, 0, KT_SETTING_DISK_CACHE, "vda"));
    g_assert_null(kt_desired_any(copy, 1, KT_SETTING_DISK_CACHE));
    g_assert_nonnull(kt_desired_domain(copy, 0, KT_SETTING_NIC_MODEL, NULL));
    g_assert_false(kt_desired_selects(copy, 1));
    g_assert_nonnull(kt_desired_host(scene.desired, KT_SETTING_KSM_MODE));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/desired/last-matching-section-wins", test_last_matching_section_wins);
    g_test_add_func("/desired/patterns", test_patterns);
    g_test_add_func("/desired/item-after-all", test_item_after_all);
    g_test_add_func("/desired/all-after-item", test_all_after_item);
    g_test_add_func("/desired/last-item-wins", test_last_item_wins);
    g_test_add_func("/desired/mac-in-any-case", test_mac_in_any_case);
    g_test_add_func("/desired/keep", test_keep);
    g_test_add_func("/desired/keep-all-items", test_keep_all_items);
    g_test_add_func("/desired/selects-by-item-alone", test_selects_by_item_alone);
    g_test_add_func("/desired/only", test_only);
    g_test_add_func("/desired/without", test_without);
    g_test_add_func("/desired/unmatched-items", test_unmatched_items);
    return g_test_run();
}
