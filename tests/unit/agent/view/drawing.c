/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/drawing.h"

#include "tests/unit/tuners/scene.h"

static const KtStyle style = {.color = false, .utf8 = true, .width = 80};
static const KtStyle ascii = {.color = false, .utf8 = false, .width = 80};

#define PINS2(a, b) "<cputune><vcpupin vcpu='0' cpuset='" a "'/><vcpupin vcpu='1' cpuset='" b "'/></cputune>"

static char *
draw(const Scene *scene, const KtStyle *with)
{
    g_autoptr(KtSeating) seating = kt_seating_new(scene->snapshot, scene->plan);
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_drawing(out, with, scene->snapshot, seating);
    return g_strdup(out->str);
}

static void
set_node_memory(Scene *scene, guint os, gint64 total_kib, gint64 free_kib)
{
    KtNodeMemory memory = {os, total_kib, free_kib};
    g_array_append_val(scene->snapshot->memory->nodes, memory);
}

static void
test_who_sits_where(void)
{
    /* given two packages of two L3 groups, cores of two threads: one domain with own CPUs, two that share an
     * L3, one that floats */
    g_autoptr(Scene) scene = scene_new("package:2 l3:2 core:2 pu:2");
    scene_add_guest(scene, "db", 2, PINS2("0", "2"), "");
    scene_add_guest(scene, "free", 2, "", "");
    scene_add_guest(scene, "mail", 2, PINS2("8-9", "8-11"), "");
    scene_add_guest(scene, "web", 2, PINS2("4-7", "4-7"), "");
    set_node_memory(scene, 0, 8 << 20, 2 << 20);

    g_autofree char *text = draw(scene, &style);

    g_assert_cmpstr(text, ==,
                    "┌ package 0 · node 0 ─────────────────────────────────────── 2 GiB of 8 GiB free\n"
                    "│ 0-3    A· A·   A db\n"
                    "│ 4-7    cc cc   c web\n"
                    "┌ package 1 · node 0 ─────────────────────────────────────── 2 GiB of 8 GiB free\n"
                    "│ 8-11   bb bb   b mail\n"
                    "│ 12-15  ·· ··\n"
                    "  A own CPUs   a shared CPUs   · free\n"
                    "  float over all CPUs: free\n");
}

static void
test_legend_and_floating(void)
{
    g_autoptr(Scene) scene = scene_new("package:2 l3:2 core:2 pu:2");
    scene_add_guest(scene, "db", 2, PINS2("0", "2"), "");
    scene_add_guest(scene, "free", 2, "", "");
    scene_add_guest(scene, "half", 2, PINS2("15", "0-15"), "");
    scene_add_guest(scene, "mail", 2, PINS2("8-9", "8-11"), "");
    scene_add_guest(scene, "post", 2, PINS2("8-9", "8-9"), "");

    g_autofree char *text = draw(scene, &style);

    g_assert_nonnull(strstr(text, "│ 0-3    A· A·"));
    g_assert_nonnull(strstr(text, "A db\n"));
    g_assert_nonnull(strstr(text, "│ 8-11   ** cc"));
    g_assert_nonnull(strstr(text, "c mail, d post\n"));
    g_assert_nonnull(strstr(text, "  A own CPUs   a shared CPUs   · free   * several domains\n"));
    g_assert_nonnull(strstr(text, "  float over all CPUs: free, half (vCPU 1)\n"));
}

static void
test_free_runs_are_one_line(void)
{
    /* given 32 groups, of which only the first is used */
    g_autoptr(Scene) scene = scene_new("package:2 l3:16 core:4 pu:1");
    scene_add_guest(scene, "db", 2, PINS2("0", "1"), "");

    g_autofree char *text = draw(scene, &style);

    g_assert_nonnull(strstr(text, "│ 15 free groups: 4-63\n"));
    g_assert_nonnull(strstr(text, "│ 16 free groups: 64-127\n"));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), <, 10);
}

static void
test_wide_group_is_several_lines(void)
{
    g_autoptr(Scene) scene = scene_new("package:1 l3:1 core:32 pu:2");

    g_autofree char *text = draw(scene, &style);

    g_assert_nonnull(strstr(text, "│ 0-31   ·· ·· "));
    g_assert_nonnull(strstr(text, "│ 32-63  ·· ·· "));
}

static void
test_uneven_numbers_are_short(void)
{
    /* given CPUs that are numbered across the packages */
    g_autoptr(Scene) scene = scene_new("package:2 l3:1 core:16 pu:1(indexes=16*2)");

    g_autofree char *text = draw(scene, &style);

    g_assert_nonnull(strstr(text, "│ 0,2,…,30  · · "));
    g_assert_nonnull(strstr(text, "│ 1,3,…,31  · · "));
}

static void
test_ascii(void)
{
    g_autoptr(Scene) scene = scene_new("package:1 l3:1 core:2 pu:1");

    g_autofree char *text = draw(scene, &ascii);

    for (const char *p = text; *p; p++)
        g_assert_cmpint((guchar)*p, <, 128);
    g_assert_nonnull(strstr(text, "| 0-1  . ."));
}

static void
test_no_line_is_too_wide(void)
{
    static const char *const topologies[] = {"pu:1", "package:2 l3:2 core:8 pu:2", "node:4 core:5 pu:8",
                                             "package:1 core:3 pu:1"};
    for (guint i = 0; i < G_N_ELEMENTS(topologies); i++) {
        g_autoptr(Scene) scene = scene_new(topologies[i]);
        for (guint k = 0; k < 6; k++) {
            g_autofree char *name = g_strdup_printf("a-domain-with-quite-a-long-name-%u", k);
            scene_add_guest(scene, name, 2, PINS2("0", "0"), "");
        }
        g_autofree char *text = draw(scene, &style);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (guint k = 0; lines[k]; k++)
            g_assert_cmpuint(kt_columns(lines[k]), <=, style.width);
    }
}

static void
test_plan_shows_what_it_makes(void)
{
    g_autoptr(Scene) scene = scene_new("package:1 l3:2 core:4 pu:1");
    scene_add_guest(scene, "db", 2, "", "");
    scene_plan(scene,
               "[host]\nhousekeeping = 0\n[domain db]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n");

    g_autofree char *text = draw(scene, &style);

    g_assert_nonnull(strstr(text, "A A"));
    g_assert_nonnull(strstr(text, "h housekeeping"));
    g_assert_null(strstr(text, "float"));
}

/* Its memory is on the second of two nodes. */
static void
set_memory(KtDomain *domain)
{
    domain->n_memory = 2;
    domain->memory_kib = g_new0(gint64, 2);
    domain->memory_kib[0] = 1; /* too little to count */
    domain->memory_kib[1] = 1048576;
}

static void
test_what_draws_guests(void)
{
    g_autoptr(Scene) scene = scene_new("package:2 [numa] l3:1 core:2 pu:1");
    set_memory(scene_add_guest(scene, "db", 2, PINS2("0", "1"), ""));
    scene_add_guest(scene, "free", 2, "", "");
    set_memory(scene_add_guest(scene, "web", 2, PINS2("2-3", "2-3"), ""));

    g_autofree char *text = draw(scene, &style);

    g_assert_nonnull(strstr(text, "│ memory of A b\n│ 2-3  b b   b web\n"));
    g_assert_null(strstr(text, "│ memory of A b\n│ 0-1"));
}

static void
test_before_and_after(void)
{
    /* Given one guest that floats and one that is elsewhere than planned. */
    g_autoptr(Scene) scene = scene_new("package:2 [numa] l3:1 core:2 pu:1");
    set_memory(scene_add_guest(scene, "db", 2, "", ""));
    scene_add_guest(scene, "web", 1, "<cputune><vcpupin vcpu='0' cpuset='3'/></cputune>", "");
    scene_plan(scene, "[domain db]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n"
                      "[domain web]\ncpu.placement = shared-cache\n");
    g_autoptr(KtSeating) after = kt_seating_new(scene->snapshot, scene->plan);

    g_autoptr(KtSeating) before = kt_seating_before(scene->plan, after);

    /* Then each has the same letter, and the one that floats is told by it. */
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_drawing(out, &style, scene->snapshot, before);
    g_assert_cmpint(kt_seating_find(after, 0)->letter, ==, 'A');
    g_assert_cmpint(kt_seating_find(after, 1)->letter, ==, 'b');
    g_assert_nonnull(strstr(out->str, "│ memory of a\n│ 2-3  · B   B web\n"));
    g_assert_nonnull(strstr(out->str, "float over all CPUs: a db\n"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/view/drawing/who", test_who_sits_where);
    g_test_add_func("/view/drawing/legend", test_legend_and_floating);
    g_test_add_func("/view/drawing/free-runs", test_free_runs_are_one_line);
    g_test_add_func("/view/drawing/wide-group", test_wide_group_is_several_lines);
    g_test_add_func("/view/drawing/uneven", test_uneven_numbers_are_short);
    g_test_add_func("/view/drawing/ascii", test_ascii);
    g_test_add_func("/view/drawing/width", test_no_line_is_too_wide);
    g_test_add_func("/view/drawing/ties", test_what_draws_guests);
    g_test_add_func("/view/drawing/before-and-after", test_before_and_after);
    g_test_add_func("/view/drawing/plan", test_plan_shows_what_it_makes);
    return g_test_run();
}
