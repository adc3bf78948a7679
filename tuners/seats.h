/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "profiles/desired.h"
#include "tuners/plan.h"

/**
 * What placement is asked: the seats of all active domains, made from the snapshot and the wishes.
 */

/**
 * The problem of all active domains, in the snapshot's order; sets KtDomainPlan.seat. @unpinned NULL: each
 * domain where it is now. Else a domain that is to be unpinned (cpu.placement = none) is where it will be
 * then, and these sets are owned by @unpinned (KtCpuset): obstacles have to be seen where they end up.
 * Borrows from @snapshot and @plan.
 */
KtPlacementProblem *
kt_seats_build(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan, GPtrArray *unpinned);
void kt_seats_free(KtPlacementProblem *problem);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtPlacementProblem, kt_seats_free)

/**
 * Solves @wanted into plan->placement. Who is to have his memory bound to the nodes of his CPUs gets CPUs of
 * a node that holds it, as far as there is one.
 */
void kt_seats_solve(const KtDesired *desired, KtPlan *plan, KtPlacementProblem *wanted);

/** The value of cpu.placement that gives this domain a seat: not NULL, not `none`. */
const KtValue *kt_seats_wish(const KtDesired *desired, guint domain);

/**
 * What each vCPU of an active domain is counted as, CPUs' worth of work in tenths: the mean of what they used
 * and waited for since QEMU was started, 0.1 at least, since a guest at rest may wake up. One where that
 * isn't known; the first ten minutes of a guest's life count as one, too, and weigh less the older it is.
 * Where it was watched (KtDomain.recent_load) that counts alone.
 */
double kt_seats_load(const KtDomain *domain);

/** The CPUs that exclusive vCPUs stay off. What isn't possible is refused in @plan. Owned. */
KtCpuset *kt_seats_housekeeping(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan);

/** A CPU list of a profile, as far as these CPUs are placeable; NULL where that is refused: CPUs that this
 * host doesn't have, or none that is placeable. @domain: -1 = host. Owned. */
KtCpuset *kt_seats_listed(KtPlan *plan, gint domain, const KtValue *value, const char *item);

/** The seats of some domains together. */
typedef struct {
    const KtPlacementProblem *problem;
    const KtPlacement *placement;
} KtSeats;

/** Whether this seat was given and makes its CPUs the domain's own. */
static inline bool
kt_seats_own(KtSeats seats, guint seat)
{
    const KtSeatDomain *domain = &seats.problem->domains[seat];
    return domain->placed && domain->exclusive && seats.placement->seats[seat].refusal == NULL;
}

/** The seats of all active domains after the plan. */
static inline KtSeats
kt_seats_running(const KtPlan *plan)
{
    return (KtSeats){plan->problem, plan->placement};
}

/* ---- domains that are shut off and start by themselves ---- */

/** The seats that they boot into, beside all active domains at theirs. */
struct KtBootSeats {
    KtPlacementProblem *problem; /* the active domains as they are in the plan's, then those that boot */
    KtPlacement *placement;
    GPtrArray *sets; /* KtCpuset, of the problem */
};

/**
 * Finds plan->boot, and sets KtDomainPlan.boot_seat, for domains that are shut off, autostart and selected.
 * One after the other, those with own CPUs before those who share some, and of each those of greater priority
 * first; nobody who has a seat moves for them, and nothing of it counts in the plan's cost. Those that
 * nothing places, or that aren't selected, are obstacles where their definition has them. That is also what
 * the others move from: a second plan finds the same seats. plan->placement is there.
 */
void kt_seats_boot(const KtDesired *desired, KtPlan *plan);
void kt_boot_seats_free(KtBootSeats *boot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtBootSeats, kt_boot_seats_free)

/** The seats among which that of @domain is, and *@ret_seat, which one: of those that run, or of those that
 * boot. False where it has none. */
bool kt_seats_find(const KtPlan *plan, guint domain, KtSeats *ret_seats, guint *ret_seat);
