/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/step_domain.h"

#include <stdlib.h>

#include "base/error.h"
#include "probes/qemu_process.h"

/** Not finding a domain only proves that it is gone where it once was. */
static bool
is_same_hypervisor(const KtTarget *target, const KtJournalStep *step, GError **error)
{
    char *uri = virConnectGetURI(target->connection);
    bool same = !step->hypervisor || g_strcmp0(uri, step->hypervisor) == 0;
    if (!same)
        g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR,
                    "domain %s: not known to %s; it was changed through %s: use --connect", step->domain_name,
                    uri ? uri : "this hypervisor", step->hypervisor);
    free(uri);
    return same;
}

bool
kt_step_find_domain(const KtTarget *target, const KtJournalStep *step, virDomain **ret_domain, GError **error)
{
    if (!target->connection || !step->domain_uuid) {
        g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR,
                    "domain %s: there is no connection to its hypervisor",
                    step->domain_name ? step->domain_name : "without a name");
        return false;
    }
    virDomain *domain = virDomainLookupByUUIDString(target->connection, step->domain_uuid);
    if (!domain && !kt_hypervisor_domain_is_gone()) {
        kt_hypervisor_set_error(error, "domain %s: cannot be looked up", step->domain_name);
        return false;
    }
    if (!domain && !is_same_hypervisor(target, step, error))
        return false;
    *ret_domain = domain;
    return true;
}

bool
kt_step_domain_is_active(virDomain *domain, const KtJournalStep *step, bool *ret_active, GError **error)
{
    int active = domain ? virDomainIsActive(domain) : 0;
    if (active < 0 && !kt_hypervisor_domain_is_gone()) {
        kt_hypervisor_set_error(error, "domain %s: cannot be asked whether it runs", step->domain_name);
        return false;
    }
    *ret_active = active > 0;
    return true;
}

bool
kt_step_same_process(const KtTarget *target, const KtJournalStep *step, virDomain *domain)
{
    gint64 pid = step->process ? g_ascii_strtoll(step->process, NULL, 10) : 0;
    g_autofree char *identity = pid > 0 ? kt_qemu_process_identity(target->root, pid) : NULL;
    g_autofree char *id = g_strdup_printf("id:%u", virDomainGetID(domain));
    return (identity && g_str_equal(identity, step->process)) || g_strcmp0(step->process, id) == 0;
}

char *
kt_step_process(const KtTarget *target, const KtJournalStep *step, virDomain *domain)
{
    g_autoptr(KtQemuProcesses) processes = kt_qemu_processes_find(target->root);
    gint64 pid = kt_qemu_processes_pid(processes, virDomainGetName(domain), step->domain_uuid);
    char *identity = pid > 0 ? kt_qemu_process_identity(target->root, pid) : NULL;
    return identity ? identity : g_strdup_printf("id:%u", virDomainGetID(domain));
}
