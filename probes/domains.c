/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/domains.h"

#include <string.h>

#include "probes/domain_parts.h"

void
kt_vcpu_free(KtVcpu *vcpu)
{
    if (!vcpu)
        return;
    kt_cpuset_free(vcpu->affinity);
    g_free(vcpu);
}

void
kt_iothread_free(KtIoThread *iothread)
{
    if (!iothread)
        return;
    kt_cpuset_free(iothread->affinity);
    g_free(iothread);
}

KtDomain *
kt_domain_new(const char *name, const char *uuid)
{
    KtDomain *domain = g_new0(KtDomain, 1);
    domain->name = g_strdup(name);
    domain->uuid = g_strdup(uuid);
    domain->ksm = kt_ksm_process_unknown();
    domain->age_ns = KT_ABSENT;
    domain->vcpus = g_ptr_array_new_with_free_func((GDestroyNotify)kt_vcpu_free);
    domain->iothreads = g_ptr_array_new_with_free_func((GDestroyNotify)kt_iothread_free);
    domain->nic_traffic = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    domain->block_jobs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return domain;
}

void
kt_domain_free(KtDomain *domain)
{
    if (!domain)
        return;
    g_free(domain->name);
    g_free(domain->uuid);
    g_free(domain->label);
    g_free(domain->process);
    g_ptr_array_unref(domain->vcpus);
    kt_cpuset_free(domain->emulator);
    g_ptr_array_unref(domain->iothreads);
    g_free(domain->memory_kib);
    g_free(domain->live_xml);
    g_free(domain->inactive_xml);
    kt_domain_def_free(domain->live);
    kt_domain_def_free(domain->inactive);
    g_hash_table_unref(domain->nic_traffic);
    g_hash_table_unref(domain->block_jobs);
    g_free(domain->agent_os);
    g_free(domain->agent_virtio);
    g_free(domain);
}

const KtDomainDef *
kt_domain_def(const KtDomain *domain)
{
    return domain->live ? domain->live : domain->inactive;
}

const KtDomainDef *
kt_domain_next_def(const KtDomain *domain)
{
    return domain->inactive ? domain->inactive : domain->live;
}

const char *
kt_domain_next_xml(const KtDomain *domain)
{
    return domain->inactive_xml ? domain->inactive_xml : domain->live_xml;
}

bool
kt_domain_disk_is_busy(const KtDomain *domain, const char *target)
{
    const KtDiskDef *live = domain->live && target ? kt_domain_def_find_disk(domain->live, target) : NULL;
    return live && (live->mirror || g_hash_table_contains(domain->block_jobs, target));
}

const char *
kt_domain_os_id(const KtDomain *domain)
{
    if (domain->live && domain->live->os_id)
        return domain->live->os_id;
    return domain->inactive ? domain->inactive->os_id : NULL;
}

guint
kt_domain_online_vcpus(const KtDomain *domain)
{
    guint n = 0;
    for (guint i = 0; i < domain->vcpus->len; i++) {
        const KtVcpu *vcpu = g_ptr_array_index(domain->vcpus, i);
        n += vcpu->online;
    }
    return n;
}

KtVcpu *
kt_domain_find_vcpu(const KtDomain *domain, guint id)
{
    for (guint i = 0; i < domain->vcpus->len; i++) {
        KtVcpu *vcpu = g_ptr_array_index(domain->vcpus, i);
        if (vcpu->id == id)
            return vcpu;
    }
    return NULL;
}

KtIoThread *
kt_domain_find_iothread(const KtDomain *domain, guint id)
{
    for (guint i = 0; i < domain->iothreads->len; i++) {
        KtIoThread *iothread = g_ptr_array_index(domain->iothreads, i);
        if (iothread->id == id)
            return iothread;
    }
    return NULL;
}

/* @wanted as far as it is placeable (the kernel trims silently), or all placeable CPUs where nothing of it
 * is. */
static KtCpuset *
trimmed(const KtCpuset *wanted, const KtTopology *topology)
{
    KtCpuset *set = hwloc_bitmap_dup(topology->placeable);
    if (wanted && hwloc_bitmap_intersects(wanted, topology->placeable))
        hwloc_bitmap_and(set, set, wanted);
    return set;
}

KtCpuset *
kt_domain_default_cpus(const KtDomainDef *def, const KtTopology *topology)
{
    return trimmed(def->vcpu_cpuset, topology);
}

KtCpuset *
kt_affinity_normal(KtCpuset *affinity, const KtTopology *topology)
{
    if (hwloc_bitmap_intersects(affinity, topology->online))
        hwloc_bitmap_and(affinity, affinity, topology->online);
    else
        hwloc_bitmap_copy(affinity, topology->placeable);
    return affinity;
}

static KtCpuset *
pinned(const KtPinDef *pin, const KtDomainDef *def, const KtTopology *topology)
{
    return trimmed(pin ? pin->cpus : def->vcpu_cpuset, topology);
}

static void
add_vcpu(KtDomain *domain, guint id, const KtTopology *topology)
{
    const KtDomainDef *def = domain->live;
    KtVcpu *vcpu = g_new0(KtVcpu, 1);
    vcpu->id = id;
    vcpu->online = hwloc_bitmap_isset(def->vcpus_online, id);
    vcpu->affinity = pinned(kt_domain_def_find_vcpu_pin(def, id), def, topology);
    vcpu->time_ns = vcpu->delay_ns = KT_ABSENT;
    g_ptr_array_add(domain->vcpus, vcpu);
}

static void
add_iothread(KtDomain *domain, guint id, const KtTopology *topology)
{
    const KtDomainDef *def = domain->live;
    KtIoThread *iothread = g_new0(KtIoThread, 1);
    iothread->id = id;
    iothread->affinity = pinned(kt_domain_def_find_iothread_pin(def, id), def, topology);
    g_ptr_array_add(domain->iothreads, iothread);
}

void
kt_domain_fill_threads(KtDomain *domain, const KtTopology *topology)
{
    const KtDomainDef *def = domain->live;
    for (guint id = 0; id < def->vcpus; id++)
        add_vcpu(domain, id, topology);
    for (int id = hwloc_bitmap_first(def->iothread_ids); id >= 0;
         id = hwloc_bitmap_next(def->iothread_ids, id))
        add_iothread(domain, (guint)id, topology);
    domain->emulator = trimmed(def->emulator_pin ? def->emulator_pin : def->vcpu_cpuset, topology);
}

static gint
compare_domains(gconstpointer a, gconstpointer b)
{
    const KtDomain *one = *(const KtDomain *const *)a, *other = *(const KtDomain *const *)b;
    gint order = strcmp(one->name, other->name);
    return order ? order : strcmp(one->uuid, other->uuid);
}

void
kt_domains_sort(GPtrArray *domains)
{
    g_ptr_array_sort(domains, compare_domains);
}

/* The name as a file's: nothing that a path, a shell or an option could take for its own. ".inactive" at the
 * end would make LABEL.xml the file of another domain in a capture. */
static char *
safe_name(const char *name)
{
    g_autofree char *label = g_strcanon(
        g_strndup(name, 128), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", '_');
    if (*label == '.' || *label == '-')
        *label = '_';
    const char *suffix = *label == '\0' || g_str_has_suffix(label, ".inactive") ? "_" : "";
    return g_strconcat(label, suffix, NULL);
}

void
kt_domains_label(GPtrArray *domains)
{
    g_autoptr(GHashTable) taken = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < domains->len; i++) {
        const KtDomain *domain = g_ptr_array_index(domains, i);
        if (domain->label)
            g_hash_table_add(taken, domain->label);
    }
    for (guint i = 0; i < domains->len; i++) {
        KtDomain *domain = g_ptr_array_index(domains, i);
        if (domain->label)
            continue;
        g_autofree char *base = safe_name(domain->name);
        char *label = g_strdup(base);
        for (guint n = 2; g_hash_table_contains(taken, label); n++) {
            g_free(label);
            label = g_strdup_printf("%s-%u", base, n);
        }
        domain->label = label;
        g_hash_table_add(taken, label);
    }
}

void
kt_domains_add_files(const GPtrArray *domains, GPtrArray *paths)
{
    for (guint i = 0; i < domains->len; i++) {
        const KtDomain *domain = g_ptr_array_index(domains, i);
        if (domain->pid > 0)
            kt_ksm_process_add_files(domain->pid, paths);
    }
}
