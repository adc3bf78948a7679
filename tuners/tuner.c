/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/tuner.h"

#include "tuners/contested.h"

const KtTuner kt_tuners[] = {
    {"carried", kt_tune_carried},
    {"placement", kt_tune_placement},
    {"weight", kt_tune_weight},
    {"memory", kt_tune_memory},
    {"pools", kt_tune_pools},
    {"ksm", kt_tune_ksm},
    {"host", kt_tune_host},
    {"services", kt_tune_services},
    {"disks", kt_tune_disks},
    {"disk-io", kt_tune_disk_io},
    {"disk-discard", kt_tune_disk_discard},
    {"iothreads", kt_tune_iothreads},
    {"nics", kt_tune_nics},
    {"nic-queues", kt_tune_nic_queues},
    {"ways", kt_tune_ways},
    {"pending", kt_tune_pending},
    {"migration", kt_tune_migration},
    {"notes", kt_tune_notes},
    {NULL, NULL},
};

KtPlan *
kt_plan_make(const KtSnapshot *snapshot, const KtDesired *desired)
{
    KtPlan *plan = kt_plan_new(snapshot);
    g_autoptr(KtDesired) ours = kt_contested_leave(desired, plan);
    for (const KtTuner *tuner = kt_tuners; tuner->name != NULL; tuner++)
        tuner->run(snapshot, ours, plan);
    kt_contested_tell(plan);
    kt_plan_order(plan);
    kt_plan_group_steps(plan);
    return plan;
}
