/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/power_cycle.h"

#include <libvirt/libvirt-qemu.h>
#include <stdlib.h>

#include "agent/exec/ping.h"
#include "base/error.h"
#include "probes/guest_agent.h"

#define INTERVAL_USEC (250 * 1000)
#define LEAVE_SECONDS 30 /* QEMU's own way out, once the guest has powered off */

/** A connection that is broken stays so. */
static bool
is_connected(virDomain *domain)
{
    return virConnectIsAlive(virDomainGetConnect(domain)) == 1;
}

/** Waits until the domain is off; not for a libvirtd that has gone. */
static bool
wait_until_off(virDomain *domain, guint seconds)
{
    for (gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC; g_get_monotonic_time() < end;
         g_usleep(INTERVAL_USEC)) {
        int active = virDomainIsActive(domain);
        bool off = active == 0 || (active < 0 && kt_hypervisor_domain_is_gone());
        if (off || (active < 0 && !is_connected(domain)))
            return off;
    }
    return false;
}

char *
kt_power_definition(virDomain *domain)
{
    char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE);
    char *copy = g_strdup(xml);
    free(xml);
    return copy;
}

/** A start would resume a saved image instead. */
static bool
has_no_image(virDomain *domain, GError **error)
{
    bool has_image = virDomainHasManagedSaveImage(domain, 0) > 0;
    if (has_image)
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT,
                    "it has a saved image, which its next start would resume; remove that "
                    "('virsh managedsave-remove') and try again");
    return !has_image;
}

/** One that only runs and is defined nowhere would be lost. */
static bool
is_defined(virDomain *domain, GError **error)
{
    bool transient = virDomainIsPersistent(domain) == 0;
    if (transient)
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT,
                    "it is transient: once it is off it is gone; define it ('virsh define') and try again");
    return !transient;
}

/** Where the connection breaks meanwhile the guest may have been asked. */
static bool
ask_off(virDomain *domain, GHashTable *asked, GError **error)
{
    bool accepted = virDomainShutdown(domain) == 0;
    g_autoptr(GError) refusal = NULL;
    if (!accepted)
        kt_hypervisor_set_error(&refusal, "cannot be asked to shut down");
    if (asked && (accepted || !is_connected(domain)))
        g_hash_table_add(asked, g_strdup(virDomainGetName(domain)));
    if (accepted || virDomainIsActive(domain) == 0)
        return true;
    g_propagate_error(error, g_steal_pointer(&refusal));
    return false;
}

bool
kt_power_off_noting(virDomain *domain, GHashTable *asked, GError **error)
{
    if (!has_no_image(domain, error) || !is_defined(domain, error) || !ask_off(domain, asked, error))
        return false;
    if (wait_until_off(domain, KT_SHUTDOWN_SECONDS))
        return true;
    g_autofree char *found = is_connected(domain)
                                 ? g_strdup_printf("is not off after %d s", KT_SHUTDOWN_SECONDS)
                                 : g_strdup("libvirtd has gone meanwhile");
    g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR,
                "it was asked to shut down and %s; should it still do so, it stays off until 'virsh start'",
                found);
    return false;
}

bool
kt_power_off(virDomain *domain, GError **error)
{
    return kt_power_off_noting(domain, NULL, error);
}

bool
kt_power_has_gone(virDomain *domain)
{
    int state = VIR_DOMAIN_NOSTATE;
    bool going = virDomainGetState(domain, &state, NULL, 0) == 0 &&
                 (state == VIR_DOMAIN_SHUTDOWN || state == VIR_DOMAIN_CRASHED);
    return going ? wait_until_off(domain, LEAVE_SECONDS) : virDomainIsActive(domain) == 0;
}

bool
kt_power_on_as(virDomain *domain, const char *xml)
{
    g_autoptr(virDomain) started = xml ? virDomainCreateXML(virDomainGetConnect(domain), xml, 0) : NULL;
    return started != NULL;
}

bool
kt_power_on(virDomain *domain, const char *before, GError **error)
{
    if (virDomainCreate(domain) == 0 || virDomainIsActive(domain) > 0)
        return true;
    kt_hypervisor_set_error(error, "it does not start as it is defined now");
    g_prefix_error(error,
                   kt_power_on_as(domain, before) ? "it runs again as it did before: " : "it does not run: ");
    return false;
}

bool
kt_power_agent_answers(virDomain *domain)
{
    char *answer = virDomainQemuAgentCommand(domain, "{\"execute\":\"guest-ping\"}", KT_AGENT_SECONDS, 0);
    bool answers = answer != NULL;
    free(answer);
    return answers;
}

/** An address of the guest that libvirt gave it, or that this host has spoken with, and that answers now. */
static char *
find_address(virDomain *domain)
{
    static const unsigned int sources[] = {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE,
                                           VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP};
    char *found = NULL;
    for (guint i = 0; i < G_N_ELEMENTS(sources) && !found; i++) {
        virDomainInterfacePtr *interfaces = NULL;
        int n = virDomainInterfaceAddresses(domain, &interfaces, sources[i], 0);
        for (int k = 0; k < n; k++) {
            for (guint j = 0; j < interfaces[k]->naddrs && !found; j++)
                if (kt_ping(interfaces[k]->addrs[j].addr))
                    found = g_strdup(interfaces[k]->addrs[j].addr);
            virDomainInterfaceFree(interfaces[k]);
        }
        free(interfaces);
    }
    return found;
}

void
kt_power_find_sign(virDomain *domain, bool has_agent, KtSignOfLife *ret_sign)
{
    ret_sign->agent = has_agent && kt_power_agent_answers(domain);
    ret_sign->address = ret_sign->agent ? NULL : find_address(domain);
}

static bool
is_up(virDomain *domain, const KtSignOfLife *sign, gint64 started)
{
    if (sign->agent)
        return kt_power_agent_answers(domain);
    if (sign->address)
        return kt_ping(sign->address);
    return g_get_monotonic_time() - started >= KT_SETTLE_SECONDS * G_USEC_PER_SEC;
}

bool
kt_power_wait(virDomain *domain, const KtSignOfLife *sign, GError **error)
{
    gint64 start = g_get_monotonic_time();
    for (gint64 end = start + KT_START_SECONDS * G_USEC_PER_SEC; g_get_monotonic_time() < end;
         g_usleep(INTERVAL_USEC)) {
        int state = VIR_DOMAIN_NOSTATE;
        if (virDomainGetState(domain, &state, NULL, 0) < 0 || state != VIR_DOMAIN_RUNNING) {
            g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "it was started and no longer runs");
            return false;
        }
        if (is_up(domain, sign, start))
            return true;
    }
    g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "it was started, and %s%s does not answer after %d s",
                sign->agent ? "its agent" : "its address ", sign->agent ? "" : sign->address,
                KT_START_SECONDS);
    return false;
}
