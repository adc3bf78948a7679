/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/live_cpus.h"

#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "probes/qemu_process.h"

struct KtLiveCpus {
    bool same_process;
    KtCpuset *online;       /* of the host that the plan was made for, NULL = unknown */
    KtQemuThreads *threads; /* the kernel's word, or NULL */
    KtCpuset *emulator;     /* libvirt's word, where threads is NULL: */
    GHashTable *vcpus;      /* id → KtCpuset */
    GHashTable *iothreads;
};

void
kt_live_cpus_free(KtLiveCpus *cpus)
{
    if (!cpus)
        return;
    g_clear_pointer(&cpus->online, kt_cpuset_free);
    g_clear_pointer(&cpus->threads, kt_qemu_threads_free);
    g_clear_pointer(&cpus->emulator, kt_cpuset_free);
    g_clear_pointer(&cpus->vcpus, g_hash_table_unref);
    g_clear_pointer(&cpus->iothreads, g_hash_table_unref);
    g_free(cpus);
}

bool
kt_thread_parse(const char *item, KtThreadKind *ret_kind, guint *ret_id, GError **error)
{
    static const char *const prefixes[] = {[KT_THREAD_VCPU] = "vcpu ", [KT_THREAD_IOTHREAD] = "iothread "};
    guint64 id;
    if (g_strcmp0(item, "emulator") == 0) {
        *ret_kind = KT_THREAD_EMULATOR;
        *ret_id = 0;
        return true;
    }
    for (guint kind = 0; item && kind < G_N_ELEMENTS(prefixes); kind++) {
        if (!prefixes[kind] || !g_str_has_prefix(item, prefixes[kind]))
            continue;
        if (!g_ascii_string_to_unsigned(item + strlen(prefixes[kind]), 10, 0, KT_CPUSET_MAX - 1, &id, NULL))
            break;
        *ret_kind = kind;
        *ret_id = id;
        return true;
    }
    g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "'%s' is no thread that can be pinned", item ? item : "");
    return false;
}

/** The process that runs the domain: the step's own where that still lives, else whichever is found; 0 =
 * none. */
static gint64
find_pid(const KtRoot *root, const KtJournalStep *step, virDomain *domain, bool *ret_same)
{
    gint64 pid = step->process ? g_ascii_strtoll(step->process, NULL, 10) : 0;
    g_autofree char *identity = pid > 0 ? kt_qemu_process_identity(root, pid) : NULL;
    *ret_same = identity && g_str_equal(identity, step->process);
    if (*ret_same)
        return pid;
    g_autoptr(KtQemuProcesses) processes = kt_qemu_processes_find(root);
    return kt_qemu_processes_pid(processes, virDomainGetName(domain), step->domain_uuid);
}

/** Fills in what the kernel says. False: not where QEMU runs, or it isn't seen there. */
static bool
read_threads(KtLiveCpus *cpus, const KtTarget *target, const KtJournalStep *step, virDomain *domain)
{
    gint64 pid = find_pid(target->root, step, domain, &cpus->same_process);
    if (pid > 0)
        cpus->threads = kt_qemu_threads_read(target->root, pid);
    return cpus->threads != NULL;
}

static void
free_set(gpointer set)
{
    kt_cpuset_free(set);
}

/** The set in one of libvirt's CPU maps. */
static KtCpuset *
set_of_map(const unsigned char *map, int length)
{
    KtCpuset *set = hwloc_bitmap_alloc();
    for (int cpu = 0; cpu < length * 8; cpu++)
        if (VIR_CPU_USED(map, cpu))
            hwloc_bitmap_set(set, cpu);
    return set;
}

static bool
ask_vcpus(KtLiveCpus *cpus, virDomain *domain, int length)
{
    int most = virDomainGetMaxVcpus(domain);
    if (most <= 0)
        return false;
    g_autofree virVcpuInfo *vcpus = g_new0(virVcpuInfo, most);
    g_autofree unsigned char *maps = g_malloc0_n(most, length);
    int n = virDomainGetVcpus(domain, vcpus, most, maps, length);
    for (int i = 0; i < n; i++)
        g_hash_table_replace(cpus->vcpus, GUINT_TO_POINTER(vcpus[i].number),
                             set_of_map(VIR_GET_CPUMAP(maps, length, i), length));
    return n >= 0;
}

static bool
ask_iothreads(KtLiveCpus *cpus, virDomain *domain)
{
    virDomainIOThreadInfoPtr *iothreads = NULL;
    int n = virDomainGetIOThreadInfo(domain, &iothreads, VIR_DOMAIN_AFFECT_LIVE);
    for (int i = 0; i < n; i++) {
        g_hash_table_replace(cpus->iothreads, GUINT_TO_POINTER(iothreads[i]->iothread_id),
                             set_of_map(iothreads[i]->cpumap, iothreads[i]->cpumaplen));
        virDomainIOThreadInfoFree(iothreads[i]);
    }
    free(iothreads);
    return n >= 0;
}

/** Fills in what libvirt says. A driver without IOThreads, or without an emulator, has no such threads. */
static bool
ask_libvirt(KtLiveCpus *cpus, const KtTarget *target, virDomain *domain, GError **error)
{
    const char *name = virDomainGetName(domain);
    int n_cpus = virNodeGetCPUMap(target->connection, NULL, NULL, 0);
    int length = VIR_CPU_MAPLEN(CLAMP(n_cpus, 1, KT_CPUSET_MAX));
    g_autofree unsigned char *map = g_malloc0(length);

    cpus->vcpus = g_hash_table_new_full(NULL, NULL, NULL, free_set);
    cpus->iothreads = g_hash_table_new_full(NULL, NULL, NULL, free_set);
    if (n_cpus < 0 || !ask_vcpus(cpus, domain, length)) {
        kt_hypervisor_set_error(error, "domain %s: the CPUs of its threads cannot be read", name);
        return false;
    }
    if (virDomainGetEmulatorPinInfo(domain, map, length, VIR_DOMAIN_AFFECT_LIVE) == 1)
        cpus->emulator = set_of_map(map, length);
    if (!ask_iothreads(cpus, domain))
        g_debug("domain %s: no IOThreads: %s", name, virGetLastErrorMessage());
    return true;
}

/** Plans name online CPUs only; the kernel's masks may have more. */
static KtCpuset *
read_online(const KtRoot *root)
{
    g_autofree char *text = NULL;
    if (!kt_root_read(root, "sys/devices/system/cpu/online", &text, NULL) || !text)
        return NULL;
    return kt_cpuset_parse(text, false, NULL);
}

bool
kt_live_cpus_read(const KtTarget *target, const KtJournalStep *step, virDomain *domain, KtLiveCpus **ret_cpus,
                  GError **error)
{
    bool active;
    if (!kt_step_domain_is_active(domain, step, &active, error))
        return false;
    if (!active) {
        *ret_cpus = NULL;
        return true;
    }
    g_autoptr(KtLiveCpus) cpus = g_new0(KtLiveCpus, 1);
    char *uri = virConnectGetURI(target->connection);
    bool local = uri && kt_hypervisor_is_local(uri);
    /* The test driver's domains count as if they ran here. */
    bool here = local || (uri && g_str_has_prefix(uri, "test:"));
    free(uri);

    g_autofree char *id = g_strdup_printf("id:%u", virDomainGetID(domain));
    cpus->online = here ? read_online(target->root) : NULL;
    if (!(local && read_threads(cpus, target, step, domain)) && !ask_libvirt(cpus, target, domain, error))
        return false;
    if (g_strcmp0(step->process, id) == 0)
        cpus->same_process = true;
    *ret_cpus = g_steal_pointer(&cpus);
    return true;
}

bool
kt_live_cpus_same_process(const KtLiveCpus *cpus)
{
    return cpus->same_process;
}

static const KtCpuset *
find_thread(const KtQemuThreads *threads, KtThreadKind kind, guint id)
{
    const KtCpuset *found;
    switch (kind) {
    case KT_THREAD_EMULATOR:
        return threads->main;
    case KT_THREAD_IOTHREAD:
        return g_hash_table_lookup(threads->iothreads, GUINT_TO_POINTER(id));
    case KT_THREAD_VCPU:
    default:
        found = g_hash_table_lookup(threads->vcpus, GUINT_TO_POINTER(id));
        return found ? found : threads->all_vcpus;
    }
}

const KtCpuset *
kt_live_cpus_find(const KtLiveCpus *cpus, KtThreadKind kind, guint id)
{
    if (cpus->threads)
        return find_thread(cpus->threads, kind, id);
    if (kind == KT_THREAD_EMULATOR)
        return cpus->emulator;
    return g_hash_table_lookup(kind == KT_THREAD_VCPU ? cpus->vcpus : cpus->iothreads, GUINT_TO_POINTER(id));
}

bool
kt_live_cpus_equal(const KtLiveCpus *cpus, const KtCpuset *a, const KtCpuset *b)
{
    if (hwloc_bitmap_isequal(a, b))
        return true;
    if (!cpus->online || !hwloc_bitmap_intersects(a, cpus->online) ||
        !hwloc_bitmap_intersects(b, cpus->online))
        return false;
    g_autoptr(KtCpuset) difference = hwloc_bitmap_alloc();
    hwloc_bitmap_xor(difference, a, b);
    return !hwloc_bitmap_intersects(difference, cpus->online);
}

bool
kt_live_cpus_pin(virDomain *domain, KtThreadKind kind, guint id, const KtCpuset *cpus, GError **error)
{
    int length = VIR_CPU_MAPLEN(hwloc_bitmap_last(cpus) + 1);
    g_autofree unsigned char *map = g_malloc0(MAX(length, 1));
    g_autofree char *text = kt_cpuset_format(cpus);
    unsigned cpu;
    int result;

    hwloc_bitmap_foreach_begin(cpu, cpus) VIR_USE_CPU(map, cpu);
    hwloc_bitmap_foreach_end();
    /* virDomainPinVcpu changes the running domain only; with flags some drivers don't know it. */
    if (kind == KT_THREAD_EMULATOR)
        result = virDomainPinEmulator(domain, map, length, VIR_DOMAIN_AFFECT_LIVE);
    else if (kind == KT_THREAD_IOTHREAD)
        result = virDomainPinIOThread(domain, id, map, length, VIR_DOMAIN_AFFECT_LIVE);
    else
        result = virDomainPinVcpu(domain, id, map, length);
    if (result < 0)
        kt_hypervisor_set_error(error, "cannot be pinned to '%s'", text);
    return result >= 0;
}
