/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/kernel.h"

#include <string.h>

/** A program that sets what kvm-tune sets too. */
typedef struct {
    const char *process; /* /proc/PID/comm: the file that was run, scripts too, at most 15 bytes */
    const char *name;
    const char *knobs;
    const char *const *settings;
} KnownTuner;

#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What each sets as its packages ship it: ksmtuned(1), numad(8), tuned's plugins and profiles; MOM's KSM
 * controller; the domains that nova and KubeVirt define. */
static const KnownTuner known[] = {
    {"ksmtuned", "ksmtuned", "KSM", SETTINGS("ksm.mode", "ksm.pages-to-scan", "ksm.sleep")},
    {"momd", "MOM", "KSM and balloons",
     SETTINGS("ksm.mode", "ksm.pages-to-scan", "ksm.sleep", "ksm.merge-across-nodes")},
    {"numad", "numad", "CPUs and memory of processes",
     SETTINGS("cpu.placement", "cpu.emulator", "cpu.iothreads", "memory.numa")},
    /* What its profiles set, those for real-time guests too: which one is chosen isn't in /proc. */
    {"tuned", "tuned", "huge pages, NUMA balancing, KSM",
     SETTINGS("thp.enabled", "thp.defrag", "numa-balancing", "ksm.mode")},
    {"irqbalance", "irqbalance", "interrupts", SETTINGS(NULL)},
    {"nova-compute", "nova-compute", "its domains' definitions",
     SETTINGS("cpu.placement", "cpu.emulator", "memory.numa", "memory.backing", "disk.cache", "disk.io",
              "nic.model", "nic.queues")},
    {"virt-handler", "KubeVirt", "its domains' definitions, and KSM",
     SETTINGS("cpu.placement", "cpu.emulator", "cpu.iothreads", "memory.numa", "memory.backing", "disk.cache",
              "disk.io", "nic.model", "nic.queues", "ksm.mode")},
};

static void
free_tuner(gpointer data)
{
    KtOtherTuner *tuner = data;
    g_free(tuner->name);
    g_free(tuner);
}

GPtrArray *
kt_other_tuners_new(void)
{
    return g_ptr_array_new_with_free_func(free_tuner);
}

static const KnownTuner *
find_known(const char *process)
{
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (g_str_equal(known[i].process, process))
            return &known[i];
    }
    return NULL;
}

static char *
name_file(const char *pid)
{
    return g_strdup_printf("proc/%s/comm", pid);
}

/* What the process is known as; NULL also for one that has ended meanwhile. */
static const KnownTuner *
tuner_of(const KtRoot *root, const char *pid)
{
    g_autofree char *path = name_file(pid);
    g_autofree char *process = NULL;
    if (!kt_root_read(root, path, &process, NULL) || !process)
        return NULL;
    return find_known(process);
}

GPtrArray *
kt_other_tuners_read(const KtRoot *root, GError **error)
{
    g_auto(GStrv) names = NULL;
    if (!kt_root_list(root, "proc", &names, error))
        return NULL;
    GPtrArray *tuners = kt_other_tuners_new();
    for (char **name = names; name && *name; name++) {
        gint64 pid;
        const KnownTuner *found = NULL;
        if (g_ascii_string_to_signed(*name, 10, 1, G_MAXINT, &pid, NULL))
            found = tuner_of(root, *name);
        if (!found)
            continue;
        KtOtherTuner *tuner = g_new0(KtOtherTuner, 1);
        tuner->name = g_strdup(found->name);
        tuner->pid = pid;
        tuner->knobs = found->knobs;
        tuner->settings = found->settings;
        g_ptr_array_add(tuners, tuner);
    }
    return tuners;
}

void
kt_other_tuners_add_files(const GPtrArray *tuners, GPtrArray *paths)
{
    for (guint i = 0; i < tuners->len; i++) {
        const KtOtherTuner *tuner = g_ptr_array_index(tuners, i);
        g_autofree char *pid = g_strdup_printf("%" G_GINT64_FORMAT, tuner->pid);
        g_ptr_array_add(paths, name_file(pid));
    }
}
