/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/watch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/compare/watch_hardware.h"
#include "probes/hypervisor.h"
#include "probes/qemu_process.h"

struct KtWatcher {
    const KtRoot *root;
    virDomainPtr domain;
    gint64 pid;           /* 0 = the guest has no process of its own here */
    KtHardware *hardware; /* NULL = none here */
};

/** What a counter's growth over time means. */
typedef enum { SHARE_OF_NS, SHARE_OF_USEC, SHARE_OF_TICKS, MIB_A_SECOND, A_SECOND, PER_CYCLE, LEVEL } Measure;

static const struct {
    const char *name;
    const char *unit;
    Measure measure;
} rows[KT_N_WATCHED] = {
    [KT_WATCH_VCPU_BUSY] = {"vcpu-busy", "%", SHARE_OF_NS},
    [KT_WATCH_VCPU_WAIT] = {"vcpu-wait", "%", SHARE_OF_NS},
    [KT_WATCH_DISK_READ] = {"disk-read", "MiB/s", MIB_A_SECOND},
    [KT_WATCH_DISK_WRITTEN] = {"disk-written", "MiB/s", MIB_A_SECOND},
    [KT_WATCH_NET_RECEIVED] = {"net-received", "MiB/s", MIB_A_SECOND},
    [KT_WATCH_NET_SENT] = {"net-sent", "MiB/s", MIB_A_SECOND},
    [KT_WATCH_FAULTS] = {"faults", "1/s", A_SECOND},
    [KT_WATCH_HUGE_MEMORY] = {"huge-memory", "MiB", LEVEL},
    [KT_WATCH_REMOTE_MEMORY] = {"remote-memory", "MiB", LEVEL},
    [KT_WATCH_EXITS] = {"kvm-exits", "1/s", A_SECOND},
    [KT_WATCH_IPC] = {"instructions-per-cycle", "", PER_CYCLE},
    [KT_WATCH_CACHE_MISSES] = {"cache-misses", "1/s", A_SECOND},
    [KT_WATCH_KSM_SHARING] = {"ksm-sharing", "pages", LEVEL},
    [KT_WATCH_PRESSURE_CPU] = {"pressure-cpu", "%", SHARE_OF_USEC},
    [KT_WATCH_PRESSURE_MEMORY] = {"pressure-memory", "%", SHARE_OF_USEC},
    [KT_WATCH_PRESSURE_IO] = {"pressure-io", "%", SHARE_OF_USEC},
    [KT_WATCH_STEAL] = {"steal", "%", SHARE_OF_TICKS},
    [KT_WATCH_OTHER_LOAD] = {"other-load", "%", SHARE_OF_TICKS},
};

const char *
kt_watched_name(KtWatched watched)
{
    return rows[watched].name;
}

const char *
kt_watched_unit(KtWatched watched)
{
    return rows[watched].unit;
}

/* ---- libvirt ---- */

/** libvirt's names of the counters that are summed: PREFIX.N.SUFFIX. */
static const struct {
    KtWatched watched;
    const char *prefix;
    const char *suffix;
} parameters[] = {
    {KT_WATCH_VCPU_BUSY, "vcpu.", ".time"},       {KT_WATCH_VCPU_WAIT, "vcpu.", ".delay"},
    {KT_WATCH_DISK_READ, "block.", ".rd.bytes"},  {KT_WATCH_DISK_WRITTEN, "block.", ".wr.bytes"},
    {KT_WATCH_NET_RECEIVED, "net.", ".rx.bytes"}, {KT_WATCH_NET_SENT, "net.", ".tx.bytes"},
    {KT_WATCH_EXITS, "vcpu.", ".exits.sum"}, /* KVM's own, from QEMU 7.1 on */
};

static void
add_to(double *sum, double value)
{
    *sum = isnan(*sum) ? value : *sum + value;
}

static void
add_parameter(const virTypedParameter *parameter, KtWatch *watch)
{
    if (parameter->type != VIR_TYPED_PARAM_ULLONG)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(parameters); i++)
        if (g_str_has_prefix(parameter->field, parameters[i].prefix) &&
            g_str_has_suffix(parameter->field, parameters[i].suffix))
            add_to(&watch->values[parameters[i].watched], (double)parameter->value.ul);
}

static void
read_libvirt(virDomainPtr domain, KtWatch *watch)
{
    virDomainPtr domains[] = {domain, NULL};
    virDomainStatsRecordPtr *records = NULL;
    unsigned wanted = VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_BLOCK | VIR_DOMAIN_STATS_INTERFACE;
    int n = virDomainListGetStats(domains, wanted, &records, 0);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < records[i]->nparams; k++)
            add_parameter(&records[i]->params[k], watch);
    if (n >= 0)
        virDomainStatsRecordListFree(records);
}

/* ---- /proc ---- */

static char *
read_text(const KtRoot *root, const char *path)
{
    char *text = NULL;
    return kt_root_read(root, path, &text, NULL) ? text : NULL;
}

static void
read_pressure(const KtRoot *root, const char *path, double *ret_value)
{
    g_autofree char *text = read_text(root, path);
    const char *total = text ? strstr(text, "total=") : NULL;
    if (total)
        *ret_value = g_ascii_strtod(total + strlen("total="), NULL);
}

/* user nice system idle iowait irq softirq steal, in ticks over all CPUs. proc(5) */
static void
read_cpu_time(const KtRoot *root, KtWatch *watch)
{
    g_autofree char *text = read_text(root, "proc/stat");
    g_auto(GStrv) words = text ? g_strsplit_set(text, " \n", 12) : NULL;
    if (words == NULL || g_strv_length(words) < 12)
        return;
    double busy = 0;
    for (guint i = 2; i <= 9; i++) /* words[1] is empty: two spaces */
        busy += i == 5 || i == 6 ? 0 : g_ascii_strtod(words[i], NULL);
    watch->values[KT_WATCH_STEAL] = g_ascii_strtod(words[9], NULL);
    watch->values[KT_WATCH_OTHER_LOAD] = busy - watch->values[KT_WATCH_STEAL];
}

/* Field 10 minflt, 12 majflt, 14 utime, 15 stime, counted from the state (3) that follows the name in
 * brackets. */
static void
read_process(const KtRoot *root, gint64 pid, KtWatch *watch)
{
    g_autofree char *path = g_strdup_printf("proc/%" G_GINT64_FORMAT "/stat", pid);
    g_autofree char *text = read_text(root, path);
    const char *state = text ? strrchr(text, ')') : NULL;
    g_auto(GStrv) words = state ? g_strsplit(state + 2, " ", 14) : NULL;
    if (words == NULL || g_strv_length(words) < 14) {
        watch->values[KT_WATCH_OTHER_LOAD] = NAN; /* whose time it was isn't known */
        return;
    }
    watch->values[KT_WATCH_FAULTS] = g_ascii_strtod(words[7], NULL) + g_ascii_strtod(words[9], NULL);
    watch->values[KT_WATCH_OTHER_LOAD] -= g_ascii_strtod(words[11], NULL) + g_ascii_strtod(words[12], NULL);
}

static void
read_huge_memory(const KtRoot *root, gint64 pid, KtWatch *watch)
{
    g_autofree char *path = g_strdup_printf("proc/%" G_GINT64_FORMAT "/smaps_rollup", pid);
    g_autofree char *text = read_text(root, path);
    const char *line = text ? strstr(text, "AnonHugePages:") : NULL;
    if (line)
        watch->values[KT_WATCH_HUGE_MEMORY] = g_ascii_strtod(line + strlen("AnonHugePages:"), NULL) / 1024;
}

/* The node of the CPU that a thread was on at last; -1 = it has gone. Field 39 of proc(5), counted from the
 * state (3) that follows the name in brackets. */
static int
node_of_thread(const KtRoot *root, gint64 pid, gint64 tid)
{
    g_autofree char *path =
        g_strdup_printf("proc/%" G_GINT64_FORMAT "/task/%" G_GINT64_FORMAT "/stat", pid, tid);
    g_autofree char *text = read_text(root, path);
    const char *state = text ? strrchr(text, ')') : NULL;
    g_auto(GStrv) words = state ? g_strsplit(state + 2, " ", 38) : NULL;
    if (words == NULL || g_strv_length(words) < 37)
        return -1;
    g_autofree char *cpu = g_strdup_printf("sys/devices/system/cpu/cpu%s", words[36]);
    g_auto(GStrv) files = NULL;
    int node = -1;
    if (kt_root_list(root, cpu, &files, NULL))
        for (char **file = files; file && *file && node < 0; file++)
            if (sscanf(*file, "node%d", &node) != 1)
                node = -1;
    return node;
}

static void
read_remote_memory(const KtRoot *root, gint64 pid, KtWatch *watch)
{
    g_autoptr(GArray) kib = kt_qemu_process_memory_by_node(root, pid);
    g_autoptr(KtQemuThreads) threads = kib && kib->len > 1 ? kt_qemu_threads_read(root, pid) : NULL;
    GHashTableIter iter;
    gpointer tid;
    if (threads == NULL)
        return;
    g_hash_table_iter_init(&iter, threads->vcpu_tids);
    while (g_hash_table_iter_next(&iter, NULL, &tid)) {
        int node = node_of_thread(root, pid, GPOINTER_TO_UINT(tid));
        if (node >= 0 && (guint)node < kib->len)
            g_array_index(kib, gint64, node) = 0;
    }
    watch->values[KT_WATCH_REMOTE_MEMORY] = 0;
    for (guint i = 0; i < kib->len; i++)
        watch->values[KT_WATCH_REMOTE_MEMORY] += (double)g_array_index(kib, gint64, i) / 1024;
}

static gint64
process_of(const KtRoot *root, virDomainPtr domain)
{
    char uuid[VIR_UUID_STRING_BUFLEN];
    if (virDomainGetUUIDString(domain, uuid) != 0)
        return 0;
    g_autoptr(KtQemuProcesses) processes = kt_qemu_processes_find(root);
    return kt_qemu_processes_pid(processes, virDomainGetName(domain), uuid);
}

KtWatcher *
kt_watcher_new(const KtRoot *root, virDomainPtr domain)
{
    KtWatcher *watcher = g_new0(KtWatcher, 1);
    watcher->root = root;
    watcher->domain = domain;
    watcher->pid = domain ? process_of(root, domain) : 0;
    watcher->hardware = watcher->pid ? kt_hardware_open(root, watcher->pid) : NULL;
    return watcher;
}

void
kt_watcher_free(KtWatcher *watcher)
{
    if (watcher == NULL)
        return;
    kt_hardware_free(watcher->hardware);
    g_free(watcher);
}

static void
read_host(const KtRoot *root, KtWatch *watch)
{
    gint64 sharing = KT_ABSENT;
    read_cpu_time(root, watch);
    read_pressure(root, "proc/pressure/cpu", &watch->values[KT_WATCH_PRESSURE_CPU]);
    read_pressure(root, "proc/pressure/memory", &watch->values[KT_WATCH_PRESSURE_MEMORY]);
    read_pressure(root, "proc/pressure/io", &watch->values[KT_WATCH_PRESSURE_IO]);
    if (kt_root_read_number(root, "sys/kernel/mm/ksm/pages_sharing", &sharing, NULL) && sharing != KT_ABSENT)
        watch->values[KT_WATCH_KSM_SHARING] = (double)sharing;
}

void
kt_watch_read(const KtWatcher *watcher, KtWatch *ret_watch)
{
    for (guint i = 0; i < KT_N_WATCHED; i++)
        ret_watch->values[i] = NAN;
    ret_watch->cycles = NAN;
    read_host(watcher->root, ret_watch);
    if (watcher->domain)
        read_libvirt(watcher->domain, ret_watch);
    if (watcher->pid) {
        read_process(watcher->root, watcher->pid, ret_watch);
        read_huge_memory(watcher->root, watcher->pid, ret_watch);
        read_remote_memory(watcher->root, watcher->pid, ret_watch);
    }
    if (watcher->hardware)
        kt_hardware_read(watcher->hardware, &ret_watch->cycles, &ret_watch->values[KT_WATCH_IPC],
                         &ret_watch->values[KT_WATCH_CACHE_MISSES]);
    ret_watch->taken_usec = g_get_monotonic_time();
}

static double
measured(Measure measure, double begin, double end, double seconds)
{
    double grown = (end - begin) / seconds;
    switch (measure) {
    case SHARE_OF_NS:
        return grown / 1e9 * 100;
    case SHARE_OF_USEC:
        return grown / 1e6 * 100;
    case SHARE_OF_TICKS:
        return grown / (double)sysconf(_SC_CLK_TCK) * 100;
    case MIB_A_SECOND:
        return grown / (1 << 20);
    case A_SECOND:
        return grown;
    case PER_CYCLE: /* the caller knows the cycles */
    case LEVEL:
        break;
    }
    return end;
}

void
kt_watch_between(const KtWatch *begin, const KtWatch *end, double ret_values[KT_N_WATCHED])
{
    double seconds = MAX(1, end->taken_usec - begin->taken_usec) / 1e6;
    for (guint i = 0; i < KT_N_WATCHED; i++)
        ret_values[i] = measured(rows[i].measure, begin->values[i], end->values[i], seconds);
    /* The host's time is counted by ticks, a process's by the scheduler's clock: the guest's part may come
     * out larger than the whole. Not fmax(): what isn't known stays NAN. */
    if (ret_values[KT_WATCH_OTHER_LOAD] < 0)
        ret_values[KT_WATCH_OTHER_LOAD] = 0;
    ret_values[KT_WATCH_IPC] =
        (end->values[KT_WATCH_IPC] - begin->values[KT_WATCH_IPC]) / (end->cycles - begin->cycles);
}
