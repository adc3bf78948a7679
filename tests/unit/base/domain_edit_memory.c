/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/base/domain_corpus.h"
#include "tests/unit/base/edit_checks.h"

/* As libvirt 9.0 writes a definition, with @backing in its place. */
static char *
definition(const char *backing)
{
    return g_strdup_printf("<domain type='kvm'>\n"
                           "  <name>d</name>\n"
                           "  <memory unit='KiB'>1048576</memory>\n"
                           "  <currentMemory unit='KiB'>1048576</currentMemory>\n"
                           "%s"
                           "  <vcpu placement='static'>2</vcpu>\n"
                           "  <cputune>\n"
                           "    <shares>2048</shares>\n"
                           "  </cputune>\n"
                           "  <os>\n"
                           "    <type arch='x86_64'>hvm</type>\n"
                           "  </os>\n"
                           "</domain>\n",
                           backing);
}

/* ---- huge pages ---- */

static void
test_hugepages_come_and_go(void)
{
    g_autofree char *xml = definition("");
    assert_value(xml, KT_XML_HUGEPAGES, NULL, NULL);
    assert_edit(xml, KT_XML_HUGEPAGES, NULL, "hugepages-2M", "  <vcpu placement",
                "  <memoryBacking>\n"
                "    <hugepages>\n"
                "      <page size=\"2048\" unit=\"KiB\"/>\n"
                "    </hugepages>\n"
                "  </memoryBacking>\n"
                "  <vcpu placement");
    assert_edit(xml, KT_XML_HUGEPAGES, NULL, "hugepages", "  <vcpu placement",
                "  <memoryBacking>\n    <hugepages/>\n  </memoryBacking>\n  <vcpu placement");
}

static void
test_hugepages_change(void)
{
    g_autofree char *xml = definition("  <memoryBacking>\n"
                                      "    <hugepages>\n"
                                      "      <page size='64' unit='KiB'/>\n"
                                      "    </hugepages>\n"
                                      "    <locked/>\n"
                                      "  </memoryBacking>\n");
    assert_value(xml, KT_XML_HUGEPAGES, NULL, "hugepages-64KiB");
    assert_edit(xml, KT_XML_HUGEPAGES, NULL, "hugepages-1G", "size=\"64\"", "size=\"1048576\"");
    assert_edit(xml, KT_XML_HUGEPAGES, NULL, "hugepages",
                "    <hugepages>\n      <page size=\"64\" unit=\"KiB\"/>\n    </hugepages>\n",
                "    <hugepages/>\n");
    assert_edit(xml, KT_XML_HUGEPAGES, NULL, NULL,
                "    <hugepages>\n      <page size=\"64\" unit=\"KiB\"/>\n    </hugepages>\n", "");
}

/* The same size in another unit stays as it is written. */
static void
test_hugepages_in_other_units(void)
{
    g_autofree char *written =
        definition("  <memoryBacking><hugepages><page size='2' unit='M'/></hugepages></memoryBacking>\n");
    g_autofree char *xml = unedited(written);
    assert_value(xml, KT_XML_HUGEPAGES, NULL, "hugepages-2M");
    g_autofree char *same = edit(xml, KT_XML_HUGEPAGES, NULL, "hugepages-2M");
    g_assert_cmpstr(same, ==, xml);
}

static void
test_hugepages_by_node(void)
{
    g_autofree char *xml = definition("  <memoryBacking>\n"
                                      "    <hugepages>\n"
                                      "      <page size='1048576' unit='KiB' nodeset='0'/>\n"
                                      "      <page size='2048' unit='KiB' nodeset='1-2'/>\n"
                                      "    </hugepages>\n"
                                      "  </memoryBacking>\n");
    assert_value(xml, KT_XML_HUGEPAGES, NULL, "hugepages-1G 0; hugepages-2M 1-2");
    assert_refused(xml, KT_XML_HUGEPAGES, NULL, "hugepages-2M", "single guest nodes");
    assert_refused(xml, KT_XML_HUGEPAGES, NULL, NULL, "single guest nodes");
}

static void
test_hugepages_bad_values(void)
{
    static const char *const values[] = {
        "", "2M", "hugepages-", "hugepages-4M", "hugepages-KiB", "hugepages-0KiB", "hugepages-1e3KiB"};
    g_autofree char *xml = definition("");
    for (guint i = 0; i < G_N_ELEMENTS(values); i++)
        assert_refused(xml, KT_XML_HUGEPAGES, NULL, values[i], "names no size");
}

/* ---- nosharepages ---- */

static void
test_nosharepages(void)
{
    g_autofree char *xml = definition("");
    assert_value(xml, KT_XML_NOSHAREPAGES, NULL, NULL);
    assert_edit(xml, KT_XML_NOSHAREPAGES, NULL, "no", "  <vcpu placement",
                "  <memoryBacking>\n    <nosharepages/>\n  </memoryBacking>\n  <vcpu placement");
    assert_refused(xml, KT_XML_NOSHAREPAGES, NULL, "yes", "'yes' is neither");

    g_autofree char *backed =
        definition("  <memoryBacking>\n    <hugepages/>\n    <locked/>\n  </memoryBacking>\n");
    assert_edit(backed, KT_XML_NOSHAREPAGES, NULL, "no", "    <locked/>\n",
                "    <nosharepages/>\n    <locked/>\n");
}

/* All three at once, and back in another order. */
static void
test_together(void)
{
    static const KtXmlEdit edits[] = {{KT_XML_NOSHAREPAGES, NULL, "no"},
                                      {KT_XML_NUMATUNE, NULL, "preferred 0"},
                                      {KT_XML_HUGEPAGES, NULL, "hugepages-1G"}};
    static const KtXmlEdit back[] = {
        {KT_XML_NOSHAREPAGES, NULL, NULL}, {KT_XML_HUGEPAGES, NULL, NULL}, {KT_XML_NUMATUNE, NULL, NULL}};
    g_autofree char *xml = definition("");
    g_autofree char *before = unedited(xml);
    g_autofree char *edited = kt_domain_xml_edit(xml, edits, G_N_ELEMENTS(edits), NULL);
    g_assert_nonnull(strstr(edited, "    </hugepages>\n    <nosharepages/>\n  </memoryBacking>\n"));

    g_autofree char *undone = kt_domain_xml_edit(edited, back, G_N_ELEMENTS(back), NULL);
    g_assert_cmpstr(undone, ==, before);
}

static void
edit_corpus_file(const char *path, const char *original)
{
    g_autofree char *xml = unedited(original);
    g_autofree char *present = get(xml, KT_XML_HUGEPAGES, NULL);
    try_there_and_back(path, xml, KT_XML_NUMATUNE, NULL, "interleave 11");
    try_there_and_back(path, xml, KT_XML_NOSHAREPAGES, NULL, "no");
    if (present != NULL && strchr(present, ' ') != NULL)
        assert_refused(xml, KT_XML_HUGEPAGES, NULL, "hugepages-2M", "single guest nodes");
    else
        try_there_and_back(path, xml, KT_XML_HUGEPAGES, NULL, "hugepages-16384KiB");
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
    g_test_add_func("/domain-edit-memory/hugepages/come-and-go", test_hugepages_come_and_go);
    g_test_add_func("/domain-edit-memory/hugepages/change", test_hugepages_change);
    g_test_add_func("/domain-edit-memory/hugepages/other-units", test_hugepages_in_other_units);
    g_test_add_func("/domain-edit-memory/hugepages/by-node", test_hugepages_by_node);
    g_test_add_func("/domain-edit-memory/hugepages/bad-values", test_hugepages_bad_values);
    g_test_add_func("/domain-edit-memory/nosharepages", test_nosharepages);
    g_test_add_func("/domain-edit-memory/together", test_together);
    g_test_add_func("/domain-edit-memory/corpus", test_corpus);
    return g_test_run();
}
