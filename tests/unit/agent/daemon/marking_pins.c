/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/drift.h"
#include "agent/daemon/marking.h"
#include "tests/unit/agent/exec/exec_scene.h"
#include "tests/unit/tuners/scene.h"

#define GUEST "g"
#define PROFILE "[host]\nhousekeeping = none\n[domain *]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n"
#define PINNED_TO(cpu) "<cputune><vcpupin vcpu='0' cpuset='" cpu "'/></cputune>"

/** A guest of one vCPU, which the daemon has pinned to CPU 1 of four that are alike, and now is on CPU 2. */
typedef struct {
    Scene *host;
    ExecScene *exec;
    KtMarking marking;
    GHashTable *edited;
} Case;

/* What the daemon has done: the vCPU to CPU 1. */
static void
pin_in(KtJournal *journal, gint64 run, KtStepKind kind, KtXmlField field)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtJournalStep) step = kt_journal_step_new(kind);
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    step->domain_name = g_strdup(GUEST);
    step->domain_uuid = g_strdup(GUEST);
    step->process = g_strdup("1:1");
    action->setting = g_strdup("cpu.placement");
    action->item = g_strdup("vcpu 0");
    action->from = g_strdup("0-3");
    action->to = g_strdup("1");
    action->when = g_strdup("now");
    action->risk = g_strdup("none");
    action->reason = g_strdup("a reason");
    action->source = g_strdup("x.conf:4:1");
    action->field = field;
    g_ptr_array_add(step->actions, action);
    g_assert_true(kt_journal_begin_step(journal, run, step, &error));
    step->result = KT_RESULT_DONE;
    g_assert_true(kt_journal_end_step(journal, step, NULL, &error));
    g_assert_no_error(error);
}

static void
read_marks(Case *given)
{
    g_assert_true(kt_marking_read(&given->marking, given->exec->journal, NULL));
}

/* @defined: the CPU that its definition names. */
static Case *
given_new(const char *defined)
{
    Case *given = g_new0(Case, 1);
    g_autofree char *live = scene_xml(GUEST, 1, PINNED_TO("2"), "");
    g_autofree char *pins = g_strdup_printf(PINNED_TO("%s"), defined);
    g_autofree char *inactive = scene_xml(GUEST, 1, pins, "");
    gint64 run;
    given->host = scene_new("l3:1 core:4 pu:1");
    scene_add(given->host, live, inactive)->process = g_strdup("1:1");
    given->exec = exec_scene_new(NULL);
    given->edited = g_hash_table_new(g_str_hash, g_str_equal);
    given->marking.since_usec = g_get_real_time();
    g_assert_true(kt_journal_begin_run(given->exec->journal, "daemon", "x.conf", 1, &run, NULL));
    pin_in(given->exec->journal, run, KT_STEP_DEFINE, KT_XML_VCPU_PIN);
    pin_in(given->exec->journal, run, KT_STEP_PIN, 0);
    g_assert_true(kt_journal_end_run(given->exec->journal, run, 2, NULL));
    read_marks(given);
    return given;
}

static void
given_free(Case *given)
{
    kt_marking_clear(&given->marking);
    g_hash_table_unref(given->edited);
    scene_free(given->host);
    exec_scene_free(given->exec);
    g_free(given);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Case, given_free)

/* A plan of now, made as the daemon does: what is manual isn't named. */
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

/* How much of a plan of now is somebody's. */
static guint
mark(Case *given)
{
    g_autoptr(GError) error = NULL;
    guint n = 0;
    plan(given);
    const KtMarkingScope scope = {given->host->plan, given->host->desired, given->edited, NULL};
    g_assert_true(
        kt_marking_mark(&given->marking, given->exec->journal, given->exec->host->root, &scope, &n, &error));
    g_assert_no_error(error);
    return n;
}

static bool
is_staged(const Case *given)
{
    return scene_action(given->host, GUEST, "cpu.placement", "vcpu 0", KT_WHEN_NEXT_BOOT) != NULL;
}

static void
assert_marked(const Case *given)
{
    const KtManual *manual = given->marking.manual->pdata[0];
    g_assert_cmpuint(given->marking.manual->len, ==, 1);
    g_assert_cmpstr(manual->domain_uuid, ==, GUEST);
    g_assert_cmpstr(manual->setting, ==, "cpu.placement");
    g_assert_cmpstr(manual->item, ==, "vcpu 0");
    g_assert_cmpstr(manual->left, ==, "1");
    g_assert_cmpstr(manual->found, ==, "2");
    g_assert_false(manual->undone);
}

/* Where it is now is as good: that isn't written into the definition, for it may be meant for this run of the
 * guest; until it is released. */
static void
test_as_good(void)
{
    g_autoptr(Case) given = given_new("1");
    plan(given);
    g_assert_null(scene_action(given->host, GUEST, "cpu.placement", "vcpu 0", KT_WHEN_NOW));
    g_assert_true(is_staged(given));

    g_assert_cmpuint(mark(given), ==, 1);
    assert_marked(given);
    g_assert_cmpuint(mark(given), ==, 0);
    g_assert_false(is_staged(given));

    g_assert_true(kt_journal_release(given->exec->journal, GUEST, NULL));
    read_marks(given);
    g_assert_cmpuint(mark(given), ==, 0);
    g_assert_true(is_staged(given));
}

/* Running and defined: then there is nothing in the plan, and it is his all the same. */
static void
test_nothing_to_do(void)
{
    g_autoptr(Case) given = given_new("2");
    g_assert_cmpuint(mark(given), ==, 0);
    g_assert_cmpuint(given->host->plan->actions->len, ==, 0);
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(mark(given), ==, 1);
    assert_marked(given);
    g_assert_cmpuint(mark(given), ==, 0);
}

/* What no section names is nobody's but its own. */
static void
test_not_named(void)
{
    g_autoptr(Case) given = given_new("2");
    g_hash_table_add(given->edited, (gpointer)GUEST);
    plan(given);
    kt_desired_unname(given->host->desired, 0, kt_setting(KT_SETTING_CPU_PLACEMENT), NULL);
    const KtMarkingScope scope = {given->host->plan, given->host->desired, given->edited, NULL};
    g_autoptr(GPtrArray) marks =
        kt_marking_find(&given->marking, given->exec->journal, given->exec->host->root, &scope, NULL);
    g_assert_cmpuint(marks->len, ==, 0);
}

/* Our own pins come back as events, too. */
static void
test_our_own(void)
{
    g_autoptr(Case) given = given_new("1");
    KtDomain *domain = given->host->snapshot->domains->pdata[0];
    KtVcpu *vcpu = domain->vcpus->pdata[0];
    hwloc_bitmap_only(vcpu->affinity, 1);
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(mark(given), ==, 0);
}

/* Of a guest that was off since: it was started with the pin that was left in its definition, and nothing but
 * the definition is on record. */
static void
test_started_anew(void)
{
    g_autoptr(Case) given = given_new("1");
    KtDomain *domain = given->host->snapshot->domains->pdata[0];
    g_free(domain->process);
    domain->process = g_strdup("2:2");
    g_assert_cmpuint(mark(given), ==, 0);
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(mark(given), ==, 1);
    assert_marked(given);
}

/* Of one that has come from another host the pins are that host's. */
static void
test_came_from_elsewhere(void)
{
    g_autoptr(Case) given = given_new("1");
    KtDomain *domain = given->host->snapshot->domains->pdata[0];
    g_free(domain->process);
    domain->process = g_strdup("2:2");
    g_hash_table_add(given->edited, (gpointer)GUEST);
    plan(given);
    const KtMarkingScope scope = {given->host->plan, given->host->desired, given->edited, given->edited};
    g_autoptr(GPtrArray) marks =
        kt_marking_find(&given->marking, given->exec->journal, given->exec->host->root, &scope, NULL);
    g_assert_cmpuint(marks->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/marking-pins/as-good", test_as_good);
    g_test_add_func("/marking-pins/nothing-to-do", test_nothing_to_do);
    g_test_add_func("/marking-pins/not-named", test_not_named);
    g_test_add_func("/marking-pins/our-own", test_our_own);
    g_test_add_func("/marking-pins/started-anew", test_started_anew);
    g_test_add_func("/marking-pins/came-from-elsewhere", test_came_from_elsewhere);
    return g_test_run();
}
