/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/recommend.h"

#include <jansson.h>

#include "tests/unit/tuners/recommend_scene.h"

#define NIC "<interface type='user'><mac address='52:54:00:00:00:0a'/><model type='e1000'/></interface>"

/* Given guests with names that try to break out of their comment or section. */
static Scene *
hostile_scene(void)
{
    Scene *scene = scene_new("node:1 core:4 pu:1");
    scene->snapshot->memory->thp.enabled = g_strdup("always");
    scene_add_guest(scene, "a b", 1, "", NIC);
    scene_add_guest(scene, "c\n[host]\nthp.enabled = never", 1,
                    "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>", NIC);
    return scene;
}

static void
test_text_is_a_profile(void)
{
    g_autoptr(Scene) scene = hostile_scene();
    g_autoptr(KtRecommendation) recommendation = recommend(scene);

    g_autofree char *text = kt_view_recommendation(recommendation, scene->snapshot);

    scene_plan(scene, text);
    g_assert_cmpuint(scene->plan->refused->len, ==, 0);
    g_assert_cmpstr(scene_action(scene, NULL, "thp.enabled", NULL, KT_WHEN_NOW)->to, ==, "madvise");
    /* what isn't recommended is said */
    g_assert_nonnull(strstr(text, "\n# Not recommended here:\n"));
    g_assert_nonnull(strstr(text, "\n#   nic.model = virtio, for *\n"));
}

/* Each line of the profile has its reason just above it, and none is wider than 80 columns. */
static void
test_each_line_has_its_reason(void)
{
    g_autoptr(Scene) scene = hostile_scene();
    g_autoptr(KtRecommendation) recommendation = recommend(scene);
    g_autofree char *text = kt_view_recommendation(recommendation, scene->snapshot);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint n = 0;
    for (guint i = 1; lines[i]; i++) {
        g_assert_cmpuint(g_utf8_strlen(lines[i], -1), <=, 80);
        if (strstr(lines[i], " = ") == NULL || *lines[i] == '#' || g_str_has_prefix(lines[i], "summary"))
            continue;
        g_assert_true(g_str_has_prefix(lines[i - 1], "# "));
        n++;
    }
    g_assert_cmpuint(n, ==, recommendation->lines->len);
}

static void
test_json(void)
{
    g_autoptr(Scene) scene = hostile_scene();
    g_autoptr(KtRecommendation) recommendation = recommend(scene);
    g_autofree char *text = kt_view_recommendation_json(recommendation, scene->snapshot);
    json_t *document = json_loads(text, 0, NULL);
    const json_t *first = json_array_get(json_object_get(document, "lines"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(first, "setting")), ==, "thp.enabled");
    g_assert_true(json_is_null(json_object_get(first, "domain")));
    g_assert_nonnull(strstr(json_string_value(json_object_get(document, "profile")), "[host]"));
    json_decref(document);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recommend-view/text-is-a-profile", test_text_is_a_profile);
    g_test_add_func("/recommend-view/each-line-has-its-reason", test_each_line_has_its_reason);
    g_test_add_func("/recommend-view/json", test_json);
    return g_test_run();
}
