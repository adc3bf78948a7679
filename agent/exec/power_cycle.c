/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/power_cycle.h"

#include <libvirt/libvirt-qemu.h>
#include <stdlib.h>

#include "base/error.h"
#include "probes/guest_agent.h"

#define INTERVAL_USEC (250 * 1000)

/** Waits until the domain is as @active says. */
static bool
wait_for(virDomain *domain, bool active, guint seconds)
{
    for (gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC; g_get_monotonic_time() < end;
         g_usleep(INTERVAL_USEC)) {
        if (virDomainIsActive(domain) == (active ? 1 : 0))
            return true;
    }
    return false;
}

bool
kt_power_off(virDomain *domain, GError **error)
{
    if (virDomainShutdown(domain) < 0 && virDomainIsActive(domain) != 0) {
        kt_hypervisor_set_error(error, "cannot be asked to shut down");
        return false;
    }
    if (wait_for(domain, false, KT_SHUTDOWN_SECONDS))
        return true;
    g_set_error(
        error, KT_ERROR, KT_ERROR_HYPERVISOR,
        "it was asked to shut down and is not off after %d s; should it still do so, it stays off until "
        "'virsh start'",
        KT_SHUTDOWN_SECONDS);
    return false;
}

bool
kt_power_on(virDomain *domain, const char *before, GError **error)
{
    if (virDomainCreate(domain) == 0 || virDomainIsActive(domain) > 0)
        return true;
    kt_hypervisor_set_error(error, "it does not start as it is defined now");
    g_autoptr(virDomain) as_before =
        before ? virDomainCreateXML(virDomainGetConnect(domain), before, 0) : NULL;
    g_prefix_error(
        error, as_before ? "it runs again as it did before ('kvm-tune rollback' takes back what is staged): "
                         : "it does not run ('kvm-tune rollback' puts its definition back): ");
    return false;
}

static bool
agent_answers(virDomain *domain)
{
    char *answer = virDomainQemuAgentCommand(domain, "{\"execute\":\"guest-ping\"}", KT_AGENT_SECONDS, 0);
    bool answers = answer != NULL;
    free(answer);
    return answers;
}

bool
kt_power_wait(virDomain *domain, bool has_agent, GError **error)
{
    gint64 start = g_get_monotonic_time();
    gint64 settled = start + KT_SETTLE_SECONDS * G_USEC_PER_SEC;
    for (gint64 end = start + KT_START_SECONDS * G_USEC_PER_SEC; g_get_monotonic_time() < end;
         g_usleep(INTERVAL_USEC)) {
        int state = VIR_DOMAIN_NOSTATE;
        if (virDomainGetState(domain, &state, NULL, 0) < 0 || state != VIR_DOMAIN_RUNNING) {
            g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "it was started and no longer runs");
            return false;
        }
        if (has_agent ? agent_answers(domain) : g_get_monotonic_time() >= settled)
            return true;
    }
    g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR,
                "it was started, and its agent does not answer after %d s", KT_START_SECONDS);
    return false;
}
