/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/replug.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/domain_plug.h"
#include "base/domain_xml.h"
#include "base/error.h"
#include "probes/guest_agent.h"

#define INTERVAL_USEC (200 * 1000)

/* QEMU announces the NICs of a guest that it has just resumed, five times within this. net/announce.c */
#define ANNOUNCE_USEC (4 * G_USEC_PER_SEC)

char *
kt_replug_live_xml(virDomain *domain)
{
    char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_SECURE);
    char *copy = g_strdup(xml);
    free(xml);
    return copy;
}

/** Whether the NIC is in the domain; @unknown where that can't be told. */
static bool
is_plugged(const KtReplug *replug, bool unknown)
{
    g_autofree char *xml = kt_replug_live_xml(replug->domain);
    g_autofree char *nic = xml ? kt_domain_nic_xml(xml, replug->mac, NULL) : NULL;
    return xml ? nic != NULL : unknown;
}

bool
kt_replug_out(const KtReplug *replug, GError **error)
{
    g_autofree char *xml = kt_replug_live_xml(replug->domain);
    g_autofree char *nic = xml ? kt_domain_nic_xml(xml, replug->mac, error) : NULL;
    if (!xml)
        kt_hypervisor_set_error(error, "its live definition cannot be read");
    if (!nic)
        return false;
    if (virDomainDetachDeviceFlags(replug->domain, nic, VIR_DOMAIN_AFFECT_LIVE) < 0) {
        g_autoptr(GError) local = NULL;
        kt_hypervisor_set_error(&local, "NIC %s cannot be unplugged", replug->mac);
        g_set_error_literal(error, KT_ERROR,
                            is_plugged(replug, false) ? KT_ERROR_CONFLICT : KT_ERROR_HYPERVISOR,
                            local->message);
        return false;
    }
    /* The guest has a say in it, and libvirt doesn't wait long. */
    for (gint64 end = g_get_monotonic_time() + KT_UNPLUG_SECONDS * G_USEC_PER_SEC;
         g_get_monotonic_time() < end; g_usleep(INTERVAL_USEC))
        if (!is_plugged(replug, true))
            return true;
    g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "the guest did not let go of NIC %s in %d s",
                replug->mac, KT_UNPLUG_SECONDS);
    return false;
}

void
kt_replug_await_silence(const char *process)
{
    const char *colon = process ? strchr(process, ':') : NULL;
    gint64 start = colon ? g_ascii_strtoll(colon + 1, NULL, 10) * (G_USEC_PER_SEC / sysconf(_SC_CLK_TCK)) : 0;
    struct timespec now;
    /* What START counts from. */
    if (!colon || !g_ascii_isdigit(*process) || clock_gettime(CLOCK_BOOTTIME, &now) != 0)
        return;
    gint64 age = (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000 - start;
    if (age >= 0 && age < ANNOUNCE_USEC)
        g_usleep((gulong)(ANNOUNCE_USEC - age));
}

bool
kt_replug_in(const KtReplug *replug, const char *nic_xml, GError **error)
{
    if (virDomainAttachDeviceFlags(replug->domain, nic_xml, VIR_DOMAIN_AFFECT_LIVE) == 0)
        return true;
    kt_hypervisor_set_error(error, "NIC %s cannot be plugged in", replug->mac);
    return false;
}

/** Whether the guest's agent lists an interface with that MAC. */
static bool
agent_lists(const KtReplug *replug)
{
    virDomainInterfacePtr *interfaces = NULL;
    if (!replug->has_agent || virDomainAgentSetResponseTimeout(replug->domain, KT_AGENT_SECONDS, 0) < 0)
        return false;
    int n =
        virDomainInterfaceAddresses(replug->domain, &interfaces, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, 0);
    bool listed = false;
    for (int i = 0; i < n; i++) {
        listed =
            listed || (interfaces[i]->hwaddr && g_ascii_strcasecmp(interfaces[i]->hwaddr, replug->mac) == 0);
        virDomainInterfaceFree(interfaces[i]);
    }
    free(interfaces);
    return listed;
}

/** Whether the guest has sent anything by it: libvirt counts as the guest sees it. */
static bool
sends(const KtReplug *replug)
{
    g_autofree char *xml = kt_replug_live_xml(replug->domain);
    g_autoptr(KtDomainDef) def = xml ? kt_domain_def_parse(xml, NULL) : NULL;
    const KtNicDef *nic = def ? kt_domain_def_find_nic(def, replug->mac) : NULL;
    virDomainInterfaceStatsStruct stats = {0};
    return nic && nic->target &&
           virDomainInterfaceStats(replug->domain, nic->target, &stats, sizeof stats) == 0 &&
           stats.tx_packets > 0;
}

bool
kt_replug_is_taken(const KtReplug *replug, GError **error)
{
    for (gint64 end = g_get_monotonic_time() + KT_TAKE_SECONDS * G_USEC_PER_SEC; g_get_monotonic_time() < end;
         g_usleep(INTERVAL_USEC))
        if (sends(replug) || agent_lists(replug))
            return true;
    g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR,
                "the guest made no use of the new NIC %s in %d s: it sent nothing, and no agent lists it",
                replug->mac, KT_TAKE_SECONDS);
    return false;
}
