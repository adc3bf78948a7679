/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "probes/domain_parts.h"
#include "probes/hypervisor.h"

/* Replaces *@affinity by a copy of @found, as far as that is known. */
static void
set_affinity(KtCpuset **affinity, const KtCpuset *found, const KtTopology *topology)
{
    if (!found)
        return;
    kt_cpuset_free(*affinity);
    *affinity = kt_affinity_normal(hwloc_bitmap_dup(found), topology);
}

static bool
knows_all_vcpus(const KtDomain *domain, const KtQemuThreads *threads)
{
    for (guint i = 0; i < domain->vcpus->len; i++) {
        const KtVcpu *vcpu = g_ptr_array_index(domain->vcpus, i);
        if (vcpu->online && !threads->all_vcpus &&
            !g_hash_table_contains(threads->vcpus, GUINT_TO_POINTER(vcpu->id)))
            return false;
    }
    return true;
}

bool
kt_domain_fill_from_process(KtDomain *domain, const KtRoot *root, gint64 pid, const KtTopology *topology)
{
    g_autofree char *identity = kt_qemu_process_identity(root, pid);
    g_autoptr(KtQemuThreads) threads = identity ? kt_qemu_threads_read(root, pid) : NULL;
    if (!threads || !knows_all_vcpus(domain, threads))
        return false;
    for (guint i = 0; i < domain->vcpus->len; i++) {
        KtVcpu *vcpu = g_ptr_array_index(domain->vcpus, i);
        const KtCpuset *found = g_hash_table_lookup(threads->vcpus, GUINT_TO_POINTER(vcpu->id));
        set_affinity(&vcpu->affinity, found ? found : threads->all_vcpus, topology);
        kt_qemu_vcpu_times(root, pid, threads, vcpu->id, &vcpu->time_ns, &vcpu->delay_ns);
    }
    for (guint i = 0; i < domain->iothreads->len; i++) {
        KtIoThread *iothread = g_ptr_array_index(domain->iothreads, i);
        set_affinity(&iothread->affinity,
                     g_hash_table_lookup(threads->iothreads, GUINT_TO_POINTER(iothread->id)), topology);
    }
    set_affinity(&domain->emulator, threads->main, topology);
    domain->pid = pid;
    domain->age_ns = kt_qemu_process_age(root, identity);
    domain->process = g_steal_pointer(&identity);
    domain->ksm = kt_ksm_process_read(root, pid);
    domain->memory_kib = kt_qemu_process_memory(root, pid, topology);
    domain->n_memory = domain->memory_kib ? topology->n_nodes : 0;
    return true;
}

/* The set in one of libvirt's CPU maps: bit N of its bytes is CPU N. */
static KtCpuset *
set_of_map(const unsigned char *map, int length)
{
    KtCpuset *set = hwloc_bitmap_alloc();
    for (int cpu = 0; cpu < length * 8; cpu++) {
        if (VIR_CPU_USED(map, cpu))
            hwloc_bitmap_set(set, (unsigned)cpu);
    }
    return set;
}

static void
take_map(KtCpuset **affinity, const unsigned char *map, int length, const KtTopology *topology)
{
    g_autoptr(KtCpuset) set = set_of_map(map, length);
    set_affinity(affinity, set, topology);
}

static void
ask_vcpus(KtDomain *domain, virDomainPtr handle, int length, const KtTopology *topology)
{
    int most = (int)domain->vcpus->len;
    g_autofree virVcpuInfo *about = g_new0(virVcpuInfo, (gsize)most);
    g_autofree unsigned char *maps = g_malloc0_n((gsize)most, (gsize)length);
    int n = virDomainGetVcpus(handle, about, most, maps, length);
    for (int i = 0; i < n; i++) {
        KtVcpu *vcpu = kt_domain_find_vcpu(domain, about[i].number);
        if (vcpu)
            take_map(&vcpu->affinity, VIR_GET_CPUMAP(maps, length, i), length, topology);
    }
}

static void
ask_emulator(KtDomain *domain, virDomainPtr handle, int length, const KtTopology *topology)
{
    g_autofree unsigned char *map = g_malloc0((gsize)length);
    if (virDomainGetEmulatorPinInfo(handle, map, length, VIR_DOMAIN_AFFECT_LIVE) == 1)
        take_map(&domain->emulator, map, length, topology);
}

static void
ask_iothreads(KtDomain *domain, virDomainPtr handle, const KtTopology *topology)
{
    virDomainIOThreadInfoPtr *found = NULL;
    int n = virDomainGetIOThreadInfo(handle, &found, VIR_DOMAIN_AFFECT_LIVE);
    for (int i = 0; i < n; i++) {
        KtIoThread *iothread = kt_domain_find_iothread(domain, found[i]->iothread_id);
        if (iothread)
            take_map(&iothread->affinity, found[i]->cpumap, found[i]->cpumaplen, topology);
        virDomainIOThreadInfoFree(found[i]);
    }
    free(found);
}

bool
kt_domain_fill_from_libvirt(KtDomain *domain, virDomainPtr handle, const KtTopology *topology)
{
    if (virDomainIsActive(handle) == 0)
        return false;
    int length = VIR_CPU_MAPLEN((int)topology->n_os);
    domain->process = g_strdup_printf("id:%u", virDomainGetID(handle));
    ask_vcpus(domain, handle, length, topology);
    ask_emulator(domain, handle, length, topology);
    if (domain->iothreads->len > 0)
        ask_iothreads(domain, handle, topology);
    return true;
}
