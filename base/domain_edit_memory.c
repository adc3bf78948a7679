/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/domain_edit_places.h"

/* What libvirt 9.0 writes before an element or attribute (virDomainDefFormatInternal,
 * virDomainMemorybackingFormat). */
static const char *const before_backing[] = {
    "name",      "uuid",   "genid",         "title",     "description", "metadata",
    "maxMemory", "memory", "currentMemory", "blkiotune", "memtune",     NULL,
};
static const char *const before_none[] = {NULL};
static const char *const before_nosharepages[] = {"hugepages", NULL};
static const char *const before_unit[] = {"size", NULL};

#define HUGEPAGES "hugepages"

static xmlNode *
require_backing(xmlNode *domain)
{
    xmlNode *found = kt_xml_child(domain, "memoryBacking");
    return found != NULL
               ? found
               : kt_xml_insert(domain, kt_xml_last_child_of(domain, before_backing), "memoryBacking");
}

/* ---- <memoryBacking><hugepages> ---- */

static char *
page_word(guint64 page_kib)
{
    if (page_kib == 2048)
        return g_strdup(HUGEPAGES "-2M");
    if (page_kib == 1024 * 1024)
        return g_strdup(HUGEPAGES "-1G");
    return g_strdup_printf(HUGEPAGES "-%" G_GUINT64_FORMAT "KiB", page_kib);
}

/* The size in KiB that a word says; 0 = the host's default. */
static bool
parse_page_word(const char *word, guint64 *ret_page_kib)
{
    g_autofree char *number = NULL;
    *ret_page_kib = 0;
    if (strcmp(word, HUGEPAGES) == 0)
        return true;
    if (strcmp(word, HUGEPAGES "-2M") == 0)
        *ret_page_kib = 2048;
    else if (strcmp(word, HUGEPAGES "-1G") == 0)
        *ret_page_kib = 1024 * 1024;
    else if (g_str_has_prefix(word, HUGEPAGES "-") && g_str_has_suffix(word, "KiB"))
        number = g_strndup(word + strlen(HUGEPAGES "-"), strlen(word) - strlen(HUGEPAGES "-KiB"));
    return *ret_page_kib > 0 ||
           (number != NULL && g_ascii_string_to_unsigned(number, 10, 1, G_MAXINT64, ret_page_kib, NULL));
}

/* All <page> of <hugepages>. @ret_by_node: they are for certain guest nodes, or several, which one word can't
 * say. Borrowed from the tree. */
static GPtrArray *
find_pages(const xmlNode *hugepages, bool *ret_by_node)
{
    GPtrArray *pages = g_ptr_array_new();
    *ret_by_node = false;
    for (xmlNode *node = hugepages->children; node != NULL; node = node->next) {
        if (!kt_xml_is_element(node, "page"))
            continue;
        g_autofree char *nodeset = kt_xml_attr(node, "nodeset");
        *ret_by_node = *ret_by_node || nodeset != NULL || pages->len > 0;
        g_ptr_array_add(pages, node);
    }
    return pages;
}

/* "hugepages-1G 0; hugepages-2M 1" */
static char *
join_pages(const GPtrArray *pages)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < pages->len; i++) {
        g_autofree char *word = page_word(kt_domain_xml_attr_kib(pages->pdata[i], "size"));
        g_autofree char *nodeset = kt_xml_attr(pages->pdata[i], "nodeset");
        g_string_append_printf(text, "%s%s%s%s", i > 0 ? "; " : "", word, nodeset != NULL ? " " : "",
                               nodeset != NULL ? nodeset : "");
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

bool
kt_xml_get_hugepages(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                     GError **error)
{
    (void)place, (void)which, (void)error;
    const xmlNode *hugepages = kt_xml_child(kt_xml_child(domain, "memoryBacking"), HUGEPAGES);
    if (hugepages == NULL) {
        *ret_value = NULL;
        return true;
    }
    bool by_node = false;
    g_autoptr(GPtrArray) pages = find_pages(hugepages, &by_node);
    *ret_value = pages->len > 0 ? join_pages(pages) : g_strdup(HUGEPAGES);
    return true;
}

/* Makes <hugepages> say @page_kib; a size that says the same in another unit stays as it is. */
static void
set_page(xmlNode *hugepages, xmlNode *page, guint64 page_kib)
{
    if (page_kib == 0) {
        for (xmlNode *child = hugepages->children, *next; child != NULL; child = next) {
            next = child->next;
            xmlUnlinkNode(child);
            xmlFreeNode(child);
        }
        return;
    }
    if (page != NULL && kt_domain_xml_attr_kib(page, "size") == page_kib)
        return;
    if (page == NULL)
        page = kt_xml_insert(hugepages, NULL, "page");
    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, page_kib);
    kt_xml_set_attr(page, "size", size, before_none);
    kt_xml_set_attr(page, "unit", "KiB", before_unit);
}

bool
kt_xml_set_hugepages(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                     GError **error)
{
    (void)place, (void)which;
    guint64 page_kib = 0;
    bool by_node = false;
    xmlNode *hugepages = kt_xml_child(kt_xml_child(domain, "memoryBacking"), HUGEPAGES);
    g_autoptr(GPtrArray) pages = hugepages != NULL ? find_pages(hugepages, &by_node) : g_ptr_array_new();
    if (by_node)
        return kt_xml_complain(domain, error, KT_ERROR_INVALID,
                               "its huge pages are given for single guest nodes: those aren't replaced");
    if (value == NULL) {
        if (hugepages != NULL)
            kt_xml_remove_with_parent(hugepages);
        return true;
    }
    if (!parse_page_word(value, &page_kib))
        return kt_xml_complain(domain, error, KT_ERROR_INVALID, "'%s' names no size of huge pages", value);
    if (hugepages == NULL)
        hugepages = kt_xml_insert(require_backing(domain), NULL, HUGEPAGES);
    set_page(hugepages, pages->len > 0 ? pages->pdata[0] : NULL, page_kib);
    return true;
}

/* ---- <memoryBacking><nosharepages/> ---- */

bool
kt_xml_get_nosharepages(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                        GError **error)
{
    (void)place, (void)which, (void)error;
    bool there = kt_xml_child(kt_xml_child(domain, "memoryBacking"), "nosharepages") != NULL;
    *ret_value = there ? g_strdup("no") : NULL;
    return true;
}

bool
kt_xml_set_nosharepages(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                        GError **error)
{
    (void)place, (void)which;
    xmlNode *present = kt_xml_child(kt_xml_child(domain, "memoryBacking"), "nosharepages");
    if (value != NULL && strcmp(value, "no") != 0)
        return kt_xml_complain(domain, error, KT_ERROR_INVALID,
                               "nosharepages is there ('no') or isn't, '%s' is neither", value);
    if (value == NULL && present != NULL)
        kt_xml_remove_with_parent(present);
    if (value != NULL && present == NULL) {
        xmlNode *backing = require_backing(domain);
        kt_xml_insert(backing, kt_xml_last_child_of(backing, before_nosharepages), "nosharepages");
    }
    return true;
}
