/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/step.h"
#include "agent/exec/step_services_file.h"
#include "agent/exec/step_services_systemd.h"
#include "base/cpuset.h"
#include "base/error.h"
#include "tuners/services.h"

/**
 * The CPUs of one group of host services. Where systemd owns the groups it is asked; else the group's file is
 * written. The actions have CPU lists, nothing = not set.
 */

static KtJournalAction *
only_action(const KtJournalStep *step)
{
    return g_ptr_array_index(step->actions, 0);
}

static const char *
shown(const char *cpus)
{
    return cpus && *cpus ? cpus : "all CPUs";
}

static char *
describe(const KtJournalStep *step)
{
    const char *cpus = only_action(step)->to;
    const char *unit = kt_services_unit(step);
    const char *word = cpus && *cpus ? "CPUs " : "";
    return unit ? g_strdup_printf("have systemd confine %s to %s%s", unit, word, shown(cpus))
                : g_strdup_printf("confine /%s to %s%s", step->path, word, shown(cpus));
}

static bool
is_cpu_list(const char *text)
{
    g_autoptr(KtCpuset) cpus = kt_cpuset_parse(text ? text : "", false, NULL);
    return cpus != NULL;
}

/** The journal is read from disk. */
static bool
is_whole(const KtJournalStep *step, GError **error)
{
    if (step->path && step->actions->len == 1 && is_cpu_list(only_action(step)->from) &&
        is_cpu_list(only_action(step)->to) &&
        (kt_services_unit(step) || !g_str_has_prefix(step->path, KT_SERVICES_SYSTEMD)))
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_INVALID,
                "%s: a step must have a group and CPU lists before and after", step->path ? step->path : "");
    return false;
}

/** What the kernel keeps to: the group's file, also under systemd, which may have been gone past. */
static char *
cpus_file(const KtJournalStep *step)
{
    const char *unit = kt_services_unit(step);
    return unit ? kt_services_unit_file(unit) : g_strdup(step->path);
}

/** Nothing set and all CPUs are the same to everybody in a group. */
static bool
is_unconfined(const KtRoot *root, const char *file, const char *cpus)
{
    return !cpus || !*cpus || kt_services_is_all(root, file, cpus);
}

/** Under systemd a group has no file until somebody sets its CPUs, and after a boot it has none again. Where
 * one end of the step is a group that isn't confined, one that isn't now is at that end, whichever of the two
 * ways it is written: the kernel often has no way from the one to the other. */
static const char *
as_in_step(const KtRoot *root, const KtJournalAction *action, const char *file, const char *text)
{
    if (!is_unconfined(root, file, text))
        return text;
    if (is_unconfined(root, file, action->from))
        return action->from;
    return is_unconfined(root, file, action->to) ? action->to : text;
}

static bool
read_present(const KtTarget *target, const KtJournalStep *step, bool *ret_gone, char **ret_cpus,
             GError **error)
{
    g_autofree char *file = cpus_file(step);
    g_autofree char *text = NULL;
    if (!kt_root_read(target->root, file, &text, error))
        return false;
    *ret_gone = !text && !kt_services_unit(step);
    const char *cpus = as_in_step(target->root, only_action(step), file, text);
    *ret_cpus = cpus && *cpus ? g_strdup(cpus) : NULL;
    return true;
}

static bool
check(const KtTarget *target, KtJournalStep *step, KtStepState *ret_state, char **ret_found, GError **error)
{
    char *present = NULL;
    bool gone;
    if (!is_whole(step, error) || !read_present(target, step, &gone, &present, error))
        return false;
    kt_step_note(step, only_action(step), present, gone);
    if (kt_services_unit(step) && step->undoes_run == 0 && !kt_services_record(target, step, error))
        return false;
    kt_step_sum_up(step, ret_state, ret_found);
    return true;
}

static bool
perform(const KtTarget *target, KtJournalStep *step, GError **error)
{
    const char *cpus = only_action(step)->to;
    if (!kt_step_performs(only_action(step)))
        return true;
    if (kt_services_unit(step))
        return kt_services_perform(target, step, error);
    if (kt_services_write(target->root, step->path, cpus, error))
        return true;
    g_prefix_error(error, "a group may not have fewer CPUs than one below it: ");
    return false;
}

static bool
read_back(const KtTarget *target, KtJournalStep *step, GError **error)
{
    const KtJournalAction *action = only_action(step);
    g_autofree char *present = NULL;
    bool gone;
    g_clear_pointer(&step->after, g_free);
    if (!read_present(target, step, &gone, &present, error))
        return false;
    if (g_strcmp0(present, action->to) == 0) {
        step->after = g_strdup(step->target);
        return true;
    }
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s of %s: wanted '%s', found '%s'", action->setting,
                action->item, shown(action->to), shown(present));
    return false;
}

const KtStepOps kt_step_services = {
    .name = "services",
    .describe = describe,
    .check = check,
    .perform = perform,
    .read_back = read_back,
};
