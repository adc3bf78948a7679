/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/domain_edit_places.h"

/* Places that are a number as an element's text: <cputune><shares>, <iothreads>. */

/* What libvirt 9.0 writes before an element (virDomainDefFormatInternal). */
#define BEFORE_IOTHREADS                                                                                     \
    "name", "uuid", "genid", "title", "description", "metadata", "maxMemory", "memory", "currentMemory",     \
        "blkiotune", "memtune", "memoryBacking", "vcpu", "vcpus"

static const char *const before_iothreads[] = {BEFORE_IOTHREADS, NULL};
static const char *const before_cputune[] = {BEFORE_IOTHREADS, "iothreads", "iothreadids", "defaultiothread",
                                             NULL};

static bool
is_number(const char *text, guint64 max)
{
    return text != NULL && g_ascii_string_to_unsigned(text, 10, 0, max, NULL, NULL);
}

/* Text that says the same number stays as it is. */
static void
set_text(xmlNode *node, const char *number)
{
    g_autofree char *written = kt_xml_text(node);
    if (g_strcmp0(written, number) != 0)
        xmlNodeSetContent(node, BAD_CAST number);
}

bool
kt_xml_get_shares(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                  GError **error)
{
    (void)place, (void)which, (void)error;
    g_autoptr(GPtrArray) found = kt_xml_grandchildren(domain, "cputune", "shares");
    *ret_value = found->len > 0 ? kt_xml_text(found->pdata[0]) : NULL;
    return true;
}

xmlNode *
kt_xml_need_cputune(xmlNode *domain)
{
    xmlNode *cputune = kt_xml_child(domain, "cputune");
    if (cputune == NULL)
        cputune = kt_xml_insert(domain, kt_xml_last_child_of(domain, before_cputune), "cputune");
    return cputune;
}

bool
kt_xml_set_shares(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                  GError **error)
{
    (void)place, (void)which;
    if (value != NULL && !is_number(value, G_MAXUINT64))
        return kt_xml_complain(domain, error, KT_ERROR_INVALID, "shares: '%s' is no number", value);
    g_autoptr(GPtrArray) found = kt_xml_grandchildren(domain, "cputune", "shares");
    for (guint i = value != NULL ? 1 : 0; i < found->len; i++)
        kt_xml_remove_with_parent(found->pdata[i]);
    if (value != NULL)
        set_text(found->len > 0 ? found->pdata[0]
                                : kt_xml_insert(kt_xml_need_cputune(domain), NULL, "shares"),
                 value);
    return true;
}

static guint
count_iothreads(const xmlNode *domain)
{
    g_autoptr(KtCpuset) ids = kt_domain_xml_iothread_ids(domain);
    return (guint)hwloc_bitmap_weight(ids);
}

/* A definition that only lists its IOThreads has as many as it lists. */
bool
kt_xml_get_iothreads(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                     GError **error)
{
    (void)place, (void)which, (void)error;
    guint count = count_iothreads(domain);
    *ret_value = count > 0 ? g_strdup_printf("%u", count) : NULL;
    return true;
}

/* libvirt keeps as many IOThreads as <iothreadids> lists, even where <iothreads> says fewer; those that it
 * numbered itself it writes behind the others. */
static void
shorten_list(xmlNode *domain, guint most)
{
    g_autoptr(GPtrArray) listed = kt_xml_grandchildren(domain, "iothreadids", "iothread");
    for (guint i = listed->len; i > most; i--)
        kt_xml_remove_with_parent(listed->pdata[i - 1]);
}

bool
kt_xml_set_iothreads(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                     GError **error)
{
    (void)place, (void)which;
    guint64 wanted = 0;
    if (value != NULL && (!g_ascii_string_to_unsigned(value, 10, 1, KT_DOMAIN_IDS_MAX, &wanted, NULL)))
        return kt_xml_complain(domain, error, KT_ERROR_INVALID, "iothreads: '%s' is no number of IOThreads",
                               value);
    if (count_iothreads(domain) == wanted)
        return true;
    shorten_list(domain, (guint)wanted);
    xmlNode *element = kt_xml_child(domain, "iothreads");
    if (value == NULL && element != NULL)
        kt_xml_remove(element);
    if (value == NULL)
        return true;
    if (element == NULL)
        element = kt_xml_insert(domain, kt_xml_last_child_of(domain, before_iothreads), "iothreads");
    set_text(element, value);
    return true;
}
