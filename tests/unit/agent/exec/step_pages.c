/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/kernel.h"
#include "probes/qemu_process.h"
#include "tests/unit/agent/exec/exec_scene.h"
#include "tests/unit/agent/exec/page_child.h"

#define STAT "1 (qemu) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0\n"
#define MAPS(n0, n1)                                                                                         \
    "7f0000000000 default anon=3000 dirty=3000 N0=" n0 " N1=" n1 " kernelpagesize_kB=4\n"                    \
    "7f1000000000 default file=/usr/bin/qemu mapped=4 N0=4 kernelpagesize_kB=4\n"

static KtJournalStep *
pages_step(const char *process, const char *from, const char *to)
{
    KtJournalStep *step = kt_journal_step_new(KT_STEP_PAGES);
    step->domain_name = g_strdup("test");
    step->process = g_strdup(process);
    KtJournalAction *action = g_new0(KtJournalAction, 1);
    action->setting = g_strdup("memory.numa");
    action->item = g_strdup("pages");
    action->from = g_strdup(from);
    action->to = g_strdup(to);
    g_ptr_array_add(step->actions, action);
    return step;
}

static FakeHost *
host_with(const char *maps)
{
    return fake_host_new((FakeFile[]){{"proc/42/stat", STAT}, {"proc/42/numa_maps", maps}, {NULL, NULL}});
}

static void
assert_check(const FakeHost *host, KtJournalStep *step, KtStepState wanted, const char *words)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *found = NULL;
    KtTarget target = {.root = host->root};
    KtStepState state;
    g_assert_true(kt_step_pages.check(&target, step, &state, &found, &error));
    g_assert_no_error(error);
    g_assert_cmpint(state, ==, wanted);
    if (words != NULL && (found == NULL || strstr(found, words) == NULL))
        g_error("'%s' isn't in: %s", words, found);
}

static void
test_check(void)
{
    static const struct {
        const char *maps, *from, *to;
        KtStepState state;
        const char *words;
    } cases[] = {
        {MAPS("3000", "0"), "0", "1", KT_STEP_IS_BEFORE, NULL},
        {MAPS("1500", "1500"), "0-1", "1", KT_STEP_IS_BEFORE, NULL},
        {MAPS("0", "3000"), "0", "1", KT_STEP_IS_AFTER, NULL},
        {MAPS("50", "2950"), "0", "1", KT_STEP_IS_AFTER, NULL}, /* a few pages are anywhere */
        {MAPS("0", "3000"), "0", "0-1", KT_STEP_IS_AFTER, NULL},
        {MAPS("1500", "1500"), "0", "1", KT_STEP_IS_BEFORE, NULL}, /* new pages, or half moved */
        {MAPS("1500", "1500"), "0", "2", KT_STEP_IS_OTHER, "expected '0', found '0-1'"},
        {MAPS("0", "3000"), "0", "2", KT_STEP_IS_OTHER, "expected '0', found '1'"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FakeHost) host = host_with(cases[i].maps);
        g_autoptr(KtJournalStep) step = pages_step("42:777", cases[i].from, cases[i].to);
        assert_check(host, step, cases[i].state, cases[i].words);
    }
}

/* Another process with the same number isn't the guest's, and the guest's memory went with it. */
static void
test_gone(void)
{
    static const char *const processes[] = {"42:778", "43:777", "id:1", NULL};
    g_autoptr(FakeHost) host = host_with(MAPS("3000", "0"));
    for (guint i = 0; i < G_N_ELEMENTS(processes); i++) {
        g_autoptr(KtJournalStep) step = pages_step(processes[i], "0", "1");
        assert_check(host, step, KT_STEP_IS_GONE, "does not run in that process any more");
    }
}

static void
test_unreadable(void)
{
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){{"proc/42/stat", STAT}, {NULL, NULL}});
    g_autoptr(KtJournalStep) step = pages_step("42:777", "0", "1");
    g_autoptr(GError) error = NULL;
    g_autofree char *found = NULL;
    KtTarget target = {.root = host->root};
    KtStepState state;

    g_assert_false(kt_step_pages.check(&target, step, &state, &found, &error));

    g_assert_error(error, KT_ERROR, KT_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "/proc/42/numa_maps"));
}

static void
test_bad_nodes(void)
{
    static const char *const nodes[] = {NULL, "", "x", "99999999"};
    g_autoptr(FakeHost) host = host_with(MAPS("3000", "0"));
    KtTarget target = {.root = host->root};
    for (guint i = 0; i < G_N_ELEMENTS(nodes); i++) {
        g_autoptr(KtJournalStep) step = pages_step("42:777", "0", nodes[i]);
        g_autoptr(GError) error = NULL;
        g_autofree char *found = NULL;
        KtStepState state;
        g_assert_false(kt_step_pages.check(&target, step, &state, &found, &error));
        g_assert_nonnull(error);
    }
}

/* What stayed where it was is an error with both places; what an undo can't spread again is none. */
static void
test_read_back(void)
{
    g_autoptr(FakeHost) host = host_with(MAPS("1500", "1500"));
    g_autoptr(KtJournalStep) step = pages_step("42:777", "0", "1");
    g_autoptr(KtJournalStep) spread = pages_step("42:777", "1", "0-1");
    g_autoptr(GError) error = NULL;
    KtTarget target = {.root = host->root};

    g_assert_false(kt_step_pages.read_back(&target, step, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "on node '1', found it on '0-1'"));
    g_assert_true(kt_step_pages.read_back(&target, spread, NULL));

    fake_host_write(host, "proc/42/numa_maps", MAPS("0", "3000"));
    g_assert_true(kt_step_pages.read_back(&target, spread, NULL));
}

/* What the kernel's NUMA balancing has taken back is no failure, unless all of it stayed or is elsewhere. */
static void
test_balanced(void)
{
    static const struct {
        const char *balancing, *maps, *to;
        bool good;
    } cases[] = {
        {"1\n", MAPS("1000", "2000"), "1", true},  {"0\n", MAPS("1000", "2000"), "1", false},
        {"1\n", MAPS("2000", "1000"), "1", false}, {"1\n", MAPS("3000", "0"), "1", false},
        {"1\n", MAPS("1000", "2000"), "2", false},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FakeHost) host = host_with(cases[i].maps);
        g_autoptr(KtJournalStep) step = pages_step("42:777", "0", cases[i].to);
        KtTarget target = {.root = host->root};
        fake_host_write(host, KT_NUMA_BALANCING, cases[i].balancing);
        g_assert_cmpint(kt_step_pages.read_back(&target, step, NULL), ==, cases[i].good);
    }
}

/* A number in a capture or a test names no process of this machine. */
static void
test_only_live(void)
{
    g_autoptr(FakeHost) host = host_with(MAPS("3000", "0"));
    g_autoptr(KtJournalStep) step = pages_step("42:777", "0", "1");
    g_autoptr(GError) error = NULL;
    KtTarget target = {.root = host->root};
    assert_check(host, step, KT_STEP_IS_BEFORE, NULL);

    g_assert_false(kt_step_pages.perform(&target, step, &error));

    g_assert_error(error, KT_ERROR, KT_ERROR_CONFLICT);
}

/* ---- this machine ---- */

/* To every node of this machine in turn, and back: on one with a single node that only says that it is there.
 */
static void
move_around(const KtTarget *target, pid_t pid, const char *process)
{
    g_autoptr(GArray) nodes = nodes_with_room();
    for (guint i = 0; i < nodes->len; i++) {
        g_autoptr(KtCpuset) present = kt_qemu_process_nodes(target->root, pid);
        g_autofree char *from = kt_cpuset_format(present);
        g_autofree char *to = g_strdup_printf("%u", g_array_index(nodes, guint, i));
        g_autoptr(KtJournalStep) step = pages_step(process, from, to);
        g_autofree char *found = NULL;
        g_autoptr(GError) error = NULL;
        KtStepState state;
        g_assert_true(kt_step_pages.check(target, step, &state, &found, &error));
        g_assert_true(kt_step_pages.perform(target, step, &error));
        g_assert_no_error(error);
        g_assert_true(kt_step_pages.read_back(target, step, &error));
        g_assert_no_error(error);
    }
    g_test_message("moved over %u nodes", nodes->len);
}

static void
test_this_machine(void)
{
    g_autoptr(KtRoot) root = kt_root_open("/", NULL);
    if (numa_available() < 0 || !kt_root_exists(root, "proc/self/numa_maps")) {
        g_test_skip("this kernel knows no memory nodes");
        return;
    }
    pid_t pid = start_child(FALSE);
    KtTarget target = {.root = root};
    g_autofree char *process = kt_qemu_process_identity(root, pid);

    move_around(&target, pid, process);

    /* A node that isn't there is the kernel's error, and names both. */
    g_autoptr(KtCpuset) present = kt_qemu_process_nodes(root, pid);
    g_autofree char *from = kt_cpuset_format(present);
    g_autofree char *absent = g_strdup_printf("%d", numa_max_possible_node() + 1);
    g_autoptr(KtJournalStep) step = pages_step(process, from, absent);
    g_autofree char *found = NULL;
    g_autoptr(GError) error = NULL;
    KtStepState state;
    g_assert_true(kt_step_pages.check(&target, step, &state, &found, NULL));
    g_assert_false(kt_step_pages.perform(&target, step, &error));
    g_assert_nonnull(strstr(error->message, "domain test: its memory cannot move from node"));
    g_test_message("%s", error->message);

    end_child(pid);
    g_autofree char *gone = NULL;
    g_assert_true(kt_step_pages.check(&target, step, &state, &gone, NULL));
    g_assert_cmpint(state, ==, KT_STEP_IS_GONE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/step-pages/check", test_check);
    g_test_add_func("/step-pages/gone", test_gone);
    g_test_add_func("/step-pages/unreadable", test_unreadable);
    g_test_add_func("/step-pages/bad-nodes", test_bad_nodes);
    g_test_add_func("/step-pages/read-back", test_read_back);
    g_test_add_func("/step-pages/balanced", test_balanced);
    g_test_add_func("/step-pages/only-live", test_only_live);
    g_test_add_func("/step-pages/this-machine", test_this_machine);
    return g_test_run();
}
