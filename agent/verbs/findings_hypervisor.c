/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <string.h>

#include "agent/verbs/findings.h"

void
kt_find_libvirt(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "libvirt";
    const KtSnapshot *snapshot = host->snapshot;
    if (host->unanswered) {
        /* The socket of a service that doesn't run, or one that this user may not open. */
        kt_finding_add(findings, name, KT_FINDING_BAD, "domains are seen and set through it",
                       "systemctl start libvirtd", "%s", host->unanswered);
        return;
    }
    if (snapshot->libvirt == NULL) {
        kt_finding_add(findings, name, KT_FINDING_UNKNOWN, NULL, NULL,
                       "the capture doesn't tell its version");
        return;
    }
    kt_finding_ok(findings, name, "%s%s%s, %s, %u domain%s", snapshot->libvirt,
                  snapshot->qemu ? " with QEMU " : "", snapshot->qemu ? snapshot->qemu : "",
                  snapshot->uri ? snapshot->uri : "no URI", snapshot->domains->len,
                  snapshot->domains->len == 1 ? "" : "s");
}

static void
append_name(GString *names, const char *name)
{
    g_string_append_printf(names, "%s%s", names->len ? ", " : "", name);
}

void
kt_find_emulated_domains(const KtHost *host, GPtrArray *findings)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < host->snapshot->domains->len; i++) {
        const KtDomain *domain = host->snapshot->domains->pdata[i];
        const KtDomainDef *def = kt_domain_def(domain);
        if (def && g_strcmp0(def->type, "qemu") == 0)
            append_name(names, domain->name);
    }
    if (names->len == 0 || !kt_root_exists(host->root, "sys/module/kvm"))
        return;
    kt_finding_add(findings, "emulated guests", KT_FINDING_WARN,
                   "KVM is there, but their definitions have <domain type='qemu'>: emulated, many times "
                   "slower than with 'kvm'",
                   "virsh edit NAME", "%s", names->str);
}

/* Whether some guest's NIC is on the network of that name. */
static bool
network_is_used(const KtSnapshot *snapshot, const char *network)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomainDef *def = kt_domain_def(snapshot->domains->pdata[i]);
        for (guint k = 0; def && k < def->nics->len; k++) {
            const KtNicDef *nic = def->nics->pdata[k];
            if (g_strcmp0(nic->type, "network") == 0 && g_strcmp0(nic->source, network) == 0)
                return true;
        }
    }
    return false;
}

static void
judge_network(GPtrArray *findings, virNetworkPtr network, bool used)
{
    static const char name[] = "default network";
    int autostart = 0;
    bool active = virNetworkIsActive(network) == 1;
    bool starts = virNetworkGetAutostart(network, &autostart) == 0 && autostart;
    if (active && starts)
        kt_finding_ok(findings, name, "active, and started at boot");
    else if (active)
        kt_finding_add(findings, name, KT_FINDING_WARN, "after the next boot guests on it don't start",
                       "virsh net-autostart default", "active, but not started at boot");
    else if (used)
        kt_finding_add(findings, name, KT_FINDING_BAD, "guests on it don't start",
                       "virsh net-start default && virsh net-autostart default",
                       "not active, and guests are on it");
    else
        kt_finding_ok(findings, name, "not active; no guest is on it");
}

void
kt_find_default_network(const KtHost *host, GPtrArray *findings)
{
    if (host->connection == NULL)
        return;
    bool used = network_is_used(host->snapshot, "default");
    virNetworkPtr network = virNetworkLookupByName(host->connection, "default");
    if (network) {
        judge_network(findings, network, used);
        virNetworkFree(network);
    } else if (used) {
        kt_finding_add(findings, "default network", KT_FINDING_BAD, "guests on it don't start",
                       "virsh net-define /usr/share/libvirt/networks/default.xml && virsh net-start default",
                       "not defined, and guests are on it");
    }
}

/* Whether a network's guests reach the outside through this host's IP forwarding. */
static bool
forwards(const char *xml)
{
    xmlDocPtr document = xmlReadMemory(xml, (int)strlen(xml), "network.xml", NULL,
                                       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlXPathContextPtr context = document ? xmlXPathNewContext(document) : NULL;
    xmlXPathObjectPtr found =
        context
            ? xmlXPathEval(BAD_CAST "boolean(/network/forward[not(@mode) or @mode='nat' or @mode='route'])",
                           context)
            : NULL;
    bool answer = found && found->boolval;
    xmlXPathFreeObject(found);
    xmlXPathFreeContext(context);
    xmlFreeDoc(document);
    return answer;
}

/* The active networks that need forwarding. */
static char *
forwarding_networks(virConnectPtr connection)
{
    g_autoptr(GString) names = g_string_new(NULL);
    virNetworkPtr *networks = NULL;
    int n = virConnectListAllNetworks(connection, &networks, VIR_CONNECT_LIST_NETWORKS_ACTIVE);
    for (int i = 0; i < n; i++) {
        char *xml = virNetworkGetXMLDesc(networks[i], 0);
        if (xml && forwards(xml))
            append_name(names, virNetworkGetName(networks[i]));
        free(xml);
        virNetworkFree(networks[i]);
    }
    free(networks);
    return g_strdup(names->str);
}

void
kt_find_networks(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "IP forwarding";
    if (host->connection == NULL || !host->snapshot->host_is_local)
        return;
    g_autofree char *networks = forwarding_networks(host->connection);
    gint64 forward = KT_ABSENT;
    bool read = kt_root_read_number(host->root, "proc/sys/net/ipv4/ip_forward", &forward, NULL);
    if (*networks == '\0' || !read || forward == KT_ABSENT)
        return;
    if (forward != 0)
        kt_finding_ok(findings, name, "on, as network %s needs it", networks);
    else
        kt_finding_add(findings, name, KT_FINDING_BAD, "guests there can't reach anything beyond this host",
                       "sysctl -w net.ipv4.ip_forward=1", "off, but network %s needs it", networks);
}
