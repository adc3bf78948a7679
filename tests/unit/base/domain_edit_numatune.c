/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/base/domain_corpus.h"
#include "tests/unit/base/edit_checks.h"

/* As libvirt 9.0 writes a definition of two guest cells, with @numatune in its place. */
static char *
definition(const char *numatune)
{
    return g_strdup_printf("<domain type='kvm'>\n"
                           "  <name>d</name>\n"
                           "  <memory unit='KiB'>1048576</memory>\n"
                           "  <vcpu placement='static'>2</vcpu>\n"
                           "%s"
                           "  <os>\n"
                           "    <type arch='x86_64'>hvm</type>\n"
                           "  </os>\n"
                           "  <cpu>\n"
                           "    <numa>\n"
                           "      <cell id='0' cpus='0' memory='524288' unit='KiB'/>\n"
                           "      <cell cpus='1' memory='524288' unit='KiB'/>\n"
                           "    </numa>\n"
                           "  </cpu>\n"
                           "</domain>\n",
                           numatune);
}

/* ---- the whole guest ---- */

static void
test_numatune_comes_and_goes(void)
{
    g_autofree char *xml = definition("");
    assert_value(xml, KT_XML_NUMATUNE, NULL, NULL);
    assert_edit(xml, KT_XML_NUMATUNE, NULL, "strict 0-1", "  <os>\n",
                "  <numatune>\n"
                "    <memory mode=\"strict\" nodeset=\"0-1\"/>\n"
                "  </numatune>\n"
                "  <os>\n");
}

static void
test_numatune_changes(void)
{
    g_autofree char *xml =
        definition("  <numatune>\n    <memory mode='preferred' nodeset='1'/>\n  </numatune>\n");
    assert_value(xml, KT_XML_NUMATUNE, NULL, "preferred 1");
    assert_edit(xml, KT_XML_NUMATUNE, NULL, "interleave 0,2", "mode=\"preferred\" nodeset=\"1\"",
                "mode=\"interleave\" nodeset=\"0,2\"");
    assert_edit(xml, KT_XML_NUMATUNE, NULL, NULL,
                "  <numatune>\n    <memory mode=\"preferred\" nodeset=\"1\"/>\n  </numatune>\n", "");
}

/* numad's advice, and modes and lists alone, have words of their own: what an undo puts back is what was. */
static void
test_numatune_other_forms(void)
{
    static const struct {
        const char *attributes, *value;
    } forms[] = {
        {"mode=\"strict\" placement=\"auto\"", "strict auto"},
        {"placement=\"auto\"", "auto"},
        {"mode=\"preferred\"", "preferred"},
        {"nodeset=\"0-3,^2\"", "0-3,^2"},
        {"mode=\"strict\" nodeset=\"0-3,^2\"", "strict 0-3,^2"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autofree char *numatune =
            g_strdup_printf("  <numatune>\n    <memory %s/>\n  </numatune>\n", forms[i].attributes);
        g_autofree char *xml = definition(numatune);
        assert_value(xml, KT_XML_NUMATUNE, NULL, forms[i].value);
        assert_edit(xml, KT_XML_NUMATUNE, NULL, "strict 1", forms[i].attributes,
                    "mode=\"strict\" nodeset=\"1\"");
    }
}

/* What single guest cells have is another place. */
static void
test_memnode_stays(void)
{
    g_autofree char *xml = definition("  <numatune>\n"
                                      "    <memnode cellid='0' mode='strict' nodeset='1'/>\n"
                                      "  </numatune>\n");
    assert_value(xml, KT_XML_NUMATUNE, NULL, NULL);
    assert_edit(xml, KT_XML_NUMATUNE, NULL, "strict 0-1", "  <numatune>\n",
                "  <numatune>\n    <memory mode=\"strict\" nodeset=\"0-1\"/>\n");
}

static void
test_numatune_bad_values(void)
{
    static const char *const values[] = {"",    "strict x",   "strict ", "str'ict 0",
                                         "3-1", "strict 0 1", "0 strict"};
    g_autofree char *xml = definition("");
    for (guint i = 0; i < G_N_ELEMENTS(values); i++)
        assert_refused(xml, KT_XML_NUMATUNE, NULL, values[i], "is no memory mode");
    assert_refused(xml, KT_XML_NUMATUNE, "memory", "strict 0", "wanted no item");
}

/* ---- one guest cell ---- */

static void
test_memnode_comes_and_goes(void)
{
    g_autofree char *xml = definition("");
    assert_value(xml, KT_XML_MEMNODE, "cell 0", NULL);
    assert_edit(xml, KT_XML_MEMNODE, "cell 1", "preferred 1", "  <os>\n",
                "  <numatune>\n"
                "    <memnode cellid=\"1\" mode=\"preferred\" nodeset=\"1\"/>\n"
                "  </numatune>\n"
                "  <os>\n");
}

/* libvirt writes them by number, behind <memory>. */
static void
test_memnode_order(void)
{
    g_autofree char *xml = definition("  <numatune>\n"
                                      "    <memory mode='strict' nodeset='0-1'/>\n"
                                      "    <memnode cellid='1' mode='strict' nodeset='1'/>\n"
                                      "  </numatune>\n");
    assert_edit(xml, KT_XML_MEMNODE, "cell 0", "strict 0", "    <memnode cellid=\"1\"",
                "    <memnode cellid=\"0\" mode=\"strict\" nodeset=\"0\"/>\n    <memnode cellid=\"1\"");
    assert_edit(xml, KT_XML_MEMNODE, "cell 1", NULL,
                "    <memnode cellid=\"1\" mode=\"strict\" nodeset=\"1\"/>\n", "");
    g_autofree char *alone = definition("  <numatune>\n"
                                        "    <memnode cellid='0' mode='strict' nodeset='1'/>\n"
                                        "  </numatune>\n");
    assert_edit(alone, KT_XML_MEMNODE, "cell 1", "strict 0", "nodeset=\"1\"/>\n",
                "nodeset=\"1\"/>\n    <memnode cellid=\"1\" mode=\"strict\" nodeset=\"0\"/>\n");
}

static void
test_memnode_changes(void)
{
    g_autofree char *xml = definition("  <numatune>\n"
                                      "    <memnode cellid='1' nodeset='0-3,^2'/>\n"
                                      "  </numatune>\n");
    assert_value(xml, KT_XML_MEMNODE, "cell 1", "0-3,^2");
    assert_edit(xml, KT_XML_MEMNODE, "cell 1", "preferred 0", "nodeset=\"0-3,^2\"",
                "mode=\"preferred\" nodeset=\"0\"");
}

static void
test_memnode_bad_values(void)
{
    g_autofree char *xml = definition("");
    assert_refused(xml, KT_XML_MEMNODE, "cell 2", "strict 0", "it has no guest cell 2");
    assert_refused(xml, KT_XML_MEMNODE, "cell x", "strict 0", "it has no guest cell x");
    assert_refused(xml, KT_XML_MEMNODE, NULL, "strict 0", "wanted an item 'cell ");
    assert_refused(xml, KT_XML_MEMNODE, "cell 1", "strict x", "is no memory mode");
}

/* One policy for all makes room for those of the cells, and comes back. */
static void
test_together(void)
{
    static const KtXmlEdit edits[] = {{KT_XML_NUMATUNE, NULL, NULL},
                                      {KT_XML_MEMNODE, "cell 0", "preferred 1"},
                                      {KT_XML_MEMNODE, "cell 1", "preferred 0"}};
    static const KtXmlEdit back[] = {{KT_XML_MEMNODE, "cell 1", NULL},
                                     {KT_XML_NUMATUNE, NULL, "strict 0-1"},
                                     {KT_XML_MEMNODE, "cell 0", NULL}};
    g_autofree char *xml =
        definition("  <numatune>\n    <memory mode='strict' nodeset='0-1'/>\n  </numatune>\n");
    g_autofree char *before = unedited(xml);
    g_autofree char *edited = kt_domain_xml_edit(xml, edits, G_N_ELEMENTS(edits), NULL);
    g_assert_nonnull(strstr(edited,
                            "  <numatune>\n    <memnode cellid=\"0\" mode=\"preferred\" nodeset=\"1\"/>\n"
                            "    <memnode cellid=\"1\" mode=\"preferred\" nodeset=\"0\"/>\n"
                            "  </numatune>\n"));
    g_autofree char *undone = kt_domain_xml_edit(edited, back, G_N_ELEMENTS(back), NULL);
    g_assert_cmpstr(undone, ==, before);
}

static void
edit_corpus_file(const char *path, const char *original)
{
    g_autofree char *xml = unedited(original);
    try_there_and_back(path, xml, KT_XML_MEMNODE, "cell 0", "interleave 11");
    try_there_and_back(path, xml, KT_XML_MEMNODE, "cell 1", "interleave 11");
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
    g_test_add_func("/domain-edit-numatune/comes-and-goes", test_numatune_comes_and_goes);
    g_test_add_func("/domain-edit-numatune/changes", test_numatune_changes);
    g_test_add_func("/domain-edit-numatune/other-forms", test_numatune_other_forms);
    g_test_add_func("/domain-edit-numatune/memnode-stays", test_memnode_stays);
    g_test_add_func("/domain-edit-numatune/bad-values", test_numatune_bad_values);
    g_test_add_func("/domain-edit-numatune/memnode/comes-and-goes", test_memnode_comes_and_goes);
    g_test_add_func("/domain-edit-numatune/memnode/order", test_memnode_order);
    g_test_add_func("/domain-edit-numatune/memnode/changes", test_memnode_changes);
    g_test_add_func("/domain-edit-numatune/memnode/bad-values", test_memnode_bad_values);
    g_test_add_func("/domain-edit-numatune/together", test_together);
    g_test_add_func("/domain-edit-numatune/corpus", test_corpus);
    return g_test_run();
}
