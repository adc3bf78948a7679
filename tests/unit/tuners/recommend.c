/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/recommend.h"

#include "tests/unit/tuners/recommend_scene.h"
#include "tuners/recommend_parts.h"

#define WINDOWS                                                                                              \
    "<metadata><libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"        \
    "<libosinfo:os id='http://microsoft.com/win/10'/></libosinfo:libosinfo></metadata>"
#define NIC(model)                                                                                           \
    "<interface type='user'><mac address='52:54:00:00:00:0a'/><model type='" model "'/></interface>"
#define DISK(target, directory)                                                                              \
    "<disk type='file' device='disk'><source file='" directory "/" target ".raw'/><target dev='" target      \
    "' bus='virtio'/></disk>"

/* The line of that section, or NULL. @patterns NULL = [host]. */
static const KtRecommendedLine *
find(const KtRecommendation *recommendation, const char *patterns, const char *key, const char *item)
{
    for (guint i = 0; i < recommendation->lines->len; i++) {
        const KtRecommendedLine *line = recommendation->lines->pdata[i];
        if (g_strcmp0(line->patterns, patterns) == 0 && g_str_equal(line->setting->key, key) &&
            g_strcmp0(line->item, item) == 0)
            return line;
    }
    return NULL;
}

static void
expect(const KtRecommendation *recommendation, const char *patterns, const char *key, const char *item,
       const char *value, const char *reason)
{
    const KtRecommendedLine *line = find(recommendation, patterns, key, item);
    if (line == NULL)
        g_test_message("no %s for %s", key, patterns);
    g_assert_nonnull(line);
    g_assert_cmpstr(line->value, ==, value);
    if (strstr(line->reason, reason) == NULL)
        g_test_message("'%s' isn't in: %s", reason, line->reason);
    g_assert_nonnull(strstr(line->reason, reason));
}

/* What is recommended must be right for the parser, and nothing of it refused. */
static void
expect_plans(Scene *scene, const KtRecommendation *recommendation)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < recommendation->lines->len; i++) {
        const KtRecommendedLine *line = recommendation->lines->pdata[i];
        g_autofree char *header = kt_recommended_header(line);
        g_autofree char *value = kt_recommended_text(line);
        g_assert_nonnull(line->reason);
        /* A section may come again; a key only once in each. */
        g_string_append_printf(text, "%s\n%s\n", header, value);
    }
    scene_plan(scene, text->str);
    for (guint i = 0; i < scene->plan->refused->len; i++)
        g_test_message("%s", ((const KtRefusal *)scene->plan->refused->pdata[i])->reason);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
}

static void
takes_o_direct(Scene *scene, const char *directory, bool takes)
{
    g_hash_table_insert(scene->snapshot->o_direct, g_strdup(directory), GINT_TO_POINTER(takes ? 1 : 0));
}

static void
test_host_without_domains(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    scene->snapshot->memory->thp.enabled = g_strdup("always");

    g_autoptr(KtRecommendation) recommendation = recommend(scene);

    expect(recommendation, NULL, "thp.enabled", NULL, "madvise", "Now always.");
    g_assert_cmpuint(recommendation->lines->len, ==, 1);
    expect_plans(scene, recommendation);
}

static void
test_common_lines_are_for_all(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 l3:2 core:4 pu:1");
    scene_add_guest(scene, "a", 2, "", "");
    scene_add_guest(scene, "b", 2, "", "");

    g_autoptr(KtRecommendation) recommendation = recommend(scene);

    expect(recommendation, "*", "cpu.placement", NULL, "shared-cache", "shared cache");
    expect(recommendation, "*", "cpu.emulator", NULL, "auto", "vhost");
    g_assert_null(find(recommendation, "*", "cpu.exclusive", NULL));
    expect_plans(scene, recommendation);
}

static void
test_wide_guest_gets_nodes(void)
{
    g_autoptr(Scene) scene = scene_new("node:2 l3:2 core:4 pu:1");
    scene_add_guest(scene, "small", 2, "", "");
    scene_add_guest(scene, "wide", 6, "", "");

    g_autoptr(KtRecommendation) recommendation = recommend(scene);

    expect(recommendation, "wide", "cpu.placement", NULL, "numa", "More vCPUs than the 4 CPUs");
    expect(recommendation, "small", "cpu.placement", NULL, "shared-cache", "");
    expect_plans(scene, recommendation);
}

static void
test_pinned_guest_gets_its_own(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 l3:2 core:4 pu:1");
    scene_add_guest(scene, "a", 1, "", "");
    scene_add_guest(scene, "rt", 2,
                    "<cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='2'/></cputune>", "");

    g_autoptr(KtRecommendation) recommendation = recommend(scene);

    expect(recommendation, "rt", "cpu.exclusive", NULL, "yes", "pins each vCPU to one CPU");
    expect(recommendation, NULL, "housekeeping", NULL, "auto", "one whole core");
    expect_plans(scene, recommendation);
}

/* No room for CPUs of its own: what would be refused isn't recommended, and said. */
static void
test_no_room_is_left_out(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:2 pu:1");
    scene_add_guest(scene, "rt", 2,
                    "<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/></cputune>", "");

    g_autoptr(KtRecommendation) recommendation = recommend(scene);

    const KtRecommendedLine *line = find(recommendation, "*", "cpu.exclusive", NULL);
    g_assert_true(line == NULL || !g_str_equal(line->value, "yes"));
    g_assert_cmpuint(recommendation->left->len, >, 0);
    expect_plans(scene, recommendation);
}

static void
test_windows_keeps_its_nic(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    KtDomain *linux_guest = scene_add_guest(scene, "debian", 1, "", NIC("e1000") NIC("virtio"));
    (void)linux_guest;
    scene_add_guest(scene, "win", 1, WINDOWS, NIC("e1000"));
    g_hash_table_insert(scene->snapshot->virtio_os, g_strdup("http://microsoft.com/win/10"), g_strdup(""));

    g_autoptr(KtRecommendation) recommendation = recommend(scene);

    g_assert_null(find(recommendation, "win", "nic.model", NULL));
    bool said = false;
    for (guint i = 0; i < recommendation->left->len; i++) {
        const KtRecommendedLine *line = recommendation->left->pdata[i];
        said = said || (g_str_equal(line->patterns, "win") && g_str_equal(line->setting->key, "nic.model"));
    }
    g_assert_true(said);
    expect_plans(scene, recommendation);
}

/* Two of three can have it: all, but for the one that can't, with the reason. */
static void
test_exception_is_kept(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    scene_add_guest(scene, "a", 1, "", DISK("vda", "/srv/good"));
    scene_add_guest(scene, "b", 1, "", DISK("vda", "/srv/good"));
    scene_add_guest(scene, "c", 1, "", DISK("vda", "/srv/tmp"));
    takes_o_direct(scene, "/srv/good", true);
    takes_o_direct(scene, "/srv/tmp", false);

    g_autoptr(KtRecommendation) recommendation = recommend(scene);

    expect(recommendation, "*", "disk.cache", NULL, "none", "caches already");
    expect(recommendation, "c", "disk.cache", NULL, "keep", "O_DIRECT");
    expect_plans(scene, recommendation);
}

/* One disk of two: only that one is left out. */
static void
test_one_disk_is_kept(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    scene_add_guest(scene, "a", 1, "", DISK("vda", "/srv/good") DISK("vdb", "/srv/tmp"));
    takes_o_direct(scene, "/srv/good", true);
    takes_o_direct(scene, "/srv/tmp", false);

    g_autoptr(KtRecommendation) recommendation = recommend(scene);

    expect(recommendation, "*", "disk.cache", NULL, "none", "");
    expect(recommendation, "*", "disk.cache", "vdb", "keep", "O_DIRECT");
    expect_plans(scene, recommendation);
}

static void
test_numatune_is_the_administrators(void)
{
    g_autoptr(Scene) scene = scene_new("node:2 core:4 pu:1");
    scene_add_guest(scene, "strict", 1, "<numatune><memory mode='strict' nodeset='0'/></numatune>", "");

    g_autoptr(KtRecommendation) recommendation = recommend(scene);

    g_assert_null(find(recommendation, "*", "memory.numa", NULL));
    expect_plans(scene, recommendation);
}

static void
test_remote_host_is_left_alone(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    scene->snapshot->memory->thp.enabled = g_strdup("always");
    scene->snapshot->host_is_local = false;
    scene_add_guest(scene, "a", 1, "", "");

    g_autoptr(KtRecommendation) recommendation = recommend(scene);

    g_assert_null(find(recommendation, NULL, "thp.enabled", NULL));
    g_assert_cmpuint(recommendation->left->len, >, 0);
    expect_plans(scene, recommendation);
}

/* Thousands of names would make a line that the parser refuses. */
static void
test_long_headers_are_split(void)
{
    g_autoptr(Scene) scene = scene_new("node:1 core:4 pu:1");
    for (guint i = 0; i < 400; i++) {
        g_autofree char *name = g_strdup_printf("%c%03u%0200u", 'a' + (char)(i % 26), i, i);
        g_autofree char *xml =
            scene_xml(name, 1, "", i % 2 ? DISK("vda", "/srv/good") : DISK("vda", "/srv/tmp"));
        scene_add(scene, NULL, xml);
    }
    takes_o_direct(scene, "/srv/good", true);
    takes_o_direct(scene, "/srv/tmp", false);

    g_autoptr(KtRecommendation) recommendation = recommend(scene);

    for (guint i = 0; i < recommendation->lines->len; i++) {
        const KtRecommendedLine *line = recommendation->lines->pdata[i];
        g_assert_true(!line->patterns || strlen(line->patterns) <= 4096);
    }
    expect_plans(scene, recommendation);
}

static void
test_patterns(void)
{
    static const struct {
        const char *names[6];
        const char *in; /* one character a name: 'x' = of the set */
        const char *patterns;
    } cases[] = {
        {{"db-1", "db-2", "web"}, "xxx", "*"},
        {{"db-1", "db-2", "web"}, "xx ", "db-*"},
        {{"db-1", "db-2", "web"}, "x x", "db-1 web"},
        /* the prefix would match one that isn't meant */
        {{"db-1", "db-2", "db-3"}, "xx ", "db-1 db-2"},
        {{"web1", "web2", "x"}, "xx ", "web*"},
        {{"Order entry", "a[b]", "z"}, "xx ", "\"Order entry\" \"a[b]\""},
        /* names that would be read as something else */
        {{"a*", "uuid:x", "z"}, "xx ", "uuid:a* uuid:uuid:x"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Scene) scene = scene_new("core:2 pu:1");
        bool in[6] = {false};
        for (guint k = 0; cases[i].names[k]; k++) {
            /* The scene gives a domain without a UUID its name as one. */
            g_autofree char *xml = scene_xml(cases[i].names[k], 1, "", "");
            scene_add(scene, NULL, xml);
            in[k] = cases[i].in[k] == 'x';
        }
        g_autofree char *patterns = kt_recommend_patterns(scene->snapshot, in);
        g_assert_cmpstr(patterns, ==, cases[i].patterns);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recommend/host-without-domains", test_host_without_domains);
    g_test_add_func("/recommend/common-lines-are-for-all", test_common_lines_are_for_all);
    g_test_add_func("/recommend/wide-guest-gets-nodes", test_wide_guest_gets_nodes);
    g_test_add_func("/recommend/pinned-guest-gets-its-own", test_pinned_guest_gets_its_own);
    g_test_add_func("/recommend/no-room-is-left-out", test_no_room_is_left_out);
    g_test_add_func("/recommend/windows-keeps-its-nic", test_windows_keeps_its_nic);
    g_test_add_func("/recommend/exception-is-kept", test_exception_is_kept);
    g_test_add_func("/recommend/one-disk-is-kept", test_one_disk_is_kept);
    g_test_add_func("/recommend/numatune-is-the-administrators", test_numatune_is_the_administrators);
    g_test_add_func("/recommend/remote-host-is-left-alone", test_remote_host_is_left_alone);
    g_test_add_func("/recommend/long-headers-are-split", test_long_headers_are_split);
    g_test_add_func("/recommend/patterns", test_patterns);
    return g_test_run();
}
