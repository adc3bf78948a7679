/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/cpuset.h"
#include "base/root.h"

/** What moves pages to where the threads run that use them, and marks pages to see it: 0 = off. */
#define KT_NUMA_BALANCING "proc/sys/kernel/numa_balancing"

/** Share of time, percent, that some or all tasks waited; negative = not told.
 * Documentation/accounting/psi.rst */
typedef struct {
    double some_avg10, some_avg60;
    double full_avg10, full_avg60;
} KtPressure;

/** What the kernel was told and how it is set. KT_ABSENT, NULL = this kernel lacks it. */
typedef struct {
    char *release; /* "6.1.0-56-amd64" */
    char *command_line;
    KtCpuset *isolated; /* /sys/devices/system/cpu/isolated */
    KtCpuset *nohz_full;
    gint64 numa_balancing; /* /proc/sys/kernel/numa_balancing */
    gint64 halt_poll_ns;   /* /sys/module/kvm/parameters/halt_poll_ns */
    bool halt_poll_fixed;  /* this kernel lets nobody change it while it runs */
    gint64 ip_forward;
    gint64 io_uring_disabled; /* 0 allowed to all, 1 to some, 2 to none */
    char *nested;             /* kvm_intel's or kvm_amd's parameter as it stands */
    KtPressure cpu, memory, io;
} KtKernel;

/** Reads only how much tasks wait for memory; all negative where this kernel doesn't tell. Errors: io,
 * access, parse. */
bool kt_memory_pressure_read(const KtRoot *root, KtPressure *ret_pressure, GError **error);

/** Names this life of the kernel; NULL where it doesn't tell. Owned. */
char *kt_boot_id(const KtRoot *root);

/** Nothing known. */
KtKernel *kt_kernel_new(void);

/** Errors: io, access, parse. */
KtKernel *kt_kernel_read(const KtRoot *root, GError **error);
void kt_kernel_add_files(const KtRoot *root, GPtrArray *paths);
void kt_kernel_free(KtKernel *kernel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtKernel, kt_kernel_free)

/** Another program that sets what kvm-tune sets, and runs now. */
typedef struct {
    char *name; /* "ksmtuned" */
    gint64 pid;
    const char *knobs;           /* what it sets, for people: "KSM" */
    const char *const *settings; /* keys of contested settings ("ksm.mode"), NULL-terminated */
} KtOtherTuner;

/** ksmtuned, numad, tuned, irqbalance, MOM, nova-compute, virt-handler, by their processes. KtOtherTuner. */
GPtrArray *kt_other_tuners_read(const KtRoot *root, GError **error);

/** None of them runs. */
GPtrArray *kt_other_tuners_new(void);

/** Adds the paths of the files that tell of @tuners. Owned strings. */
void kt_other_tuners_add_files(const GPtrArray *tuners, GPtrArray *paths);
