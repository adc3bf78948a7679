/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/qemu_process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "probes/numa_maps.h"

#define NSEC_PER_SEC 1e9

/* The process of a domain that several claim to be. */
#define AMBIGUOUS 0

struct KtQemuProcesses {
    GHashTable *pids; /* "UUID/NAME" → gint64 * */
};

static char *
domain_key(const char *name, const char *uuid)
{
    g_autofree char *lower = g_ascii_strdown(uuid, -1);
    return g_strconcat(lower, "/", name, NULL);
}

/* The name in "guest=NAME,debug-threads=on": QEMU doubles a comma that belongs to a value. NULL for another
 * option. */
static char *
guest_name(const char *option)
{
    if (!g_str_has_prefix(option, "guest="))
        return NULL;
    g_autoptr(GString) name = g_string_new(NULL);
    for (const char *at = option + strlen("guest="); *at; at++) {
        if (*at == ',' && *++at != ',')
            break;
        g_string_append_c(name, *at);
    }
    return g_string_free(g_steal_pointer(&name), FALSE);
}

/* The domain that a command line is of, or NULL. */
static char *
domain_of_command(char *const *arguments)
{
    g_autofree char *name = NULL;
    const char *uuid = NULL;
    for (; *arguments && arguments[1]; arguments++) {
        if (g_str_equal(*arguments, "-uuid"))
            uuid = arguments[1];
        if (g_str_equal(*arguments, "-name") && !name)
            name = guest_name(arguments[1]);
    }
    return name && uuid ? domain_key(name, uuid) : NULL;
}

static void
note_process(KtQemuProcesses *processes, const KtRoot *root, const char *number)
{
    gint64 pid;
    if (!g_ascii_string_to_signed(number, 10, 1, G_MAXINT, &pid, NULL))
        return;
    g_autofree char *path = g_strdup_printf("proc/%s/cmdline", number);
    g_auto(GStrv) arguments = NULL;
    if (!kt_root_read_strings(root, path, &arguments, NULL) || !arguments)
        return;
    g_autofree char *key = domain_of_command(arguments);
    if (!key)
        return;
    gint64 *known = g_hash_table_lookup(processes->pids, key);
    if (known)
        *known = AMBIGUOUS;
    else
        g_hash_table_insert(processes->pids, g_steal_pointer(&key), g_memdup2(&pid, sizeof pid));
}

KtQemuProcesses *
kt_qemu_processes_find(const KtRoot *root)
{
    KtQemuProcesses *processes = g_new0(KtQemuProcesses, 1);
    processes->pids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) names = NULL;
    if (!kt_root_list(root, "proc", &names, NULL))
        return processes;
    for (char **name = names; name && *name; name++)
        note_process(processes, root, *name);
    return processes;
}

void
kt_qemu_processes_free(KtQemuProcesses *processes)
{
    if (!processes)
        return;
    g_hash_table_unref(processes->pids);
    g_free(processes);
}

gint64
kt_qemu_processes_pid(const KtQemuProcesses *processes, const char *name, const char *uuid)
{
    g_autofree char *key = domain_key(name, uuid);
    const gint64 *pid = g_hash_table_lookup(processes->pids, key);
    return pid ? *pid : 0;
}

/* The rest of the line that begins with @key in a file of /proc/PID, without space around it; NULL where
 * there is none. Owned. */
static char *
status_value(const char *text, const char *key)
{
    const char *line = text;
    while (line && !g_str_has_prefix(line, key)) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    if (!line)
        return NULL;
    line += strlen(key);
    return g_strstrip(g_strndup(line, strcspn(line, "\n")));
}

static KtCpuset *
thread_affinity(const KtRoot *root, gint64 pid, const char *tid)
{
    g_autofree char *path = g_strdup_printf("proc/%" G_GINT64_FORMAT "/task/%s/status", pid, tid);
    g_autofree char *status = NULL;
    if (!kt_root_read(root, path, &status, NULL) || !status)
        return NULL;
    g_autofree char *list = status_value(status, "Cpus_allowed_list:");
    return list ? kt_cpuset_parse(list, false, NULL) : NULL;
}

/* Puts a thread's CPUs where its name says that they belong. */
static void
note_thread(KtQemuThreads *threads, const char *name, gint64 tid, bool is_main, KtCpuset *affinity)
{
    guint id;
    int end = 0;
    if (is_main)
        threads->main = affinity;
    else if (sscanf(name, "CPU %u/%n", &id, &end) == 1 && end > 0) {
        g_hash_table_replace(threads->vcpus, GUINT_TO_POINTER(id), affinity);
        g_hash_table_replace(threads->vcpu_tids, GUINT_TO_POINTER(id), GUINT_TO_POINTER((guint)tid));
    } else if (sscanf(name, "IO iothread%u%n", &id, &end) == 1 && name[end] == '\0')
        g_hash_table_replace(threads->iothreads, GUINT_TO_POINTER(id), affinity);
    else if (g_str_has_prefix(name, "ALL CPUs/") && !threads->all_vcpus)
        threads->all_vcpus = affinity;
    else
        kt_cpuset_free(affinity);
}

static void
read_thread(KtQemuThreads *threads, const KtRoot *root, gint64 pid, const char *tid)
{
    g_autofree char *path = g_strdup_printf("proc/%" G_GINT64_FORMAT "/task/%s/comm", pid, tid);
    g_autofree char *name = NULL;
    gint64 number;
    if (!g_ascii_string_to_signed(tid, 10, 1, G_MAXINT, &number, NULL) ||
        !kt_root_read(root, path, &name, NULL) || !name)
        return;
    KtCpuset *affinity = thread_affinity(root, pid, tid);
    if (affinity)
        note_thread(threads, name, number, number == pid, affinity);
}

static void
free_set(gpointer set)
{
    kt_cpuset_free(set);
}

KtQemuThreads *
kt_qemu_threads_read(const KtRoot *root, gint64 pid)
{
    g_autofree char *path = g_strdup_printf("proc/%" G_GINT64_FORMAT "/task", pid);
    g_auto(GStrv) tids = NULL;
    if (!kt_root_list(root, path, &tids, NULL) || !tids)
        return NULL;
    g_autoptr(KtQemuThreads) threads = g_new0(KtQemuThreads, 1);
    threads->vcpus = g_hash_table_new_full(NULL, NULL, NULL, free_set);
    threads->iothreads = g_hash_table_new_full(NULL, NULL, NULL, free_set);
    threads->vcpu_tids = g_hash_table_new(NULL, NULL);
    for (char **tid = tids; *tid; tid++)
        read_thread(threads, root, pid, *tid);
    return threads->main ? g_steal_pointer(&threads) : NULL;
}

void
kt_qemu_threads_free(KtQemuThreads *threads)
{
    if (!threads)
        return;
    kt_cpuset_free(threads->main);
    kt_cpuset_free(threads->all_vcpus);
    g_hash_table_unref(threads->vcpus);
    g_hash_table_unref(threads->iothreads);
    g_hash_table_unref(threads->vcpu_tids);
    g_free(threads);
}

void
kt_qemu_vcpu_times(const KtRoot *root, gint64 pid, const KtQemuThreads *threads, guint id,
                   gint64 *ret_time_ns, gint64 *ret_delay_ns)
{
    guint tid = GPOINTER_TO_UINT(g_hash_table_lookup(threads->vcpu_tids, GUINT_TO_POINTER(id)));
    g_autofree char *path = g_strdup_printf("proc/%" G_GINT64_FORMAT "/task/%u/schedstat", pid, tid);
    g_autofree char *text = NULL;
    if (tid == 0 || !kt_root_read(root, path, &text, NULL) || !text ||
        sscanf(text, "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT, ret_time_ns, ret_delay_ns) != 2)
        *ret_time_ns = *ret_delay_ns = KT_ABSENT;
}

char *
kt_qemu_process_identity(const KtRoot *root, gint64 pid)
{
    g_autofree char *path = g_strdup_printf("proc/%" G_GINT64_FORMAT "/stat", pid);
    g_autofree char *stat = NULL;
    if (!kt_root_read(root, path, &stat, NULL) || !stat)
        return NULL;
    /* The second field is the name in parentheses, which may hold anything: count after the last one. */
    const char *after_name = strrchr(stat, ')');
    g_auto(GStrv) fields = g_strsplit(after_name ? after_name + 1 : "", " ", -1);
    /* An empty one before the first space, then fields 3 …; START is field 22. */
    if (g_strv_length(fields) <= 20)
        return NULL;
    return g_strdup_printf("%" G_GINT64_FORMAT ":%s", pid, fields[20]);
}

gint64
kt_qemu_process_age(const KtRoot *root, const char *identity)
{
    const char *start = strchr(identity, ':');
    guint64 ticks;
    g_autofree char *text = NULL;
    if (!start || !g_ascii_string_to_unsigned(start + 1, 10, 0, G_MAXINT64, &ticks, NULL) ||
        !kt_root_read(root, "proc/uptime", &text, NULL) || !text)
        return KT_ABSENT;
    double seconds = g_ascii_strtod(text, NULL) - (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return seconds > 0 && seconds < (double)G_MAXINT64 / NSEC_PER_SEC ? (gint64)(seconds * NSEC_PER_SEC)
                                                                      : KT_ABSENT;
}

/* KiB by the nodes' OS numbers. */
static GArray *
sum_mappings(GArray *mappings)
{
    GArray *kib = g_array_new(FALSE, TRUE, sizeof(gint64));
    for (guint i = 0; i < mappings->len; i++) {
        const KtNumaMapping *mapping = &g_array_index(mappings, KtNumaMapping, i);
        if (mapping->cached)
            continue;
        if (mapping->kib->len > kib->len)
            g_array_set_size(kib, mapping->kib->len);
        for (guint os = 0; os < mapping->kib->len; os++)
            g_array_index(kib, gint64, os) += g_array_index(mapping->kib, gint64, os);
    }
    return kib;
}

static gint64 *
memory_from_numa_maps(const char *maps, const KtTopology *topology)
{
    g_autoptr(GArray) mappings = kt_numa_maps_parse(maps);
    g_autoptr(GArray) by_os = sum_mappings(mappings);
    gint64 *kib = g_new0(gint64, topology->n_nodes);
    for (guint os = 0; os < by_os->len; os++) {
        gint node = kt_topology_node_index(topology, os);
        if (node >= 0)
            kib[node] = g_array_index(by_os, gint64, os);
    }
    return kib;
}

GArray *
kt_qemu_process_memory_by_node(const KtRoot *root, gint64 pid)
{
    g_autoptr(GArray) mappings = kt_numa_maps_read(root, pid);
    return mappings ? sum_mappings(mappings) : NULL;
}

KtCpuset *
kt_qemu_process_nodes(const KtRoot *root, gint64 pid)
{
    g_autoptr(GArray) kib = kt_qemu_process_memory_by_node(root, pid);
    gint64 total = 0;
    if (kib == NULL)
        return NULL;
    for (guint os = 0; os < kib->len; os++)
        total += g_array_index(kib, gint64, os);
    KtCpuset *nodes = hwloc_bitmap_alloc();
    for (guint os = 0; os < kib->len; os++) {
        if (kt_qemu_memory_counts(g_array_index(kib, gint64, os), total))
            hwloc_bitmap_set(nodes, os);
    }
    return nodes;
}

static gint64
status_kib(const char *status, const char *key)
{
    g_autofree char *text = status_value(status, key);
    gint64 kib;
    return text && sscanf(text, "%" G_GINT64_FORMAT " kB", &kib) == 1 ? kib : KT_ABSENT;
}

bool
kt_qemu_process_locked(const KtRoot *root, gint64 pid, gint64 *ret_kib, GError **error)
{
    g_autofree char *path = g_strdup_printf("proc/%" G_GINT64_FORMAT "/status", pid);
    g_autofree char *status = NULL;
    *ret_kib = 0;
    if (!kt_root_read(root, path, &status, error))
        return false;
    if (!status)
        return true;
    gint64 locked = MAX(status_kib(status, "VmLck:"), 0) + MAX(status_kib(status, "VmPin:"), 0);
    if (kt_qemu_memory_counts(locked, MAX(status_kib(status, "VmRSS:"), 0)))
        *ret_kib = locked;
    return true;
}

/* With one node there is nothing to tell apart: the sizes are cheaper than a walk through all page tables.
 * Huge pages from a pool aren't part of the resident size. */
static gint64 *
memory_from_status(const char *status)
{
    gint64 resident = status_kib(status, "VmRSS:");
    gint64 pool = status_kib(status, "HugetlbPages:");
    if (resident == KT_ABSENT)
        return NULL;
    gint64 *kib = g_new(gint64, 1);
    *kib = resident + MAX(pool, 0);
    return kib;
}

gint64 *
kt_qemu_process_memory(const KtRoot *root, gint64 pid, const KtTopology *topology)
{
    bool several = topology->n_nodes > 1;
    g_autofree char *path =
        g_strdup_printf("proc/%" G_GINT64_FORMAT "/%s", pid, several ? "numa_maps" : "status");
    g_autofree char *text = NULL;
    if (!kt_root_read(root, path, &text, NULL) || !text || !*text)
        return NULL;
    return several ? memory_from_numa_maps(text, topology) : memory_from_status(text);
}
