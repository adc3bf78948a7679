/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/page_mover.h"

#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/exec/node_mask.h"
#include "base/error.h"
#include "probes/numa_maps.h"
#include "probes/qemu_process.h"

/* Pages that the kernel is asked for at once, no further than to the end of a transparent huge page: it ends
 * at one that doesn't move, and those behind it shall. */
#define WINDOW 512
/* So many of them are looked at in one go: a GiB. */
#define MOST_WINDOWS 512
/* A guest that runs takes new pages wherever it is, and the kernel leaves one where it is that is used at
 * that very moment: what is elsewhere after so many passes through all of its memory stays. */
#define MOST_PASSES 8

/* A mapping with less in it than one page in so many is reserved rather than used: what little is there isn't
 * worth a look at all of its addresses. */
#define SPARSE 8192

/* What is left over may go in one call, if it is no more than what is moved in a second at most. */
#define MOST_REST_KIB (256 * 1024)

/* Addresses with pages that are elsewhere. */
typedef struct {
    guint64 start, end;
    bool shared; /* memory that other processes may have mapped too: it is the guest's all the same */
} Range;

struct KtPageMover {
    const KtRoot *root;
    char *process;
    gint64 pid;
    KtCpuset *to;
    guint64 page_bytes;
    GArray *ranges;     /* Range, of this pass */
    guint range;        /* at it: */
    guint64 at;         /* the next address */
    guint passes;       /* begun */
    gint64 pass_kib;    /* moved in this pass */
    gint64 outside_kib; /* elsewhere when the pass was begun */
    gint64 moved_kib;
    bool has_pool_pages; /* it has huge pages of a pool */
    bool asked_whole;    /* for what didn't move */
};

KtPageMover *
kt_page_mover_new(const KtRoot *root, const char *process, const KtCpuset *to)
{
    KtPageMover *mover = g_new0(KtPageMover, 1);
    mover->root = root;
    mover->process = g_strdup(process ? process : "");
    mover->pid = g_ascii_strtoll(mover->process, NULL, 10);
    mover->to = hwloc_bitmap_dup(to);
    mover->page_bytes = (guint64)sysconf(_SC_PAGESIZE);
    mover->ranges = g_array_new(FALSE, FALSE, sizeof(Range));
    return mover;
}

void
kt_page_mover_free(KtPageMover *mover)
{
    if (!mover)
        return;
    g_free(mover->process);
    kt_cpuset_free(mover->to);
    g_array_unref(mover->ranges);
    g_free(mover);
}

gint64
kt_page_mover_moved_kib(const KtPageMover *mover)
{
    return mover->moved_kib;
}

gint64
kt_page_mover_left_kib(const KtPageMover *mover)
{
    return MAX(mover->outside_kib - mover->pass_kib, 0);
}

/* Another process with the same number isn't this one. */
static bool
is_there(const KtPageMover *mover)
{
    g_autofree char *identity = mover->pid > 0 ? kt_qemu_process_identity(mover->root, mover->pid) : NULL;
    return identity && g_str_equal(identity, mover->process);
}

/* Where each mapping ends: start → end, guint64 *. proc(5), /proc/PID/maps; NULL where that can't be read. */
static GHashTable *
read_ends(const KtPageMover *mover)
{
    g_autofree char *path = g_strdup_printf("proc/%" G_GINT64_FORMAT "/maps", mover->pid);
    g_autofree char *text = NULL;
    if (!kt_root_read(mover->root, path, &text, NULL) || !text)
        return NULL;
    GHashTable *ends = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        guint64 start, end;
        if (sscanf(*line, "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x", &start, &end) == 2)
            g_hash_table_insert(ends, g_memdup2(&start, sizeof start), g_memdup2(&end, sizeof end));
    }
    return ends;
}

/* KiB of a mapping that are elsewhere; adds to @by_node all that it has. */
static gint64
outside(const KtPageMover *mover, const KtNumaMapping *mapping, gint64 *by_node)
{
    gint64 kib = 0;
    for (guint os = 0; os < mapping->kib->len && os < KT_CPUSET_MAX; os++) {
        gint64 here = g_array_index(mapping->kib, gint64, os);
        by_node[os] += here;
        if (!hwloc_bitmap_isset(mover->to, os))
            kib += here;
    }
    return kib;
}

/* Whether its addresses are worth a look: @outside_kib of it are elsewhere. */
static bool
is_worthwhile(const KtNumaMapping *mapping, const guint64 *end, gint64 outside_kib)
{
    return !mapping->huge && end && *end > mapping->start &&
           (guint64)outside_kib > (*end - mapping->start) / 1024 / SPARSE;
}

/* What of @by_node counts and is elsewhere. */
static gint64
counting(const KtPageMover *mover, const gint64 *by_node)
{
    gint64 total = 0, kib = 0;
    for (guint os = 0; os < KT_CPUSET_MAX; os++)
        total += by_node[os];
    for (guint os = 0; os < KT_CPUSET_MAX; os++)
        if (!hwloc_bitmap_isset(mover->to, os) && kt_qemu_memory_counts(by_node[os], total))
            kib += by_node[os];
    return kib;
}

/* Looks where the memory is, for another pass. False where it can't be read: the process has ended. */
static bool
begin_pass(KtPageMover *mover)
{
    g_autoptr(GArray) mappings = kt_numa_maps_read(mover->root, mover->pid);
    g_autoptr(GHashTable) ends = read_ends(mover);
    if (!mappings || !ends)
        return false;
    g_autofree gint64 *by_node = g_new0(gint64, KT_CPUSET_MAX);
    g_array_set_size(mover->ranges, 0);
    for (guint i = 0; i < mappings->len; i++) {
        const KtNumaMapping *mapping = &g_array_index(mappings, KtNumaMapping, i);
        const guint64 *end = g_hash_table_lookup(ends, &mapping->start);
        gint64 outside_kib = mapping->cached ? 0 : outside(mover, mapping, by_node);
        mover->has_pool_pages = mover->has_pool_pages || mapping->huge;
        if (outside_kib == 0 || !is_worthwhile(mapping, end, outside_kib))
            continue;
        Range range = {mapping->start, *end, !mapping->anonymous};
        g_array_append_val(mover->ranges, range);
    }
    mover->outside_kib = counting(mover, by_node);
    mover->passes++;
    mover->pass_kib = 0;
    mover->range = 0;
    mover->at = 0;
    return true;
}

/* The next addresses of this pass; their number, 0 = it is at its end. */
static guint
next_window(KtPageMover *mover, void **pages, bool *ret_shared)
{
    guint n = 0;
    while (mover->range < mover->ranges->len && n == 0) {
        const Range *range = &g_array_index(mover->ranges, Range, mover->range);
        mover->at = MAX(mover->at, range->start);
        guint64 bytes = WINDOW * mover->page_bytes, end = MIN(range->end, (mover->at / bytes + 1) * bytes);
        for (; mover->at < end; n++, mover->at += mover->page_bytes)
            pages[n] = (void *)(guintptr)mover->at;
        *ret_shared = range->shared;
        if (mover->at >= range->end) {
            mover->range++;
            mover->at = 0;
        }
    }
    return n;
}

/* Of @pages those that are elsewhere come first; their number. Nobody's and reserved ones are nowhere. */
static guint
keep_outside(const KtPageMover *mover, void **pages, const int *where, guint n)
{
    guint kept = 0;
    for (guint i = 0; i < n; i++)
        if (where[i] >= 0 && !hwloc_bitmap_isset(mover->to, (unsigned)where[i]))
            pages[kept++] = pages[i];
    return kept;
}

/* Tells where @pages are, or with @nodes moves them there. A page that isn't moved is no error. */
static bool
ask_kernel(const KtPageMover *mover, guint n, void **pages, const int *nodes, int *ret_where, int flags,
           GError **error)
{
    memset(ret_where, -1, n * sizeof *ret_where);
    if (numa_move_pages((int)mover->pid, n, pages, nodes, ret_where, flags) >= 0 || errno == ENOENT ||
        errno == ESRCH)
        return true;
    kt_set_error_errno(error, errno, "process %" G_GINT64_FORMAT ": its pages cannot be moved", mover->pid);
    return false;
}

/* Of those pages what is elsewhere goes to @node; *@ret_kib is how much that was. The kernel ends early where
 * a huge page had to be split, and then tells nothing of the rest: it is asked again for as long as that
 * moves something. */
static bool
move_window(const KtPageMover *mover, void **pages, guint n, bool shared, guint node, gint64 *ret_kib,
            GError **error)
{
    int where[WINDOW], nodes[WINDOW];
    /* Shared memory is mapped by who serves the guest, too. */
    int flags = shared ? MPOL_MF_MOVE_ALL : MPOL_MF_MOVE;
    for (guint i = 0; i < n; i++)
        nodes[i] = (int)node;
    *ret_kib = 0;
    for (guint before = 0;; before = n) {
        if (!ask_kernel(mover, n, pages, NULL, where, 0, error))
            return false;
        n = keep_outside(mover, pages, where, n);
        if (before > 0)
            *ret_kib += (gint64)(before - n) * (gint64)mover->page_bytes / 1024;
        if (n == 0 || n == before)
            return true;
        if (!ask_kernel(mover, n, pages, nodes, where, flags, error))
            return false;
    }
}

/* Moves until it was @most_kib, or the pass is over. */
static bool
move_some(KtPageMover *mover, guint node, gint64 most_kib, GError **error)
{
    void *pages[WINDOW];
    gint64 moved = 0;
    for (guint i = 0; i < MOST_WINDOWS && moved < most_kib; i++) {
        bool shared = false;
        gint64 kib;
        guint n = next_window(mover, pages, &shared);
        if (n == 0)
            return true;
        if (!move_window(mover, pages, n, shared, node, &kib, error))
            return false;
        moved += kib;
        mover->pass_kib += kib;
        mover->moved_kib += kib;
    }
    return true;
}

static bool
check_kernel(const KtPageMover *mover, GError **error)
{
    if (numa_available() >= 0 && kt_root_is_live(mover->root))
        return true;
    g_set_error_literal(error, KT_ERROR, KT_ERROR_UNSUPPORTED, "this kernel moves no pages between nodes");
    return false;
}

/* What is locked stays, whatever the definition says of it. */
static bool
check_locked(const KtPageMover *mover, GError **error)
{
    gint64 locked = 0;
    if (!kt_qemu_process_locked(mover->root, mover->pid, &locked, error))
        return false;
    if (locked == 0)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_UNSUPPORTED,
                "%" G_GINT64_FORMAT " MiB of its memory are locked, or a device uses them", locked / 1024);
    return false;
}

/* What a pass came to: once one has moved nothing, another won't. */
static KtPagesState
judge_pass(const KtPageMover *mover, gint64 pass_kib)
{
    if (mover->outside_kib == 0)
        return KT_PAGES_THERE;
    bool vain = mover->passes > 1 && pass_kib == 0;
    return vain || mover->passes > MOST_PASSES ? KT_PAGES_STUCK : KT_PAGES_ON_THE_WAY;
}

/* What didn't move by its addresses, as transparent huge pages may not, the kernel is asked for as a whole,
 * once, where it is little: nothing bounds or ends that call. It would take pages of a pool along.
 * migrate_pages(2) */
static void
migrate_rest(KtPageMover *mover)
{
    g_autoptr(KtCpuset) from = kt_qemu_process_nodes(mover->root, mover->pid);
    mover->asked_whole = true;
    if (!from || mover->outside_kib > MOST_REST_KIB || mover->has_pool_pages || numa_available() < 0 ||
        !kt_root_is_live(mover->root))
        return;
    hwloc_bitmap_andnot(from, from, mover->to);
    struct bitmask *from_mask = kt_node_mask(from), *to_mask = kt_node_mask(mover->to);
    numa_migrate_pages((int)mover->pid, from_mask, to_mask);
    numa_bitmask_free(from_mask);
    numa_bitmask_free(to_mask);
}

bool
kt_page_mover_move(KtPageMover *mover, guint node, gint64 most_kib, KtPagesState *ret_state, GError **error)
{
    if (!is_there(mover)) {
        *ret_state = KT_PAGES_GONE;
        return true;
    }
    if (mover->passes == 0 && !check_locked(mover, error))
        return false;
    if (mover->range >= mover->ranges->len) {
        gint64 pass_kib = mover->pass_kib;
        if (!begin_pass(mover)) {
            *ret_state = KT_PAGES_GONE;
            return true;
        }
        *ret_state = judge_pass(mover, pass_kib);
        if (*ret_state == KT_PAGES_STUCK && !mover->asked_whole) {
            gint64 before_kib = mover->outside_kib;
            migrate_rest(mover);
            *ret_state = begin_pass(mover) ? judge_pass(mover, 0) : KT_PAGES_GONE;
            mover->moved_kib += MAX(before_kib - mover->outside_kib, 0);
        }
        if (*ret_state != KT_PAGES_ON_THE_WAY)
            return true;
    }
    *ret_state = KT_PAGES_ON_THE_WAY;
    return check_kernel(mover, error) && move_some(mover, node, most_kib, error);
}
