/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/governor.h"

#include <errno.h>
#include <math.h>

#include "tests/unit/agent/exec/exec_scene.h"

#define KSM "sys/kernel/mm/ksm/"

/** Knobs as they were before. */
static const FakeFile originals[] = {
    {KSM "pages_to_scan", "123"},
    {KSM "sleep_millisecs", "33"},
    {KSM "smart_scan", "1"},
    {KSM "advisor_max_cpu", "60"},
    {KSM "run", "0"},
    {KSM "advisor_mode", "[none] scan-time"},
};

static const FakeFile counters[] = {
    {KSM "pages_shared", "0"},
    {KSM "pages_sharing", "0"},
    {KSM "pages_unshared", "0"},
    {KSM "pages_volatile", "0"},
    {KSM "pages_scanned", "0"},
    {KSM "full_scans", "0"},
    {"proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n"},
    {"proc/stat", "cpu 1 2 3\nbtime 1000\n"},
    {"proc/9/stat", "9 (ksmd) S 2 0 0 0 -1 2097216 0 0 0 0 0 0 0 0 25 5 1 0 8 0 0\n"},
    {"proc/9/schedstat", "1000000 1 1\n"},
    {"proc/70/statm", "300000 262144 100 5 0 800 0\n"},
    {"proc/70/ksm_stat", "ksm_rmap_items 0\nksm_merging_pages 0\nksm_process_profit 0\nksm_mergeable: yes\n"},
    {"proc/71/statm", "300000 262144 100 5 0 800 0\n"},
    {NULL, NULL},
};

/** A governor on a fake host, with a journal that it opens by itself. */
typedef struct {
    ExecScene *exec;
    KtGovernor *governor;
    gint64 now_usec;
    gint64 next_usec;
} Scene;

static GPtrArray *
two_guests(void)
{
    KtDomain *one = kt_domain_new("one", "1"), *other = kt_domain_new("other", "2");
    KtSnapshot snapshot = {.domains = g_ptr_array_new_with_free_func((GDestroyNotify)kt_domain_free)};
    one->active = other->active = true;
    one->pid = 70;
    other->pid = 71;
    other->live = kt_domain_def_parse("<domain type='kvm'><name>other</name><uuid>2</uuid><memory>1</memory>"
                                      "<vcpu>1</vcpu><memoryBacking><nosharepages/></memoryBacking></domain>",
                                      NULL);
    g_assert_nonnull(other->live);
    g_ptr_array_add(snapshot.domains, one);
    g_ptr_array_add(snapshot.domains, other);
    GPtrArray *guests = kt_ksm_guests(&snapshot);
    g_ptr_array_unref(snapshot.domains);
    return guests;
}

static void
start(Scene *scene)
{
    static const KtKsmWish wish = {50, KT_ABSENT, KT_ABSENT};
    scene->governor = kt_governor_new(scene->exec->host->root, scene->exec->state);
    kt_governor_wish(scene->governor, "ours", &wish);
    kt_governor_guests(scene->governor, two_guests());
}

static Scene *
scene_new(void)
{
    Scene *scene = g_new0(Scene, 1);
    scene->exec = exec_scene_new(counters);
    for (gsize i = 0; i < G_N_ELEMENTS(originals); i++)
        fake_host_write(scene->exec->host, originals[i].path, originals[i].text);
    g_clear_pointer(&scene->exec->journal, kt_journal_close);
    scene->now_usec = G_USEC_PER_SEC;
    start(scene);
    return scene;
}

static void
scene_free(Scene *scene)
{
    kt_governor_free(scene->governor);
    exec_scene_open_journal(scene->exec);
    exec_scene_free(scene->exec);
    g_free(scene);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scene, scene_free)

static void
look(Scene *scene, KtGovernorState wanted)
{
    scene->next_usec = kt_governor_look(scene->governor, scene->now_usec);
    const KtGovernorFigures *figures = kt_governor_figures(scene->governor);
    if (figures->state != wanted)
        g_error("%s: %s", kt_governor_state_name(figures->state), figures->reason);
    g_assert_cmpint(scene->next_usec, >, scene->now_usec);
    scene->now_usec += G_USEC_PER_SEC;
}

static void
write_file(const Scene *scene, const char *path, const char *text)
{
    fake_host_write(scene->exec->host, path, text);
}

/* All has been compared: the next look ends the sweep. */
static void
end_sweep(const Scene *scene)
{
    write_file(scene, KSM "full_scans", "3");
    write_file(scene, KSM "pages_scanned", "600000");
    write_file(scene, KSM "pages_shared", "50000");
    write_file(scene, KSM "pages_sharing", "150000");
    write_file(scene, KSM "pages_unshared", "62044");
    write_file(scene, "proc/9/schedstat", "1500000000 1 1\n");
}

/* What the kernel makes of a written word. */
static void
assert_originals(const Scene *scene)
{
    for (gsize i = 0; i < G_N_ELEMENTS(originals); i++) {
        g_autofree char *found = NULL;
        g_assert_true(kt_root_read_choice(scene->exec->host->root, originals[i].path, &found, NULL));
        bool advisor = g_str_has_suffix(originals[i].path, "advisor_mode");
        g_assert_cmpstr(found, ==, advisor ? "none" : originals[i].text);
    }
}

static guint
count_runs(const Scene *scene)
{
    g_autoptr(KtJournal) journal = kt_journal_open(scene->exec->state, KT_JOURNAL_READ, NULL);
    g_autoptr(GPtrArray) runs = kt_journal_runs(journal, NULL);
    return runs->len;
}

/* As `kvm-tune rollback --all`. */
static void
roll_back(Scene *scene)
{
    exec_scene_open_journal(scene->exec);
    g_autoptr(KtReport) undone = rollback(scene->exec);
    g_assert_false(undone->partial);
    g_clear_pointer(&scene->exec->journal, kt_journal_close);
}

/* It sweeps, rests, and leaves one run: rollback gives back exactly what was there. */
static void
test_governs_and_is_undone(void)
{
    g_autoptr(Scene) scene = scene_new();

    look(scene, KT_GOVERNOR_ACTIVE);
    assert_file(scene->exec, KSM "run", "1");
    assert_file(scene->exec, KSM "sleep_millisecs", "10");
    assert_file(scene->exec, KSM "smart_scan", "0");
    end_sweep(scene);
    look(scene, KT_GOVERNOR_ACTIVE);
    assert_file(scene->exec, KSM "sleep_millisecs", "1000");
    assert_file(scene->exec, KSM "smart_scan", "1");

    g_assert_cmpuint(count_runs(scene), ==, 1);
    roll_back(scene);
    assert_originals(scene);
}

static void
test_figures(void)
{
    g_autoptr(Scene) scene = scene_new();
    look(scene, KT_GOVERNOR_ACTIVE);
    end_sweep(scene);
    write_file(
        scene, "proc/70/ksm_stat",
        "ksm_rmap_items 262044\nksm_merging_pages 25600\nksm_process_profit 1048576\nksm_mergeable: yes\n");
    look(scene, KT_GOVERNOR_ACTIVE);

    const KtGovernorFigures *figures = kt_governor_figures(scene->governor);
    g_assert_cmpuint(figures->sweeps, ==, 1);
    g_assert_cmpint(figures->pace, ==, KT_KSM_REST);
    g_assert_cmpint(figures->sleep_millisecs, ==, 1000);
    g_assert_cmpfloat(figures->saved_mib, ==, 150000 / 256.0);
    g_assert_cmpfloat(figures->ksmd_seconds, ==, 1.5);
    g_assert_cmpfloat_with_epsilon(figures->ksmd_percent, 149.9, 0.01);
    g_assert_cmpfloat(figures->mib_a_cpu_second, ==, 150000 / 256.0 / 1.5);
    g_assert_cmpuint(figures->guests->len, ==, 2);
    const KtGovernedGuest *one = g_ptr_array_index(figures->guests, 0);
    const KtGovernedGuest *other = g_ptr_array_index(figures->guests, 1);
    g_assert_cmpstr(one->name, ==, "one");
    g_assert_cmpfloat(one->merged_mib, ==, 100);
    g_assert_cmpfloat(one->profit_mib, ==, 1);
    g_assert_null(one->obstacle);
    g_assert_nonnull(strstr(other->obstacle, "nosharepages"));
    g_assert_true(isnan(other->profit_mib) && other->merged_mib < 0);
}

/* A guest that was seen without its process, just starting, is found once it has one. */
static void
test_finds_a_process(void)
{
    g_autoptr(Scene) scene = scene_new();
    GPtrArray *guests = two_guests();
    ((KtKsmGuest *)g_ptr_array_index(guests, 0))->pid = 0;
    kt_governor_guests(scene->governor, guests);
    look(scene, KT_GOVERNOR_ACTIVE);
    const KtGovernorFigures *figures = kt_governor_figures(scene->governor);
    g_assert_cmpfloat(((KtGovernedGuest *)g_ptr_array_index(figures->guests, 0))->merged_mib, <, 0);

    g_autofree char *path = g_build_filename(scene->exec->host->directory, "proc/70/cmdline", NULL);
    static const char command[] = "qemu\0-name\0guest=one,debug-threads=on\0-uuid\0"
                                  "1";
    g_assert_true(g_file_set_contents(path, command, sizeof command, NULL));
    look(scene, KT_GOVERNOR_ACTIVE);

    g_assert_cmpfloat(((KtGovernedGuest *)g_ptr_array_index(figures->guests, 0))->merged_mib, ==, 0);
}

/* Nothing to change is nothing to write: the journal's file stays as it was. */
static void
test_writes_only_what_changes(void)
{
    g_autoptr(Scene) scene = scene_new();
    g_autofree char *path = g_build_filename(scene->exec->state, "state.db", NULL);
    struct stat before, after;
    look(scene, KT_GOVERNOR_ACTIVE);
    end_sweep(scene);
    look(scene, KT_GOVERNOR_ACTIVE);
    g_assert_cmpint(stat(path, &before), ==, 0);

    for (guint i = 0; i < 10; i++)
        look(scene, KT_GOVERNOR_ACTIVE);

    g_assert_cmpint(stat(path, &after), ==, 0);
    g_assert_cmpint(before.st_mtim.tv_nsec, ==, after.st_mtim.tv_nsec);
    g_assert_cmpint(before.st_mtim.tv_sec, ==, after.st_mtim.tv_sec);
}

/* An admin's own value: nothing of KSM is touched any more until it is given back; a rollback keeps it. */
static void
test_left_to_somebody(void)
{
    g_autoptr(Scene) scene = scene_new();
    look(scene, KT_GOVERNOR_ACTIVE);
    write_file(scene, KSM "pages_to_scan", "77");
    end_sweep(scene);

    look(scene, KT_GOVERNOR_LEFT);
    look(scene, KT_GOVERNOR_LEFT);
    g_assert_nonnull(strstr(kt_governor_figures(scene->governor)->reason, "pages_to_scan"));
    assert_file(scene->exec, KSM "sleep_millisecs", "10");

    kt_governor_take(scene->governor);
    look(scene, KT_GOVERNOR_ACTIVE);
    g_assert_cmpuint(count_runs(scene), ==, 2);
    exec_scene_open_journal(scene->exec);
    g_autoptr(KtReport) undone = rollback(scene->exec);
    g_clear_pointer(&scene->exec->journal, kt_journal_close);
    g_assert_true(undone->partial);
    assert_file(scene->exec, KSM "pages_to_scan", "77");
    assert_file(scene->exec, KSM "sleep_millisecs", "33");
    assert_file(scene->exec, KSM "run", "0");
}

/* A rollback takes the run from the governor, which doesn't do it again. */
static void
test_rolled_back(void)
{
    g_autoptr(Scene) scene = scene_new();
    look(scene, KT_GOVERNOR_ACTIVE);
    roll_back(scene);
    end_sweep(scene);

    look(scene, KT_GOVERNOR_LEFT);

    assert_originals(scene);
}

/* A new daemon goes on with the run of the one before, ended or killed. */
static void
test_resumes(void)
{
    g_autoptr(Scene) scene = scene_new();
    look(scene, KT_GOVERNOR_ACTIVE);
    kt_governor_free(scene->governor);
    start(scene);

    look(scene, KT_GOVERNOR_ACTIVE);

    g_assert_cmpuint(count_runs(scene), ==, 1);
    roll_back(scene);
    assert_originals(scene);
}

/* ... but what somebody has set between the two is theirs. */
static void
test_left_between_two_daemons(void)
{
    g_autoptr(Scene) scene = scene_new();
    look(scene, KT_GOVERNOR_ACTIVE);
    kt_governor_free(scene->governor);
    write_file(scene, KSM "run", "0");
    start(scene);

    look(scene, KT_GOVERNOR_LEFT);
    assert_file(scene->exec, KSM "run", "0");
}

/* ... and what the host forgot when it was started again is nobody's wish: a new run begins. */
static void
test_after_a_reboot(void)
{
    g_autoptr(Scene) scene = scene_new();
    look(scene, KT_GOVERNOR_ACTIVE);
    kt_governor_free(scene->governor);
    for (gsize i = 0; i < G_N_ELEMENTS(originals); i++)
        write_file(scene, originals[i].path, originals[i].text);
    write_file(scene, "proc/stat", "cpu 1 2 3\nbtime 99999999999\n");
    start(scene);

    look(scene, KT_GOVERNOR_ACTIVE);

    assert_file(scene->exec, KSM "run", "1");
    g_assert_cmpuint(count_runs(scene), ==, 2);
    roll_back(scene);
    assert_originals(scene);
}

/* While another kvm-tune has the journal the knobs stay. */
static void
test_waits_for_the_lock(void)
{
    g_autoptr(Scene) scene = scene_new();
    exec_scene_open_journal(scene->exec);

    look(scene, KT_GOVERNOR_WAITING);
    assert_file(scene->exec, KSM "run", "0");

    g_clear_pointer(&scene->exec->journal, kt_journal_close);
    look(scene, KT_GOVERNOR_ACTIVE);
    assert_file(scene->exec, KSM "run", "1");
}

static void
test_file_that_takes_nothing(void)
{
    g_autoptr(Scene) scene = scene_new();
    kt_root_fail_writes(scene->exec->host->root, KSM "sleep_millisecs", EROFS);

    look(scene, KT_GOVERNOR_UNABLE);

    g_assert_nonnull(strstr(kt_governor_figures(scene->governor)->reason, "sleep_millisecs"));
    kt_root_fail_writes(scene->exec->host->root, KSM "sleep_millisecs", 0);
    roll_back(scene);
    assert_originals(scene);
}

/* The daemon ends: the kernel's advisor goes on with the profile's ceiling; that is undone too, and a new
 * daemon takes over from it although the advisor has changed the pages meanwhile. */
static void
test_hands_over(void)
{
    for (guint resumed = 0; resumed < 2; resumed++) {
        g_autoptr(Scene) scene = scene_new();
        g_autoptr(GError) error = NULL;
        look(scene, KT_GOVERNOR_ACTIVE);

        g_assert_true(kt_governor_hand_over(scene->governor, &error));
        g_assert_no_error(error);

        assert_file(scene->exec, KSM "advisor_mode", "scan-time");
        assert_file(scene->exec, KSM "advisor_max_cpu", "50");
        assert_file(scene->exec, KSM "sleep_millisecs", "20");
        assert_file(scene->exec, KSM "smart_scan", "1");
        if (resumed) {
            write_file(scene, KSM "pages_to_scan", "4711");
            kt_governor_free(scene->governor);
            start(scene);
            look(scene, KT_GOVERNOR_ACTIVE);
            assert_file(scene->exec, KSM "advisor_mode", "none");
        }
        roll_back(scene);
        assert_originals(scene);
    }
}

/* A host whose advisor was at work: it is turned off, and on again by a rollback. */
static void
test_advisor_before(void)
{
    g_autoptr(Scene) scene = scene_new();
    write_file(scene, KSM "advisor_mode", "none [scan-time]");
    write_file(scene, KSM "pages_to_scan", "4711");

    look(scene, KT_GOVERNOR_ACTIVE);
    assert_file(scene->exec, KSM "advisor_mode", "none");

    roll_back(scene);
    assert_file(scene->exec, KSM "advisor_mode", "scan-time");
    assert_file(scene->exec, KSM "sleep_millisecs", "33");
    /* What the kernel leaves without the advisor, which then sets its own. */
    assert_file(scene->exec, KSM "pages_to_scan", "100");
}

static void
test_old_kernel(void)
{
    g_autoptr(Scene) scene = scene_new();
    static const char *const newer[] = {"advisor_mode", "advisor_max_cpu", "smart_scan", "pages_scanned"};
    for (gsize i = 0; i < G_N_ELEMENTS(newer); i++) {
        g_autofree char *path = g_build_filename(scene->exec->host->directory, KSM, newer[i], NULL);
        g_assert_cmpint(remove(path), ==, 0);
    }

    look(scene, KT_GOVERNOR_ACTIVE);
    assert_file(scene->exec, KSM "run", "1");
    g_assert_true(kt_governor_hand_over(scene->governor, NULL));
    assert_file(scene->exec, KSM "sleep_millisecs", "1000");
    roll_back(scene);
    assert_file(scene->exec, KSM "run", "0");
    assert_file(scene->exec, KSM "pages_to_scan", "123");
}

static void
test_not_asked_for(void)
{
    g_autoptr(Scene) scene = scene_new();
    kt_governor_wish(scene->governor, "ours", NULL);

    look(scene, KT_GOVERNOR_OFF);

    g_assert_cmpint(scene->next_usec, ==, G_MAXINT64);
    assert_originals(scene);
}

/* A profile that no longer asks for it: as at the daemon's end, and nobody touches it from then on. */
static void
test_no_longer_asked_for(void)
{
    g_autoptr(Scene) scene = scene_new();
    look(scene, KT_GOVERNOR_ACTIVE);

    kt_governor_wish(scene->governor, "ours", NULL);
    look(scene, KT_GOVERNOR_OFF);

    g_assert_cmpint(scene->next_usec, ==, G_MAXINT64);
    assert_file(scene->exec, KSM "advisor_mode", "scan-time");
    assert_file(scene->exec, KSM "smart_scan", "1");
    write_file(scene, KSM "sleep_millisecs", "77");
    look(scene, KT_GOVERNOR_OFF);
    assert_file(scene->exec, KSM "sleep_millisecs", "77");
}

static void
test_no_ksm(void)
{
    g_autoptr(FakeHost) host = fake_host_new(NULL);
    g_autoptr(KtGovernor) governor = kt_governor_new(host->root, host->directory);
    static const KtKsmWish wish = {KT_ABSENT, KT_ABSENT, KT_ABSENT};
    kt_governor_wish(governor, "ours", &wish);

    g_assert_cmpint(kt_governor_look(governor, 1), ==, G_MAXINT64);
    g_assert_cmpint(kt_governor_figures(governor)->state, ==, KT_GOVERNOR_UNABLE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/governor/governs-and-is-undone", test_governs_and_is_undone);
    g_test_add_func("/governor/figures", test_figures);
    g_test_add_func("/governor/finds-a-process", test_finds_a_process);
    g_test_add_func("/governor/writes-only-what-changes", test_writes_only_what_changes);
    g_test_add_func("/governor/left-to-somebody", test_left_to_somebody);
    g_test_add_func("/governor/rolled-back", test_rolled_back);
    g_test_add_func("/governor/resumes", test_resumes);
    g_test_add_func("/governor/left-between-two-daemons", test_left_between_two_daemons);
    g_test_add_func("/governor/after-a-reboot", test_after_a_reboot);
    g_test_add_func("/governor/waits-for-the-lock", test_waits_for_the_lock);
    g_test_add_func("/governor/file-that-takes-nothing", test_file_that_takes_nothing);
    g_test_add_func("/governor/hands-over", test_hands_over);
    g_test_add_func("/governor/advisor-before", test_advisor_before);
    g_test_add_func("/governor/old-kernel", test_old_kernel);
    g_test_add_func("/governor/not-asked-for", test_not_asked_for);
    g_test_add_func("/governor/no-longer-asked-for", test_no_longer_asked_for);
    g_test_add_func("/governor/no-ksm", test_no_ksm);
    return g_test_run();
}
