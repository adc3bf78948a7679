/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/plan.h"

/**
 * What memory a domain takes, of which pages and from which nodes: what the ledger counts.
 */

/** The sizes of huge pages that the profile language has words for. */
#define KT_PAGE_2M_KIB G_GUINT64_CONSTANT(2048)
#define KT_PAGE_1G_KIB G_GUINT64_CONSTANT(1048576)

/** Memory of one domain, or of one of its guest cells. */
typedef struct {
    guint64 kib;
    guint64 page_kib; /* huge pages of this size; 0 = ordinary pages */
    bool binds;       /* it comes from these nodes or not at all (strict, restrictive) */
    KtCpuset *nodes; /* OS numbers of the nodes that it comes from, as far as the host has them with memory */
} KtMemoryNeed;

/** What @domain (an index) takes once it boots from @def: by its numatune where it has one, else it is
 * expected on the nodes of its planned CPUs, else on all. KtMemoryNeed. */
GPtrArray *kt_memory_needs(const KtPlan *plan, guint domain, const KtDomainDef *def);

/** The pages that memory of guest cell @cell (0 where there are none) is made of, KiB; 0 = ordinary ones.
 * @default_kib: the host's default size of huge pages. */
guint64 kt_memory_page_kib(const KtDomainDef *def, guint64 default_kib, guint cell);

/** The nodes that numatune names for memory of guest cell @cell (0 where there are none); NULL = none.
 * @ret_binds: it comes from these or not at all. Owned. */
KtCpuset *kt_memory_nodes(const KtDomainDef *def, guint cell, bool *ret_binds);

/** A mode of numatune that takes memory from its nodes or not at all; NULL is libvirt's default, strict. */
bool kt_memory_mode_binds(const char *mode);

/** OS numbers of the nodes that the planned CPUs of a domain are on: of these vCPUs (NULL = of all). Empty
 * where it neither is active nor starts by itself. Owned. */
KtCpuset *kt_memory_cpu_nodes(const KtPlan *plan, guint domain, const KtCpuset *vcpus);

/** OS numbers of the host's nodes with memory. Owned. */
KtCpuset *kt_memory_host_nodes(const KtTopology *topology);

/** Why the kernel would not move the pages of a guest that runs with this definition, or put new ones
 * elsewhere again; NULL = it moves them. */
const char *kt_memory_find_obstacle(const KtDomainDef *live);
