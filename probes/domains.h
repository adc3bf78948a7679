/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "base/cpuset.h"
#include "base/domain_xml.h"
#include "base/root.h"
#include "probes/ksm.h"
#include "probes/topology.h"

typedef enum {
    KT_DOMAIN_SHUT_OFF,
    KT_DOMAIN_RUNNING,
    KT_DOMAIN_PAUSED,
    KT_DOMAIN_OTHER, /* active, in between: shutting down, crashed, suspended */
} KtDomainState;

/** One vCPU of a running domain. */
typedef struct {
    guint id;
    bool online;
    KtCpuset *affinity; /* what the kernel says; never NULL for an online one */
    gint64 time_ns;     /* CPU time, KT_ABSENT = unknown */
    gint64 delay_ns;    /* time spent waiting for a CPU, KT_ABSENT = unknown */
} KtVcpu;

/** One IOThread of a running domain. */
typedef struct {
    guint id;
    KtCpuset *affinity;
} KtIoThread;

/** One domain as it was at the time of the snapshot. */
typedef struct {
    char *name;
    char *uuid;
    char *label; /* the name made safe as a file's, unique in the snapshot; of a capture: as it is there */
    KtDomainState state;
    bool active;     /* has a QEMU process: any state but shut off */
    bool persistent; /* has a definition that outlives the process */
    bool autostart;
    bool managed_save; /* a saved image resumes at the next start */
    bool has_snapshots;
    bool has_checkpoints;
    gint64 pid;           /* of QEMU, 0 = none or unknown (remote, test driver) */
    char *process;        /* names this very run of the domain: "PID:START" or "id:N"; NULL when shut off */
    gint64 age_ns;        /* since QEMU was started, KT_ABSENT = unknown */
    double recent_load;   /* what each of its online vCPUs has used and waited for in some minutes that it was
                           * watched, CPUs' worth of work; 0 = it wasn't. From state.db, or a capture */
    GPtrArray *vcpus;     /* KtVcpu by id, of an active domain, offline ones too */
    KtCpuset *emulator;   /* affinity of QEMU's main thread, NULL when shut off */
    GPtrArray *iothreads; /* KtIoThread by id */
    gint64 *memory_kib;   /* by node index (KtTopology.nodes), NULL = unknown */
    guint n_memory;       /* length of memory_kib */
    KtKsmProcess ksm;     /* what KSM has of QEMU; all KT_ABSENT where that isn't known */
    char *live_xml;       /* NULL when shut off */
    char *inactive_xml; /* NULL when transient; with secrets, but from a connection that isn't allowed to see
                           them: define what was read again with them, never this */
    KtDomainDef *live;  /* parsed live_xml */
    KtDomainDef *inactive;   /* parsed inactive_xml */
    GHashTable *nic_traffic; /* set of MACs of live NICs that have sent and received packets: the guest drives
                                them. Never NULL */
    GHashTable *block_jobs; /* set of disk targets that a block job was found to be at work on, where that was
                               asked; see kt_domain_disk_is_busy(). Never NULL */
    bool unanswered;        /* QEMU didn't answer when it was asked for them: it hangs */
    char *agent_os; /* what the agent in the guest says that it runs, for people; NULL = not asked, or none */
    char *agent_virtio; /* the agent's evidence that the guest drives virtio NICs, "" = it has no driver; NULL
                           = not asked, or it doesn't tell */
} KtDomain;

KtDomain *kt_domain_new(const char *name, const char *uuid);
void kt_domain_free(KtDomain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtDomain, kt_domain_free)

void kt_vcpu_free(KtVcpu *vcpu);
void kt_iothread_free(KtIoThread *iothread);

/** The definition that speaks for the domain now: the live one, of a shut-off domain the persistent one. */
const KtDomainDef *kt_domain_def(const KtDomain *domain);

/** The definition that it boots from next, and its text; of a transient domain the live one. */
const KtDomainDef *kt_domain_next_def(const KtDomain *domain);
const char *kt_domain_next_xml(const KtDomain *domain);

/** Number of online vCPUs of an active domain. */
guint kt_domain_online_vcpus(const KtDomain *domain);

/** Whether a block job (copy, commit, pull) is known to be at work on the disk: the live definition tells of
 * copies, kt_snapshot_ask_block_jobs() finds the others. */
bool kt_domain_disk_is_busy(const KtDomain *domain, const char *target);

/** libosinfo's id of the guest's OS: of the live definition, else of the persistent one; or NULL. Borrowed.
 */
const char *kt_domain_os_id(const KtDomain *domain);

/** The vCPU, or IOThread, with that id, or NULL. Borrowed. */
KtVcpu *kt_domain_find_vcpu(const KtDomain *domain, guint id);
KtIoThread *kt_domain_find_iothread(const KtDomain *domain, guint id);

/** The set an affinity has when nothing pins it: <vcpu cpuset> of @def as far as it is placeable, else all
 * placeable CPUs. Owned. */
KtCpuset *kt_domain_default_cpus(const KtDomainDef *def, const KtTopology *topology);

/** Adds the paths of the files below the root that @domains were read from, as far as a capture has them as
 * files. Owned strings. */
void kt_domains_add_files(const GPtrArray *domains, GPtrArray *paths);

/** Gives every domain of @domains that has no label one: letters, digits, '.', '_' and '-' of its name, and a
 * number where two would be the same. */
void kt_domains_label(GPtrArray *domains);

/**
 * All domains of @connection, sorted by name: lists and bulk statistics in a fixed number of calls, one or
 * two XML calls a domain. Affinity, process and memory come from @root's /proc where QEMU runs on this host,
 * else from libvirt. A domain that disappears meanwhile is left out. Errors: hypervisor, parse.
 */
GPtrArray *
kt_domains_read(virConnectPtr connection, const KtRoot *root, const KtTopology *topology, GError **error);

/**
 * The same some time later, where only the domains of @changed (a set of UUIDs) are other than they were: two
 * XML calls for each of those and for who is new, the lists and bulk statistics as ever. The others are taken
 * out of @before as they are; who was started, stopped or renamed is noticed.
 */
GPtrArray *kt_domains_renew(GPtrArray *before, GHashTable *changed, virConnectPtr connection,
                            const KtRoot *root, const KtTopology *topology, GError **error);
