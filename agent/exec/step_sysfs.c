/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/pool_growth.h"
#include "agent/exec/step.h"
#include "base/error.h"
#include "probes/pools.h"

static char *
describe(const KtJournalStep *step)
{
    return g_strdup_printf("write '%s' to /%s", step->target, step->path);
}

/** The journal is read from disk: what can't be a value of a file must not reach one. */
static bool
is_whole(const KtJournalStep *step, GError **error)
{
    if (step->path && step->before && step->target && step->actions->len == 1)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "/%s: a step must have one value before and one after",
                step->path ? step->path : "");
    return false;
}

/** What the file says; NULL where it is absent. Pages of a pool that only wait for who uses them to go don't
 * count: a pool that an undo made smaller under a running guest shrinks when that is powered off. */
static bool
read_present(const KtRoot *root, const char *path, char **ret_text, GError **error)
{
    gint64 pages;
    if (!kt_pools_is_file(path))
        return kt_root_read_choice(root, path, ret_text, error);
    if (!kt_pools_read_asked(root, path, &pages, error))
        return false;
    *ret_text = pages == KT_ABSENT ? NULL : g_strdup_printf("%" G_GINT64_FORMAT, pages);
    return true;
}

/** Whether @present was being written when what moves this value was stopped: agent/exec/moving.h. */
static bool
is_on_its_way(const KtJournalStep *step, const char *present)
{
    return step->part && !step->part->done && g_strcmp0(step->part->note, present) == 0;
}

static bool
check(const KtTarget *target, KtJournalStep *step, KtStepState *ret_state, char **ret_found, GError **error)
{
    g_autofree char *present = NULL;
    if (!is_whole(step, error) || !read_present(target->root, step->path, &present, error))
        return false;

    KtJournalAction *action = g_ptr_array_index(step->actions, 0);
    if (!present) {
        g_autofree char *path = kt_root_describe(target->root, step->path);
        kt_step_all_gone(step, g_strdup_printf("%s is not there any more", path), ret_state, ret_found);
        return true;
    }
    /* The action has the words of the profile, the step those of the file. */
    if (g_str_equal(present, step->target))
        action->state = KT_STEP_IS_AFTER;
    else if (g_str_equal(present, step->before) || is_on_its_way(step, present) || step->forced)
        action->state = KT_STEP_IS_BEFORE;
    else
        action->state = KT_STEP_IS_OTHER;
    g_free(action->found);
    action->found = g_steal_pointer(&present);
    kt_step_sum_up(step, ret_state, ret_found);
    return true;
}

static bool
perform(const KtTarget *target, KtJournalStep *step, GError **error)
{
    if (!kt_step_performs(g_ptr_array_index(step->actions, 0)))
        return true;
    if (kt_pools_is_file(step->path))
        return kt_pool_write(target->root, step->path, step->target, error);
    return kt_root_write(target->root, step->path, step->target, error);
}

static bool
read_back(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_clear_pointer(&step->after, g_free);
    if (!read_present(target->root, step->path, &step->after, error))
        return false;
    if (g_strcmp0(step->after, step->target) == 0)
        return true;
    g_autofree char *path = kt_root_describe(target->root, step->path);
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s: wanted '%s', found '%s'", path, step->target,
                step->after ? step->after : "nothing");
    return false;
}

const KtStepOps kt_step_sysfs = {
    .name = "sysfs",
    .describe = describe,
    .check = check,
    .perform = perform,
    .read_back = read_back,
};
