/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "tuners/knob.h"
#include "tuners/tuner.h"

#define THP "sys/kernel/mm/transparent_hugepage/"
#define HALT_POLL "sys/module/kvm/parameters/halt_poll_ns"

/* What the kernel's words do. Documentation/admin-guide/mm/transhuge.rst */
static const KtEffect enabled_effects[] = {
    {"always", "every process gets huge pages, whether it asks or not"},
    {"madvise",
     "QEMU asks for huge pages for guest memory, so that is enough; other processes are left alone"},
    {"never", "no process gets huge pages, guests neither"},
    {NULL, NULL},
};

static const KtEffect defrag_effects[] = {
    {"always", "any page fault waits while memory is compacted for a huge page"},
    {"defer", "memory is compacted in the background, no page fault waits for it"},
    {"defer+madvise",
     "guest memory waits for its huge pages, for other processes they are made in the background"},
    {"madvise", "only memory that asked for huge pages, as guest memory does, waits while they are made"},
    {"never", "memory isn't compacted for huge pages at page faults"},
    {NULL, NULL},
};

static const KtEffect shmem_effects[] = {
    {"always", "shared memory gets huge pages wherever it can"},
    {"within_size", "shared memory gets huge pages where they fit into the file"},
    {"advise", "shared guest memory, for which QEMU asks, gets huge pages; other shared memory doesn't"},
    {"never", "shared memory gets no huge pages"},
    {"deny", "no shared memory gets huge pages, whatever its mount says"},
    {"force", "all shared memory gets huge pages, whatever its mount says"},
    {NULL, NULL},
};

static const KtEffect numa_balancing_effects[] = {
    {"yes",
     "the kernel moves memory and threads nearer to each other; guests that are placed pay for it with page "
     "faults and gain nothing"},
    {"no", "no page faults just to sample who uses which memory; what isn't placed stays where it is"},
    {NULL, NULL},
};

static const KtEffect halt_poll_effects[] = {
    {NULL, "how long KVM waits awake when a vCPU goes idle: wakes it faster, and takes CPU time meanwhile"},
};

/* Kernels 5.12 to 6.1 read halt_poll_ns when a VM is created, others whenever a vCPU goes idle. */
static bool
polls_as_created(const KtKernel *kernel)
{
    guint major, minor;
    if (kernel->release == NULL || sscanf(kernel->release, "%u.%u", &major, &minor) != 2)
        return false;
    return (major == 5 && minor >= 12) || (major == 6 && minor <= 1);
}

static void
tune_thp(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    const KtThp *thp = &snapshot->memory->thp;
    const KtKnob knobs[] = {
        {.id = KT_SETTING_THP_ENABLED,
         .path = THP "enabled",
         .name = "transparent huge pages",
         .effects = enabled_effects,
         .word = thp->enabled},
        {.id = KT_SETTING_THP_DEFRAG,
         .path = THP "defrag",
         .name = "choice of who waits for transparent huge pages",
         .effects = defrag_effects,
         .word = thp->defrag},
        {.id = KT_SETTING_THP_SHMEM,
         .path = THP "shmem_enabled",
         .name = "transparent huge pages for shared memory",
         .effects = shmem_effects,
         .word = thp->shmem},
    };
    for (guint i = 0; i < G_N_ELEMENTS(knobs); i++) {
        KtAction *action = kt_knob_tune(plan, desired, &knobs[i]);
        /* `always` reaches every process of the host, not just guests. */
        if (action != NULL && g_str_equal(action->to, "always"))
            action->risk = KT_RISK_LOW;
    }
}

static void
tune_halt_poll(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    const KtKernel *kernel = snapshot->kernel;
    const KtKnob knob = {.id = KT_SETTING_HALT_POLL,
                         .path = HALT_POLL,
                         .name = "halt polling of KVM's own",
                         .effects = halt_poll_effects,
                         .number = kernel->halt_poll_ns,
                         .per_unit = 1000,
                         .fixed = kernel->halt_poll_fixed
                                      ? "give it to the kernel at boot: kvm.halt_poll_ns=NANOSECONDS"
                                      : NULL,
                         .file_unit = "ns"};
    if (kt_knob_tune(plan, desired, &knob) == NULL || !polls_as_created(kernel))
        return;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (domain->active)
            kt_plan_note(plan, (gint)i,
                         "keeps the halt polling that it was started with: Linux %s reads it only then",
                         kernel->release);
    }
}

void
kt_tune_host(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    const KtKnob numa_balancing = {
        .id = KT_SETTING_NUMA_BALANCING,
        .path = KT_NUMA_BALANCING,
        .name = "NUMA balancing",
        .effects = numa_balancing_effects,
        .number = snapshot->kernel->numa_balancing,
    };
    tune_thp(snapshot, desired, plan);
    kt_knob_tune(plan, desired, &numa_balancing);
    tune_halt_poll(snapshot, desired, plan);
}
