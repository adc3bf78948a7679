/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/domain_xml_internal.h"
#include "base/error.h"

/**
 * The kinds of places that kt_domain_xml_edit() knows. Private to base/domain_edit*.c.
 */

/** One kind of place: an attribute of an element that libvirt writes behind certain others. */
typedef struct KtXmlPlace KtXmlPlace;
struct KtXmlPlace {
    const char *prefix; /* of its items; what follows names the one. NULL: it has no items */
    bool (*get)(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                GError **error);
    bool (*set)(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                GError **error);
    const char *element;
    const char *attribute;
    const char *const *before;           /* elements that come before it */
    const char *const *before_attribute; /* attributes that come before it */
    /* Pins: */
    const char *id_attribute; /* NULL: there is only one */
    bool (*exists)(const xmlNode *domain, guint id);
    /* Devices: */
    const char *device;
    char *(*name_of)(const xmlNode *device); /* owned, or NULL */
};

/** Sets @error, with the domain's name in front. Always false. */
bool kt_xml_complain(const xmlNode *domain, GError **error, KtErrorCode code, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/** Removes @node, and what it was in where nothing else is there. */
void kt_xml_remove_with_parent(xmlNode *node);

/** <vcpupin>, <emulatorpin>, <iothreadpin>. */
bool
kt_xml_get_pin(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value, GError **error);
bool kt_xml_set_pin(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                    GError **error);
bool kt_xml_has_vcpu(const xmlNode *domain, guint id);
bool kt_xml_has_iothread(const xmlNode *domain, guint id);

/** An attribute of an element of a disk or NIC. */
bool kt_xml_get_device(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                       GError **error);
bool kt_xml_set_device(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                       GError **error);
char *kt_xml_disk_target(const xmlNode *disk);

/** <numatune><memory>. */
bool kt_xml_get_numatune(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                         GError **error);
bool kt_xml_set_numatune(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                         GError **error);

/** <numatune><memnode>. */
bool kt_xml_get_memnode(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                        GError **error);
bool kt_xml_set_memnode(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                        GError **error);

/** <memoryBacking><hugepages>. */
bool kt_xml_get_hugepages(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                          GError **error);
bool kt_xml_set_hugepages(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                          GError **error);

/** <memoryBacking><nosharepages/>. */
bool kt_xml_get_nosharepages(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                             GError **error);
bool kt_xml_set_nosharepages(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                             GError **error);

/** The domain's <cputune>; made where there is none. */
xmlNode *kt_xml_need_cputune(xmlNode *domain);

/** <cputune><shares>. */
bool kt_xml_get_shares(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                       GError **error);
bool kt_xml_set_shares(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                       GError **error);

/** <iothreads>, with <iothreadids>. */
bool kt_xml_get_iothreads(const KtXmlPlace *place, xmlNode *domain, const char *which, char **ret_value,
                          GError **error);
bool kt_xml_set_iothreads(const KtXmlPlace *place, xmlNode *domain, const char *which, const char *value,
                          GError **error);
