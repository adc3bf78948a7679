/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/domain_plug.h"

#include <string.h>

#include "base/error.h"

#define MAC "52:54:00:00:00:01"
#define ROOT "<controller type='pci' index='0' model='pcie-root'/>"
#define PORT(index) "<controller type='pci' index='" index "' model='pcie-root-port'/>"
#define BRIDGE "<controller type='pci' index='2' model='pcie-to-pci-bridge'/>"
#define AT(bus) "<address type='pci' domain='0x0000' bus='" bus "' slot='0x01' function='0x0'/>"
#define NIC(inside) "<interface type='network'><mac address='" MAC "'/>" inside "</interface>"
#define DOMAIN(devices) "<domain><devices>" devices "</devices></domain>"

static void
test_obstacles(void)
{
    static const struct {
        const char *xml, *words; /* NULL = none */
    } cases[] = {
        {DOMAIN(ROOT PORT("1") NIC(AT("0x01"))), NULL},
        {DOMAIN("<controller type='pci' index='0' model='pci-root'/>" NIC(AT("0x00"))), NULL},
        /* one that isn't PCI Express moves to a free root port */
        {DOMAIN(ROOT PORT("1") BRIDGE PORT("3") NIC(AT("0x02"))), NULL},
        {DOMAIN(ROOT PORT("1") BRIDGE "<disk>" AT("0x01") "</disk>" NIC(AT("0x02"))),
         "no pcie-root-port is free"},
        {DOMAIN(ROOT PORT("1") NIC(AT("0x00"))), "sits on pcie-root itself"},
        {DOMAIN(NIC("<address type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'/>")), "type 'ccw'"},
        {DOMAIN(NIC("<address type='virtio-mmio'/>")), "type 'virtio-mmio'"},
        {DOMAIN(ROOT), "has no NIC"},
        {DOMAIN(NIC("") NIC("")), "several NICs"},
        {"<domain", "domain"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *obstacle = kt_domain_nic_plug_obstacle(cases[i].xml, MAC);
        if (cases[i].words)
            g_assert_nonnull(strstr(obstacle ? obstacle : "", cases[i].words));
        else
            g_assert_cmpstr(obstacle, ==, NULL);
    }
}

/* What an admin said of it goes along; what libvirt made up for the old device doesn't. */
static void
test_plug_xml(void)
{
    static const struct {
        const char *inside;
        const char *kept, *dropped;
    } cases[] = {
        {"<boot order='2'/><mtu size='9000'/><filterref filter='clean'/>", "<filterref filter=\"clean\"/>",
         NULL},
        {"<alias name='ua-lan'/><target dev='tap-db'/>", "<alias name=\"ua-lan\"/><target dev=\"tap-db\"/>",
         NULL},
        {"<alias name='net0'/>", NULL, "alias"},
        {"<target dev='vnet7'/>", NULL, "target"},
        {AT("0x01"), "bus=\"0x01\"", NULL},
        {AT("0x02"), NULL, "address type"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *xml = g_strdup_printf(DOMAIN(ROOT PORT("1") BRIDGE NIC("%s")), cases[i].inside);
        g_autoptr(GError) error = NULL;
        g_autofree char *nic = kt_domain_nic_plug_xml(xml, "52:54:00:00:00:01", &error);
        g_assert_no_error(error);
        g_assert_nonnull(strstr(nic, "<mac address=\"" MAC "\"/>"));
        if (cases[i].kept)
            g_assert_nonnull(strstr(nic, cases[i].kept));
        if (cases[i].dropped)
            g_assert_null(strstr(nic, cases[i].dropped));
    }
}

static void
test_no_such_nic(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(kt_domain_nic_xml(DOMAIN(ROOT), MAC, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_INVALID);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain-plug/obstacles", test_obstacles);
    g_test_add_func("/domain-plug/xml", test_plug_xml);
    g_test_add_func("/domain-plug/no-such-nic", test_no_such_nic);
    return g_test_run();
}
