/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/forgetting.h"

#include "tests/unit/agent/exec/exec_scene.h"

#define NOW (100 * G_TIME_SPAN_DAY)

/** The domain that libvirt's test driver has, of which something is somebody's, and the host, too. */
static ExecScene *
marked(void)
{
    ExecScene *scene = exec_scene_with_domain(NULL);
    g_autoptr(GPtrArray) marks = g_ptr_array_new();
    KtManual guests = {.domain_uuid = (char *)TEST_UUID, .setting = (char *)"cpu.emulator"};
    KtManual hosts = {.setting = (char *)"thp.enabled"};
    g_ptr_array_add(marks, &guests);
    g_ptr_array_add(marks, &hosts);
    g_assert_true(kt_journal_mark_manual(scene->journal, marks, NULL));
    return scene;
}

static void
undefine(ExecScene *scene)
{
    g_ptr_array_set_size(scene->snapshot->domains, 0);
}

static void
define(ExecScene *scene)
{
    g_ptr_array_add(scene->snapshot->domains, kt_domain_new("test", TEST_UUID));
}

/** A look at that time; gives how many marks stand then, in the journal. */
static guint
look(ExecScene *scene, gint64 now_usec)
{
    g_autoptr(GPtrArray) marks = kt_journal_manual(scene->journal, NULL);
    g_assert_true(kt_forget_marks(scene->journal, marks, scene->snapshot, now_usec, NULL));
    g_assert_false(kt_forgetting_is_due(marks, scene->snapshot, now_usec));
    g_autoptr(GPtrArray) kept = kt_journal_manual(scene->journal, NULL);
    g_assert_cmpuint(kept->len, ==, marks->len);
    guint n = 0;
    for (guint i = 0; i < kept->len; i++)
        n += kt_manual_stands(kept->pdata[i]);
    return n;
}

static guint
count_marks(ExecScene *scene)
{
    g_autoptr(GPtrArray) marks = kt_journal_manual(scene->journal, NULL);
    return marks->len;
}

static void
test_forgotten_after_a_day(void)
{
    g_autoptr(ExecScene) scene = marked();
    g_assert_cmpuint(look(scene, NOW), ==, 2);

    undefine(scene);
    g_assert_cmpuint(look(scene, NOW), ==, 1);
    g_assert_cmpuint(look(scene, NOW + KT_FORGETTING_USEC - 1), ==, 1);
    g_assert_cmpuint(count_marks(scene), ==, 2);
    g_assert_cmpuint(look(scene, NOW + KT_FORGETTING_USEC), ==, 1);
    g_assert_cmpuint(count_marks(scene), ==, 1);
}

static void
test_back_within_a_day(void)
{
    g_autoptr(ExecScene) scene = marked();
    undefine(scene);
    g_assert_cmpuint(look(scene, NOW), ==, 1);
    define(scene);
    g_assert_cmpuint(look(scene, NOW + G_TIME_SPAN_HOUR), ==, 2);

    /* the next time counts anew */
    undefine(scene);
    g_assert_cmpuint(look(scene, NOW + G_TIME_SPAN_DAY), ==, 1);
    g_assert_cmpuint(count_marks(scene), ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/forgetting/forgotten-after-a-day", test_forgotten_after_a_day);
    g_test_add_func("/forgetting/back-within-a-day", test_back_within_a_day);
    return g_test_run();
}
