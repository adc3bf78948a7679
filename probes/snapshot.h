/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>

#include "base/root.h"
#include "probes/cgroup.h"
#include "probes/domains.h"
#include "probes/images.h"
#include "probes/kernel.h"
#include "probes/memory.h"
#include "probes/pools.h"
#include "probes/topology.h"

/**
 * Everything that a plan is made from: what the probes saw and what is known from before. Const once it is
 * filled.
 */
typedef struct {
    KtTopology *topology;
    KtMemory *memory;
    KtPools *pools;
    KtKernel *kernel;
    KtCgroup *cgroup;
    GPtrArray *other_tuners; /* KtOtherTuner */
    GPtrArray *domains;      /* KtDomain, by name */
    char *uri;               /* of the hypervisor; NULL = none was asked */
    char *libvirt;           /* its version, "9.0.0"; NULL = unknown */
    char *qemu;
    GHashTable
        *o_direct; /* image directory → GINT_TO_POINTER(1 takes O_DIRECT, 0 refuses); not in it = not known */
    GHashTable *virtio_os; /* libosinfo OS id → char * evidence that it has a virtio-net device, "" = it has
                              none; not in it = not asked, or not known to the database */
    GHashTable *images;    /* path → KtImage; not in it = not known. May be NULL: none is */
    char *no_io_uring;     /* why this QEMU has no io_uring, "" = it has; NULL = not asked, or no answer */
    bool host_is_local; /* the hypervisor runs on the host that @root shows: host settings may be changed */
    bool has_governor;  /* a daemon is there to govern KSM (ksm.mode = auto) */
    gint64 taken_usec;  /* wall clock, µs since the epoch */
    char *changed; /* UUID of the only domain whose seat may be no good any more since the look before, when
                    * all were placed; "" = nobody's; NULL = anybody's */
} KtSnapshot;

void kt_snapshot_free(KtSnapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtSnapshot, kt_snapshot_free)

/** Looks at a live host. @connection may be NULL: no domains. Errors: io, access, parse, hypervisor. */
KtSnapshot *kt_snapshot_read(const KtRoot *root, virConnectPtr connection, GError **error);

/**
 * Looks again where since @before, which is taken over, only domains have changed, whose UUIDs are in
 * @changed: they alone are asked for, and the host. Where the host's CPUs are others than before everything
 * is. The same connection as then.
 */
KtSnapshot *kt_snapshot_renew(KtSnapshot *before, GHashTable *changed, const KtRoot *root,
                              virConnectPtr connection, GError **error);

/**
 * Asks the OS database about the guests of these domains (indices): it is big, so only when a plan needs it.
 * Fills
 * @snapshot->virtio_os.
 */
void kt_snapshot_ask_guest_os(KtSnapshot *snapshot, const GArray *domains);

/**
 * Asks the agents in the guests of these domains (indices) what they run and whether that drives a virtio
 * NIC; only those that are connected. libvirt waits five seconds for one that hangs. A guest that runs
 * Windows is marked as tainted by it. Fills their agent_os and agent_virtio.
 */
void kt_snapshot_ask_agents(KtSnapshot *snapshot, virConnectPtr connection, const GArray *domains);

/** Asks which disks of these domains (indices), as far as they run, a pull or commit is at work on: a call
 * for each that has, or may have, an image below its own. A QEMU that hangs keeps it waiting for
 * KT_BLOCK_JOBS_SECONDS, many together not much longer. Fills their block_jobs and unanswered. Backups are
 * not found. */
#define KT_BLOCK_JOBS_SECONDS 10
void kt_snapshot_ask_block_jobs(KtSnapshot *snapshot, virConnectPtr connection, const GArray *domains);

/** Asks libvirt whether its QEMU has io_uring: one call, that a read-only connection doesn't allow. */
void kt_snapshot_ask_io_uring(KtSnapshot *snapshot, virConnectPtr connection);

/** Whether disks may have io='io_uring' here: QEMU was asked or is recent enough, as libvirt is, and the
 * kernel lets it. */
bool kt_snapshot_has_io_uring(const KtSnapshot *snapshot);
/** Why they may not, NULL where they may. Owned. */
char *kt_snapshot_why_no_io_uring(const KtSnapshot *snapshot);

/** KiB of memory that the running domains may take, by their definitions. */
guint64 kt_snapshot_promised_kib(const KtSnapshot *snapshot);

/** The domain of that name or UUID, or NULL. Borrowed. */
const KtDomain *kt_snapshot_find_domain(const KtSnapshot *snapshot, const char *name_or_uuid);
