/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/ksm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KSM "sys/kernel/mm/ksm"

/* PF_KTHREAD of include/linux/sched.h, in the flags of /proc/PID/stat: any process can call itself ksmd. */
#define KERNEL_THREAD 0x00200000

/** A file with one number, and where it goes. */
typedef struct {
    const char *path;
    gsize offset; /* in KtKsm */
} NumberFile;

static const NumberFile numbers[] = {
    {KSM "/run", offsetof(KtKsm, run)},
    {KSM "/pages_to_scan", offsetof(KtKsm, pages_to_scan)},
    {KSM "/sleep_millisecs", offsetof(KtKsm, sleep_millisecs)},
    {KSM "/merge_across_nodes", offsetof(KtKsm, merge_across_nodes)},
    {KSM "/pages_shared", offsetof(KtKsm, pages_shared)},
    {KSM "/pages_sharing", offsetof(KtKsm, pages_sharing)},
    {KSM "/pages_unshared", offsetof(KtKsm, pages_unshared)},
    {KSM "/pages_volatile", offsetof(KtKsm, pages_volatile)},
    {KSM "/pages_scanned", offsetof(KtKsm, pages_scanned)},
    {KSM "/full_scans", offsetof(KtKsm, full_scans)},
    {KSM "/general_profit", offsetof(KtKsm, general_profit)},
    {KSM "/advisor_max_cpu", offsetof(KtKsm, advisor_max_cpu)},
    {KSM "/advisor_target_scan_time", offsetof(KtKsm, advisor_target_scan_time)},
    {KSM "/smart_scan", offsetof(KtKsm, smart_scan)},
    {KSM "/use_zero_pages", offsetof(KtKsm, use_zero_pages)},
};

#define ADVISOR_MODE KSM "/advisor_mode"

void
kt_ksm_init(KtKsm *ksm)
{
    *ksm = (KtKsm){.ksmd_cpu_usec = KT_ABSENT};
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        G_STRUCT_MEMBER(gint64, ksm, numbers[i].offset) = KT_ABSENT;
}

void
kt_ksm_clear(KtKsm *ksm)
{
    g_clear_pointer(&ksm->advisor_mode, g_free);
}

static char *
process_file(gint64 pid, const char *name)
{
    return g_strdup_printf("proc/%" G_GINT64_FORMAT "/%s", pid, name);
}

/* What /proc/PID/NAME holds; NULL where there is none, or the process has ended. */
static char *
read_process(const KtRoot *root, gint64 pid, const char *name)
{
    g_autofree char *path = process_file(pid, name);
    char *text = NULL;
    return kt_root_read(root, path, &text, NULL) ? text : NULL;
}

/* CPU time in clock ticks of the stat file of ksmd; KT_ABSENT for any other process. proc(5) */
static gint64
ksmd_ticks(const char *stat)
{
    unsigned flags;
    guint64 user, system;
    const char *name = stat ? strstr(stat, " (ksmd) ") : NULL;
    if (!name ||
        sscanf(name,
               " (ksmd) %*c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
               &flags, &user, &system) != 3)
        return KT_ABSENT;
    return flags & KERNEL_THREAD ? (gint64)(user + system) : KT_ABSENT;
}

static gint64
find_ksmd(const KtRoot *root)
{
    g_auto(GStrv) names = NULL;
    if (!kt_root_list(root, "proc", &names, NULL))
        return 0;
    for (char **name = names; name && *name; name++) {
        gint64 pid;
        if (!g_ascii_string_to_signed(*name, 10, 1, G_MAXINT, &pid, NULL))
            continue;
        g_autofree char *stat = read_process(root, pid, "stat");
        if (ksmd_ticks(stat) != KT_ABSENT)
            return pid;
    }
    return 0;
}

/* In ns where the kernel counts them: a tick is often 10 ms. */
static gint64
cpu_usec(const KtRoot *root, gint64 pid)
{
    gint64 nsec;
    g_autofree char *times = read_process(root, pid, "schedstat");
    if (times && sscanf(times, "%" G_GINT64_FORMAT, &nsec) == 1 && nsec > 0)
        return nsec / 1000;
    g_autofree char *stat = read_process(root, pid, "stat");
    gint64 ticks = ksmd_ticks(stat);
    return ticks == KT_ABSENT ? KT_ABSENT : ticks * (G_USEC_PER_SEC / sysconf(_SC_CLK_TCK));
}

bool
kt_ksm_read(const KtRoot *root, KtKsm *ksm, GError **error)
{
    g_autofree char *mode = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (!kt_root_read_number(root, numbers[i].path, &G_STRUCT_MEMBER(gint64, ksm, numbers[i].offset),
                                 error))
            return false;
    if (!kt_root_read_choice(root, ADVISOR_MODE, &mode, error))
        return false;
    g_free(ksm->advisor_mode);
    ksm->advisor_mode = g_steal_pointer(&mode);
    if (ksm->run != KT_ABSENT && ksm->ksmd_pid == 0)
        ksm->ksmd_pid = find_ksmd(root);
    ksm->ksmd_cpu_usec = ksm->ksmd_pid > 0 ? cpu_usec(root, ksm->ksmd_pid) : KT_ABSENT;
    return true;
}

void
kt_ksm_add_files(const KtKsm *ksm, GPtrArray *paths)
{
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        g_ptr_array_add(paths, g_strdup(numbers[i].path));
    g_ptr_array_add(paths, g_strdup(ADVISOR_MODE));
    if (ksm->ksmd_pid > 0) {
        g_ptr_array_add(paths, process_file(ksm->ksmd_pid, "stat"));
        g_ptr_array_add(paths, process_file(ksm->ksmd_pid, "schedstat"));
    }
}

gint64
kt_ksm_known_pages(const KtKsm *ksm)
{
    const gint64 parts[] = {ksm->pages_shared, ksm->pages_sharing, ksm->pages_unshared, ksm->pages_volatile};
    gint64 sum = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (parts[i] == KT_ABSENT)
            return KT_ABSENT;
        sum += parts[i];
    }
    return sum;
}

/* The number, or yes and no as 1 and 0, after @key in the lines "key number", "key: yes". */
static gint64
stat_value(const char *text, const char *key)
{
    gint64 number;
    const char *at = text ? strstr(text, key) : NULL;
    if (!at || (at > text && at[-1] != '\n'))
        return KT_ABSENT;
    at += strlen(key);
    if (sscanf(at, " %" G_GINT64_FORMAT, &number) == 1)
        return number;
    return g_str_has_prefix(at, ": yes") ? 1 : g_str_has_prefix(at, ": no") ? 0 : KT_ABSENT;
}

/* Resident pages that are no file's and no shared memory's. */
static gint64
anonymous_pages(const KtRoot *root, gint64 pid)
{
    gint64 resident, shared;
    g_autofree char *sizes = read_process(root, pid, "statm");
    if (!sizes || sscanf(sizes, "%*d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, &resident, &shared) != 2)
        return KT_ABSENT;
    return MAX(resident - shared, 0);
}

KtKsmProcess
kt_ksm_process_unknown(void)
{
    return (KtKsmProcess){KT_ABSENT, KT_ABSENT, KT_ABSENT, KT_ABSENT, KT_ABSENT};
}

KtKsmProcess
kt_ksm_process_read(const KtRoot *root, gint64 pid)
{
    g_autofree char *stat = read_process(root, pid, "ksm_stat");
    g_autofree char *merging = stat ? NULL : read_process(root, pid, "ksm_merging_pages");
    KtKsmProcess process = {
        .merging_pages = stat_value(stat, "ksm_merging_pages"),
        .rmap_items = stat_value(stat, "ksm_rmap_items"),
        .profit_bytes = stat_value(stat, "ksm_process_profit"),
        .may_merge = stat_value(stat, "ksm_mergeable"),
        .anonymous_pages = anonymous_pages(root, pid),
    };
    if (merging)
        g_ascii_string_to_signed(merging, 10, 0, G_MAXINT64, &process.merging_pages, NULL);
    return process;
}

void
kt_ksm_process_add_files(gint64 pid, GPtrArray *paths)
{
    static const char *const files[] = {"ksm_stat", "ksm_merging_pages", "statm"};
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
        g_ptr_array_add(paths, process_file(pid, files[i]));
}
