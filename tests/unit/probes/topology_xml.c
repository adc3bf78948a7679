/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "probes/topology_parts.h"
#include "tests/unit/probes/fake_topology.h"

/* Two CPUs with an own core each, one memory node, a card. Sets are as hwloc prints them. */
#define SETS(cpus) "cpuset=\"" cpus "\" complete_cpuset=\"" cpus "\" nodeset=\"0x1\" complete_nodeset=\"0x1\""
#define XML                                                                                                                                                       \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                                                                                                \
    "<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"                                                                                                                 \
    "<topology version=\"2.0\">\n"                                                                                                                                \
    "<object type=\"Machine\" os_index=\"0\" allowed_cpuset=\"0x3\" gp_index=\"1\" " SETS(                                                                        \
        "0x3") ">\n"                                                                                                                                              \
               "<info name=\"Backend\" value=\"Linux\"/>\n"                                                                                                       \
               "<object type=\"NUMANode\" os_index=\"0\" gp_index=\"2\" local_memory=\"4096\" " SETS(                                                             \
                   "0x3") "/>\n"                                                                                                                                  \
                          "<object type=\"Core\" os_index=\"0\" gp_index=\"3\" " SETS(                                                                            \
                              "0x1") ">\n"                                                                                                                        \
                                     "<object type=\"PU\" os_index=\"0\" gp_index=\"4\" " SETS(                                                                   \
                                         "0x1") "/>\n"                                                                                                            \
                                                "</object>\n"                                                                                                     \
                                                "<object type=\"Core\" os_index=\"1\" gp_index=\"5\" " SETS(                                                      \
                                                    "0x2") ">\n"                                                                                                  \
                                                           "<object type=\"PU\" os_index=\"1\" gp_index=\"6\" " SETS(                                             \
                                                               "0x2") "/>\n"                                                                                      \
                                                                      "</object>\n"                                                                               \
                                                                      "<object type=\"Bridge\" gp_index=\"7\" bridge_type=\"0-1\" bridge_pci=\"0000:[00-3b]\">\n" \
                                                                      "<object type=\"PCIDev\" gp_index=\"8\" pci_busid=\"0000:3b:00.0\"/>\n"                     \
                                                                      "</object>\n"                                                                               \
                                                                      "</object>\n"                                                                               \
                                                                      "<distances2 type=\"NUMANode\" nbobjs=\"1\" kind=\"5\" indexing=\"os\">"                    \
                                                                      "<indexes length=\"2\">0 </indexes><u64values length=\"3\">10 </u64values></distances2>\n"  \
                                                                      "<cpukind cpuset=\"0x3\"/>\n"                                                               \
                                                                      "</topology>\n"

/* The XML with the first @what replaced. Owned. */
static char *
with(const char *what, const char *instead)
{
    const char *at = strstr(XML, what);
    g_assert_nonnull(at);
    return g_strdup_printf("%.*s%s%s", (int)(at - XML), XML, instead, at + strlen(what));
}

static void
test_sound(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtTopology) topology = kt_topology_from_xml(XML, "sound", &error);

    g_assert_no_error(error);
    g_assert_cmpuint(topology->n_pus, ==, 2);
    g_assert_cmpuint(topology->n_cores, ==, 2);
    g_assert_cmpint(kt_topology_pci_node(topology, "0000:3b:00.0"), ==, 0);
}

static void
test_unsound(void)
{
    static const struct {
        const char *what, *instead, *message;
    } cases[] = {
        {"version=\"2.0\"", "version=\"1.0\"", "*wanted hwloc's <topology version=\"2.0\">*"},
        {"hwloc2.dtd", "file:///etc/passwd", "*line 2: a document type*"},
        {"\"Machine\"", "\"Package\"", "*line 4: Package: it can't be inside a topology"},
        {"\"Core\"", "\"Machine\"", "*line 7: Machine: it can't be inside a Machine"},
        {"\"Core\"", "\"Cor\"", "*line 7: there is no type of object 'Cor'"},
        {"\"Core\"", "\"NUMANode\"", "*line 7: memory node number 0 is there twice"},
        {"gp_index=\"3\" cpuset=\"0x1\"", "gp_index=\"3\"", "*line 7: Core: no cpuset*"},
        {"gp_index=\"3\" cpuset=\"0x1\"", "gp_index=\"3\" cpuset=\"0xf...f\"", "*line 7: Core: no cpuset*"},
        {"gp_index=\"3\" cpuset=\"0x1\"", "gp_index=\"3\" cpuset=\"0x1,\"",
         "*Core: its cpuset isn't all in that of the Machine*"},
        {"gp_index=\"3\" cpuset=\"0x1\"", "gp_index=\"3\" cpuset=\"0x2\"", "*its sets contradict*"},
        {"gp_index=\"5\" cpuset=\"0x2\" complete_cpuset=\"0x2\"",
         "gp_index=\"5\" cpuset=\"0x2\" complete_cpuset=\"0x3\"",
         "*line 10: Core: another object beside it has its CPUs too"},
        {"\"PU\" os_index=\"0\"", "\"PU\" os_index=\"1\"", "*line 8: PU: its set isn't just its number 1"},
        {"\"PU\" os_index=\"0\"", "\"PU\" os_index=\"16384\"",
         "*line 8: PU: wanted a number below 16384 as os_index"},
        {"gp_index=\"6\"", "gp_index=\"4\"", "*line 11: object: its gp_index is there twice"},
        {"gp_index=\"6\"", "", "*line 11: object: wanted a positive number as gp_index"},
        {"bridge_type=\"0-1\"", "bridge_type=\"9-9\"", "*line 13: Bridge: wanted the bridge_type 0-1 or 1-1"},
        {"\"PCIDev\" gp_index=\"8\"", "\"OSDev\" gp_index=\"8\" osdev_type=\"77\"",
         "*line 14: OSDev: wanted a number up to*"},
        {"\"PCIDev\" gp_index=\"8\"", "\"Core\" gp_index=\"8\"",
         "*line 14: Core: it can't be inside a Bridge"},
        {"allowed_cpuset=\"0x3\"", "allowed_cpuset=\"0xf...f\"",
         "*Machine: no set that a host can have as allowed_cpuset"},
        {"nbobjs=\"1\"", "nbobjs=\"65536\"",
         "*line 17: distances2: wanted the distances of nbobjs memory nodes*"},
        {">0 </indexes>", ">7 </indexes>", "*line 17: distances2: wanted the distances*"},
        {">10 </u64values>", ">10 x</u64values>", "*line 17: distances2: wanted the distances*"},
        {"<cpukind cpuset=\"0x3\"", "<cpukind", "*line 18: cpukind: no cpuset*"},
        {"</topology>", "", "*line*"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *xml = with(cases[i].what, cases[i].instead);
        g_autoptr(GError) error = NULL;

        g_autoptr(KtTopology) topology = kt_topology_from_xml(xml, "unsound", &error);

        g_assert_null(topology);
        g_assert_error(error, KT_ERROR, KT_ERROR_PARSE);
        if (!g_pattern_match_simple(cases[i].message, error->message))
            g_error("%s for '%s': %s", cases[i].instead, cases[i].what, error->message);
        g_assert_true(g_str_has_prefix(error->message, "unsound: "));
    }
}

/* What hwloc is told is just what was checked: it believes lengths and counts. */
static void
test_written_anew(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *xml = with("<indexes length=\"2\">", "<indexes length=\"99999\">");
    g_autofree char *checked = kt_topology_xml_check(xml, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(checked, "<indexes length=\"2\">0 </indexes>"));

    g_autofree char *odd = with("<info ", "<!-- x --><memattr name=\"Bandwidth\"/><info evil=\"1\" ");
    g_autofree char *cleaned = kt_topology_xml_check(odd, &error);
    g_assert_no_error(error);
    g_assert_null(strstr(cleaned, "memattr"));
    g_assert_null(strstr(cleaned, "evil"));
    g_assert_null(strstr(cleaned, "<!--"));
    g_assert_nonnull(strstr(cleaned, "<info name=\"Backend\" value=\"Linux\"/>"));

    /* hwloc needs the type first. */
    g_autofree char *late = with("type=\"PU\" os_index=\"0\"", "os_index=\"0\" type=\"PU\"");
    g_autofree char *ordered = kt_topology_xml_check(late, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(ordered, "<object type=\"PU\" os_index=\"0\""));
}

static void
test_leaves_only_memory_distances(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *xml =
        with("<distances2 type=\"NUMANode\" nbobjs=\"1\"", "<distances2 type=\"PU\" nbobjs=\"4294967295\"");
    g_autofree char *checked = kt_topology_xml_check(xml, &error);
    g_assert_no_error(error);
    g_assert_null(strstr(checked, "distances2"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/probes/topology-xml/sound", test_sound);
    g_test_add_func("/probes/topology-xml/unsound", test_unsound);
    g_test_add_func("/probes/topology-xml/written-anew", test_written_anew);
    g_test_add_func("/probes/topology-xml/only-memory-distances", test_leaves_only_memory_distances);
    return g_test_run();
}
