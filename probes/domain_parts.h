/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "probes/domains.h"
#include "probes/qemu_process.h"

/**
 * The pieces of which a KtDomain is put together, live and from a capture. Private to the domain and capture
 * probes.
 */

/** Takes over @affinity of a live thread: only online CPUs count, and where none is left all placeable ones.
 */
KtCpuset *kt_affinity_normal(KtCpuset *affinity, const KtTopology *topology);

/**
 * Fills vCPUs, emulator and IOThreads of an active domain from its live definition: explicit pins, else the
 * default. That is what a thread has unless its affinity is known better.
 */
void kt_domain_fill_threads(KtDomain *domain, const KtTopology *topology);

/** Orders @domains by name, those of one name by UUID. */
void kt_domains_sort(GPtrArray *domains);

/** Bulk statistics of all domains, one call. Opaque; NULL-safe lookups. */
typedef struct KtDomainStats KtDomainStats;

/** With @vcpus also the times of vCPUs: for those libvirt asks each QEMU's monitor (from 8.9 on), and a
 * single QEMU that hangs holds up the answer, with NOWAIT too, so where QEMU runs on this host /proc tells
 * them. Errors: hypervisor. A driver that has no statistics gives empty ones. */
KtDomainStats *kt_domain_stats_read(virConnectPtr connection, bool vcpus, GError **error);
void kt_domain_stats_free(KtDomainStats *stats);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtDomainStats, kt_domain_stats_free)

/** libvirt's state (virDomainState) of the domain with @uuid, or -1 where it isn't told. */
int kt_domain_stats_state(const KtDomainStats *stats, const char *uuid);

/** Fills the NIC traffic of @domain, and time and delay of its vCPUs where they were asked for; its vCPUs and
 * live definition are there. */
void kt_domain_stats_fill(const KtDomainStats *stats, KtDomain *domain);

/** Fills process, memory, affinities and times of an active domain from QEMU's process @pid. False: it isn't
 * there. */
bool
kt_domain_fill_from_process(KtDomain *domain, const KtRoot *root, gint64 pid, const KtTopology *topology);

/** Fills process and affinities of an active domain from what libvirt says, as far as it says it. False: the
 * domain isn't active any more. */
bool kt_domain_fill_from_libvirt(KtDomain *domain, virDomainPtr handle, const KtTopology *topology);
