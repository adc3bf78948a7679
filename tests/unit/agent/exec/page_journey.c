/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/page_journey.h"

#include "tests/unit/agent/exec/exec_scene.h"

static const FakeFile files[] = {{THP_ENABLED, "[always] madvise never"}, {NULL, NULL}};

static void
plan_pages(ExecScene *scene, const char *from, const char *to)
{
    KtAction action = {.domain = 0,
                       .setting = kt_setting(KT_SETTING_MEMORY_NUMA),
                       .item = g_strdup("pages"),
                       .from = g_strdup(from),
                       .to = g_strdup(to),
                       .reason = g_strdup("a reason"),
                       .source = g_strdup("x.conf:4:1"),
                       .kind = KT_STEP_PAGES};
    g_assert_true(kt_plan_add(scene->plan, action));
    kt_plan_group_steps(scene->plan);
}

/* The only step of the plan that moves pages, begun. */
static KtJournalStep *
begin(ExecScene *scene)
{
    g_autoptr(GError) error = NULL;
    plan_pages(scene, "0", "1");
    g_autoptr(GPtrArray) taken = kt_page_journeys_take(scene->plan, &scene->target);
    g_assert_cmpuint(taken->len, ==, 1);
    KtJournalStep *step = g_ptr_array_steal_index(taken, 0);
    g_assert_true(kt_page_journey_begin(scene->journal, "x.conf", step, &error));
    g_assert_no_error(error);
    return step;
}

static void
assert_overtaken(ExecScene *scene, const KtJournalStep *step, bool wanted)
{
    g_autoptr(GError) error = NULL;
    bool is;
    g_assert_true(kt_page_journey_is_overtaken(scene->journal, step, &is, &error));
    g_assert_no_error(error);
    g_assert_cmpint(is, ==, wanted);
}

static KtJournalRun *
read_run(ExecScene *scene, const KtJournalStep *step)
{
    g_autoptr(GError) error = NULL;
    KtJournalRun *run = kt_journal_run(scene->journal, step->run, &error);
    g_assert_no_error(error);
    return run;
}

static void
assert_recorded(ExecScene *scene, const KtJournalStep *step, KtResult result, bool to_undo)
{
    g_autoptr(KtJournalRun) run = read_run(scene, step);
    const KtJournalStep *recorded = run->steps->pdata[0];
    g_assert_cmpint(recorded->result, ==, result);
    g_assert_cmpint(recorded->to_undo, ==, to_undo);
}

static void
end(ExecScene *scene, KtJournalStep *step, KtResult result, bool to_undo)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(kt_page_journey_end(scene->journal, step, result, to_undo, "64 MiB moved", &error));
    g_assert_no_error(error);
}

/* Only what moves pages is taken; the rest is done as ever. */
static void
test_taken(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    plan_file(scene, THP_ENABLED, "always", "madvise");
    plan_pages(scene, "0", "1");
    g_assert_cmpuint(scene->plan->steps->len, ==, 2);

    g_autoptr(GPtrArray) taken = kt_page_journeys_take(scene->plan, &scene->target);

    g_assert_cmpuint(scene->plan->steps->len, ==, 1);
    g_assert_cmpuint(taken->len, ==, 1);
    const KtJournalStep *step = taken->pdata[0];
    g_assert_cmpint(step->kind, ==, KT_STEP_PAGES);
    g_assert_cmpstr(step->domain_uuid, ==, TEST_UUID);
    g_assert_cmpstr(step->process, ==, "id:1");
    g_autoptr(KtCpuset) nodes = kt_page_journey_nodes(step, NULL);
    g_assert_true(hwloc_bitmap_isset(nodes, 1));
    g_assert_cmpint(hwloc_bitmap_weight(nodes), ==, 1);
}

/* Begun while it lasts: what a kill leaves can be rolled back, and the run isn't one that never ended. */
static void
test_begun_until_it_ends(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    g_autoptr(KtJournalStep) step = begin(scene);

    exec_scene_restart(scene);
    assert_recorded(scene, step, KT_RESULT_BEGUN, true);
    g_autoptr(KtJournalRun) run = read_run(scene, step);
    g_assert_cmpstr(run->verb, ==, "daemon");
    g_assert_cmpint(run->finished_usec, !=, 0);
    assert_overtaken(scene, step, false);

    end(scene, step, KT_RESULT_DONE, true);
    assert_recorded(scene, step, KT_RESULT_DONE, true);
    assert_overtaken(scene, step, false);
}

/* Nothing was moved: there is nothing to put back. */
static void
test_ends_with_nothing(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    g_autoptr(KtJournalStep) step = begin(scene);
    end(scene, step, KT_RESULT_SKIPPED, false);
    assert_recorded(scene, step, KT_RESULT_SKIPPED, false);
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

/* A rollback is seen from its begin on, and its word stands. */
static void
test_rolled_back(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    g_autoptr(KtJournalStep) step = begin(scene);

    /* That process isn't one of /proc: its memory went with it. */
    g_autoptr(KtReport) undone = rollback(scene);
    g_assert_false(undone->partial);
    assert_overtaken(scene, step, true);

    end(scene, step, KT_RESULT_DONE, true);
    assert_recorded(scene, step, KT_RESULT_UNDONE, false);
}

/* Who moves the same guest's pages later knows better; others are others. */
static void
test_moved_by_others(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    g_autoptr(KtJournalStep) step = begin(scene);
    g_autoptr(GError) error = NULL;
    g_autoptr(KtJournalStep) other = kt_journal_step_new(KT_STEP_PAGES);
    other->domain_uuid = g_strdup("00000000-0000-0000-0000-000000000001");
    other->domain_name = g_strdup("other");
    g_assert_true(kt_page_journey_begin(scene->journal, "x.conf", other, &error));
    assert_overtaken(scene, step, false);

    g_autoptr(KtJournalStep) later = kt_journal_step_new(KT_STEP_PAGES);
    later->domain_uuid = g_strdup(TEST_UUID);
    later->domain_name = g_strdup("test");
    g_assert_true(kt_page_journey_begin(scene->journal, "x.conf", later, &error));
    g_assert_no_error(error);
    assert_overtaken(scene, step, true);
    assert_overtaken(scene, later, false);
}

/* Begins another, from a plan of now. */
static KtJournalStep *
begin_again(ExecScene *scene, const char *from, const char *to)
{
    g_autoptr(GError) error = NULL;
    kt_plan_free(scene->plan);
    scene->plan = kt_plan_new(scene->snapshot);
    plan_pages(scene, from, to);
    g_autoptr(GPtrArray) taken = kt_page_journeys_take(scene->plan, &scene->target);
    KtJournalStep *step = g_ptr_array_steal_index(taken, 0);
    g_assert_true(kt_page_journey_begin(scene->journal, "x.conf", step, &error));
    g_assert_no_error(error);
    return step;
}

/* After kill -9 in the middle: the plan of the next daemon finds memory on both nodes. */
static void
test_goes_on_after_a_kill(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    g_autoptr(KtJournalStep) killed = begin(scene);
    exec_scene_restart(scene);

    g_autoptr(KtJournalStep) step = begin_again(scene, "0-1", "1");
    g_assert_cmpint(step->run, ==, killed->run);
    g_assert_cmpstr(((const KtJournalAction *)step->actions->pdata[0])->from, ==, "0");
    assert_recorded(scene, step, KT_RESULT_BEGUN, true);
    assert_overtaken(scene, step, false);

    /* Nothing more had to be moved: what was before the kill is to be undone all the same, by one rollback.
     */
    end(scene, step, KT_RESULT_DONE, false);
    assert_recorded(scene, step, KT_RESULT_DONE, true);
    g_assert_cmpuint(runs_to_undo(scene), ==, 1);
    g_autoptr(KtReport) undone = rollback(scene);
    g_assert_cmpuint(undone->outcomes->len, ==, 1);
    const KtJournalStep *undo = outcome(undone, 0)->step;
    g_assert_cmpstr(((const KtJournalAction *)undo->actions->pdata[0])->to, ==, "0");
    g_assert_cmpuint(runs_to_undo(scene), ==, 0);
}

/* As does what was given up for a while. */
static void
test_goes_on_after_it_was_given_up(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    g_autoptr(KtJournalStep) stuck = begin(scene);
    end(scene, stuck, KT_RESULT_FAILED, true);
    g_autoptr(KtJournalStep) left = begin_again(scene, "0-1", "1");
    g_assert_cmpint(left->run, ==, stuck->run);
    end(scene, left, KT_RESULT_SKIPPED, true);
    g_autoptr(KtJournalStep) step = begin_again(scene, "0-1", "1");
    g_assert_cmpint(step->run, ==, stuck->run);
    g_assert_cmpuint(runs_to_undo(scene), ==, 1);
}

/* What has arrived, is to go elsewhere, or was moved by others meanwhile, is a run of its own. */
static void
test_begins_anew(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    g_autoptr(KtJournalStep) first = begin(scene);
    end(scene, first, KT_RESULT_DONE, true);
    g_autoptr(KtJournalStep) second = begin_again(scene, "0-1", "1");
    g_assert_cmpint(second->run, >, first->run);
    g_autoptr(KtJournalStep) elsewhere = begin_again(scene, "0-1", "2");
    g_assert_cmpint(elsewhere->run, >, second->run);
    g_autoptr(KtJournalStep) back = begin_again(scene, "1-2", "1");
    g_assert_cmpint(back->run, >, elsewhere->run);
    g_free(((KtDomain *)scene->snapshot->domains->pdata[0])->process);
    ((KtDomain *)scene->snapshot->domains->pdata[0])->process = g_strdup("id:2");
    g_autoptr(KtJournalStep) started_anew = begin_again(scene, "0-1", "1");
    g_assert_cmpint(started_anew->run, >, back->run);
    g_autoptr(KtReport) undone = rollback(scene);
    g_autoptr(KtJournalStep) after_rollback = begin_again(scene, "0-1", "1");
    g_assert_cmpint(after_rollback->run, >, undone->run);
    g_assert_cmpuint(runs_to_undo(scene), ==, 1);
}

/* What nobody wants any more after a kill isn't under way for ever. */
static void
test_killed_ends(void)
{
    g_autoptr(ExecScene) scene = exec_scene_with_domain(files);
    bool was = false;
    g_assert_true(kt_page_journey_was_killed(scene->journal, &was, NULL));
    g_assert_false(was);
    g_autoptr(KtJournalStep) step = begin(scene);
    exec_scene_restart(scene);
    g_assert_true(kt_page_journey_was_killed(scene->journal, &was, NULL));
    g_assert_true(was);
    g_assert_true(kt_page_journeys_end_killed(scene->journal, NULL));
    g_assert_true(kt_page_journey_was_killed(scene->journal, &was, NULL));
    g_assert_false(was);
    assert_recorded(scene, step, KT_RESULT_SKIPPED, true);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/page-journey/taken", test_taken);
    g_test_add_func("/page-journey/begun-until-it-ends", test_begun_until_it_ends);
    g_test_add_func("/page-journey/ends-with-nothing", test_ends_with_nothing);
    g_test_add_func("/page-journey/rolled-back", test_rolled_back);
    g_test_add_func("/page-journey/moved-by-others", test_moved_by_others);
    g_test_add_func("/page-journey/goes-on-after-a-kill", test_goes_on_after_a_kill);
    g_test_add_func("/page-journey/goes-on-after-it-was-given-up", test_goes_on_after_it_was_given_up);
    g_test_add_func("/page-journey/begins-anew", test_begins_anew);
    g_test_add_func("/page-journey/killed-ends", test_killed_ends);
    return g_test_run();
}
