/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/xml_tree.h"
#include "probes/topology_parts.h"
#include "probes/topology_xml_parts.h"
/**
 * hwloc takes its own XML on trust: one set that is missing, or not inside its parent's, crashes it (2.9; "We
 * should check that the existing object sets are consistent", hwloc/topology-xml.c). A capture may come from
 * a stranger, so the tree is checked here, and hwloc gets only what it was checked for. What the program
 * doesn't use (memory attributes, user data, distances of other things than nodes) isn't handed on.
 */

/* The longest XML that is read, bytes. */
#define XML_MAX (64 * 1024 * 1024)

/* What hwloc writes first, which is all that it may say of a document type. */
#define DOCUMENT_TYPE "<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">"

bool
kt_topology_xml_complain(const xmlNode *node, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "line %ld: %s", xmlGetLineNo(node), message);
    return false;
}

void
kt_topology_xml_keep(xmlNode *parent, const char *const *kept)
{
    for (xmlNode *node = parent->children, *next; node; node = next) {
        next = node->next;
        bool stays =
            node->type == XML_ELEMENT_NODE && !node->ns && g_strv_contains(kept, (const char *)node->name);
        if (stays)
            continue;
        xmlUnlinkNode(node);
        xmlFreeNode(node);
    }
}

void
kt_topology_xml_keep_attributes(xmlNode *node, const char *const *kept)
{
    for (xmlAttr *attr = node->properties, *next; attr; attr = next) {
        next = attr->next;
        if (attr->ns || !g_strv_contains(kept, (const char *)attr->name))
            xmlRemoveProp(attr);
    }
}

void
kt_topology_xml_clean_info(xmlNode *info)
{
    static const char *const kept[] = {"name", "value", NULL};
    static const char *const nothing[] = {NULL};
    kt_topology_xml_keep_attributes(info, kept);
    kt_topology_xml_keep(info, nothing);
}

/* The words of 32 CPUs of a set, the greatest first, as hwloc prints them; false for anything else, infinite
 * sets too. An empty word is 0. */
static bool
read_words(char *const *words, KtCpuset *set)
{
    guint n = g_strv_length((char **)words);
    for (guint i = 0; i < n; i++) {
        const char *digits = g_str_has_prefix(words[i], "0x") ? words[i] + strlen("0x") : words[i];
        guint64 mask = 0;
        if (*words[i] && !g_ascii_string_to_unsigned(digits, 16, 0, G_MAXUINT32, &mask, NULL))
            return false;
        for (guint bit = 0; bit < 32; bit++) {
            if (mask >> bit & 1)
                hwloc_bitmap_set(set, (n - 1 - i) * 32 + bit);
        }
    }
    return true;
}

KtCpuset *
kt_topology_xml_set(xmlNode *node, const char *name)
{
    g_autofree char *text = kt_xml_attr(node, name);
    g_auto(GStrv) words = g_strsplit(text ? text : "", ",", KT_CPUSET_MAX / 32 + 1);
    g_autoptr(KtCpuset) set = hwloc_bitmap_alloc();
    if (!text || g_strv_length(words) > KT_CPUSET_MAX / 32 || !read_words(words, set))
        return NULL;
    char *written = NULL;
    hwloc_bitmap_asprintf(&written, set);
    xmlSetProp(node, BAD_CAST name, BAD_CAST written);
    free(written);
    return g_steal_pointer(&set);
}

/* What is allowed of a machine: finite sets, or not told. */
static bool
check_allowed(xmlNode *machine, GError **error)
{
    static const char *const names[] = {"allowed_cpuset", "allowed_nodeset"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(KtCpuset) set = kt_topology_xml_set(machine, names[i]);
        if (!set && xmlHasProp(machine, BAD_CAST names[i]))
            return kt_topology_xml_complain(machine, error, "Machine: no set that a host can have as %s",
                                            names[i]);
    }
    return true;
}

/* The numbers in all elements @name of @node, which hwloc writes a few at a time. NULL where some word is
 * none. */
static GArray *
read_numbers(const xmlNode *node, const char *name)
{
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint64));
    for (const xmlNode *child = node->children; child; child = child->next) {
        if (!kt_xml_is_element(child, name))
            continue;
        g_autofree char *text = kt_xml_text(child);
        g_auto(GStrv) words = g_strsplit_set(text ? text : "", " \n\t", -1);
        for (char **word = words; *word; word++) {
            guint64 number;
            if (**word == '\0')
                continue;
            if (!g_ascii_string_to_unsigned(*word, 10, 0, G_MAXUINT64, &number, NULL))
                return NULL;
            g_array_append_val(numbers, number);
        }
    }
    return g_steal_pointer(&numbers);
}

/* Writes them as the one element of that name: hwloc wants the length of the text, and believes it. */
static void
write_numbers(xmlNode *node, const char *name, const GArray *numbers)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < numbers->len; i++)
        g_string_append_printf(text, "%" G_GUINT64_FORMAT " ", g_array_index(numbers, guint64, i));
    g_autofree char *length = g_strdup_printf("%zu", text->len);
    xmlNode *child = xmlNewTextChild(node, NULL, BAD_CAST name, BAD_CAST text->str);
    xmlSetProp(child, BAD_CAST "length", BAD_CAST length);
}

/* Whether all are numbers of memory nodes, each once. */
static bool
are_nodes(const GArray *indexes, const KtCpuset *nodes)
{
    g_autoptr(KtCpuset) seen = hwloc_bitmap_alloc();
    for (guint i = 0; i < indexes->len; i++) {
        guint64 os = g_array_index(indexes, guint64, i);
        if (os >= KT_CPUSET_MAX || !hwloc_bitmap_isset(nodes, (guint)os) ||
            hwloc_bitmap_isset(seen, (guint)os))
            return false;
        hwloc_bitmap_set(seen, (guint)os);
    }
    return true;
}

/* A matrix between memory nodes; what is of others is dropped: false without an error. */
static bool
check_distances(xmlNode *node, const KtCpuset *nodes, GError **error)
{
    static const char *const kept[] = {"type", "nbobjs", "kind", "name", "indexing", NULL};
    static const char *const nothing[] = {NULL};
    g_autofree char *type = kt_xml_attr(node, "type");
    if (g_strcmp0(type, "NUMANode") != 0)
        return false;
    guint n = 0, kind = 0;
    g_autofree char *indexing = kt_xml_attr(node, "indexing");
    g_autoptr(GArray) indexes = read_numbers(node, "indexes");
    g_autoptr(GArray) values = read_numbers(node, "u64values");
    if (!kt_xml_attr_number(node, "nbobjs", KT_CPUSET_MAX, &n) || g_strcmp0(indexing, "os") != 0 ||
        !kt_xml_attr_number(node, "kind", G_MAXUSHORT, &kind) || !indexes || !values || indexes->len != n ||
        values->len != (guint64)n * n || !are_nodes(indexes, nodes))
        return kt_topology_xml_complain(
            node, error, "distances2: wanted the distances of nbobjs memory nodes, each to each");
    kt_topology_xml_keep_attributes(node, kept);
    kt_topology_xml_keep(node, nothing);
    write_numbers(node, "indexes", indexes);
    write_numbers(node, "u64values", values);
    return true;
}

static bool
check_kind(xmlNode *node, GError **error)
{
    static const char *const kept[] = {"cpuset", "forced_efficiency", NULL};
    static const char *const info[] = {"info", NULL};
    guint efficiency;
    g_autoptr(KtCpuset) set = kt_topology_xml_set(node, "cpuset");
    if (!set)
        return kt_topology_xml_complain(node, error, "cpukind: no cpuset, or none that a host can have");
    if (!kt_xml_attr_number(node, "forced_efficiency", G_MAXINT, &efficiency))
        xmlUnsetProp(node, BAD_CAST "forced_efficiency");
    kt_topology_xml_keep_attributes(node, kept);
    kt_topology_xml_keep(node, info);
    for (xmlNode *child = node->children; child; child = child->next)
        kt_topology_xml_clean_info(child);
    return true;
}

/* What stands behind the machine. */
static bool
check_rest(xmlNode *machine, const KtCpuset *nodes, GError **error)
{
    for (xmlNode *node = machine->next, *next; node; node = next) {
        next = node->next;
        g_autoptr(GError) local = NULL;
        bool kept = kt_xml_is_element(node, "distances2") ? check_distances(node, nodes, &local)
                    : kt_xml_is_element(node, "cpukind")  ? check_kind(node, &local)
                                                          : false;
        if (local) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
        if (kept)
            continue;
        xmlUnlinkNode(node);
        xmlFreeNode(node);
    }
    return true;
}

static bool
check_root(xmlNode *root, GError **error)
{
    static const char *const kept[] = {"version", NULL};
    static const char *const children[] = {"object", "distances2", "cpukind", NULL};
    g_autofree char *version = kt_xml_attr(root, "version");
    if (!kt_xml_is_element(root, "topology") || !version || !g_str_has_prefix(version, "2."))
        return kt_topology_xml_complain(
            root, error, "wanted hwloc's <topology version=\"2.0\"> (lstopo FILE.xml writes it)");
    xmlSetProp(root, BAD_CAST "version", BAD_CAST "2.0");
    kt_topology_xml_keep_attributes(root, kept);
    kt_topology_xml_keep(root, children);
    g_autoptr(KtCpuset) nodes = hwloc_bitmap_alloc();
    xmlNode *machine = root->children;
    if (!machine || !kt_xml_is_element(machine, "object"))
        return kt_topology_xml_complain(root, error, "the topology has no machine");
    return kt_topology_xml_check_machine(machine, nodes, error) && check_allowed(machine, error) &&
           check_rest(machine, nodes, error);
}

char *
kt_topology_xml_check(const char *xml, GError **error)
{
    /* The one document type that may be there says nothing; XML is read without any. */
    const char *type = strstr(xml, DOCUMENT_TYPE);
    g_autofree char *text = g_strdup(xml);
    if (type && type < strstr(xml, "<topology"))
        memset(text + (type - xml), ' ', strlen(DOCUMENT_TYPE));
    g_autoptr(xmlDoc) doc = kt_xml_parse(text, XML_MAX, error);
    if (!doc || !check_root(xmlDocGetRootElement(doc), error))
        return NULL;
    return kt_xml_format(doc, error);
}
