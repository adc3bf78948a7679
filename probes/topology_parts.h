/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "probes/topology.h"

/**
 * The steps in which a KtTopology is filled from hwloc's tree, in this order. Private to the topology probe.
 */

/** The topology in hwloc's XML; @origin is named in messages. Errors: parse. */
KtTopology *kt_topology_from_xml(const char *xml, const char *origin, GError **error);

/** hwloc's XML, checked and rid of what isn't used, so that hwloc can be given it from anybody. Errors:
 * parse, with the line. Owned. */
char *kt_topology_xml_check(const char *xml, GError **error);

/** Memory nodes and their distances; KtNode.cpus are still empty. Errors: parse. */
bool kt_topology_fill_nodes(KtTopology *topology, GError **error);

/** PUs with their core, caches, die, package, node and kind. Errors: parse. */
bool kt_topology_fill_pus(KtTopology *topology, GError **error);

/** Compares the L3 caches with those of @root's sysfs, which win: hwloc misses some on some machines. What
 * sysfs doesn't tell stays. Errors: io, access, parse. */
bool kt_topology_check_l3(KtTopology *topology, const KtRoot *root, GError **error);

/** Cores and sharing groups. */
void kt_topology_fill_groups(KtTopology *topology);

/** Index of the node with memory that is nearest to @local, a set of nodes' OS numbers: one of them, else by
 * SLIT from one of them; several: the lowest number. */
guint kt_topology_nearest_node(const KtTopology *topology, const KtCpuset *local);
