/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/page_journey.h"
#include "tests/unit/agent/daemon/marking_scene.h"
#include "tests/unit/tuners/memory_scene.h"

#define GUEST "g"
#define PROFILE "[domain *]\nmemory.numa = follow-cpu\n"

/** A guest whose memory is on another node than its CPUs. */
typedef struct {
    MarkingScene *scene;
    KtJournalStep *moved; /* its memory, on its way */
} Case;

static bool
plan_moves(const Case *given)
{
    return scene_action(given->scene->host, GUEST, "memory.numa", "pages", KT_WHEN_NOW) != NULL;
}

/** Its memory has begun to move. */
static Case *
given_new(void)
{
    g_autoptr(GError) error = NULL;
    Case *given = g_new0(Case, 1);
    Scene *host = scene_two_nodes();
    scene_add_memory_guest(host, GUEST, ON_NODE_1, 0)->process = g_strdup("1:1");
    given->scene = marking_scene_new(host, PROFILE);
    marking_scene_plan(given->scene);
    g_autoptr(GPtrArray) moves = kt_page_journeys_take(host->plan, &given->scene->exec->target);
    g_assert_cmpuint(moves->len, ==, 1);
    given->moved = g_ptr_array_steal_index(moves, 0);
    g_assert_true(kt_page_journey_begin(given->scene->exec->journal, "x", given->moved, &error));
    g_assert_no_error(error);
    return given;
}

static void
given_free(Case *given)
{
    kt_journal_step_free(given->moved);
    marking_scene_free(given->scene);
    g_free(given);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Case, given_free)

static void
arrive(Case *given)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(
        kt_page_journey_end(given->scene->exec->journal, given->moved, KT_RESULT_DONE, true, "", &error));
    g_assert_no_error(error);
}

static void
take_back(Case *given)
{
    g_autoptr(KtReport) undone = rollback(given->scene->exec);
    g_assert_cmpuint(undone->outcomes->len, ==, 1);
    g_assert_false(undone->partial);
}

/** The kernel moves pages too: what it took back is moved again. */
static void
test_pages_fade(void)
{
    g_autoptr(Case) given = given_new();
    arrive(given);
    g_assert_cmpuint(marking_scene_mark(given->scene), ==, 0);
    g_assert_true(plan_moves(given));
}

/** Who takes a move back, when it is done or under way, wants the memory where it was: until it is released.
 */
static void
test_rolled_back_move_is_manual(void)
{
    for (guint is_done = 0; is_done < 2; is_done++) {
        g_autoptr(Case) given = given_new();
        if (is_done)
            arrive(given);
        take_back(given);

        g_assert_cmpuint(marking_scene_mark(given->scene), ==, 1);
        const KtManual *manual = given->scene->marking.manual->pdata[0];
        g_assert_cmpstr(manual->domain_uuid, ==, GUEST);
        g_assert_cmpstr(manual->setting, ==, "memory.numa");
        g_assert_cmpstr(manual->item, ==, "pages");
        g_assert_true(manual->undone);
        g_assert_cmpuint(marking_scene_mark(given->scene), ==, 0);
        g_assert_false(plan_moves(given));
        exec_scene_restart(given->scene->exec);
        marking_scene_read(given->scene);
        g_assert_cmpuint(kt_marking_count(&given->scene->marking), ==, 1);

        g_assert_true(kt_journal_release(given->scene->exec->journal, GUEST, NULL));
        marking_scene_read(given->scene);
        g_assert_cmpuint(marking_scene_mark(given->scene), ==, 0);
        g_assert_true(plan_moves(given));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/marking/pages-fade", test_pages_fade);
    g_test_add_func("/marking/rolled-back-move-is-manual", test_rolled_back_move_is_manual);
    return g_test_run();
}
