/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/agent/daemon/marking_scene.h"

#define GUEST "g"
#define PROFILE "[host]\nhousekeeping = none\n[domain *]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n"
#define PINNED_TO(cpu) "<cputune><vcpupin vcpu='0' cpuset='" cpu "'/></cputune>"
#define BOTH_PINNED_TO(first, second)                                                                        \
    "<cputune><vcpupin vcpu='0' cpuset='" first "'/><vcpupin vcpu='1' cpuset='" second "'/></cputune>"

static void
add_action(KtJournalStep *step, const char *setting, const char *item, const char *to, KtXmlField field)
{
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    action->setting = g_strdup(setting);
    action->item = g_strdup(item);
    action->from = g_strdup("0-3");
    action->to = g_strdup(to);
    action->when = g_strdup("now");
    action->risk = g_strdup("none");
    action->reason = g_strdup("a reason");
    action->source = g_strdup("x.conf:4:1");
    action->field = field;
    g_ptr_array_add(step->actions, action);
}

/* What the daemon has done. */
static void
pin_in(KtJournal *journal, gint64 run, KtStepKind kind, KtXmlField field)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtJournalStep) step = kt_journal_step_new(kind);
    step->domain_name = g_strdup(GUEST);
    step->domain_uuid = g_strdup(GUEST);
    step->process = g_strdup("1:1");
    add_action(step, "cpu.placement", "vcpu 0", "1", field);
    add_action(step, "cpu.placement", "vcpu 1", "0", field);
    if (kind == KT_STEP_PIN) {
        add_action(step, "cpu.emulator", "emulator", "2", field);
        add_action(step, "cpu.iothreads", "iothread 1", "2", field);
    }
    g_assert_true(kt_journal_begin_step(journal, run, step, &error));
    step->result = KT_RESULT_DONE;
    g_assert_true(kt_journal_end_step(journal, step, NULL, &error));
    g_assert_no_error(error);
}

/* A guest whose vCPU 0 the daemon has pinned to CPU 1 of four that are alike; a second vCPU it would have
 * pinned to CPU 0. @live and @defined: its pins now. */
static MarkingScene *
given_guest(guint n_vcpus, const char *live, const char *defined)
{
    Scene *host = scene_new("l3:1 core:4 pu:1");
    g_autofree char *live_xml = scene_xml(GUEST, n_vcpus, live, "");
    g_autofree char *inactive_xml = scene_xml(GUEST, n_vcpus, defined, "");
    gint64 run;
    scene_add(host, live_xml, inactive_xml)->process = g_strdup("1:1");
    MarkingScene *given = marking_scene_new(host, PROFILE);
    g_assert_true(kt_journal_begin_run(given->exec->journal, "daemon", "x.conf", 1, &run, NULL));
    pin_in(given->exec->journal, run, KT_STEP_DEFINE, KT_XML_VCPU_PIN);
    pin_in(given->exec->journal, run, KT_STEP_PIN, 0);
    g_assert_true(kt_journal_end_run(given->exec->journal, run, 2, NULL));
    return given;
}

/* One of one vCPU, which now is on CPU 2; @defined: the CPU that its definition names. */
static MarkingScene *
given_new(const char *defined)
{
    g_autofree char *pins = g_strdup_printf(PINNED_TO("%s"), defined);
    return given_guest(1, PINNED_TO("2"), pins);
}

static bool
is_staged(const MarkingScene *given)
{
    return scene_action(given->host, GUEST, "cpu.placement", "vcpu 0", KT_WHEN_NEXT_BOOT) != NULL;
}

/* It was off since. */
static void
start_anew(KtDomain *domain)
{
    g_free(domain->process);
    domain->process = g_strdup("2:2");
}

/* Somebody pins it, for this run of the guest, or (@def: its definition) for the next. */
static void
pin_to(const MarkingScene *given, const KtDomainDef *def, guint vcpu, guint cpu)
{
    KtDomain *domain = given->host->snapshot->domains->pdata[0];
    hwloc_bitmap_only(kt_domain_def_find_vcpu_pin(def, vcpu)->cpus, cpu);
    if (def == domain->live)
        hwloc_bitmap_only(((KtVcpu *)domain->vcpus->pdata[vcpu])->affinity, cpu);
}

/* It is released, and the daemon has looked since: it leaves it where it is. */
static void
give_back(MarkingScene *given)
{
    const KtSnapshot *snapshot = given->host->snapshot;
    g_assert_true(kt_journal_release(given->exec->journal, GUEST, NULL));
    marking_scene_read(given);
    g_assert_cmpuint(marking_scene_mark(given), ==, 0);
    g_assert_true(kt_marking_has_to_give_back(&given->marking, snapshot));
    g_assert_true(kt_marking_give_back(&given->marking, given->exec->journal, snapshot, NULL, NULL));
    g_assert_false(kt_marking_has_to_give_back(&given->marking, snapshot));
    marking_scene_read(given);
    g_assert_false(kt_marking_has_to_give_back(&given->marking, snapshot));
    g_assert_cmpuint(marking_scene_mark(given), ==, 0);
}

static const KtDomain *
the_guest(const MarkingScene *given)
{
    return given->host->snapshot->domains->pdata[0];
}

/* The newest one. */
static void
assert_mark(const MarkingScene *given, const char *left, const char *found)
{
    const KtManual *manual = g_ptr_array_index(given->marking.manual, given->marking.manual->len - 1);
    g_assert_true(kt_manual_stands(manual));
    g_assert_cmpstr(manual->left, ==, left);
    g_assert_cmpstr(manual->found, ==, found);
}

static void
assert_marked_anew(const MarkingScene *given)
{
    assert_mark(given, "2", "3");
}

static void
assert_marked(const MarkingScene *given)
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
    g_autoptr(MarkingScene) given = given_new("1");
    marking_scene_plan(given);
    g_assert_null(scene_action(given->host, GUEST, "cpu.placement", "vcpu 0", KT_WHEN_NOW));
    g_assert_true(is_staged(given));

    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    assert_marked(given);
    g_assert_cmpuint(marking_scene_mark(given), ==, 0);
    g_assert_false(is_staged(given));

    g_assert_true(kt_journal_release(given->exec->journal, GUEST, NULL));
    marking_scene_read(given);
    g_assert_cmpuint(marking_scene_mark(given), ==, 0);
    g_assert_true(is_staged(given));
}

/* Running and defined: then there is nothing in the plan, and it is his all the same. */
static void
test_nothing_to_do(void)
{
    g_autoptr(MarkingScene) given = given_new("2");
    g_assert_cmpuint(marking_scene_mark(given), ==, 0);
    g_assert_cmpuint(given->host->plan->actions->len, ==, 0);
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    assert_marked(given);
    g_assert_cmpuint(marking_scene_mark(given), ==, 0);
}

/* What was done while nobody saw it is found when all are looked at; not what somebody may have come with
 * from another host. */
static void
test_unseen(void)
{
    g_autoptr(MarkingScene) given = given_new("2");
    g_assert_cmpuint(marking_scene_mark(given), ==, 0);
    given->everything = true;
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    assert_marked(given);

    g_autoptr(MarkingScene) anew = given_new("2");
    KtDomain *domain = anew->host->snapshot->domains->pdata[0];
    start_anew(domain);
    anew->everything = true;
    g_assert_cmpuint(marking_scene_mark(anew), ==, 0);
}

/* Threads beside the vCPUs, which run where a profile that is new would have them: there is nothing to do. */
static void
test_other_threads(void)
{
    static const char pins[] = "<iothreads>1</iothreads><cputune><emulatorpin cpuset='3'/>"
                               "<iothreadpin iothread='1' cpuset='3'/></cputune>";
    static const char *const items[] = {"emulator", "iothread 1"};
    g_autoptr(MarkingScene) given = given_guest(1, pins, pins);
    given->profile = "[host]\nhousekeeping = none\n[domain *]\ncpu.emulator = 3\ncpu.iothreads = 3\n";
    given->everything = true;
    g_assert_cmpuint(marking_scene_mark(given), ==, 2);
    for (guint i = 0; i < G_N_ELEMENTS(items); i++) {
        const KtManual *manual = given->marking.manual->pdata[i];
        g_assert_cmpstr(manual->item, ==, items[i]);
        g_assert_cmpstr(manual->left, ==, "2");
        g_assert_cmpstr(manual->found, ==, "3");
    }
    give_back(given);
    g_assert_cmpuint(kt_marking_count(&given->marking), ==, 0);
}

/* What no section names is nobody's but its own. */
static void
test_not_named(void)
{
    g_autoptr(MarkingScene) given = given_new("2");
    g_hash_table_add(given->edited, (gpointer)GUEST);
    marking_scene_plan(given);
    kt_desired_unname(given->host->desired, 0, kt_setting(KT_SETTING_CPU_PLACEMENT), NULL);
    const KtMarkingScope scope = marking_scene_scope(given);
    g_autoptr(GPtrArray) marks =
        kt_marking_find(&given->marking, given->exec->journal, given->exec->host->root, &scope, NULL);
    g_assert_cmpuint(marks->len, ==, 0);
}

/* Our own pins come back as events, too. */
static void
test_our_own(void)
{
    g_autoptr(MarkingScene) given = given_new("1");
    KtDomain *domain = given->host->snapshot->domains->pdata[0];
    KtVcpu *vcpu = domain->vcpus->pdata[0];
    hwloc_bitmap_only(vcpu->affinity, 1);
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(marking_scene_mark(given), ==, 0);
}

/* Of a guest that was off since: it was started with the pin that was left in its definition, and nothing but
 * the definition is on record. */
static void
test_started_anew(void)
{
    g_autoptr(MarkingScene) given = given_new("1");
    KtDomain *domain = given->host->snapshot->domains->pdata[0];
    start_anew(domain);
    g_assert_cmpuint(marking_scene_mark(given), ==, 0);
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    assert_marked(given);
}

/* What is given back is where it is then: who pins it elsewhere later does so anew, of whichever run of the
 * guest the pin is. */
static void
test_pinned_again(void)
{
    for (guint i = 0; i < 2; i++) {
        g_autoptr(MarkingScene) given = given_new("1");
        KtDomain *domain = given->host->snapshot->domains->pdata[0];
        g_free(domain->process);
        domain->process = g_strdup(i == 0 ? "1:1" : "2:2");
        g_hash_table_add(given->edited, (gpointer)GUEST);
        g_assert_cmpuint(marking_scene_mark(given), ==, 1);
        give_back(given);
        g_assert_true(is_staged(given));

        pin_to(given, the_guest(given)->live, 0, 3);
        g_assert_cmpuint(marking_scene_mark(given), ==, 1);
        assert_marked_anew(given);
        marking_scene_read(given);
        g_assert_cmpuint(kt_marking_count(&given->marking), ==, 1);
        g_assert_false(kt_marking_has_to_give_back(&given->marking, given->host->snapshot));
    }
}

/* A run of somebody's own takes over what was marked; what he pins after it is marked in its place, and isn't
 * given back with it. */
static void
test_pinned_after_apply(void)
{
    g_autoptr(MarkingScene) given = given_new("1");
    KtJournal *journal = given->exec->journal;
    gint64 run;
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    g_assert_true(kt_journal_begin_run(journal, "apply", "x.conf", 1, &run, NULL));
    pin_in(journal, run, KT_STEP_PIN, 0);
    g_assert_true(kt_journal_end_run(journal, run, 1, NULL));
    marking_scene_read(given);
    g_assert_cmpuint(kt_marking_count(&given->marking), ==, 0);

    pin_to(given, the_guest(given)->live, 0, 3);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    g_assert_true(kt_marking_give_back(&given->marking, journal, given->host->snapshot, NULL, NULL));
    marking_scene_read(given);
    g_assert_cmpuint(kt_marking_count(&given->marking), ==, 1);
}

/* Of a guest that was off since it was given back: it has started with its definition's pin, and the one that
 * it had before is somebody's again. */
static void
test_pinned_as_before(void)
{
    g_autoptr(MarkingScene) given = given_new("1");
    KtDomain *domain = given->host->snapshot->domains->pdata[0];
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    give_back(given);
    start_anew(domain);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    assert_marked(given);
}

/* And so of one who pins it in the definition, in this run of the guest or the next. */
static void
test_defined_again(void)
{
    g_autoptr(MarkingScene) given = given_new("2");
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    give_back(given);
    pin_to(given, the_guest(given)->inactive, 0, 3);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    assert_marked_anew(given);

    g_autoptr(MarkingScene) next = given_new("2");
    g_hash_table_add(next->edited, (gpointer)GUEST);
    g_assert_cmpuint(marking_scene_mark(next), ==, 1);
    give_back(next);
    KtDomain *domain = next->host->snapshot->domains->pdata[0];
    start_anew(domain);
    g_assert_cmpuint(marking_scene_mark(next), ==, 0);
    pin_to(next, the_guest(next)->live, 0, 3);
    g_assert_cmpuint(marking_scene_mark(next), ==, 1);
    assert_marked_anew(next);
}

/* A second vCPU that is pinned while the first is his: its domain's placement is left alone already, and yet
 * it is shown; one release gives back both. */
static void
test_second_vcpu(void)
{
    g_autoptr(MarkingScene) given = given_guest(2, BOTH_PINNED_TO("2", "0"), BOTH_PINNED_TO("1", "0"));
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    g_assert_cmpuint(marking_scene_mark(given), ==, 0);
    pin_to(given, the_guest(given)->live, 1, 3);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    const KtManual *second = given->marking.manual->pdata[1];
    g_assert_cmpstr(second->item, ==, "vcpu 1");
    g_assert_cmpstr(second->left, ==, "0");
    g_assert_cmpstr(second->found, ==, "3");
    g_assert_cmpuint(kt_marking_count(&given->marking), ==, 2);
    g_assert_cmpuint(marking_scene_mark(given), ==, 0);

    give_back(given);
    g_assert_cmpuint(kt_marking_count(&given->marking), ==, 0);
}

/* The thread that was his is gone by then: that keeps no other from being marked. */
static void
test_given_back_gone(void)
{
    g_autoptr(MarkingScene) given = given_guest(2, BOTH_PINNED_TO("1", "3"), BOTH_PINNED_TO("1", "0"));
    KtDomain *domain = given->host->snapshot->domains->pdata[0];
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    ((KtVcpu *)domain->vcpus->pdata[1])->online = false;
    give_back(given);

    pin_to(given, domain->live, 0, 2);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    assert_mark(given, "1", "2");
}

/* Of a guest that is off then: who writes a pin into its definition later does so anew. */
static void
test_given_back_off(void)
{
    g_autoptr(MarkingScene) given = given_new("2");
    KtDomain *domain = given->host->snapshot->domains->pdata[0];
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    domain->active = false;
    domain->state = KT_DOMAIN_SHUT_OFF;
    give_back(given);

    domain->active = true;
    domain->state = KT_DOMAIN_RUNNING;
    start_anew(domain);
    pin_to(given, domain->inactive, 0, 3);
    pin_to(given, domain->live, 0, 3);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    assert_mark(given, "2", "3");
}

/* A pin in the definition alone, which no run has got to yet: it stays given back. */
static void
test_given_back_defined(void)
{
    g_autoptr(MarkingScene) given = given_guest(1, PINNED_TO("1"), PINNED_TO("3"));
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    give_back(given);
    g_assert_true(is_staged(given));
}

/* Something of it couldn't be done: then it isn't settled what it was given back as. */
static void
test_unsettled(void)
{
    g_autoptr(MarkingScene) given = given_new("1");
    const KtSnapshot *snapshot = given->host->snapshot;
    g_autoptr(GHashTable) unsettled = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_add(given->edited, (gpointer)GUEST);
    g_assert_cmpuint(marking_scene_mark(given), ==, 1);
    g_assert_true(kt_journal_release(given->exec->journal, GUEST, NULL));
    marking_scene_read(given);

    g_hash_table_add(unsettled, (gpointer)GUEST);
    g_assert_true(kt_marking_give_back(&given->marking, given->exec->journal, snapshot, unsettled, NULL));
    g_assert_true(kt_marking_has_to_give_back(&given->marking, snapshot));
    g_hash_table_remove_all(unsettled);
    g_hash_table_add(unsettled, (gpointer) "another");
    g_assert_true(kt_marking_give_back(&given->marking, given->exec->journal, snapshot, unsettled, NULL));
    g_assert_false(kt_marking_has_to_give_back(&given->marking, snapshot));
}

/* Of one that has come from another host the pins are that host's. */
static void
test_came_from_elsewhere(void)
{
    g_autoptr(MarkingScene) given = given_new("1");
    KtDomain *domain = given->host->snapshot->domains->pdata[0];
    start_anew(domain);
    g_hash_table_add(given->edited, (gpointer)GUEST);
    given->seats = given->edited;
    g_assert_cmpuint(marking_scene_mark(given), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/marking-pins/as-good", test_as_good);
    g_test_add_func("/marking-pins/nothing-to-do", test_nothing_to_do);
    g_test_add_func("/marking-pins/unseen", test_unseen);
    g_test_add_func("/marking-pins/other-threads", test_other_threads);
    g_test_add_func("/marking-pins/not-named", test_not_named);
    g_test_add_func("/marking-pins/our-own", test_our_own);
    g_test_add_func("/marking-pins/started-anew", test_started_anew);
    g_test_add_func("/marking-pins/pinned-again", test_pinned_again);
    g_test_add_func("/marking-pins/pinned-after-apply", test_pinned_after_apply);
    g_test_add_func("/marking-pins/pinned-as-before", test_pinned_as_before);
    g_test_add_func("/marking-pins/defined-again", test_defined_again);
    g_test_add_func("/marking-pins/second-vcpu", test_second_vcpu);
    g_test_add_func("/marking-pins/given-back-gone", test_given_back_gone);
    g_test_add_func("/marking-pins/given-back-off", test_given_back_off);
    g_test_add_func("/marking-pins/given-back-defined", test_given_back_defined);
    g_test_add_func("/marking-pins/unsettled", test_unsettled);
    g_test_add_func("/marking-pins/came-from-elsewhere", test_came_from_elsewhere);
    return g_test_run();
}
