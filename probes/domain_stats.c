/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libvirt/virterror.h>

#include "probes/domain_parts.h"
#include "probes/hypervisor.h"

struct KtDomainStats {
    virDomainStatsRecordPtr *records; /* NULL-terminated, or NULL */
    GHashTable *by_uuid;              /* UUID → virDomainStatsRecordPtr */
    bool vcpus;                       /* times of vCPUs were asked for */
};

void
kt_domain_stats_free(KtDomainStats *stats)
{
    if (!stats)
        return;
    if (stats->records)
        virDomainStatsRecordListFree(stats->records);
    g_hash_table_unref(stats->by_uuid);
    g_free(stats);
}

/* The number of records, or -1. */
static int
get_records(virConnectPtr connection, bool vcpus, virDomainStatsRecordPtr **ret_records)
{
    /* Not the block, balloon and IOThread groups: those wait for each QEMU's monitor. */
    const unsigned groups =
        VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_INTERFACE | (vcpus ? VIR_DOMAIN_STATS_VCPU : 0);
    /* A guest that already keeps somebody else waiting doesn't hold up the others. */
    int n = virConnectGetAllDomainStats(connection, groups, ret_records,
                                        VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
    int code = virGetLastErrorCode();
    if (n < 0 && (code == VIR_ERR_INVALID_ARG || code == VIR_ERR_ARGUMENT_UNSUPPORTED))
        n = virConnectGetAllDomainStats(connection, groups, ret_records, 0);
    return n;
}

KtDomainStats *
kt_domain_stats_read(virConnectPtr connection, bool vcpus, GError **error)
{
    g_autoptr(KtDomainStats) stats = g_new0(KtDomainStats, 1);
    stats->by_uuid = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    stats->vcpus = vcpus;
    int n = get_records(connection, vcpus, &stats->records);
    if (n < 0 && virGetLastErrorCode() == VIR_ERR_NO_SUPPORT)
        return g_steal_pointer(&stats);
    if (n < 0) {
        kt_hypervisor_set_error(error, "statistics of all domains");
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN];
        if (virDomainGetUUIDString(stats->records[i]->dom, uuid) == 0)
            g_hash_table_insert(stats->by_uuid, g_strdup(uuid), stats->records[i]);
    }
    return g_steal_pointer(&stats);
}

int
kt_domain_stats_state(const KtDomainStats *stats, const char *uuid)
{
    const virDomainStatsRecord *record = g_hash_table_lookup(stats->by_uuid, uuid);
    int state = -1;
    if (record)
        virTypedParamsGetInt(record->params, record->nparams, "state.state", &state);
    return state;
}

/* One of a record's numbers, such as vcpu.0.time; KT_ABSENT where it isn't told. */
static gint64
number(const virDomainStatsRecord *record, const char *group, guint index, const char *field)
{
    g_autofree char *name = g_strdup_printf("%s.%u.%s", group, index, field);
    unsigned long long value;
    if (virTypedParamsGetULLong(record->params, record->nparams, name, &value) != 1 || value > G_MAXINT64)
        return KT_ABSENT;
    return (gint64)value;
}

static const KtNicDef *
nic_by_target(const KtDomainDef *def, const char *target)
{
    for (guint i = 0; i < def->nics->len; i++) {
        const KtNicDef *nic = g_ptr_array_index(def->nics, i);
        if (nic->mac && g_strcmp0(nic->target, target) == 0)
            return nic;
    }
    return NULL;
}

/* Both directions: a packet is sent only by a guest that drives its NIC, and taken out of the host's queue
 * only by one that has given buffers for it. */
static void
fill_traffic(const virDomainStatsRecord *record, KtDomain *domain)
{
    unsigned count = 0;
    virTypedParamsGetUInt(record->params, record->nparams, "net.count", &count);
    for (guint i = 0; i < count; i++) {
        g_autofree char *field = g_strdup_printf("net.%u.name", i);
        const char *target = NULL;
        if (virTypedParamsGetString(record->params, record->nparams, field, &target) != 1)
            continue;
        const KtNicDef *nic = nic_by_target(domain->live, target);
        if (nic && number(record, "net", i, "rx.pkts") > 0 && number(record, "net", i, "tx.pkts") > 0)
            g_hash_table_add(domain->nic_traffic, g_strdup(nic->mac));
    }
}

void
kt_domain_stats_fill(const KtDomainStats *stats, KtDomain *domain)
{
    const virDomainStatsRecord *record = g_hash_table_lookup(stats->by_uuid, domain->uuid);
    if (!record)
        return;
    for (guint i = 0; stats->vcpus && i < domain->vcpus->len; i++) {
        KtVcpu *vcpu = g_ptr_array_index(domain->vcpus, i);
        vcpu->time_ns = number(record, "vcpu", vcpu->id, "time");
        vcpu->delay_ns = number(record, "vcpu", vcpu->id, "delay");
    }
    fill_traffic(record, domain);
}
