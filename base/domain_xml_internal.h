/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/domain_xml.h"
#include "base/xml_tree.h"

/**
 * What reading and editing a definition share. Private to base/domain_*.c.
 */

/** No more vCPUs, IOThreads or guest NUMA cells are believed: QEMU's largest machines have fewer, and a
 * number from a text must not decide how much memory is taken. */
#define KT_DOMAIN_IDS_MAX 4096

/** Reads @xml and checks that it is a <domain> with a name. *@ret_domain is its root. Errors: parse. */
xmlDoc *kt_domain_xml_open(const char *xml, xmlNode **ret_domain, GError **error);

/** The number of vCPUs that the domain may have, at least 1. */
guint kt_domain_xml_max_vcpus(const xmlNode *domain);

/** The numbers of the IOThreads. Owned. */
KtCpuset *kt_domain_xml_iothread_ids(const xmlNode *domain);

/** The attribute as a CPU or node list in libvirt's form; NULL where it is absent or can't be read. */
KtCpuset *kt_domain_xml_cpuset(const xmlNode *node, const char *attribute);

/** The attribute in the unit that `unit` names, as KiB; 0 where it can't be read. */
guint64 kt_domain_xml_attr_kib(const xmlNode *node, const char *attribute);

/** An <interface>'s MAC in lower case, or NULL. Owned. */
char *kt_domain_xml_mac(const xmlNode *interface);

/** Fills what says how many vCPUs and IOThreads there are, and where they run. */
void kt_domain_xml_read_cpus(KtDomainDef *def, const xmlNode *domain);

/** Fills disks, nics, hostdevs and what is known of the agent's channel. */
void kt_domain_xml_read_devices(KtDomainDef *def, const xmlNode *domain);

/** Fills ties. */
void kt_domain_xml_read_ties(KtDomainDef *def, const xmlNode *domain);

/** "0000:3b:00.0", or NULL where <source> names no PCI device. Owned. */
char *kt_domain_xml_pci_address(const xmlNode *source);

void kt_pin_def_free(KtPinDef *pin);
void kt_cell_def_free(KtCellDef *cell);
void kt_disk_def_free(KtDiskDef *disk);
void kt_nic_def_free(KtNicDef *nic);
void kt_hostdev_def_free(KtHostdevDef *hostdev);
void kt_tie_def_free(KtTieDef *tie);
