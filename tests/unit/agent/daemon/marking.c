/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/marking.h"

#include "agent/daemon/drift.h"
#include "agent/exec/page_journey.h"
#include "tests/unit/agent/exec/exec_scene.h"
#include "tests/unit/tuners/memory_scene.h"

#define GUEST "g"
#define PROFILE "[domain *]\nmemory.numa = follow-cpu\n"

/** A guest whose memory is on another node than its CPUs, the journal, and what is manual. */
typedef struct {
    Scene *host;
    ExecScene *exec;
    KtMarking marking;
    KtJournalStep *moved; /* its memory, on its way */
} Case;

static void
read_marks(Case *given)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(kt_marking_read(&given->marking, given->exec->journal, &error));
    g_assert_no_error(error);
}

/** A plan of now, made as the daemon does: what is manual isn't named. */
static void
plan(Case *given)
{
    g_clear_pointer(&given->host->plan, kt_plan_free);
    g_clear_pointer(&given->host->desired, kt_desired_free);
    g_clear_pointer(&given->host->profile, kt_profile_free);
    scene_resolve(given->host, PROFILE);
    kt_drift_unname(given->host->desired, given->host->snapshot, given->marking.manual);
    given->host->plan = kt_plan_make(given->host->snapshot, given->host->desired);
}

static bool
plan_moves(const Case *given)
{
    return scene_action(given->host, GUEST, "memory.numa", "pages", KT_WHEN_NOW) != NULL;
}

/** Its memory has begun to move. */
static Case *
given_new(void)
{
    g_autoptr(GError) error = NULL;
    Case *given = g_new0(Case, 1);
    given->host = scene_two_nodes();
    KtDomain *domain = scene_add_memory_guest(given->host, GUEST, ON_NODE_1, 0);
    domain->process = g_strdup("1:1");
    given->exec = exec_scene_new(NULL);
    given->marking.since_usec = g_get_real_time();
    read_marks(given);
    plan(given);
    g_autoptr(GPtrArray) moves = kt_page_journeys_take(given->host->plan, &given->exec->target);
    g_assert_cmpuint(moves->len, ==, 1);
    given->moved = g_ptr_array_steal_index(moves, 0);
    g_assert_true(kt_page_journey_begin(given->exec->journal, "x", given->moved, &error));
    g_assert_no_error(error);
    return given;
}

static void
given_free(Case *given)
{
    kt_journal_step_free(given->moved);
    kt_marking_clear(&given->marking);
    scene_free(given->host);
    exec_scene_free(given->exec);
    g_free(given);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Case, given_free)

static void
arrive(Case *given)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(kt_page_journey_end(given->exec->journal, given->moved, KT_RESULT_DONE, true, "", &error));
    g_assert_no_error(error);
}

/** How much of a plan of now is somebody's. */
static guint
mark(Case *given)
{
    g_autoptr(GError) error = NULL;
    guint n = 0;
    plan(given);
    const KtMarkingScope scope = {given->host->plan, given->host->desired, NULL, NULL};
    g_assert_true(
        kt_marking_mark(&given->marking, given->exec->journal, given->exec->host->root, &scope, &n, &error));
    g_assert_no_error(error);
    return n;
}

static void
take_back(Case *given)
{
    g_autoptr(KtReport) undone = rollback(given->exec);
    g_assert_cmpuint(undone->outcomes->len, ==, 1);
    g_assert_false(undone->partial);
}

/** The kernel moves pages too: what it took back is moved again. */
static void
test_pages_fade(void)
{
    g_autoptr(Case) given = given_new();
    arrive(given);
    g_assert_cmpuint(mark(given), ==, 0);
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

        g_assert_cmpuint(mark(given), ==, 1);
        const KtManual *manual = given->marking.manual->pdata[0];
        g_assert_cmpstr(manual->domain_uuid, ==, GUEST);
        g_assert_cmpstr(manual->setting, ==, "memory.numa");
        g_assert_cmpstr(manual->item, ==, "pages");
        g_assert_true(manual->undone);
        g_assert_cmpuint(mark(given), ==, 0);
        g_assert_false(plan_moves(given));
        exec_scene_restart(given->exec);
        read_marks(given);
        g_assert_cmpuint(kt_marking_count(&given->marking), ==, 1);

        g_assert_true(kt_journal_release(given->exec->journal, GUEST, NULL));
        read_marks(given);
        g_assert_cmpuint(mark(given), ==, 0);
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
