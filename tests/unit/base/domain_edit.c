/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <string.h>

#include "base/domain_xml.h"
#include "base/error.h"
#include "tests/unit/base/domain_corpus.h"
#include "tests/unit/base/domain_sample.h"
#include "tests/unit/base/edit_checks.h"

/* Canonical XML with comments, without what @xpath selects and without white space between elements. */
static char *
canonical_without(const char *xml, const char *xpath)
{
    xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NOBLANKS | XML_PARSE_NONET);
    g_assert_nonnull(doc);
    xmlXPathContext *context = xmlXPathNewContext(doc);
    xmlXPathObject *found = xmlXPathEvalExpression(BAD_CAST xpath, context);
    g_assert_nonnull(found);
    for (int i = 0; found->nodesetval != NULL && i < found->nodesetval->nodeNr; i++) {
        xmlUnlinkNode(found->nodesetval->nodeTab[i]);
        xmlFreeNode(found->nodesetval->nodeTab[i]);
        found->nodesetval->nodeTab[i] = NULL;
    }
    xmlXPathFreeObject(found);
    xmlXPathFreeContext(context);
    xmlChar *text = NULL;
    g_assert_cmpint(xmlC14NDocDumpMemory(doc, NULL, XML_C14N_1_0, NULL, 1, &text), >, 0);
    xmlFreeDoc(doc);
    char *owned = g_strdup((const char *)text);
    xmlFree(text);
    return owned;
}

static void
assert_same_without(const char *a, const char *b, const char *xpath)
{
    g_autofree char *canonical_a = canonical_without(a, xpath);
    g_autofree char *canonical_b = canonical_without(b, xpath);
    g_assert_cmpstr(canonical_a, ==, canonical_b);
}

static void
test_get(void)
{
    static const struct {
        KtXmlField field;
        const char *item;
        const char *value;
    } values[] = {
        {KT_XML_VCPU_PIN, "vcpu 0", "4-5"},
        {KT_XML_VCPU_PIN, "vcpu 1", NULL},
        {KT_XML_VCPU_PIN, "vcpu 2", "6,8-9"},
        {KT_XML_EMULATOR_PIN, "emulator", "0-1"},
        {KT_XML_IOTHREAD_PIN, "iothread 2", "2"},
        {KT_XML_IOTHREAD_PIN, "iothread 7", NULL},
        {KT_XML_DISK_CACHE, "disk vda", "writeback"},
        {KT_XML_DISK_CACHE, "disk vdb", NULL},
        {KT_XML_DISK_CACHE, "disk sda", NULL},
        {KT_XML_NIC_MODEL, "nic 52:54:00:aa:bb:01", "e1000"},
        {KT_XML_NIC_MODEL, "nic 52:54:00:AA:BB:02", NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(values); i++)
        assert_value(KT_SAMPLE_DOMAIN, values[i].field, values[i].item, values[i].value);
}

static void
test_get_in_normal_form(void)
{
    const char *xml =
        "<domain><name>d</name><vcpu>2</vcpu><cputune><vcpupin vcpu='1' cpuset='4, 0-3,^2'/></cputune>"
        "</domain>";
    assert_value(xml, KT_XML_VCPU_PIN, "vcpu 1", "0-1,3-4");
    /* The same set in other words is left as it is written. */
    g_autofree char *same = edit(xml, KT_XML_VCPU_PIN, "vcpu 1", "0,1,3,4");
    g_assert_nonnull(strstr(same, "cpuset=\"4, 0-3,^2\""));
}

static void
assert_fails(const char *xml, KtXmlField field, const char *item, const char *value, KtErrorCode code,
             const char *message)
{
    g_autoptr(GError) error = NULL;
    const KtXmlEdit one = {.field = field, .item = item, .value = value};
    g_assert_null(kt_domain_xml_edit(xml, &one, 1, &error));
    g_assert_error(error, KT_ERROR, (int)code);
    if (strstr(error->message, message) == NULL)
        g_error("wanted '%s' in '%s'", message, error->message);
}

static void
test_items_that_are_not_there(void)
{
    static const struct {
        KtXmlField field;
        const char *item;
        const char *message;
    } items[] = {
        {KT_XML_VCPU_PIN, "vcpu 4", "domain 'db-1': it has no vcpu 4"},
        {KT_XML_VCPU_PIN, "vcpu -1", "it has no vcpu -1"},
        {KT_XML_VCPU_PIN, "vcpu ", "it has no vcpu "},
        {KT_XML_VCPU_PIN, "vcpu 4294967296", "it has no vcpu 4294967296"},
        {KT_XML_VCPU_PIN, "emulator", "wanted an item 'vcpu …', found 'emulator'"},
        {KT_XML_VCPU_PIN, NULL, "wanted an item 'vcpu …', found ''"},
        {KT_XML_EMULATOR_PIN, "emulator 1", "there is no item 'emulator 1'"},
        {KT_XML_IOTHREAD_PIN, "iothread 0", "it has no iothread 0"},
        {KT_XML_IOTHREAD_PIN, "iothread 3", "it has no iothread 3"},
        {KT_XML_DISK_CACHE, "disk vdc", "it has no disk vdc"},
        {KT_XML_NIC_MODEL, "nic 52:54:00:aa:bb:ff", "it has no nic 52:54:00:aa:bb:ff"},
        {KT_XML_NIC_MODEL, "nic 52:54:00:aa:bb:03", "it has several devices 'nic 52:54:00:aa:bb:03'"},
        {KT_XML_NONE, "vcpu 0", "there is no place 0"},
        {(KtXmlField)99, "vcpu 0", "there is no place 99"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(items); i++) {
        assert_fails(KT_SAMPLE_DOMAIN, items[i].field, items[i].item, NULL, KT_ERROR_INVALID,
                     items[i].message);

        char *value = (char *)"untouched";
        g_autoptr(GError) error = NULL;
        g_assert_false(kt_domain_xml_get(KT_SAMPLE_DOMAIN, items[i].field, items[i].item, &value, &error));
        g_assert_error(error, KT_ERROR, KT_ERROR_INVALID);
        g_assert_cmpstr(value, ==, "untouched");
    }
}

static void
test_bad_values(void)
{
    assert_fails(KT_SAMPLE_DOMAIN, KT_XML_VCPU_PIN, "vcpu 0", "", KT_ERROR_INVALID,
                 "vcpu 0: a pin to no CPU");
    assert_fails(KT_SAMPLE_DOMAIN, KT_XML_VCPU_PIN, "vcpu 0", "3-1", KT_ERROR_INVALID, "'3-1'");
    assert_fails(KT_SAMPLE_DOMAIN, KT_XML_EMULATOR_PIN, "emulator", "1'/>", KT_ERROR_INVALID,
                 "emulator: '1'/>'");
    assert_fails(KT_SAMPLE_DOMAIN, KT_XML_DISK_CACHE, "disk vda", "", KT_ERROR_INVALID, "'' is no word");
    assert_fails(KT_SAMPLE_DOMAIN, KT_XML_DISK_CACHE, "disk vda", "a b", KT_ERROR_INVALID,
                 "'a b' is no word");
    assert_fails(KT_SAMPLE_DOMAIN, KT_XML_NIC_MODEL, "nic 52:54:00:aa:bb:01", "é", KT_ERROR_INVALID,
                 "is no word");
    assert_fails("<domain>", KT_XML_DISK_CACHE, "disk vda", "none", KT_ERROR_PARSE, "domain XML: line 1");
    assert_fails("<!DOCTYPE domain><domain><name>x</name></domain>", KT_XML_EMULATOR_PIN, "emulator", "0",
                 KT_ERROR_PARSE, "document type");
}

static void
test_written_pin_that_is_no_list(void)
{
    const char *xml = "<domain><name>d</name><cputune><emulatorpin cpuset='${CPUS}'/></cputune></domain>";
    g_autoptr(GError) error = NULL;
    char *value = NULL;
    g_assert_false(kt_domain_xml_get(xml, KT_XML_EMULATOR_PIN, "emulator", &value, &error));
    g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);

    g_autofree char *edited = edit(xml, KT_XML_EMULATOR_PIN, "emulator", "0");
    assert_value(edited, KT_XML_EMULATOR_PIN, "emulator", "0");
}

static void
test_pins(void)
{
    const char *vcpu_0 = "    <vcpupin vcpu=\"0\" cpuset=\"4-5\"/>\n";
    const char *vcpu_2 = "    <vcpupin vcpu=\"2\" cpuset=\"6,8-9\"/>\n";
    const char *emulator = "    <emulatorpin cpuset=\"0-1\"/>\n";
    const char *iothread_2 = "    <iothreadpin iothread=\"2\" cpuset=\"2\"/>\n";

    /* Changed in place. */
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_VCPU_PIN, "vcpu 0", "1", vcpu_0,
                "    <vcpupin vcpu=\"0\" cpuset=\"1\"/>\n");
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_EMULATOR_PIN, "emulator", "7", emulator,
                "    <emulatorpin cpuset=\"7\"/>\n");
    /* Removed with their lines. */
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_VCPU_PIN, "vcpu 0", NULL, vcpu_0, "");
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_VCPU_PIN, "vcpu 2", NULL, vcpu_2, "");
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_EMULATOR_PIN, "emulator", NULL, emulator, "");
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_IOTHREAD_PIN, "iothread 2", NULL, iothread_2, "");
    /* New ones by their number. */
    g_autofree char *between = g_strconcat("    <vcpupin vcpu=\"1\" cpuset=\"3\"/>\n", vcpu_2, NULL);
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_VCPU_PIN, "vcpu 1", "3", vcpu_2, between);
    g_autofree char *last = g_strconcat(vcpu_2, "    <vcpupin vcpu=\"3\" cpuset=\"0-2,4\"/>\n", NULL);
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_VCPU_PIN, "vcpu 3", "0-2,4", vcpu_2, last);
    g_autofree char *lower =
        g_strconcat("    <iothreadpin iothread=\"1\" cpuset=\"3\"/>\n", iothread_2, NULL);
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_IOTHREAD_PIN, "iothread 1", "3", iothread_2, lower);
    g_autofree char *higher =
        g_strconcat(iothread_2, "    <iothreadpin iothread=\"7\" cpuset=\"3\"/>\n", NULL);
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_IOTHREAD_PIN, "iothread 7", "3", iothread_2, higher);
    /* Nothing to remove. */
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_VCPU_PIN, "vcpu 1", NULL, vcpu_2, vcpu_2);
}

#define NO_CPUTUNE                                                                                           \
    "<domain type='kvm'>\n"                                                                                  \
    "  <name>d</name>\n"                                                                                     \
    "  <memory unit='KiB'>1024</memory>\n"                                                                   \
    "  <vcpu placement='static'>2</vcpu>\n"                                                                  \
    "  <iothreads>2</iothreads>\n"                                                                           \
    "  <os>\n"                                                                                               \
    "    <type>hvm</type>\n"                                                                                 \
    "  </os>\n"                                                                                              \
    "</domain>\n"

static void
test_cputune_comes_and_goes(void)
{
    const char *iothreads = "  <iothreads>2</iothreads>\n";
    assert_edit(NO_CPUTUNE, KT_XML_VCPU_PIN, "vcpu 1", "0-1", iothreads,
                "  <iothreads>2</iothreads>\n"
                "  <cputune>\n"
                "    <vcpupin vcpu=\"1\" cpuset=\"0-1\"/>\n"
                "  </cputune>\n");
    assert_edit(NO_CPUTUNE, KT_XML_EMULATOR_PIN, "emulator", "0", iothreads,
                "  <iothreads>2</iothreads>\n"
                "  <cputune>\n"
                "    <emulatorpin cpuset=\"0\"/>\n"
                "  </cputune>\n");

    g_autofree char *no_iothreads = with(NO_CPUTUNE, iothreads, "");
    assert_edit(no_iothreads, KT_XML_EMULATOR_PIN, "emulator", "0", "2</vcpu>\n",
                "2</vcpu>\n"
                "  <cputune>\n"
                "    <emulatorpin cpuset=\"0\"/>\n"
                "  </cputune>\n");
}

static void
test_cputune_with_other_settings_stays(void)
{
    g_autofree char *xml =
        with(NO_CPUTUNE, "  <os>",
             "  <cputune>\n    <vcpusched vcpus='0' scheduler='idle'/>\n  </cputune>\n  <os>");
    const char *sched = "    <vcpusched vcpus=\"0\" scheduler=\"idle\"/>\n";
    g_autofree char *wanted = g_strconcat("    <vcpupin vcpu=\"0\" cpuset=\"1\"/>\n", sched, NULL);
    assert_edit(xml, KT_XML_VCPU_PIN, "vcpu 0", "1", sched, wanted);
}

static void
test_empty_cputune(void)
{
    static const char *const forms[] = {"  <cputune/>\n", "  <cputune>\n  </cputune>\n",
                                        "  <cputune></cputune>\n"};
    for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autofree char *inserted = g_strconcat(forms[i], "  <os>", NULL);
        g_autofree char *xml = with(NO_CPUTUNE, "  <os>", inserted);
        g_autofree char *edited = edit(xml, KT_XML_VCPU_PIN, "vcpu 0", "1");
        g_assert_nonnull(
            strstr(edited, "\n  <cputune>\n    <vcpupin vcpu=\"0\" cpuset=\"1\"/>\n  </cputune>\n  <os>"));
    }
}

static void
test_several_edits(void)
{
    static const KtXmlEdit edits[] = {
        {KT_XML_VCPU_PIN, "vcpu 1", "1"},
        {KT_XML_IOTHREAD_PIN, "iothread 1", "2"},
        {KT_XML_VCPU_PIN, "vcpu 0", "0"},
        {KT_XML_EMULATOR_PIN, "emulator", "3"},
    };
    static const KtXmlEdit back[] = {
        {KT_XML_VCPU_PIN, "vcpu 0", NULL},
        {KT_XML_EMULATOR_PIN, "emulator", NULL},
        {KT_XML_IOTHREAD_PIN, "iothread 1", NULL},
        {KT_XML_VCPU_PIN, "vcpu 1", NULL},
    };
    g_autofree char *before = unedited(NO_CPUTUNE);
    g_autofree char *wanted = with(before, "  <os>",
                                   "  <cputune>\n"
                                   "    <vcpupin vcpu=\"0\" cpuset=\"0\"/>\n"
                                   "    <vcpupin vcpu=\"1\" cpuset=\"1\"/>\n"
                                   "    <emulatorpin cpuset=\"3\"/>\n"
                                   "    <iothreadpin iothread=\"1\" cpuset=\"2\"/>\n"
                                   "  </cputune>\n"
                                   "  <os>");

    g_autofree char *edited = kt_domain_xml_edit(NO_CPUTUNE, edits, G_N_ELEMENTS(edits), NULL);
    g_assert_cmpstr(edited, ==, wanted);

    g_autofree char *undone = kt_domain_xml_edit(edited, back, G_N_ELEMENTS(back), NULL);
    g_assert_cmpstr(undone, ==, before);
}

/* libvirt refuses two pins of one vCPU; what is left after an edit says one thing. */
static void
test_duplicate_pins(void)
{
    const char *xml =
        "<domain><name>d</name><cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='0' cpuset='2'/>"
        "</cputune><cputune><vcpupin vcpu='0' cpuset='3'/></cputune></domain>";
    assert_value(xml, KT_XML_VCPU_PIN, "vcpu 0", "1");

    g_autofree char *edited = edit(xml, KT_XML_VCPU_PIN, "vcpu 0", "5");
    g_assert_cmpstr(edited, ==,
                    "<domain><name>d</name><cputune><vcpupin vcpu=\"0\" cpuset=\"5\"/></cputune></domain>\n");
    g_autofree char *removed = edit(xml, KT_XML_VCPU_PIN, "vcpu 0", NULL);
    g_assert_cmpstr(removed, ==, "<domain><name>d</name></domain>\n");
}

/* libvirt numbers the IOThreads that <iothreadids> doesn't list by the lowest free numbers. */
static void
test_unlisted_iothreads(void)
{
    const char *xml =
        "<domain><name>d</name><iothreads>3</iothreads><iothreadids><iothread id='2'/></iothreadids>"
        "</domain>";
    static const char *const there[] = {"iothread 1", "iothread 2", "iothread 3"};
    for (guint i = 0; i < G_N_ELEMENTS(there); i++)
        assert_value(xml, KT_XML_IOTHREAD_PIN, there[i], NULL);
    assert_fails(xml, KT_XML_IOTHREAD_PIN, "iothread 4", "0", KT_ERROR_INVALID, "it has no iothread 4");
}

static void
test_disk_cache(void)
{
    const char *driver = "<driver name=\"qemu\" type=\"qcow2\" cache=\"writeback\" io=\"threads\"";
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_DISK_CACHE, "disk vda", "none", driver,
                "<driver name=\"qemu\" type=\"qcow2\" cache=\"none\" io=\"threads\"");
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_DISK_CACHE, "disk vda", NULL, driver,
                "<driver name=\"qemu\" type=\"qcow2\" io=\"threads\"");
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_DISK_CACHE, "disk sda", "none",
                "<driver name=\"qemu\" type=\"raw\"/>",
                "<driver name=\"qemu\" type=\"raw\" cache=\"none\"/>");
}

/* No type is made up: for a volume it would override the one that its pool knows. */
static void
test_disk_without_driver(void)
{
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_DISK_CACHE, "disk vdb", "none", "    <disk type=\"volume\">\n",
                "    <disk type=\"volume\">\n"
                "      <driver cache=\"none\"/>\n");
}

static void
test_driver_with_children_stays(void)
{
    g_autofree char *xml =
        with(KT_SAMPLE_DOMAIN, "<source pool='default' volume='logs'/>",
             "<driver io='native' cache='none'>\n        <metadata_cache/>\n      </driver>\n"
             "      <source pool='default' volume='logs'/>");
    g_autofree char *edited = edit(xml, KT_XML_DISK_CACHE, "disk vdb", NULL);
    g_assert_nonnull(
        strstr(edited, "      <driver io=\"native\">\n        <metadata_cache/>\n      </driver>\n"));
    /* A new attribute comes where libvirt writes it. */
    g_autofree char *back = edit(edited, KT_XML_DISK_CACHE, "disk vdb", "unsafe");
    g_assert_nonnull(strstr(back, "<driver cache=\"unsafe\" io=\"native\">"));
}

static void
test_nic_model(void)
{
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_NIC_MODEL, "nic 52:54:00:aa:bb:01", "virtio",
                "      <model type=\"e1000\"/>\n", "      <model type=\"virtio\"/>\n");
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_NIC_MODEL, "nic 52:54:00:aa:bb:01", NULL,
                "      <model type=\"e1000\"/>\n", "");
    assert_edit(KT_SAMPLE_DOMAIN, KT_XML_NIC_MODEL, "nic 52:54:00:AA:BB:02", "virtio",
                "function=\"0x1\"/>\n      </source>\n",
                "function=\"0x1\"/>\n      </source>\n      <model type=\"virtio\"/>\n");
}

static void
test_duplicate_elements(void)
{
    const char *xml = "<domain><name>d</name><devices><interface><mac address='52:54:00:00:00:01'/>"
                      "<model type='e1000'/><model type='rtl8139'/></interface></devices></domain>";
    assert_value(xml, KT_XML_NIC_MODEL, "nic 52:54:00:00:00:01", "e1000");

    g_autofree char *edited = edit(xml, KT_XML_NIC_MODEL, "nic 52:54:00:00:00:01", "virtio");
    g_assert_nonnull(strstr(edited, "<model type=\"virtio\"/></interface>"));
    g_autofree char *removed = edit(xml, KT_XML_NIC_MODEL, "nic 52:54:00:00:00:01", NULL);
    assert_value(removed, KT_XML_NIC_MODEL, "nic 52:54:00:00:00:01", NULL);
}

static void
test_nothing_else_changes(void)
{
    g_autofree char *same = unedited(KT_SAMPLE_DOMAIN);
    assert_same_without(same, KT_SAMPLE_DOMAIN, "/none");

    static const KtXmlEdit edits[] = {
        {KT_XML_VCPU_PIN, "vcpu 1", "1"},
        {KT_XML_DISK_CACHE, "disk vda", "none"},
        {KT_XML_NIC_MODEL, "nic 52:54:00:aa:bb:01", "virtio"},
    };
    g_autofree char *edited = kt_domain_xml_edit(KT_SAMPLE_DOMAIN, edits, G_N_ELEMENTS(edits), NULL);
    assert_same_without(edited, KT_SAMPLE_DOMAIN,
                        "/domain/cputune/vcpupin[@vcpu=1] | /domain/devices/disk/driver/@cache"
                        " | /domain/devices/interface[1]/model");
    g_autofree char *canonical = canonical_without(edited, "/none");
    g_autofree char *before = canonical_without(KT_SAMPLE_DOMAIN, "/none");
    g_assert_cmpstr(canonical, !=, before);
    g_assert_nonnull(strstr(edited, "<![CDATA[<not> & parsed]]>"));
    g_assert_nonnull(strstr(edited, "site:owner=\"a&#10;b\""));
    g_assert_nonnull(strstr(edited, "<!-- the backup job wants this emulator -->"));
}

static void
test_declaration_and_surroundings(void)
{
    g_autofree char *without = unedited("<!-- top --><domain><name>Jürgen</name></domain><?end?>");
    g_assert_cmpstr(without, ==, "<!-- top -->\n<domain><name>Jürgen</name></domain>\n<?end?>\n");

    g_autofree char *declared = unedited("<?xml version='1.0'?><domain><name>d</name></domain>");
    g_assert_cmpstr(declared, ==,
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<domain><name>d</name></domain>\n");

    g_autofree char *latin =
        unedited("<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>\xfc</name></domain>");
    g_assert_cmpstr(latin, ==,
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<domain><name>ü</name></domain>\n");
}

/* All on one line stays on one line. */
static void
test_compact(void)
{
    const char *xml =
        "<domain><name>d</name><os/><devices><disk><target dev='vda'/></disk></devices></domain>";
    assert_edit(xml, KT_XML_VCPU_PIN, "vcpu 0", "1", "</name>",
                "</name><cputune><vcpupin vcpu=\"0\" cpuset=\"1\"/></cputune>");
    assert_edit(xml, KT_XML_DISK_CACHE, "disk vda", "none", "<disk>", "<disk><driver cache=\"none\"/>");
}

static void
edit_corpus_file(const char *path, const char *original)
{
    g_autofree char *xml = unedited(original);
    assert_same_without(xml, original, "/none");
    g_autoptr(KtDomainDef) def = kt_domain_def_parse(xml, NULL);
    for (guint i = 0; i < MIN(def->vcpus, 8); i++) {
        g_autofree char *item = g_strdup_printf("vcpu %u", i);
        try_there_and_back(path, xml, KT_XML_VCPU_PIN, item, "11");
    }
    try_there_and_back(path, xml, KT_XML_EMULATOR_PIN, "emulator", "11");
    for (guint i = 1; i <= def->iothreads; i++) {
        g_autofree char *item = g_strdup_printf("iothread %u", i);
        try_there_and_back(path, xml, KT_XML_IOTHREAD_PIN, item, "11");
    }
    for (guint i = 0; i < def->disks->len; i++) {
        g_autofree char *item = g_strconcat("disk ", ((const KtDiskDef *)def->disks->pdata[i])->target, NULL);
        try_there_and_back(path, xml, KT_XML_DISK_CACHE, item, "directsync");
    }
    for (guint i = 0; i < def->nics->len; i++) {
        const char *mac = ((const KtNicDef *)def->nics->pdata[i])->mac;
        g_autofree char *item = g_strconcat("nic ", mac != NULL ? mac : "", NULL);
        try_there_and_back(path, xml, KT_XML_NIC_MODEL, item, "virtio");
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
    g_test_add_func("/domain-edit/get", test_get);
    g_test_add_func("/domain-edit/get-in-normal-form", test_get_in_normal_form);
    g_test_add_func("/domain-edit/items-that-are-not-there", test_items_that_are_not_there);
    g_test_add_func("/domain-edit/bad-values", test_bad_values);
    g_test_add_func("/domain-edit/written-pin-that-is-no-list", test_written_pin_that_is_no_list);
    g_test_add_func("/domain-edit/pins", test_pins);
    g_test_add_func("/domain-edit/cputune-comes-and-goes", test_cputune_comes_and_goes);
    g_test_add_func("/domain-edit/cputune-with-other-settings-stays", test_cputune_with_other_settings_stays);
    g_test_add_func("/domain-edit/empty-cputune", test_empty_cputune);
    g_test_add_func("/domain-edit/several-edits", test_several_edits);
    g_test_add_func("/domain-edit/duplicate-pins", test_duplicate_pins);
    g_test_add_func("/domain-edit/unlisted-iothreads", test_unlisted_iothreads);
    g_test_add_func("/domain-edit/disk-cache", test_disk_cache);
    g_test_add_func("/domain-edit/disk-without-driver", test_disk_without_driver);
    g_test_add_func("/domain-edit/driver-with-children-stays", test_driver_with_children_stays);
    g_test_add_func("/domain-edit/nic-model", test_nic_model);
    g_test_add_func("/domain-edit/duplicate-elements", test_duplicate_elements);
    g_test_add_func("/domain-edit/nothing-else-changes", test_nothing_else_changes);
    g_test_add_func("/domain-edit/declaration-and-surroundings", test_declaration_and_surroundings);
    g_test_add_func("/domain-edit/compact", test_compact);
    g_test_add_func("/domain-edit/corpus", test_corpus);
    return g_test_run();
}
