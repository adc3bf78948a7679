/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/page_mover.h"

#include "base/error.h"
#include "probes/qemu_process.h"
#include "tests/unit/agent/exec/page_child.h"
#include "tests/unit/fake_root.h"

#define STAT "1 (qemu) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0\n"
#define MAPS                                                                                                 \
    "7f0000000000-7f0000bb8000 rw-p 00000000 00:00 0\n"                                                      \
    "7f3000000000-7f3000400000 rw-p 00000000 00:00 0\n"
#define NUMA_MAPS(n0, n1)                                                                                    \
    "7f0000000000 default anon=3000 dirty=3000 N0=" n0 " N1=" n1 " kernelpagesize_kB=4\n"                    \
    "7f1000000000 default file=/usr/bin/qemu mapped=4 N0=900 kernelpagesize_kB=4\n"

/* A batch small enough for the child to take several. */
#define BATCH_KIB (4 * 1024)
#define MOST_BATCHES 1000

static KtPageMover *
mover_to(const KtRoot *root, const char *process, guint node)
{
    g_autoptr(KtCpuset) to = hwloc_bitmap_alloc();
    hwloc_bitmap_set(to, node);
    return kt_page_mover_new(root, process, to);
}

static KtPagesState
move_once(KtPageMover *mover, guint node)
{
    g_autoptr(GError) error = NULL;
    KtPagesState state;
    g_assert_true(kt_page_mover_move(mover, node, BATCH_KIB, &state, &error));
    g_assert_no_error(error);
    return state;
}

/* Another process with the same number isn't it. */
static void
test_gone(void)
{
    static const char *const processes[] = {"42:778", "43:777", "id:1", "", NULL};
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){{"proc/42/stat", STAT},
                                                          {"proc/42/numa_maps", NUMA_MAPS("3000", "0")},
                                                          {"proc/42/maps", MAPS},
                                                          {NULL, NULL}});
    for (guint i = 0; processes[i]; i++) {
        g_autoptr(KtPageMover) mover = mover_to(host->root, processes[i], 1);
        g_assert_cmpint(move_once(mover, 1), ==, KT_PAGES_GONE);
    }
}

/* A few pages are anywhere, and those of files are nobody's own. */
static void
test_there_already(void)
{
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){{"proc/42/stat", STAT},
                                                          {"proc/42/numa_maps", NUMA_MAPS("50", "2950")},
                                                          {"proc/42/maps", MAPS},
                                                          {NULL, NULL}});
    g_autoptr(KtPageMover) mover = mover_to(host->root, "42:777", 1);
    g_assert_cmpint(move_once(mover, 1), ==, KT_PAGES_THERE);
    g_assert_cmpint(kt_page_mover_moved_kib(mover), ==, 0);
    g_assert_cmpint(kt_page_mover_left_kib(mover), ==, 0);
}

/* Huge pages of a pool are asked of nobody: what counts of them stays. */
static void
test_huge_pages_stay(void)
{
    g_autoptr(FakeHost) host = fake_host_new(
        (FakeFile[]){{"proc/42/stat", STAT},
                     {"proc/42/numa_maps",
                      "7f3000000000 default file=/anon_hugepage huge dirty=2 N0=2 kernelpagesize_kB=2048\n"},
                     {"proc/42/maps", MAPS},
                     {NULL, NULL}});
    g_autoptr(KtPageMover) mover = mover_to(host->root, "42:777", 1);
    g_autoptr(GError) error = NULL;
    KtPagesState state;
    /* This root isn't this machine's: had it a page to ask the kernel about it would fail. */
    g_assert_false(kt_page_mover_move(mover, 1, BATCH_KIB, &state, &error));
    g_assert_cmpint(kt_page_mover_left_kib(mover), ==, 4096);
    g_assert_cmpint(move_once(mover, 1), ==, KT_PAGES_STUCK);
}

/* So does what a device has locked, of whatever kind it is. */
static void
test_locked_stays(void)
{
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){
        {"proc/42/stat", STAT},
        {"proc/42/status", "Name:\tqemu\nVmLck:\t    4096 kB\nVmPin:\t    2048 kB\nVmRSS:\t   12000 kB\n"},
        {"proc/42/numa_maps", NUMA_MAPS("3000", "0")},
        {"proc/42/maps", MAPS},
        {NULL, NULL}});
    g_autoptr(KtPageMover) mover = mover_to(host->root, "42:777", 1);
    g_autoptr(GError) error = NULL;
    KtPagesState state;
    g_assert_false(kt_page_mover_move(mover, 1, BATCH_KIB, &state, &error));
    g_assert_cmpstr(error->message, ==, "6 MiB of its memory are locked, or a device uses them");
}

/* A number in a capture or a test names no process of this machine. */
static void
test_only_live(void)
{
    g_autoptr(FakeHost) host = fake_host_new((FakeFile[]){{"proc/42/stat", STAT},
                                                          {"proc/42/numa_maps", NUMA_MAPS("3000", "0")},
                                                          {"proc/42/maps", MAPS},
                                                          {NULL, NULL}});
    g_autoptr(KtPageMover) mover = mover_to(host->root, "42:777", 1);
    g_autoptr(GError) error = NULL;
    KtPagesState state;
    g_assert_false(kt_page_mover_move(mover, 1, BATCH_KIB, &state, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_UNSUPPORTED);
}

/* ---- this machine ---- */

static gint64
kib_on(const KtRoot *root, pid_t pid, guint node)
{
    g_autoptr(GArray) kib = kt_qemu_process_memory_by_node(root, pid);
    return node < kib->len ? g_array_index(kib, gint64, node) : 0;
}

/* It ends as @end. */
static void
move_all(KtPageMover *mover, guint node, KtPagesState end)
{
    guint n = 0;
    KtPagesState state = KT_PAGES_ON_THE_WAY;
    while (state == KT_PAGES_ON_THE_WAY && n++ < MOST_BATCHES)
        state = move_once(mover, node);
    g_test_message("to node %u: %" G_GINT64_FORMAT " KiB moved in %u batches, %" G_GINT64_FORMAT " KiB left",
                   node, kt_page_mover_moved_kib(mover), n, kt_page_mover_left_kib(mover));
    g_assert_cmpint(state, ==, end);
}

static bool
has_nodes(const KtRoot *root, const GArray *nodes)
{
    bool has = nodes->len > 1 && kt_root_exists(root, "proc/self/numa_maps");
    if (has && !child_has_more())
        return true;
    g_test_skip(has ? "the sanitizer has memory of its own"
                    : "this kernel has no two memory nodes: tests/two-nodes boots one that has");
    return false;
}

static void
test_this_machine(void)
{
    g_autoptr(KtRoot) root = kt_root_open("/", NULL);
    g_autoptr(GArray) nodes = nodes_with_room();
    if (!has_nodes(root, nodes))
        return;
    pid_t pid = start_child(FALSE);
    g_autofree char *process = kt_qemu_process_identity(root, pid);
    /* On one of them it is already, or on neither after the last. */
    for (guint i = 0; i < 2 * nodes->len; i++) {
        guint node = g_array_index(nodes, guint, i % nodes->len);
        gint64 before = kib_on(root, pid, node);
        g_autoptr(KtPageMover) mover = mover_to(root, process, node);
        move_all(mover, node, KT_PAGES_THERE);
        g_assert_cmpint(kib_on(root, pid, node), >=, CHILD_KIB);
        if (before <= CHILD_KIB / 2)
            g_assert_cmpint(kt_page_mover_moved_kib(mover), >=, CHILD_KIB / 2);
    }
    end_child(pid);
    g_autoptr(KtPageMover) mover = mover_to(root, process, g_array_index(nodes, guint, 0));
    g_assert_cmpint(move_once(mover, g_array_index(nodes, guint, 0)), ==, KT_PAGES_GONE);
}

/* What is another process's too doesn't move by its addresses; in the end it does, with the rest. */
static void
test_shared(void)
{
    g_autoptr(KtRoot) root = kt_root_open("/", NULL);
    g_autoptr(GArray) nodes = nodes_with_room();
    if (!has_nodes(root, nodes))
        return;
    pid_t pid = start_child(TRUE);
    g_autofree char *process = kt_qemu_process_identity(root, pid);
    guint first = g_array_index(nodes, guint, 0), second = g_array_index(nodes, guint, 1);
    guint other = kib_on(root, pid, first) > kib_on(root, pid, second) ? second : first;
    g_autoptr(KtPageMover) mover = mover_to(root, process, other);
    move_all(mover, other, KT_PAGES_THERE);
    g_assert_cmpint(kib_on(root, pid, other), >=, CHILD_KIB);
    end_child(pid);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/page-mover/gone", test_gone);
    g_test_add_func("/page-mover/there-already", test_there_already);
    g_test_add_func("/page-mover/huge-pages-stay", test_huge_pages_stay);
    g_test_add_func("/page-mover/locked-stays", test_locked_stays);
    g_test_add_func("/page-mover/only-live", test_only_live);
    g_test_add_func("/page-mover/this-machine", test_this_machine);
    g_test_add_func("/page-mover/shared", test_shared);
    return g_test_run();
}
