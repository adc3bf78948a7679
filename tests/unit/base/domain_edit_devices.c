/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "tests/unit/base/domain_corpus.h"
#include "tests/unit/base/domain_sample.h"
#include "tests/unit/base/edit_checks.h"

#define NIC "nic 52:54:00:aa:bb:01"

#define PLAIN                                                                                                \
    "<domain type='kvm'>\n"                                                                                  \
    "  <name>d</name>\n"                                                                                     \
    "  <memory unit='KiB'>1024</memory>\n"                                                                   \
    "  <vcpu placement='static'>2</vcpu>\n"                                                                  \
    "  <os>\n"                                                                                               \
    "    <type>hvm</type>\n"                                                                                 \
    "  </os>\n"                                                                                              \
    "  <devices>\n"                                                                                          \
    "    <disk type='file' device='disk'>\n"                                                                 \
    "      <source file='/d.img'/>\n"                                                                        \
    "      <target dev='vda' bus='virtio'/>\n"                                                               \
    "    </disk>\n"                                                                                          \
    "    <interface type='ethernet'>\n"                                                                      \
    "      <mac address='52:54:00:aa:bb:01'/>\n"                                                             \
    "      <model type='virtio'/>\n"                                                                         \
    "      <boot order='1'/>\n"                                                                              \
    "    </interface>\n"                                                                                     \
    "  </devices>\n"                                                                                         \
    "</domain>\n"

static void
test_get(void)
{
    assert_value(KT_SAMPLE_DOMAIN, KT_XML_SHARES, NULL, "2048");
    assert_value(KT_SAMPLE_DOMAIN, KT_XML_IOTHREADS, NULL, "3");
    assert_value(KT_SAMPLE_DOMAIN, KT_XML_DISK_IO, "disk vda", "threads");
    assert_value(KT_SAMPLE_DOMAIN, KT_XML_DISK_DISCARD, "disk vda", "unmap");
    assert_value(KT_SAMPLE_DOMAIN, KT_XML_DISK_IOTHREAD, "disk vda", "2");
    assert_value(KT_SAMPLE_DOMAIN, KT_XML_DISK_IOTHREAD, "disk vdb", NULL);
    assert_value(KT_SAMPLE_DOMAIN, KT_XML_NIC_QUEUES, NIC, "4");
    assert_value(KT_SAMPLE_DOMAIN, KT_XML_NIC_QUEUES, "nic 52:54:00:aa:bb:02", NULL);

    assert_value(PLAIN, KT_XML_SHARES, NULL, NULL);
    assert_value(PLAIN, KT_XML_IOTHREADS, NULL, NULL);
}

static void
test_wrong_items(void)
{
    assert_refused(PLAIN, KT_XML_SHARES, "vcpu 0", "1", "wanted no item");
    assert_refused(PLAIN, KT_XML_IOTHREADS, "iothread 1", "1", "wanted no item");
    assert_refused(PLAIN, KT_XML_DISK_IO, "disk vdb", "native", "it has no disk vdb");
    assert_refused(PLAIN, KT_XML_NIC_QUEUES, NULL, "2", "wanted an item 'nic …'");
}

static void
test_bad_values(void)
{
    assert_refused(PLAIN, KT_XML_SHARES, NULL, "", "'' is no number");
    assert_refused(PLAIN, KT_XML_SHARES, NULL, "1'/>", "is no number");
    assert_refused(PLAIN, KT_XML_IOTHREADS, NULL, "0", "'0' is no number of IOThreads");
    assert_refused(PLAIN, KT_XML_IOTHREADS, NULL, "99999", "is no number of IOThreads");
    assert_refused(PLAIN, KT_XML_DISK_IOTHREAD, "disk vda", "'", "is no word");
}

static void
test_shares(void)
{
    const char *shares = "    <shares>2048</shares>\n";
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_SHARES, NULL, "512", shares, "    <shares>512</shares>\n");
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_SHARES, NULL, NULL, shares, "");
    assert_edit(PLAIN, KT_XML_SHARES, NULL, "4096", "2</vcpu>\n",
                "2</vcpu>\n"
                "  <cputune>\n"
                "    <shares>4096</shares>\n"
                "  </cputune>\n");
}

static void
test_iothreads(void)
{
    assert_edit(PLAIN, KT_XML_IOTHREADS, NULL, "2", "2</vcpu>\n",
                "2</vcpu>\n"
                "  <iothreads>2</iothreads>\n");
    /* One more than are listed: the list stays, libvirt numbers the rest. */
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_IOTHREADS, NULL, "5", "<iothreads>3</iothreads>",
                "<iothreads>5</iothreads>");
}

/* libvirt writes those that it numbered behind the ones that were listed before: taking back takes those. */
static void
test_fewer_iothreads_than_listed(void)
{
    g_autofree char *edited = edit(KT_SAMPLE_DOMAIN, KT_XML_IOTHREADS, NULL, "2");
    assert_value(edited, KT_XML_IOTHREADS, NULL, "2");
    g_assert_nonnull(strstr(edited, "  <iothreads>2</iothreads>\n"
                                    "  <iothreadids>\n"
                                    "    <iothread id=\"2\"/>\n"
                                    "    <iothread id=\"7\"/>\n"
                                    "  </iothreadids>\n"));
    g_autofree char *none = edit(KT_SAMPLE_DOMAIN, KT_XML_IOTHREADS, NULL, NULL);
    g_assert_null(strstr(none, "<iothreads>"));
    g_assert_null(strstr(none, "iothreadids"));
}

static void
test_iothreads_only_listed(void)
{
    const char *xml = "<domain><name>d</name><iothreadids><iothread id='4'/></iothreadids><os/></domain>";
    assert_value(xml, KT_XML_IOTHREADS, NULL, "1");
    g_autofree char *same = edit(xml, KT_XML_IOTHREADS, NULL, "1");
    g_assert_null(strstr(same, "<iothreads>"));
    g_autofree char *more = edit(xml, KT_XML_IOTHREADS, NULL, "2");
    g_assert_nonnull(strstr(more, "</name><iothreads>2</iothreads><iothreadids>"));
}

/* A pin of an IOThread that an edit before it makes; a pin goes before its IOThread does. */
static void
test_iothread_with_its_pin(void)
{
    static const KtXmlEdit edits[] = {{KT_XML_IOTHREADS, NULL, "1"},
                                      {KT_XML_IOTHREAD_PIN, "iothread 1", "0"}};
    static const KtXmlEdit back[] = {{KT_XML_IOTHREAD_PIN, "iothread 1", NULL},
                                     {KT_XML_IOTHREADS, NULL, NULL}};
    g_autofree char *before = unedited(PLAIN);
    g_autofree char *edited = kt_domain_xml_edit(PLAIN, edits, G_N_ELEMENTS(edits), NULL);
    assert_value(edited, KT_XML_IOTHREAD_PIN, "iothread 1", "0");
    g_autofree char *undone = kt_domain_xml_edit(edited, back, G_N_ELEMENTS(back), NULL);
    g_assert_cmpstr(undone, ==, before);
}

/* Attributes come where libvirt writes them. */
static void
test_disk_driver(void)
{
    const char *driver =
        "type=\"qcow2\" cache=\"writeback\" io=\"threads\" discard=\"unmap\" iothread=\"2\"/>";
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_DISK_IO, "disk vda", NULL, driver,
                "type=\"qcow2\" cache=\"writeback\" discard=\"unmap\" iothread=\"2\"/>");
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_DISK_DISCARD, "disk vda", NULL, driver,
                "type=\"qcow2\" cache=\"writeback\" io=\"threads\" iothread=\"2\"/>");
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_DISK_IOTHREAD, "disk vda", NULL, driver,
                "type=\"qcow2\" cache=\"writeback\" io=\"threads\" discard=\"unmap\"/>");
    assert_edit(PLAIN, KT_XML_DISK_IOTHREAD, "disk vda", "1", "<disk type=\"file\" device=\"disk\">\n",
                "<disk type=\"file\" device=\"disk\">\n      <driver iothread=\"1\"/>\n");
}

static void
test_nic_queues(void)
{
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_NIC_QUEUES, NIC, "2", "<driver queues=\"4\"/>",
                "<driver queues=\"2\"/>");
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_NIC_QUEUES, NIC, NULL, "      <driver queues=\"4\"/>\n", "");
    assert_edit(PLAIN, KT_XML_NIC_QUEUES, NIC, "8", "      <model type=\"virtio\"/>\n",
                "      <model type=\"virtio\"/>\n      <driver queues=\"8\"/>\n");
}

/* One more IOThread and back; taking all away loses the numbers that <iothreadids> gave. */
static void
more_iothreads_and_back(const char *path, const char *xml, guint present)
{
    g_autofree char *before = get(xml, KT_XML_IOTHREADS, NULL);
    g_autofree char *wanted = g_strdup_printf("%u", present + 1);
    g_autofree char *set = edit(xml, KT_XML_IOTHREADS, NULL, wanted);
    assert_value(set, KT_XML_IOTHREADS, NULL, wanted);
    g_autofree char *back = edit(set, KT_XML_IOTHREADS, NULL, before);
    /* Only a list, without <iothreads>: it comes back as both. */
    if (strcmp(back, xml) != 0 && strstr(xml, "<iothreads>") != NULL)
        g_error("%s: IOThreads set and set back isn't as before:\n%s", path, back);
    g_autofree char *removed = edit(xml, KT_XML_IOTHREADS, NULL, NULL);
    assert_value(removed, KT_XML_IOTHREADS, NULL, NULL);
}

static void
edit_corpus_file(const char *path, const char *original)
{
    g_autofree char *xml = unedited(original);
    g_autoptr(KtDomainDef) def = kt_domain_def_parse(xml, NULL);
    try_there_and_back(path, xml, KT_XML_SHARES, NULL, "777");
    more_iothreads_and_back(path, xml, def->iothreads);
    for (guint i = 0; i < def->disks->len; i++) {
        g_autofree char *item = g_strconcat("disk ", ((const KtDiskDef *)def->disks->pdata[i])->target, NULL);
        try_there_and_back(path, xml, KT_XML_DISK_IO, item, "io_uring");
        try_there_and_back(path, xml, KT_XML_DISK_DISCARD, item, "unmap");
        try_there_and_back(path, xml, KT_XML_DISK_IOTHREAD, item, "9");
    }
    for (guint i = 0; i < def->nics->len; i++) {
        const char *mac = ((const KtNicDef *)def->nics->pdata[i])->mac;
        g_autofree char *item = g_strconcat("nic ", mac != NULL ? mac : "", NULL);
        try_there_and_back(path, xml, KT_XML_NIC_QUEUES, item, "9");
    }
}

static void
test_corpus(void)
{
    domain_corpus_each(edit_corpus_file);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain-edit-devices/get", test_get);
    g_test_add_func("/domain-edit-devices/wrong-items", test_wrong_items);
    g_test_add_func("/domain-edit-devices/bad-values", test_bad_values);
    g_test_add_func("/domain-edit-devices/shares", test_shares);
    g_test_add_func("/domain-edit-devices/iothreads", test_iothreads);
    g_test_add_func("/domain-edit-devices/iothreads/fewer-than-listed", test_fewer_iothreads_than_listed);
    g_test_add_func("/domain-edit-devices/iothreads/only-listed", test_iothreads_only_listed);
    g_test_add_func("/domain-edit-devices/iothreads/with-pin", test_iothread_with_its_pin);
    g_test_add_func("/domain-edit-devices/disk-driver", test_disk_driver);
    g_test_add_func("/domain-edit-devices/nic-queues", test_nic_queues);
    g_test_add_func("/domain-edit-devices/corpus", test_corpus);
    return g_test_run();
}
