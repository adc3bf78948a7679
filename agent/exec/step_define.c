/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "agent/exec/disk_jobs.h"
#include "agent/exec/step.h"
#include "agent/exec/step_domain.h"
#include "agent/exec/step_xml.h"
#include "base/error.h"

static char *
describe(const KtJournalStep *step)
{
    return g_strdup_printf("define domain %s with %u changed value%s", step->domain_name, step->actions->len,
                           step->actions->len == 1 ? "" : "s");
}

/**
 * The persistent definition, with secrets: without them the next define would lose them. *@ret_xml is NULL
 * where there is none: the domain has gone, or is transient (its "inactive" XML is the live one, and defining
 * it would make it persistent).
 */
static bool
read_definition(virDomain *domain, const KtJournalStep *step, char **ret_xml, GError **error)
{
    int persistent = domain ? virDomainIsPersistent(domain) : 0;
    char *xml =
        persistent > 0 ? virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE) : NULL;
    if (domain && persistent != 0 && !xml && !kt_hypervisor_domain_is_gone()) {
        kt_hypervisor_set_error(error, "domain %s: its definition cannot be read", step->domain_name);
        return false;
    }
    *ret_xml = g_strdup(xml);
    free(xml);
    return true;
}

static bool
read_present(const KtTarget *target, const KtJournalStep *step, virDomain **ret_domain, char **ret_xml,
             GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    if (!kt_step_find_domain(target, step, &domain, error) || !read_definition(domain, step, ret_xml, error))
        return false;
    if (ret_domain)
        *ret_domain = g_steal_pointer(&domain);
    return true;
}

static const char *
disk_of(const KtJournalAction *action)
{
    return action->item && g_str_has_prefix(action->item, "disk ") ? action->item + strlen("disk ") : NULL;
}

/** The disks whose definitions are to be changed, each once. */
static GPtrArray *
disks_to_change(const KtJournalStep *step)
{
    GPtrArray *disks = g_ptr_array_new();
    for (guint i = 0; i < step->actions->len; i++) {
        const KtJournalAction *action = g_ptr_array_index(step->actions, i);
        const char *disk = kt_step_performs(action) ? disk_of(action) : NULL;
        if (disk && !g_ptr_array_find_with_equal_func(disks, disk, g_str_equal, NULL))
            g_ptr_array_add(disks, (gpointer)disk);
    }
    return disks;
}

/** Leaves the actions of disks that block jobs are at work on. */
static void
leave_busy_disks(virDomain *domain, KtJournalStep *step, KtStepState *ret_state, char **ret_found)
{
    g_autoptr(GPtrArray) disks = disks_to_change(step);
    if (disks->len == 0)
        return;
    g_autoptr(GHashTable) obstacles = kt_disk_jobs_ask(domain, disks);
    g_autoptr(GString) text = g_string_new(*ret_found);
    for (guint i = 0; i < step->actions->len; i++) {
        KtJournalAction *action = g_ptr_array_index(step->actions, i);
        const char *disk = kt_step_performs(action) ? disk_of(action) : NULL;
        const char *obstacle = disk ? g_hash_table_lookup(obstacles, disk) : NULL;
        if (!obstacle)
            continue;
        action->state = KT_STEP_IS_OTHER;
        *ret_state = KT_STEP_IS_OTHER;
        if (!strstr(text->str, obstacle))
            g_string_append_printf(text, "%s%s", text->len > 0 ? "; " : "", obstacle);
    }
    g_free(*ret_found);
    *ret_found = text->len > 0 ? g_strdup(text->str) : NULL;
}

static bool
check(const KtTarget *target, KtJournalStep *step, KtStepState *ret_state, char **ret_found, GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    g_autofree char *present = NULL;
    if (!read_present(target, step, &domain, &present, error))
        return false;
    if (!present) {
        kt_step_all_gone(
            step, g_strdup_printf("domain %s has no persistent definition any more", step->domain_name),
            ret_state, ret_found);
        return true;
    }
    if (!kt_step_xml_note(step, present, error))
        return false;
    kt_step_sum_up(step, ret_state, ret_found);
    leave_busy_disks(domain, step, ret_state, ret_found);
    /* An undo defines exactly what was before only where the definition is just what we left. Else
     * somebody edited it since, or a crash came before it was read: then only our nodes go back. */
    if (step->target && (*ret_state == KT_STEP_IS_OTHER || g_strcmp0(present, step->before) != 0))
        g_clear_pointer(&step->target, g_free);
    g_free(step->before);
    step->before = g_steal_pointer(&present);
    return true;
}

static bool
perform(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    g_autofree char *present = NULL;
    g_autofree char *xml =
        step->target ? g_strdup(step->target) : kt_step_xml_edit(step->before, step, error);
    if (!xml || !read_present(target, step, &domain, &present, error))
        return false;
    /* libvirt has no "define if unchanged": as late as it can be seen. */
    if (g_strcmp0(present, step->before) != 0) {
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "domain %s: its definition was changed just now",
                    step->domain_name);
        return false;
    }
    /* No validation against the schema: the definition is what libvirt itself gave, or accepted once. */
    g_autoptr(virDomain) defined = virDomainDefineXMLFlags(target->connection, xml, 0);
    if (!defined)
        kt_hypervisor_set_error(error, "domain %s: the changed definition was refused", step->domain_name);
    return defined != NULL;
}

static bool
read_back(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_clear_pointer(&step->after, g_free);
    if (!read_present(target, step, NULL, &step->after, error))
        return false;
    if (!step->after) {
        g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "domain %s: its definition has gone",
                    step->domain_name);
        return false;
    }
    return kt_step_xml_compare(step, step->after, "its definition", error);
}

const KtStepOps kt_step_define = {
    .name = "define",
    .describe = describe,
    .check = check,
    .perform = perform,
    .read_back = read_back,
};
