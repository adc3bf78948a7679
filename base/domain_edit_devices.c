/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/domain_edit_places.h"

char *
kt_xml_disk_target(const xmlNode *disk)
{
    return kt_xml_attr(kt_xml_child(disk, "target"), "dev");
}

/* The one device of that name; NULL where there is none, or several share it. */
static xmlNode *
find_device(const KtXmlPlace *place, const xmlNode *domain, const char *which, GError **error)
{
    g_autoptr(GPtrArray) devices = kt_xml_grandchildren(domain, "devices", place->device);
    xmlNode *found = NULL;
    for (guint i = 0; i < devices->len; i++) {
        g_autofree char *name = place->name_of(devices->pdata[i]);
        if (name == NULL || g_ascii_strcasecmp(name, which) != 0)
            continue;
        if (found != NULL) {
            kt_xml_complain(domain, error, KT_ERROR_INVALID, "it has several devices '%s%s'", place->prefix,
                            which);
            return NULL;
        }
        found = devices->pdata[i];
    }
    if (found == NULL)
        kt_xml_complain(domain, error, KT_ERROR_INVALID, "it has no %s%s", place->prefix, which);
    return found;
}

bool
kt_xml_get_device(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                  GError **error)
{
    const xmlNode *device = find_device(place, domain, which, error);
    if (device == NULL)
        return false;
    *ret_value = kt_xml_attr(kt_xml_child(device, place->element), place->attribute);
    return true;
}

/* libvirt's words are of these characters: nothing else gets into a definition. */
static bool
is_word(const char *value)
{
    return *value != '\0' && value[strspn(value, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-")] == '\0';
}

/* Removes the attribute from all such elements of @device but @except: an element twice is nothing that
 * libvirt writes, and which of them it would take is not to depend on. */
static void
unset_attribute(const KtXmlPlace *place, xmlNode *device, const xmlNode *except)
{
    for (xmlNode *node = device->children, *next; node != NULL; node = next) {
        next = node->next;
        bool kept = except != NULL && node == except;
        if (kept || !kt_xml_is_element(node, place->element))
            continue;
        bool removed = xmlUnsetProp(node, BAD_CAST place->attribute) == 0;
        if (removed && node->properties == NULL && kt_xml_is_empty(node))
            kt_xml_remove(node);
    }
}

/* A new <driver> has nothing but what was asked for: an explicit type='raw' would override the format that
 * libvirt takes from the pool of a type='volume' disk, and its defaults are the same with an incomplete
 * <driver> as without. */
bool
kt_xml_set_device(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                  GError **error)
{
    xmlNode *device = find_device(place, domain, which, error);
    if (device == NULL)
        return false;
    if (value == NULL) {
        unset_attribute(place, device, NULL);
        return true;
    }
    if (!is_word(value))
        return kt_xml_complain(domain, error, KT_ERROR_INVALID, "%s%s: '%s' is no word of libvirt's",
                               place->prefix, which, value);
    xmlNode *element = kt_xml_child(device, place->element);
    if (element == NULL)
        element = kt_xml_insert(device, kt_xml_last_child_of(device, place->before), place->element);
    kt_xml_set_attr(element, place->attribute, value, place->before_attribute);
    unset_attribute(place, device, element);
    return true;
}
