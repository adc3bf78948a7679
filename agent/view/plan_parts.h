/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/differences.h"
#include "tuners/plan.h"

/** Pieces that the views of a plan share. @domain is an index into the snapshot's domains, -1 the host. */

/** "256 CPUs, 128 cores, 2 nodes, 16 L3 groups". Owned. */
char *kt_view_host_line(const KtTopology *topology);

/** "running, 4 vCPUs, 8 GiB". Owned. */
char *kt_view_domain_line(const KtDomain *domain);

/** The plan's actions on this target. */
KtDifferences *kt_plan_differences(const KtPlan *plan, gint domain);

/** Whether the plan says more of the target than its actions: refusals, notes, pending. */
bool kt_plan_has_remarks(const KtPlan *plan, gint domain);

/** The heading of a target's block. */
void kt_view_target(GString *out, const KtStyle *style, const KtPlan *plan, gint domain);

void kt_view_refusals(GString *out, const KtStyle *style, const KtPlan *plan, gint domain);

/** Notes, then what is pending. */
void kt_view_remarks(GString *out, const KtStyle *style, const KtDomainPlan *domain);

/** "disk.cache vda: default now, none once …". Owned. */
char *kt_pending_text(const KtPending *pending);

/** KtPending: what waits for a power cycle. */
void kt_view_pending(GString *out, const KtStyle *style, const GPtrArray *pending);
