/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "profiles/desired.h"
#include "tuners/plan.h"

/**
 * A tuner turns wishes into actions. Pure: it reads the snapshot, the wishes and what earlier tuners put into
 * the plan; no I/O, no clock, no libvirt. What it can't do is a refusal in the plan, never an error.
 */
typedef struct {
    const char *name;
    void (*run)(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
} KtTuner;

/** All tuners in their one order, terminated by a NULL name. */
extern const KtTuner kt_tuners[];

/** Runs all tuners and groups the steps. @snapshot must outlive the plan. */
KtPlan *kt_plan_make(const KtSnapshot *snapshot, const KtDesired *desired);

void kt_tune_placement(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
/** memory.numa, memory.backing, memory.ksm. Opens the plan's ledger. */
void kt_tune_memory(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
/** Huge page pools. */
void kt_tune_pools(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
void kt_tune_ksm(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
void kt_tune_host(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
/** Where the host's own services run. */
void kt_tune_services(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
void kt_tune_weight(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
void kt_tune_disks(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
void kt_tune_disk_io(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
void kt_tune_disk_discard(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
void kt_tune_iothreads(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
void kt_tune_nics(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
void kt_tune_nic_queues(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
/** Which transient domains may be brought what others have staged. */
void kt_tune_carried(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
/** What is staged and `disruption` lets a running guest have earlier: by a pause, a replug, a restart. */
void kt_tune_ways(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
/** What is staged from before and still waits for a power cycle. */
void kt_tune_pending(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
/** Whether each domain can migrate live, what stops it, what the destination needs, and what the plan changes
 * of that; by the rules of libvirt 9. */
void kt_tune_migration(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);
/** What the user should know of each domain besides its actions. */
void kt_tune_notes(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);

/** Domains (guint: the snapshot's indices) whose NIC change hangs on what the agent in the guest says: to be
 * asked with kt_snapshot_ask_agents() before the OS database, which may then not be needed. Owned. */
GArray *kt_nics_ask_agents(const KtSnapshot *snapshot, const KtDesired *desired);

/** Running domains whose disks the @plan changes: to be asked with kt_snapshot_ask_block_jobs(), and where
 * one is found the plan is made again. Owned. */
GArray *kt_disks_ask_block_jobs(const KtPlan *plan);

/** Domains (guint: the snapshot's indices) whose NIC change hangs on what the OS database says: to be asked
 * with kt_snapshot_ask_guest_os() before the plan is made. Owned; empty where it needn't be loaded. */
GArray *kt_nics_ask_guest_os(const KtSnapshot *snapshot, const KtDesired *desired);
