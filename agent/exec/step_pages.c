/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <numa.h>

#include "agent/exec/node_mask.h"
#include "agent/exec/page_journey.h"
#include "agent/exec/step.h"
#include "base/cpuset.h"
#include "base/error.h"
#include "probes/kernel.h"
#include "probes/qemu_process.h"

/* The kernel leaves a page where it is that somebody uses at that very moment, and a guest that runs takes
 * new ones: what is left after so many moves stays. */
#define MOVES 5
#define INTERVAL_USEC (200 * 1000)

/**
 * Where the pages of a running guest are: `from` and `to` are node lists. An undo moves them back, as far as
 * the kernel can: migrate_pages(2) takes pages from one set of nodes to another, it doesn't spread again what
 * came from several.
 */

static const KtJournalAction *
only_action(const KtJournalStep *step)
{
    return g_ptr_array_index(step->actions, 0);
}

static char *
describe(const KtJournalStep *step)
{
    return g_strdup_printf("move memory of domain %s from node %s to node %s", step->domain_name,
                           only_action(step)->from, only_action(step)->to);
}

/** The very process that the step is about; 0 = it has ended. Its memory went with it. */
static gint64
find_process(const KtTarget *target, const KtJournalStep *step)
{
    gint64 pid = step->process ? g_ascii_strtoll(step->process, NULL, 10) : 0;
    g_autofree char *identity = pid > 0 ? kt_qemu_process_identity(target->root, pid) : NULL;
    return identity && g_str_equal(identity, step->process) ? pid : 0;
}

/** Where its memory is. *@ret_nodes is NULL where the process has ended. */
static bool
read_nodes(const KtTarget *target, const KtJournalStep *step, KtCpuset **ret_nodes, GError **error)
{
    gint64 pid = find_process(target, step);
    KtCpuset *nodes = pid > 0 ? kt_qemu_process_nodes(target->root, pid) : NULL;
    if (!nodes && find_process(target, step) > 0) {
        g_set_error(error, KT_ERROR, KT_ERROR_IO,
                    "domain %s: /proc/%" G_GINT64_FORMAT "/numa_maps doesn't say where its memory is",
                    step->domain_name, pid);
        return false;
    }
    *ret_nodes = nodes;
    return true;
}

/** A guest that runs takes new pages wherever it is, and a move may have ended half way: what lies on the
 * nodes of both is on the way. Elsewhere somebody else has put it. */
static bool
is_on_the_way(const KtCpuset *present, const KtJournalAction *action, const KtCpuset *wanted)
{
    g_autoptr(KtCpuset) known = kt_cpuset_parse(action->from ? action->from : "", false, NULL);
    if (!known || !hwloc_bitmap_intersects(present, known))
        return false;
    hwloc_bitmap_or(known, known, wanted);
    return hwloc_bitmap_isincluded(present, known);
}

static bool
check(const KtTarget *target, KtJournalStep *step, KtStepState *ret_state, char **ret_found, GError **error)
{
    g_autoptr(KtCpuset) wanted = kt_page_journey_nodes(step, error);
    g_autoptr(KtCpuset) present = NULL;
    if (!wanted || !read_nodes(target, step, &present, error))
        return false;
    if (!present) {
        kt_step_all_gone(
            step, g_strdup_printf("domain %s does not run in that process any more", step->domain_name),
            ret_state, ret_found);
        return true;
    }
    KtJournalAction *action = g_ptr_array_index(step->actions, 0);
    g_autofree char *found = kt_cpuset_format(present);
    const char *as = found;
    if (g_strcmp0(found, action->from) != 0 && hwloc_bitmap_isincluded(present, wanted))
        as = action->to;
    else if (is_on_the_way(present, action, wanted))
        as = action->from;
    kt_step_note(step, action, g_strdup(as), false);
    kt_step_sum_up(step, ret_state, ret_found);
    return true;
}

/** Pages that can't move stay without an error: reading back tells. */
static bool
move_pages_of(gint64 pid, const KtCpuset *from, const KtCpuset *to, GError **error)
{
    if (numa_available() < 0) {
        g_set_error_literal(error, KT_ERROR, KT_ERROR_UNSUPPORTED,
                            "this kernel moves no pages between nodes");
        return false;
    }
    struct bitmask *from_mask = kt_node_mask(from), *to_mask = kt_node_mask(to);
    int left = numa_migrate_pages((int)pid, from_mask, to_mask), failure = errno;
    numa_bitmask_free(from_mask);
    numa_bitmask_free(to_mask);
    if (left >= 0)
        return true;
    g_autofree char *from_text = kt_cpuset_format(from);
    g_autofree char *to_text = kt_cpuset_format(to);
    kt_set_error_errno(error, failure, "its memory cannot move from node %s to node %s", from_text, to_text);
    return false;
}

/* Moves once what is elsewhere. *@ret_done: nothing that counts was. */
static bool
move_rest(const KtTarget *target, const KtJournalStep *step, const KtCpuset *to, bool *ret_done,
          GError **error)
{
    g_autoptr(KtCpuset) from = NULL;
    if (!read_nodes(target, step, &from, error))
        return false;
    if (!from || !kt_root_is_live(target->root)) {
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "domain %s: does not run here any more",
                    step->domain_name);
        return false;
    }
    hwloc_bitmap_andnot(from, from, to);
    *ret_done = hwloc_bitmap_iszero(from);
    if (*ret_done || move_pages_of(find_process(target, step), from, to, error))
        return true;
    g_prefix_error(error, "domain %s: ", step->domain_name);
    return false;
}

static bool
perform(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_autoptr(KtCpuset) to = kt_page_journey_nodes(step, error);
    if (!to || !kt_step_performs(only_action(step)))
        return to != NULL;
    bool done = false;
    for (guint try = 0; try < MOVES && !done; try++) {
        if (try > 0)
            g_usleep(INTERVAL_USEC);
        if (!move_rest(target, step, to, &done, error))
            return false;
    }
    return true;
}

/** With NUMA balancing on the kernel moves pages, too, to where a guest's threads ran last: as soon as they
 * are moved, or until the threads are where they shall be. What it takes back isn't a move that failed, as
 * long as most of it came. */
static bool
is_balanced(const KtRoot *root)
{
    gint64 balancing = KT_ABSENT;
    return kt_root_read_number(root, KT_NUMA_BALANCING, &balancing, NULL) && balancing > 0;
}

/** Whether most of its memory is there. */
static bool
is_mostly_on(const KtTarget *target, const KtJournalStep *step, const KtCpuset *wanted)
{
    gint64 there_kib = 0, total_kib = 0;
    g_autoptr(GArray) by_node = kt_qemu_process_memory_by_node(target->root, find_process(target, step));
    for (guint os = 0; by_node && os < by_node->len; os++) {
        gint64 kib = g_array_index(by_node, gint64, os);
        total_kib += kib;
        there_kib += hwloc_bitmap_isset(wanted, os) ? kib : 0;
    }
    return there_kib * 2 > total_kib;
}

static bool
read_back(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_autoptr(KtCpuset) wanted = kt_page_journey_nodes(step, error);
    g_autoptr(KtCpuset) present = NULL;
    if (!wanted || !read_nodes(target, step, &present, error))
        return false;
    if (present && hwloc_bitmap_isincluded(present, wanted))
        return true;
    if (present && is_balanced(target->root) && is_on_the_way(present, only_action(step), wanted) &&
        is_mostly_on(target, step, wanted))
        return true;
    g_autofree char *found = present ? kt_cpuset_format(present) : g_strdup("no process");
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "domain %s: wanted its memory on node '%s', found it on '%s'",
                step->domain_name, only_action(step)->to, found);
    return false;
}

const KtStepOps kt_step_pages = {
    .name = "pages",
    .describe = describe,
    .check = check,
    .perform = perform,
    .read_back = read_back,
};
