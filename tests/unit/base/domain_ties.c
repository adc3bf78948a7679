/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/domain_xml.h"
#include "tests/unit/base/domain_corpus.h"

static KtDomainDef *
parse(const char *inside)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *xml = g_strdup_printf("<domain type='kvm'><name>d</name>%s</domain>", inside);
    KtDomainDef *def = kt_domain_def_parse(xml, &error);
    g_assert_no_error(error);
    return def;
}

static const struct {
    const char *inside;
    gint kind; /* -1 = no tie */
    const char *name;
} samples[] = {
    {"<devices><hostdev type='pci'><source><address domain='0' bus='0x3b' slot='0' function='1'/></source>"
     "</hostdev></devices>",
     KT_TIE_HOST_PCI, "0000:3b:00.1"},
    {"<devices><hostdev type='pci'/></devices>", KT_TIE_HOST_PCI, NULL},
    {"<devices><interface type='hostdev'><source><address type='pci' domain='0' bus='1' slot='0' function='0'/>"
     "</source></interface></devices>",
     KT_TIE_HOST_PCI, "0000:01:00.0"},
    /* QEMU unplugs it by itself and goes on with its virtio partner. */
    {"<devices><interface type='hostdev'><source><address type='pci' bus='1' slot='0'/></source>"
     "<teaming type='transient' persistent='ua-x'/></interface></devices>",
     -1, NULL},
    {"<devices><hostdev type='pci'><source><address bus='1' slot='0'/></source>"
     "<teaming type='transient' persistent='ua-x'/></hostdev></devices>",
     -1, NULL},
    {"<devices><hostdev mode='subsystem' type='usb'/></devices>", KT_TIE_HOST_USB, NULL},
    {"<devices><hostdev mode='subsystem' type='mdev' model='vfio-pci'/></devices>", KT_TIE_HOST_OTHER,
     "mdev"},
    {"<devices><filesystem type='mount'><driver type='virtiofs'/><target dir='share'/></filesystem></devices>",
     KT_TIE_VIRTIOFS, "share"},
    {"<devices><filesystem type='mount'><target dir='old'/></filesystem></devices>", KT_TIE_9P, "old"},
    {"<devices><shmem name='glass'/></devices>", KT_TIE_SHMEM, "glass"},
    {"<devices><shmem name='glass' role='peer'/></devices>", KT_TIE_SHMEM, "glass"},
    {"<devices><shmem name='glass' role='master'/></devices>", -1, NULL},
    {"<devices><memory model='nvdimm'><source><path>/pmem/a</path></source></memory></devices>",
     KT_TIE_NVDIMM, "/pmem/a"},
    {"<devices><memory model='dimm'/></devices>", -1, NULL},
    {"<devices><memory model='sgx-epc'/></devices>", KT_TIE_ENCRYPTED, "SGX"},
    {"<launchSecurity type='sev'/>", KT_TIE_ENCRYPTED, "sev"},
    {"<devices><tpm><backend type='passthrough'/></tpm></devices>", KT_TIE_TPM, NULL},
    {"<devices><tpm><backend type='emulator'/></tpm></devices>", -1, NULL},
    {"<devices><video><model type='virtio'><acceleration accel3d='yes'/></model></video></devices>",
     KT_TIE_VIRGL, NULL},
    {"<devices><video><model type='virtio'><acceleration accel3d='no'/></model></video></devices>", -1, NULL},
    {"<cpu mode='host-passthrough'/>", KT_TIE_CPU, "host-passthrough"},
    {"<cpu mode='maximum'/>", KT_TIE_CPU, "maximum"},
    {"<cpu mode='host-model'/>", -1, NULL},
    {"<cpu mode='custom'><feature name='invtsc' policy='require'/></cpu>", KT_TIE_INVTSC, NULL},
    {"<cpu mode='custom'><feature name='invtsc' policy='disable'/></cpu>", -1, NULL},
    {"<clock><timer name='tsc' frequency='2000000000'/></clock>"
     "<cpu mode='custom'><feature name='invtsc' policy='require'/></cpu>",
     -1, NULL},
    {"<os><kernel>/boot/vmlinuz</kernel></os>", KT_TIE_KERNEL, "/boot/vmlinuz"},
    {"", -1, NULL},
};

static void
test_kinds(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        g_test_message("%s", samples[i].inside);

        g_autoptr(KtDomainDef) def = parse(samples[i].inside);

        g_assert_cmpuint(def->ties->len, ==, samples[i].kind < 0 ? 0 : 1);
        if (samples[i].kind < 0)
            continue;
        const KtTieDef *tie = def->ties->pdata[0];
        g_assert_cmpint((gint)tie->kind, ==, samples[i].kind);
        g_assert_cmpstr(tie->name, ==, samples[i].name);
    }
}

static void
test_agent_channel(void)
{
#define CHANNEL(rest) "<devices><channel type='unix'><target type='virtio' " rest "/></channel></devices>"
    static const struct {
        const char *inside;
        bool has, connected;
    } channels[] = {
        {CHANNEL("name='org.qemu.guest_agent.0' state='connected'"), true, true},
        {CHANNEL("name='org.qemu.guest_agent.0' state='disconnected'"), true, false},
        {CHANNEL("name='org.qemu.guest_agent.0'"), true, false},
        {CHANNEL("name='com.redhat.spice.0' state='connected'"), false, false},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(channels); i++) {
        g_autoptr(KtDomainDef) def = parse(channels[i].inside);

        g_assert_true(def->has_agent_channel == channels[i].has);
        g_assert_true(def->agent_connected == channels[i].connected);
    }
}

static void
parse_one(const char *path, const char *xml)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtDomainDef) def = kt_domain_def_parse(xml, &error);
    if (!def)
        g_error("%s: %s", path, error->message);
    /* What is placed near its device is also what binds it, but for members of a team. */
    guint pci = 0;
    for (guint i = 0; i < def->ties->len; i++) {
        const KtTieDef *tie = def->ties->pdata[i];
        pci += tie->kind == KT_TIE_HOST_PCI && tie->name;
    }
    g_assert_cmpuint(pci, <=, def->hostdevs->len);
}

static void
test_corpus(void)
{
    domain_corpus_each(parse_one);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain-ties/kinds", test_kinds);
    g_test_add_func("/domain-ties/agent-channel", test_agent_channel);
    g_test_add_func("/domain-ties/corpus", test_corpus);
    return g_test_run();
}
