/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/domain_edit_places.h"

/* What libvirt 9.0 writes before an element or attribute (virDomainDefFormatInternal,
 * virDomainNumatuneFormatXML). */
static const char *const before_numatune[] = {
    "name",      "uuid",   "genid",         "title",       "description",     "metadata",
    "maxMemory", "memory", "currentMemory", "blkiotune",   "memtune",         "memoryBacking",
    "vcpu",      "vcpus",  "iothreads",     "iothreadids", "defaultiothread", "cputune",
    NULL,
};
static const char *const before_none[] = {NULL};
static const char *const before_mode[] = {"cellid", NULL};
static const char *const before_nodeset[] = {"cellid", "mode", NULL};

#define PLACEMENT_AUTO "auto"

static xmlNode *
require_numatune(xmlNode *domain)
{
    xmlNode *found = kt_xml_child(domain, "numatune");
    return found != NULL ? found
                         : kt_xml_insert(domain, kt_xml_last_child_of(domain, before_numatune), "numatune");
}

/* ---- <numatune><memory> ---- */

/* "MODE NODESET": either may be missing as in the definition, and "auto" stands for placement='auto', where
 * numad advises. NULL: there is no such element, or it says nothing. Owned. */
static char *
join_numatune(const xmlNode *memory)
{
    g_autofree char *mode = kt_xml_attr(memory, "mode");
    g_autofree char *placement = kt_xml_attr(memory, "placement");
    g_autofree char *nodeset =
        g_strcmp0(placement, PLACEMENT_AUTO) == 0 ? g_strdup(PLACEMENT_AUTO) : kt_xml_attr(memory, "nodeset");
    const char *separator = mode != NULL && nodeset != NULL ? " " : "";
    g_autofree char *value =
        g_strconcat(mode != NULL ? mode : "", separator, nodeset != NULL ? nodeset : "", NULL);
    return *value != '\0' ? g_steal_pointer(&value) : NULL;
}

bool
kt_xml_get_numatune(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                    GError **error)
{
    (void)place, (void)which, (void)error;
    *ret_value = join_numatune(kt_xml_child(kt_xml_child(domain, "numatune"), "memory"));
    return true;
}

/* Splits "MODE NODESET"; parts that are missing are NULL. */
static bool
split_numatune(const xmlNode *domain, const char *value, char **ret_mode, char **ret_nodeset, GError **error)
{
    g_auto(GStrv) words = g_strsplit(value, " ", 2);
    bool has_mode = words[0] != NULL && g_ascii_isalpha(words[0][0]) && strcmp(words[0], PLACEMENT_AUTO) != 0;
    const char *nodeset = has_mode ? words[1] : value;
    g_autoptr(KtCpuset) nodes = NULL;
    if (nodeset != NULL && strcmp(nodeset, PLACEMENT_AUTO) != 0)
        nodes = kt_cpuset_parse(nodeset, true, NULL);
    bool good_nodes = nodeset == NULL || strcmp(nodeset, PLACEMENT_AUTO) == 0 ||
                      (nodes != NULL && !hwloc_bitmap_iszero(nodes));
    if (!good_nodes || (has_mode && words[0][strspn(words[0], G_CSET_a_2_z)] != '\0'))
        return kt_xml_complain(domain, error, KT_ERROR_INVALID, "'%s' is no memory mode with a node list",
                               value);
    *ret_mode = has_mode ? g_strdup(words[0]) : NULL;
    *ret_nodeset = g_strdup(nodeset);
    return true;
}

static void
set_or_unset(xmlNode *node, const char *attribute, const char *value, const char *const *before)
{
    if (value != NULL)
        kt_xml_set_attr(node, attribute, value, before);
    else
        xmlUnsetProp(node, BAD_CAST attribute);
}

/* <memnode> of guest cells stays: with it <numatune>. */
bool
kt_xml_set_numatune(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                    GError **error)
{
    (void)place, (void)which;
    xmlNode *memory = kt_xml_child(kt_xml_child(domain, "numatune"), "memory");
    if (value == NULL) {
        if (memory != NULL)
            kt_xml_remove_with_parent(memory);
        return true;
    }
    g_autofree char *mode = NULL;
    g_autofree char *nodeset = NULL;
    if (!split_numatune(domain, value, &mode, &nodeset, error))
        return false;
    if (memory == NULL)
        memory = kt_xml_insert(require_numatune(domain), NULL, "memory");
    bool is_auto = g_strcmp0(nodeset, PLACEMENT_AUTO) == 0;
    g_autofree char *written = kt_xml_attr(memory, "placement");
    set_or_unset(memory, "mode", mode, before_mode);
    set_or_unset(memory, "nodeset", is_auto ? NULL : nodeset, before_nodeset);
    if (is_auto || g_strcmp0(written, PLACEMENT_AUTO) == 0)
        set_or_unset(memory, "placement", is_auto ? PLACEMENT_AUTO : NULL, before_nodeset);
    return true;
}

/* ---- <numatune><memnode> ---- */

static bool
has_cell(const xmlNode *domain, guint cell)
{
    const xmlNode *numa = kt_xml_child(kt_xml_child(domain, "cpu"), "numa");
    guint place = 0;
    for (const xmlNode *node = numa != NULL ? numa->children : NULL; node != NULL; node = node->next) {
        if (!kt_xml_is_element(node, "cell"))
            continue;
        guint id = place++;
        kt_xml_attr_number(node, "id", G_MAXUINT, &id);
        if (id == cell)
            return true;
    }
    return false;
}

static bool
parse_cell(const xmlNode *domain, const char *which, guint *ret_cell, GError **error)
{
    guint64 cell = 0;
    if (!g_ascii_string_to_unsigned(which, 10, 0, G_MAXUINT, &cell, NULL) || !has_cell(domain, (guint)cell))
        return kt_xml_complain(domain, error, KT_ERROR_INVALID, "it has no guest cell %s", which);
    *ret_cell = (guint)cell;
    return true;
}

/* The <memnode> of a cell, or NULL. *@ret_after: behind which element one would come, by its number. */
static xmlNode *
find_memnode(const xmlNode *domain, guint cell, xmlNode **ret_after)
{
    const xmlNode *numatune = kt_xml_child(domain, "numatune");
    *ret_after = kt_xml_child(numatune, "memory");
    for (xmlNode *node = numatune != NULL ? numatune->children : NULL; node != NULL; node = node->next) {
        guint other = 0;
        if (!kt_xml_is_element(node, "memnode") || !kt_xml_attr_number(node, "cellid", G_MAXUINT, &other))
            continue;
        if (other == cell)
            return node;
        if (other < cell)
            *ret_after = node;
    }
    return NULL;
}

bool
kt_xml_get_memnode(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                   GError **error)
{
    (void)place;
    guint cell = 0;
    if (!parse_cell(domain, which, &cell, error))
        return false;
    xmlNode *after = NULL;
    *ret_value = join_numatune(find_memnode(domain, cell, &after));
    return true;
}

bool
kt_xml_set_memnode(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                   GError **error)
{
    (void)place;
    guint cell = 0;
    g_autofree char *mode = NULL;
    g_autofree char *nodeset = NULL;
    if (!parse_cell(domain, which, &cell, error) ||
        (value != NULL && !split_numatune(domain, value, &mode, &nodeset, error)))
        return false;
    xmlNode *after = NULL;
    xmlNode *memnode = find_memnode(domain, cell, &after);
    if (value == NULL) {
        if (memnode != NULL)
            kt_xml_remove_with_parent(memnode);
        return true;
    }
    if (memnode == NULL) {
        memnode = kt_xml_insert(require_numatune(domain), after, "memnode");
        kt_xml_set_attr(memnode, "cellid", which, before_none);
    }
    set_or_unset(memnode, "mode", mode, before_mode);
    set_or_unset(memnode, "nodeset", nodeset, before_nodeset);
    return true;
}
