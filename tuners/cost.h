/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/placement.h"

/** The cost of design section 10, taken apart. The parts are already multiplied by the domains' vCPUs. */
typedef struct {
    double total;
    double locality;   /* L */
    double memory;     /* M */
    double devices;    /* V */
    double siblings;   /* T */
    double kinds;      /* K */
    double contention; /* C */
    double crowding;   /* B */
    guint moves;       /* running vCPUs whose set changes; total has 0.2 for each */
    double moved_gib;  /* memory that follows to another node; total has 0.5 for each GiB */
} KtCost;

/**
 * The cost of all running domains together. Pure. Where section 10 leaves room, this is what counts:
 * - Placed are the domains that are wished to be and have no refusal; only an exclusive one of these has
 * exclusive vCPUs. C and B count the load of all domains, the others at their present affinity.
 * - A set's members are its online CPUs, placeable or not. k is their number.
 * - L: the mean is over all pairs of d that lie within one cell together, whichever; vCPUs in no cell are a
 * cell.
 * - M: where memory stays and its share is unknown, the nodes of d's (its cell's) CPU sets count equally.
 * SLIT is read from the CPU's node to the memory's, V's to the device's. Without known device nodes V is 0.
 * - T, K: a vCPU with a set of several CPUs (of a placement that isn't solved yet) counts where any of them
 * does. T's "any other vCPU" is any of any domain, obstacles and d's own included. `smt = share` excuses a
 * core that only vCPUs of d share. K is 0 on a host with one kind of core, or unknown ones, and for `any`;
 * `auto` of an exclusive domain is fast: the highest rank; efficient: the lowest.
 * - C: two exclusive domains on one core count 3 for each. c and the cores of B: by online threads and cores.
 * - moves: sets are compared as they are, offline CPUs included.
 */
KtCost kt_cost(const KtPlacementProblem *problem, const KtPlacement *placement);
