/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/seats.h"

/**
 * What the seats of running domains and of those that boot by themselves are made of. Private to
 * tuners/seats*.c.
 */

/** Index of the guest cell that a vCPU is in; -1 = none. */
gint kt_seat_cell_of(const KtDomainDef *def, guint vcpu);
/** Index of its core in a guest that has threads; -1 = none. */
gint kt_seat_guest_core_of(const KtDomainDef *def, guint vcpu);

/** What the profile says of this domain's seat. */
void kt_seat_fill_wishes(KtSeatDomain *seat, const KtDesired *desired, guint domain);
/** The nodes of the PCI devices that @def (or NULL) passes through. */
void kt_seat_fill_devices(KtSeatDomain *seat, const KtDomainDef *def, const KtTopology *topology);

/** The nodes that the memory of each guest cell comes from, as far as a <memnode> of @def (or NULL) says so.
 */
void kt_seat_fill_cells(KtSeatDomain *seat, const KtDomainDef *def, const KtTopology *topology);

/** Adds the nodes, by index, that the numatune of @def binds memory to; whether there are any. */
bool kt_seat_add_bound(bool *nodes, const KtDomainDef *def, const KtTopology *topology);

/** The nodes (by index) each of which holds all of a domain's memory, were it bound there; NULL where none
 * does. Owned. */
bool *kt_seat_nodes_that_hold(KtLedger *ledger, const KtPlan *plan, guint domain);

/** Books the domain's memory as bound to @nodes (OS numbers) at its next boot; whether it fits. */
bool kt_seat_book(KtLedger *ledger, const KtPlan *plan, guint domain, const KtCpuset *nodes);

/** The ledger with the memory that is to be bound to the nodes of the CPUs of those who run. */
KtLedger *kt_seat_open_ledger(const KtDesired *desired, const KtPlan *plan);
