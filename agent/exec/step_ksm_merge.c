/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/step.h"
#include "base/error.h"
#include "probes/kernel.h"
#include "probes/memory.h"
#include "tuners/ksm.h"

/**
 * merge_across_nodes can be changed only while no page is merged: run = 2 takes all apart, then it is
 * written, then `run` gets back what it held (Documentation/admin-guide/mm/ksm.rst).
 *
 * Each of the three parts is in the journal, with what `run` is to hold again. Where the journal says that
 * the procedure was stopped half way, and `run` holds what that leaves there, the next one puts it back. Any
 * other value of `run` is somebody's wish.
 */

#define MERGE KT_KSM "merge_across_nodes"
#define RUN KT_KSM "run"
#define RUN_UNMERGE "2" /* KT_KSM_UNMERGE */

#define PART_UNMERGE "unmerge"
#define PART_WRITE "write"
#define PART_RESUME "resume"

/** How long pages may stay merged after the kernel said that it took them apart: some were just moving. */
#define PATIENCE_USEC (10 * G_USEC_PER_SEC)
#define INTERVAL_USEC (20 * 1000)

static const char *
word(gint64 merge)
{
    return merge != 0 ? "yes" : "no";
}

static KtJournalAction *
only_action(const KtJournalStep *step)
{
    return g_ptr_array_index(step->actions, 0);
}

static char *
describe(const KtJournalStep *step)
{
    return g_strdup_printf(
        "take apart what KSM has merged, set merge across nodes to '%s', let KSM go on as before",
        only_action(step)->to);
}

/** What is written is made from these words: they may come from a file. */
static bool
is_whole(const KtJournalStep *step, GError **error)
{
    static const char *const words[] = {"yes", "no", NULL};
    if (step->actions->len == 1 &&
        g_strv_contains(words, only_action(step)->from ? only_action(step)->from : "") &&
        g_strv_contains(words, only_action(step)->to ? only_action(step)->to : ""))
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_INVALID,
                "/" MERGE ": a step must have 'yes' or 'no' before and after");
    return false;
}

/** Whether the procedure, stopped in or after @part, leaves @run there. The kernel that is stopped while it
 * takes pages apart sets 0. */
static bool
is_left_by(const KtJournalPart *part, gint64 run)
{
    bool taken_apart =
        g_str_equal(part->name, PART_WRITE) || (g_str_equal(part->name, PART_UNMERGE) && part->done);
    return run == KT_KSM_UNMERGE || (run == KT_KSM_OFF && !taken_apart);
}

/** What `run` is to hold again where the procedure was stopped half way; KT_ABSENT where it wasn't, or where
 * `run` was set by somebody since. */
static gint64
run_to_restore(const KtJournalStep *step, const KtKsm *ksm)
{
    gint64 recorded;
    if (!kt_journal_is_half_way(step, PART_RESUME) || !step->part->note ||
        !g_ascii_string_to_signed(step->part->note, 10, KT_KSM_OFF, KT_KSM_UNMERGE, &recorded, NULL))
        return KT_ABSENT;
    return ksm->run != recorded && is_left_by(step->part, ksm->run) ? recorded : KT_ABSENT;
}

static bool
check(const KtTarget *target, KtJournalStep *step, KtStepState *ret_state, char **ret_found, GError **error)
{
    if (!is_whole(step, error))
        return false;
    g_autoptr(KtMemory) memory = kt_memory_read(target->root, error);
    if (!memory)
        return false;
    if (memory->ksm.run == KT_ABSENT || memory->ksm.merge_across_nodes == KT_ABSENT) {
        kt_step_all_gone(step, g_strdup("this kernel has no /" MERGE), ret_state, ret_found);
        return true;
    }
    kt_step_note(step, only_action(step), g_strdup(word(memory->ksm.merge_across_nodes)), false);
    if (run_to_restore(step, &memory->ksm) != KT_ABSENT)
        only_action(step)->state = KT_STEP_IS_BEFORE;
    kt_step_sum_up(step, ret_state, ret_found);
    return true;
}

static bool
wait_until_unmerged(const KtRoot *root, GError **error)
{
    gint64 pages = KT_ABSENT;
    for (gint64 end = g_get_monotonic_time() + PATIENCE_USEC; g_get_monotonic_time() < end;
         g_usleep(INTERVAL_USEC)) {
        if (!kt_root_read_number(root, KT_KSM "pages_shared", &pages, error))
            return false;
        if (pages <= 0)
            return true;
    }
    g_set_error(error, KT_ERROR, KT_ERROR_IO,
                "/" KT_KSM "pages_shared: wanted '0' within %d s, found '%" G_GINT64_FORMAT "'",
                (int)(PATIENCE_USEC / G_USEC_PER_SEC), pages);
    return false;
}

/** The kernel is done when the write returns, but for pages that were moving. @run: what `run` held. */
static bool
unmerge(const KtRoot *root, KtJournalStep *step, const char *run, GError **error)
{
    return kt_journal_begin_part(step, PART_UNMERGE, run, error) &&
           kt_root_write(root, RUN, RUN_UNMERGE, error) && wait_until_unmerged(root, error) &&
           kt_journal_end_part(step, error);
}

/* Seen on Linux 6.1 with NUMA balancing on: refused with EBUSY though no page counts as merged any more, and
 * taken once all memory of the guests had been read and unmerged again. */
static void
explain_refusal(const KtRoot *root, GError **error)
{
    gint64 balancing = KT_ABSENT;
    if (error == NULL || *error == NULL || !kt_root_read_number(root, KT_NUMA_BALANCING, &balancing, NULL) ||
        balancing <= 0)
        return;
    g_autofree char *message = g_strdup((*error)->message);
    g_free((*error)->message);
    (*error)->message = g_strdup_printf(
        "%s; some kernels refuse it while NUMA balancing is on, though nothing is merged: try it with host "
        "numa-balancing = no, once the guests have used their memory",
        message);
}

static bool
write_merge(const KtRoot *root, KtJournalStep *step, const char *run, GError **error)
{
    if (!kt_journal_begin_part(step, PART_WRITE, run, error))
        return false;
    if (kt_root_write(root, MERGE, g_str_equal(only_action(step)->to, "yes") ? "1" : "0", error))
        return kt_journal_end_part(step, error);
    explain_refusal(root, error);
    return false;
}

/** Also where that can't be recorded. */
static bool
resume(const KtRoot *root, KtJournalStep *step, const char *run, GError **error)
{
    bool begun = kt_journal_begin_part(step, PART_RESUME, run, error);
    return kt_root_write(root, RUN, run, begun ? error : NULL) && begun && kt_journal_end_part(step, error);
}

static bool
perform(const KtTarget *target, KtJournalStep *step, GError **error)
{
    if (!kt_step_performs(only_action(step)))
        return true;
    g_autoptr(KtMemory) memory = kt_memory_read(target->root, error);
    if (!memory)
        return false;
    gint64 restore = run_to_restore(step, &memory->ksm);
    g_autofree char *run =
        g_strdup_printf("%" G_GINT64_FORMAT, restore == KT_ABSENT ? memory->ksm.run : restore);
    bool differs = !g_str_equal(word(memory->ksm.merge_across_nodes), only_action(step)->to);
    g_autofree char *obstacle = differs ? kt_ksm_unmerge_obstacle(memory) : NULL;
    if (obstacle && restore == KT_ABSENT) {
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "/" MERGE ": %s", obstacle);
        return false;
    }
    /* However that ends, KSM goes on as it was. */
    bool changed =
        !differs || (unmerge(target->root, step, run, error) && write_merge(target->root, step, run, error));
    bool resumed = resume(target->root, step, run, changed ? error : NULL);
    return changed && resumed;
}

static bool
read_back(const KtTarget *target, KtJournalStep *step, GError **error)
{
    gint64 merge;
    g_clear_pointer(&step->after, g_free);
    if (!kt_root_read_number(target->root, MERGE, &merge, error) ||
        !kt_root_read(target->root, MERGE, &step->after, error))
        return false;
    const char *wanted = only_action(step)->to;
    if (merge != KT_ABSENT && g_str_equal(word(merge), wanted))
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "/" MERGE ": wanted '%s', found '%s'", wanted,
                merge == KT_ABSENT ? "nothing" : word(merge));
    return false;
}

const KtStepOps kt_step_ksm_merge = {
    .name = "ksm-merge",
    .describe = describe,
    .check = check,
    .perform = perform,
    .read_back = read_back,
};
