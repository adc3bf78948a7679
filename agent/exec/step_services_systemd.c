/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/step_services_systemd.h"

#include <string.h>

#include "agent/exec/step_services_file.h"
#include "agent/exec/systemd_unit.h"
#include "base/error.h"
#include "tuners/services.h"

/**
 * A services step records what systemd was told: "AllowedCPUs=0-3 drop-in=none", where the second says which
 * drop-in file of systemd's own holds it:
 * - none: it isn't set, or by a file of the administrator's;
 * - runtime: /run/systemd/system.control, gone with the next boot, as all that is set now;
 * - persistent: /etc/systemd/system.control, by `systemctl set-property`. That file goes before the one in
 * /run, so it has to be the one that is changed.
 *
 * Back to `none` means that the file goes too. systemd isn't made to reload for that: what it has in memory
 * and what it would read are the same again.
 */

#define CPUS_KEY "AllowedCPUs="
#define PLACE_KEY " drop-in="
#define NONE "none"
#define RUNTIME "runtime"
#define PERSISTENT "persistent"

/** systemd answers before it has written the groups. */
#define PATIENCE_USEC (3 * G_USEC_PER_SEC)
#define INTERVAL_USEC (20 * 1000)

const char *
kt_services_unit(const KtJournalStep *step)
{
    static const char *const units[] = {"system.slice", "user.slice", "init.scope", NULL};
    if (!step->path || !g_str_has_prefix(step->path, KT_SERVICES_SYSTEMD))
        return NULL;
    const char *unit = step->path + strlen(KT_SERVICES_SYSTEMD);
    return g_strv_contains(units, unit) ? unit : NULL;
}

char *
kt_services_unit_file(const char *unit)
{
    return g_strdup_printf("sys/fs/cgroup/%s/cpuset.cpus", unit);
}

static const char *
place_of_drop_in(const KtRoot *root, const char *unit)
{
    g_autofree char *persistent = kt_systemd_unit_drop_in(unit, false);
    g_autofree char *runtime = kt_systemd_unit_drop_in(unit, true);
    if (kt_root_exists(root, persistent))
        return PERSISTENT;
    return kt_root_exists(root, runtime) ? RUNTIME : NONE;
}

bool
kt_services_record(const KtTarget *target, KtJournalStep *step, GError **error)
{
    const char *unit = kt_services_unit(step);
    g_autoptr(sd_bus) bus = kt_systemd_bus(error);
    g_autoptr(KtCpuset) cpus = NULL;
    if (!bus || !kt_systemd_unit_cpus(bus, unit, &cpus, error))
        return false;
    const KtJournalAction *action = g_ptr_array_index(step->actions, 0);
    const char *place = place_of_drop_in(target->root, unit);
    bool is_persistent = g_str_equal(place, PERSISTENT);
    g_autofree char *present = kt_cpuset_format(cpus);
    g_free(step->before);
    g_free(step->target);
    step->before = g_strconcat(CPUS_KEY, present, PLACE_KEY, place, NULL);
    step->target =
        g_strconcat(CPUS_KEY, action->to ? action->to : "", PLACE_KEY, is_persistent ? place : RUNTIME, NULL);
    return true;
}

/** Reads a record. */
static bool
read_record(const char *record, KtCpuset **ret_cpus, const char **ret_place, GError **error)
{
    const char *place = record ? strstr(record, PLACE_KEY) : NULL;
    if (place && g_str_has_prefix(record, CPUS_KEY)) {
        const char *start = record + strlen(CPUS_KEY);
        g_autofree char *list = g_strndup(start, (gsize)(place - start));
        *ret_cpus = kt_cpuset_parse(list, false, error);
        *ret_place = place + strlen(PLACE_KEY);
        return *ret_cpus != NULL;
    }
    g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "wanted '" CPUS_KEY "…" PLACE_KEY "…', found '%s'",
                record ? record : "nothing");
    return false;
}

/** The directory goes with the file where nothing else is in it. */
static bool
remove_drop_in(const KtRoot *root, const char *unit, GError **error)
{
    g_autofree char *file = kt_systemd_unit_drop_in(unit, true);
    g_autofree char *folder = g_path_get_dirname(file);
    if (!kt_root_remove(root, file, error))
        return false;
    kt_root_remove(root, folder, NULL);
    return true;
}

static bool
holds(const KtRoot *root, const char *file, const char *cpus)
{
    g_autofree char *text = NULL;
    return kt_root_read(root, file, &text, NULL) && g_strcmp0(text ? text : "", cpus ? cpus : "") == 0;
}

/** Where systemd is told that nothing is set any more, it leaves the group's file as it is as long as another
 * group needs one: then it is nobody's, and written here. */
static bool
settle(const KtRoot *root, const char *unit, bool is_systemds, const char *cpus, GError **error)
{
    g_autofree char *file = kt_services_unit_file(unit);
    for (gint64 end = g_get_monotonic_time() + PATIENCE_USEC; g_get_monotonic_time() < end;
         g_usleep(INTERVAL_USEC))
        if (holds(root, file, cpus))
            return true;
    if (is_systemds)
        return true; /* reading back tells */
    return kt_services_write(root, file, cpus, error);
}

bool
kt_services_perform(const KtTarget *target, KtJournalStep *step, GError **error)
{
    const char *unit = kt_services_unit(step);
    const KtJournalAction *action = g_ptr_array_index(step->actions, 0);
    g_autoptr(KtCpuset) cpus = NULL;
    const char *place;
    if (!read_record(step->target, &cpus, &place, error))
        return false;
    g_autoptr(sd_bus) bus = kt_systemd_bus(error);
    if (!bus || !kt_systemd_unit_set_cpus(bus, unit, cpus, !g_str_equal(place, PERSISTENT), error))
        return false;
    if (g_str_equal(place, NONE) && !remove_drop_in(target->root, unit, error))
        return false;
    return settle(target->root, unit, !hwloc_bitmap_iszero(cpus), action->to, error);
}
