/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/plan.h"

/** Who sits on which CPU: the present, or what a plan makes of it. */

#define KT_SEATING_LETTERS 24 /* with more sitters than that, letters are given again */

/** One active domain. */
typedef struct {
    guint domain;  /* index into the snapshot's */
    char *name;    /* safe on a terminal */
    char letter;   /* upper case: each vCPU on a CPU of its own; lower case: they share sets, or float but sit
                      in the seating that this one is drawn beside; 0: all its vCPUs float */
    guint n_vcpus; /* online ones */
    guint *ids;    /* their numbers in the guest */
    KtCpuset **cpus;    /* their sets */
    KtCpuset *seated;   /* the CPUs of those that don't float */
    KtCpuset *floating; /* vCPU numbers that may run on every CPU that guests may use */
    KtCpuset *memory;   /* OS numbers of the nodes where its memory is; empty = unknown */
    KtCpuset *devices;  /* of the nodes where PCI devices are that are passed through to it */
} KtSitter;

typedef struct {
    GPtrArray *sitters;           /* KtSitter, in the snapshot's order */
    const KtCpuset *housekeeping; /* of the plan, or NULL */
    guint n_letters;              /* that were given */
} KtSeating;

/** @plan NULL: the present of @snapshot. Both must outlive the result. */
KtSeating *kt_seating_new(const KtSnapshot *snapshot, const KtPlan *plan);
/** The present that @plan starts from, to be drawn beside what it makes of it, @after: who has a letter in
 * both has the same. */
KtSeating *kt_seating_before(const KtPlan *plan, const KtSeating *after);
void kt_seating_free(KtSeating *seating);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtSeating, kt_seating_free)

/** The sitter of snapshot->domains[@domain], or NULL: it isn't active. */
const KtSitter *kt_seating_find(const KtSeating *seating, guint domain);

/** "1 2 3 4" by vCPU, "0-15" where all have the same set. Owned. */
char *kt_sitter_cpus(const KtSitter *sitter);
