/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/domain_edit_places.h"

static const char *const before_none[] = {NULL};

bool
kt_xml_has_vcpu(const xmlNode *domain, guint id)
{
    return id < kt_domain_xml_max_vcpus(domain);
}

bool
kt_xml_has_iothread(const xmlNode *domain, guint id)
{
    g_autoptr(KtCpuset) ids = kt_domain_xml_iothread_ids(domain);
    return hwloc_bitmap_isset(ids, id);
}

static bool
pin_id(const KtXmlPlace *place, const xmlNode *domain, const char *which, guint *ret_id, GError **error)
{
    guint64 id = 0;
    if (place->id_attribute == NULL) {
        if (*which != '\0')
            return kt_xml_complain(domain, error, KT_ERROR_INVALID, "there is no item '%s%s'", place->prefix,
                                   which);
    } else if (!g_ascii_string_to_unsigned(which, 10, 0, G_MAXUINT, &id, NULL) ||
               !place->exists(domain, (guint)id)) {
        return kt_xml_complain(domain, error, KT_ERROR_INVALID, "it has no %s%s", place->prefix, which);
    }
    *ret_id = (guint)id;
    return true;
}

/* All pins of this kind and number. libvirt refuses more than one; where there are, the first counts, as for
 * kt_domain_def_parse(). */
static GPtrArray *
find_pins(const KtXmlPlace *place, const xmlNode *domain, guint id)
{
    g_autoptr(GPtrArray) all = kt_xml_grandchildren(domain, "cputune", place->element);
    GPtrArray *found = g_ptr_array_new();
    for (guint i = 0; i < all->len; i++) {
        guint other = id;
        bool numbered = place->id_attribute == NULL ||
                        kt_xml_attr_number(all->pdata[i], place->id_attribute, G_MAXUINT, &other);
        if (numbered && other == id)
            g_ptr_array_add(found, all->pdata[i]);
    }
    return found;
}

/* A CPU list in the kernel's normal form. */
static char *
normal_list(const char *text, GError **error)
{
    g_autoptr(KtCpuset) cpus = kt_cpuset_parse(text, true, error);
    return cpus != NULL ? kt_cpuset_format(cpus) : NULL;
}

bool
kt_xml_get_pin(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value, GError **error)
{
    guint id = 0;
    if (!pin_id(place, domain, which, &id, error))
        return false;
    g_autoptr(GPtrArray) pins = find_pins(place, domain, id);
    g_autofree char *written = pins->len > 0 ? kt_xml_attr(pins->pdata[0], place->attribute) : NULL;
    char *value = NULL;
    if (written != NULL) {
        g_autoptr(GError) failure = NULL;
        value = normal_list(written, &failure);
        if (value == NULL)
            return kt_xml_complain(domain, error, KT_ERROR_PARSE, "%s%s: %s", place->prefix, which,
                                   failure->message);
    }
    *ret_value = value;
    return true;
}

/* libvirt writes the pins of one kind by their number. */
static void
add_pin(const KtXmlPlace *place, xmlNode *domain, guint id, const char *cpus)
{
    xmlNode *cputune = kt_xml_need_cputune(domain);
    xmlNode *after = kt_xml_last_child_of(cputune, place->before);
    for (xmlNode *node = cputune->children; node != NULL && place->id_attribute != NULL; node = node->next) {
        guint other = 0;
        if (kt_xml_is_element(node, place->element) &&
            kt_xml_attr_number(node, place->id_attribute, G_MAXUINT, &other) && other < id)
            after = node;
    }
    xmlNode *pin = kt_xml_insert(cputune, after, place->element);
    if (place->id_attribute != NULL) {
        char number[16];
        g_snprintf(number, sizeof(number), "%u", id);
        kt_xml_set_attr(pin, place->id_attribute, number, before_none);
    }
    kt_xml_set_attr(pin, place->attribute, cpus, place->before_attribute);
}

/* A list that says the same in other words stays as it is. */
static void
change_pin(const KtXmlPlace *place, xmlNode *pin, const char *cpus)
{
    g_autofree char *written = kt_xml_attr(pin, place->attribute);
    g_autofree char *normal = written != NULL ? normal_list(written, NULL) : NULL;
    if (g_strcmp0(normal, cpus) != 0)
        kt_xml_set_attr(pin, place->attribute, cpus, place->before_attribute);
}

bool
kt_xml_set_pin(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value, GError **error)
{
    guint id = 0;
    g_autofree char *cpus = NULL;
    if (!pin_id(place, domain, which, &id, error))
        return false;
    if (value != NULL) {
        g_autoptr(GError) failure = NULL;
        cpus = normal_list(value, &failure);
        if (cpus == NULL || *cpus == '\0')
            return kt_xml_complain(domain, error, KT_ERROR_INVALID, "%s%s: %s", place->prefix, which,
                                   failure != NULL ? failure->message : "a pin to no CPU");
    }
    g_autoptr(GPtrArray) pins = find_pins(place, domain, id);
    for (guint i = cpus != NULL ? 1 : 0; i < pins->len; i++)
        kt_xml_remove_with_parent(pins->pdata[i]);
    if (cpus != NULL && pins->len > 0)
        change_pin(place, pins->pdata[0], cpus);
    else if (cpus != NULL)
        add_pin(place, domain, id, cpus);
    return true;
}
