/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/journal_prune.h"

#include "agent/exec/manual.h"
#include "tests/unit/agent/exec/exec_scene.h"

#define HYPERVISOR "qemu:///system"
#define BEGAN_USEC 10

/** Records a run of @step, with one action. */
static void
record(KtJournal *journal, KtJournalStep *step, const char *from, const char *to, KtResult result)
{
    g_autoptr(GError) error = NULL;
    gint64 number = 0;
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    action->setting = g_strdup("cpu.emulator");
    action->item = g_strdup("emulator");
    action->from = g_strdup(from);
    action->to = g_strdup(to);
    g_ptr_array_add(step->actions, action);
    kt_journal_begin_run(journal, "daemon", NULL, BEGAN_USEC, &number, &error);
    kt_journal_begin_step(journal, number, step, &error);
    step->result = result;
    kt_journal_end_step(journal, step, NULL, &error);
    kt_journal_end_run(journal, number, 11, &error);
    g_assert_no_error(error);
}

/** A step of the guest "u". */
static KtJournalStep *
guest_step(KtStepKind kind, const char *process)
{
    KtJournalStep *step = kt_journal_step_new(kind);
    step->domain_name = g_strdup("u");
    step->domain_uuid = g_strdup("u");
    step->hypervisor = g_strdup(HYPERVISOR);
    step->process = g_strdup(process);
    return step;
}

/** A run of one step, which is done. @process: of the guest "u". */
static KtJournalStep *
run(KtJournal *journal, KtStepKind kind, const char *process, const char *from, const char *to)
{
    KtJournalStep *step = guest_step(kind, process);
    if (kind == KT_STEP_DEFINE) {
        step->before = g_strdup_printf("<domain>%s</domain>", from);
        step->after = g_strdup_printf("<domain>%s</domain>", to);
    }
    record(journal, step, from, to, KT_RESULT_DONE);
    return step;
}

/** @process: of the guest "u", "" = shut off; NULL: libvirt doesn't know it. */
static void
prune(KtJournal *journal, gint64 upto, const char *process)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GHashTable) domains = g_hash_table_new(g_str_hash, g_str_equal);
    if (process)
        g_hash_table_insert(domains, (gpointer) "u", (gpointer)process);
    const KtLiving living = {.hypervisor = HYPERVISOR, .boot = "this", .domains = domains};
    kt_journal_prune_upto(journal, upto, &living, &error);
    g_assert_no_error(error);
}

static guint
count_runs(KtJournal *journal)
{
    g_autoptr(GPtrArray) runs = kt_journal_runs(journal, NULL);
    return runs->len;
}

static GPtrArray *
undoable(KtJournal *journal)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *runs = kt_journal_undoable(journal, &error);
    g_assert_no_error(error);
    return runs;
}

/** The only action of the only step that is to be undone. */
static const KtJournalAction *
only_undoable(const GPtrArray *runs)
{
    g_assert_cmpuint(runs->len, ==, 1);
    const KtJournalRun *left = runs->pdata[0];
    g_assert_cmpuint(left->steps->len, ==, 1);
    const KtJournalStep *step = left->steps->pdata[0];
    g_assert_cmpuint(step->actions->len, ==, 1);
    return step->actions->pdata[0];
}

static KtLeft *
left_at_pin(KtJournal *journal, KtStepKind kind)
{
    const KtAction action = {.setting = kt_setting_find(KT_SCOPE_DOMAIN, "cpu.emulator"),
                             .item = (char *)"emulator",
                             .kind = kind};
    KtLeft *left = NULL;
    g_assert_true(kt_journal_find_left(journal, &action, "u", 0, &left, NULL));
    return left;
}

static void
test_pins_die_with_their_process(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    for (guint i = 0; i < 20; i++) {
        g_autofree char *process = g_strdup_printf("%u:1", i);
        kt_journal_step_free(run(scene->journal, KT_STEP_PIN, process, "0-3", "1"));
    }

    prune(scene->journal, 19, "19:1");

    /* one is left to be undone, and of the others what was left last is known still */
    g_autoptr(GPtrArray) runs = undoable(scene->journal);
    g_assert_cmpuint(((KtJournalRun *)runs->pdata[0])->id, ==, 20);
    g_assert_cmpuint(runs->len, ==, 1);
    g_assert_cmpuint(count_runs(scene->journal), ==, 1);
    KtPruned pruned;
    g_assert_true(kt_journal_pruned(scene->journal, &pruned, NULL));
    g_assert_cmpint(pruned.upto, ==, 19);
    g_assert_cmpint(pruned.n_runs, ==, 19);
}

static void
test_changes_of_one_value_become_one(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    const char *const values[] = {"0-3", "1", "2", "0", "3"};
    for (guint i = 0; i + 1 < G_N_ELEMENTS(values); i++)
        kt_journal_step_free(run(scene->journal, KT_STEP_PIN, "1:1", values[i], values[i + 1]));

    prune(scene->journal, 4, "1:1");

    g_autoptr(GPtrArray) runs = undoable(scene->journal);
    const KtJournalAction *action = only_undoable(runs);
    g_assert_cmpstr(action->from, ==, "0-3");
    g_assert_cmpstr(action->to, ==, "3");
    g_autoptr(KtLeft) left = left_at_pin(scene->journal, KT_STEP_PIN);
    g_assert_cmpstr(left->value, ==, "3");
    g_assert_cmpint(left->run, ==, 4);
}

static void
test_definition_goes_back_to_the_first(void)
{
    /* given changes of a definition, whose guest was started anew in between */
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    kt_journal_step_free(run(scene->journal, KT_STEP_DEFINE, "1:1", "a", "b"));
    kt_journal_step_free(run(scene->journal, KT_STEP_DEFINE, "2:2", "b", "c"));

    prune(scene->journal, 2, "");

    g_autoptr(GPtrArray) runs = undoable(scene->journal);
    g_assert_cmpstr(only_undoable(runs)->from, ==, "a");
    const KtJournalStep *step = ((KtJournalRun *)runs->pdata[0])->steps->pdata[0];
    g_assert_cmpstr(step->before, ==, "<domain>a</domain>");
    g_assert_cmpstr(step->after, ==, "<domain>c</domain>");
}

static void
test_somebodys_edit_stays_between(void)
{
    /* given a definition that somebody has edited between two changes of ours */
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    kt_journal_step_free(run(scene->journal, KT_STEP_DEFINE, NULL, "a", "b"));
    kt_journal_step_free(run(scene->journal, KT_STEP_DEFINE, NULL, "b<mine/>", "c<mine/>"));

    prune(scene->journal, 2, "");

    g_autoptr(GPtrArray) runs = undoable(scene->journal);
    g_assert_cmpuint(runs->len, ==, 2);
}

static void
mark_pin(KtJournal *journal)
{
    g_autoptr(GPtrArray) marks = g_ptr_array_new();
    KtManual mark = {
        .domain_uuid = (char *)"u", .setting = (char *)"cpu.emulator", .item = (char *)"emulator"};
    g_ptr_array_add(marks, &mark);
    g_assert_true(kt_journal_mark_manual(journal, marks, NULL));
}

static void
test_what_was_released_stays_apart(void)
{
    /* given a release between two changes: what was before it counts no more, what came after does */
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    kt_journal_step_free(run(scene->journal, KT_STEP_PIN, "1:1", "0-3", "1"));
    mark_pin(scene->journal);
    g_assert_true(kt_journal_release(scene->journal, "u", NULL));
    kt_journal_step_free(run(scene->journal, KT_STEP_PIN, "1:1", "1", "2"));

    prune(scene->journal, 2, "1:1");

    g_autoptr(GPtrArray) runs = undoable(scene->journal);
    g_assert_cmpuint(runs->len, ==, 2);
}

static void
test_gone_domain_leaves_nothing(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    kt_journal_step_free(run(scene->journal, KT_STEP_DEFINE, NULL, "a", "b"));
    kt_journal_step_free(run(scene->journal, KT_STEP_PIN, "1:1", "0-3", "1"));

    prune(scene->journal, 1, NULL);
    g_autoptr(GPtrArray) rest = undoable(scene->journal);
    g_assert_cmpuint(rest->len, ==, 1);
    prune(scene->journal, 2, NULL);

    g_assert_cmpuint(count_runs(scene->journal), ==, 0);
}

/** One that may be away only for a while isn't given up. */
static void
test_gone_lately_is_not_given_up(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    g_autoptr(GHashTable) nobody = g_hash_table_new(g_str_hash, g_str_equal);
    const KtLiving living = {
        .hypervisor = HYPERVISOR, .boot = "this", .domains = nobody, .recent_usec = BEGAN_USEC - 1};
    kt_journal_step_free(run(scene->journal, KT_STEP_DEFINE, NULL, "a", "b"));

    g_assert_true(kt_journal_prune_upto(scene->journal, 1, &living, NULL));
    g_autoptr(GPtrArray) rest = undoable(scene->journal);
    g_assert_cmpuint(rest->len, ==, 1);
}

/** Of a guest that is shut off a definition is still to be put back, and what was left is known. */
static void
test_shut_off_is_not_gone(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    kt_journal_step_free(run(scene->journal, KT_STEP_PIN, "1:1", "0-3", "1"));
    kt_journal_step_free(run(scene->journal, KT_STEP_DEFINE, "1:1", "a", "b"));

    prune(scene->journal, 2, "");

    g_autoptr(GPtrArray) runs = undoable(scene->journal);
    g_assert_cmpstr(only_undoable(runs)->from, ==, "a");
    g_autoptr(KtLeft) left = left_at_pin(scene->journal, KT_STEP_PIN);
    g_assert_cmpstr(left->value, ==, "1");
}

static void
test_only_where_it_is_time(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    g_autoptr(GHashTable) domains = g_hash_table_new(g_str_hash, g_str_equal);
    const KtLiving living = {.hypervisor = HYPERVISOR, .domains = domains};
    const guint most = KT_JOURNAL_WHOLE_RUNS + KT_JOURNAL_WHOLE_RUNS / 4;
    for (guint i = 0; i < most; i++)
        kt_journal_step_free(run(scene->journal, KT_STEP_PIN, "1:1", "0-3", "1"));
    g_assert_true(kt_journal_prune(scene->journal, &living, NULL));
    g_assert_cmpuint(count_runs(scene->journal), ==, most);

    kt_journal_step_free(run(scene->journal, KT_STEP_PIN, "1:1", "0-3", "1"));
    g_assert_true(kt_journal_prune(scene->journal, &living, NULL));
    g_assert_cmpuint(count_runs(scene->journal), ==, KT_JOURNAL_WHOLE_RUNS);
}

/** A move of the guest's memory. */
typedef struct {
    const char *from, *to;
    KtResult result;
} Move;

/** How many runs are left to be undone of these moves; where the oldest of them goes back to is *@ret_from.
 */
static guint
prune_moves(const Move *moves, char **ret_from)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    for (; moves->from; moves++) {
        g_autoptr(KtJournalStep) step = guest_step(KT_STEP_PAGES, "1:1");
        record(scene->journal, step, moves->from, moves->to, moves->result);
    }
    prune(scene->journal, 100, "1:1");
    g_autoptr(GPtrArray) runs = undoable(scene->journal);
    const KtJournalRun *oldest = runs->pdata[runs->len - 1];
    const KtJournalStep *step = oldest->steps->pdata[0];
    *ret_from = g_strdup(((const KtJournalAction *)step->actions->pdata[0])->from);
    return runs->len;
}

/** What the kernel moved in between, on the same nodes, is nobody's word; what came to no end has moved too.
 */
static void
test_moves_become_one(void)
{
    const Move done = {"0", "1", KT_RESULT_DONE};
    const struct {
        const char *name;
        Move moves[5];
        guint left;
    } cases[] = {
        {"there and back, and on", {done, {"1", "0", KT_RESULT_DONE}, {"0", "2", KT_RESULT_DONE}}, 1},
        {"the kernel moves some back", {done, {"0-1", "1", KT_RESULT_DONE}, {"0-1", "1", KT_RESULT_DONE}}, 1},
        {"cut short",
         {{"0", "1", KT_RESULT_FAILED}, {"0-1", "1", KT_RESULT_SKIPPED}, {"0-1", "1", KT_RESULT_DONE}},
         1},
        {"somebody moves it", {done, {"2", "1", KT_RESULT_DONE}}, 2},
        {"may be left between", {done, {"1", "2", KT_RESULT_SKIPPED}}, 2},
        {"under way", {done, {"0-1", "1", KT_RESULT_BEGUN}}, 2},
        {"a list that is none", {done, {"x", "1", KT_RESULT_DONE}}, 2},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *from = NULL;
        g_test_message("%s", cases[i].name);
        g_assert_cmpuint(prune_moves(cases[i].moves, &from), ==, cases[i].left);
        g_assert_cmpstr(from, ==, "0");
    }
}

/** What systemd was told, as a run of the life @boot. */
static void
run_services(KtJournal *journal, const char *boot, const char *from, const char *to, const char *place)
{
    g_autoptr(KtJournalStep) step = kt_journal_step_new(KT_STEP_SERVICES);
    step->process = g_strdup(boot);
    step->path = g_strdup("systemd:system.slice");
    step->before = g_strdup_printf("AllowedCPUs=%s drop-in=%s", from ? from : "", from ? place : "none");
    step->target = g_strdup_printf("AllowedCPUs=%s drop-in=%s", to, place);
    step->after = g_strdup(step->target);
    record(journal, step, from, to, KT_RESULT_DONE);
}

static void
test_services_become_one(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    run_services(scene->journal, "this", NULL, "0-1", "runtime");
    run_services(scene->journal, "this", "0-1", "0", "runtime");
    run_services(scene->journal, "this", "0", "0-2", "runtime");

    prune(scene->journal, 3, "");

    g_autoptr(GPtrArray) runs = undoable(scene->journal);
    g_assert_cmpstr(only_undoable(runs)->from, ==, NULL);
    const KtJournalStep *step = ((KtJournalRun *)runs->pdata[0])->steps->pdata[0];
    g_assert_cmpstr(step->before, ==, "AllowedCPUs= drop-in=none");
    g_assert_cmpstr(step->after, ==, "AllowedCPUs=0-2 drop-in=runtime");
}

/** Where somebody told systemd something else in between both stay. */
static void
test_services_of_somebody_stay_between(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    run_services(scene->journal, "this", NULL, "0-1", "runtime");
    run_services(scene->journal, "this", "3", "0-1", "runtime");
    prune(scene->journal, 2, "");
    g_autoptr(GPtrArray) runs = undoable(scene->journal);
    g_assert_cmpuint(runs->len, ==, 2);
}

/** They die with the boot, but for what systemd keeps for good. */
static void
test_services_die_with_the_boot(void)
{
    g_autoptr(ExecScene) scene = exec_scene_new(NULL);
    run_services(scene->journal, "before", NULL, "0-1", "runtime");
    run_services(scene->journal, "before", "0-3", "0-1", "persistent");
    prune(scene->journal, 2, "");
    g_autoptr(GPtrArray) runs = undoable(scene->journal);
    g_assert_cmpstr(only_undoable(runs)->from, ==, "0-3");
}

static const char *const paths[] = {"sys/a", "sys/b", "sys/c", "sys/d", KSM_RUN};
static const FakeFile files[] = {{"sys/a", "0"}, {"sys/b", "0"}, {"sys/c", "0"},
                                 {"sys/d", "0"}, {KSM_RUN, "0"}, {NULL, NULL}};

/** Sets some of the files to other values, as a run. */
static void
change_some(ExecScene *scene, GRand *random)
{
    g_autoptr(GError) error = NULL;
    kt_plan_free(scene->plan);
    scene->plan = kt_plan_new(scene->snapshot);
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *from = fake_host_text(scene->host, paths[i]);
        g_autofree char *to = g_strdup_printf("%d", (atoi(from) + g_rand_int_range(random, 1, 9)) % 10);
        if (g_rand_int_range(random, 0, 3) == 0)
            plan_file(scene, paths[i], from, to);
    }
    G_GNUC_UNUSED g_autoptr(KtReport) report =
        kt_execute(&scene->target, scene->journal, scene->plan, "x", NULL, NULL, &error);
    g_assert_no_error(error);
}

/** Undoes all runs, or only the newest. */
static void
undo(ExecScene *scene, bool all)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = undoable(scene->journal);
    if (!all)
        g_ptr_array_set_size(runs, MIN(runs->len, 1));
    g_autoptr(KtReport) report = kt_undo(&scene->target, scene->journal, runs, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_false(report->partial);
}

/** Whatever was done, undone and pruned: all goes back to what was before the first run. */
static void
test_all_goes_back(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(5);
    for (guint history = 0; history < 20; history++) {
        g_autoptr(ExecScene) scene = exec_scene_new(files);
        for (guint i = 0; i < 30; i++) {
            if (g_rand_int_range(random, 0, 4) == 0)
                undo(scene, false);
            else
                change_some(scene, random);
            if (g_rand_int_range(random, 0, 5) == 0)
                prune(scene->journal, g_rand_int_range(random, 1, 40), "");
        }
        prune(scene->journal, 1000, "");
        undo(scene, true);
        for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
            g_autofree char *text = fake_host_text(scene->host, paths[i]);
            g_assert_cmpstr(text, ==, "0");
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/journal-prune/pins-die-with-their-process", test_pins_die_with_their_process);
    g_test_add_func("/journal-prune/changes-of-one-value-become-one", test_changes_of_one_value_become_one);
    g_test_add_func("/journal-prune/definition-goes-back-to-the-first",
                    test_definition_goes_back_to_the_first);
    g_test_add_func("/journal-prune/somebodys-edit-stays-between", test_somebodys_edit_stays_between);
    g_test_add_func("/journal-prune/what-was-released-stays-apart", test_what_was_released_stays_apart);
    g_test_add_func("/journal-prune/gone-domain-leaves-nothing", test_gone_domain_leaves_nothing);
    g_test_add_func("/journal-prune/gone-lately-is-not-given-up", test_gone_lately_is_not_given_up);
    g_test_add_func("/journal-prune/shut-off-is-not-gone", test_shut_off_is_not_gone);
    g_test_add_func("/journal-prune/moves-become-one", test_moves_become_one);
    g_test_add_func("/journal-prune/services-become-one", test_services_become_one);
    g_test_add_func("/journal-prune/services-of-somebody-stay-between",
                    test_services_of_somebody_stay_between);
    g_test_add_func("/journal-prune/services-die-with-the-boot", test_services_die_with_the_boot);
    g_test_add_func("/journal-prune/only-where-it-is-time", test_only_where_it_is_time);
    g_test_add_func("/journal-prune/all-goes-back", test_all_goes_back);
    return g_test_run();
}
