/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libxml/tree.h>

#include "base/cpuset.h"

/**
 * The pieces of kt_topology_xml_check(). Private to probes/topology_xml*.c.
 */

/** Sets a parse error with the node's line. Always false. */
bool
kt_topology_xml_complain(const xmlNode *node, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** Takes out of @parent all but the elements @kept (NULL-terminated): what hwloc's own exports never have, or
 * nobody here reads. */
void kt_topology_xml_keep(xmlNode *parent, const char *const *kept);
/** The same of attributes. */
void kt_topology_xml_keep_attributes(xmlNode *node, const char *const *kept);

/** Of <info> just its name and value. */
void kt_topology_xml_clean_info(xmlNode *info);

/**
 * The set in an attribute, NULL where it is absent or none that a host can have. hwloc's own reader stops the
 * program at some texts: what it is given is written anew.
 */
KtCpuset *kt_topology_xml_set(xmlNode *node, const char *name);

/** Checks <object> @machine and all objects in it; their memory nodes' numbers are added to @nodes. */
bool kt_topology_xml_check_machine(xmlNode *machine, KtCpuset *nodes, GError **error);
