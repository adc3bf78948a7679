/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/watch_hardware.h"

#include <linux/perf_event.h>
#include <math.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CYCLES, INSTRUCTIONS, CACHE_MISSES, N_COUNTERS };

static const guint64 configs[N_COUNTERS] = {
    [CYCLES] = PERF_COUNT_HW_CPU_CYCLES,
    [INSTRUCTIONS] = PERF_COUNT_HW_INSTRUCTIONS,
    [CACHE_MISSES] = PERF_COUNT_HW_CACHE_MISSES,
};

struct KtHardware {
    GArray *descriptors[N_COUNTERS]; /* int, one a thread */
};

/* What a counter says that shares the CPU's registers with others: perf_event_open(2), PERF_FORMAT_… */
typedef struct {
    guint64 value;
    guint64 enabled_ns;
    guint64 running_ns;
} Reading;

static int
open_counter(gint64 tid, guint64 config)
{
    struct perf_event_attr attributes = {.type = PERF_TYPE_HARDWARE,
                                         .size = sizeof attributes,
                                         .config = config,
                                         .inherit = 1,
                                         .exclude_hv = 1,
                                         .read_format =
                                             PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING};
    return (int)syscall(SYS_perf_event_open, &attributes, (pid_t)tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static void
close_descriptor(gpointer descriptor)
{
    close(*(int *)descriptor);
}

static guint
open_thread(KtHardware *hardware, gint64 tid)
{
    guint opened = 0;
    for (guint i = 0; i < N_COUNTERS; i++) {
        int descriptor = open_counter(tid, configs[i]);
        if (descriptor < 0)
            continue;
        g_array_append_val(hardware->descriptors[i], descriptor);
        opened++;
    }
    return opened;
}

KtHardware *
kt_hardware_open(const KtRoot *root, gint64 pid)
{
    g_autoptr(KtHardware) hardware = g_new0(KtHardware, 1);
    g_autofree char *path = g_strdup_printf("proc/%" G_GINT64_FORMAT "/task", pid);
    g_auto(GStrv) tids = NULL;
    guint opened = 0;
    for (guint i = 0; i < N_COUNTERS; i++) {
        hardware->descriptors[i] = g_array_new(FALSE, FALSE, sizeof(int));
        g_array_set_clear_func(hardware->descriptors[i], close_descriptor);
    }
    if (!kt_root_list(root, path, &tids, NULL))
        return NULL;
    for (char **tid = tids; tid && *tid; tid++)
        opened += open_thread(hardware, g_ascii_strtoll(*tid, NULL, 10));
    return opened ? g_steal_pointer(&hardware) : NULL;
}

void
kt_hardware_free(KtHardware *hardware)
{
    if (hardware == NULL)
        return;
    for (guint i = 0; i < N_COUNTERS; i++)
        g_array_unref(hardware->descriptors[i]);
    g_free(hardware);
}

/* A counter that had to share counts part of the time: it is taken as even. */
static double
sum(const GArray *descriptors)
{
    double total = descriptors->len ? 0 : NAN;
    for (guint i = 0; i < descriptors->len; i++) {
        Reading reading;
        if (read(g_array_index(descriptors, int, i), &reading, sizeof reading) == (ssize_t)sizeof reading &&
            reading.running_ns > 0)
            total += (double)reading.value * (double)reading.enabled_ns / (double)reading.running_ns;
    }
    return total;
}

void
kt_hardware_read(const KtHardware *hardware, double *ret_cycles, double *ret_instructions,
                 double *ret_cache_misses)
{
    *ret_cycles = sum(hardware->descriptors[CYCLES]);
    *ret_instructions = sum(hardware->descriptors[INSTRUCTIONS]);
    *ret_cache_misses = sum(hardware->descriptors[CACHE_MISSES]);
}
