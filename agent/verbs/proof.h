/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/verbs/measuring.h"
#include "bench/compare/analysis.h"

/** `apply --prove`: applies what was measured to make nothing worse. */

/** One try: some of the profile's changes, measured on top of what was kept before. */
typedef struct {
    char **groups;          /* kinds of change, as the settings' keys begin: "cpu", "thp" */
    KtBenchmark *benchmark; /* NULL: it takes a power cycle that nobody allowed, and wasn't measured */
    GPtrArray *findings;    /* KtFinding, of its benchmark */
    bool kept;
    gint64 run;        /* that keeps it; 0 = rolled back */
    GPtrArray *cycled; /* char *: domains that were powered off and on for it, or NULL */
} KtTrial;

/** All tries, and what became of them. */
typedef struct {
    KtMeasuring *measuring; /* borrowed */
    char **groups;          /* of all changes of the profile */
    GPtrArray *trials;      /* KtTrial */
    GString *told;          /* for people: the runs that keep something */
    bool interrupted;       /* by a signal; all is as it was */
} KtProof;

void kt_proof_free(KtProof *proof);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtProof, kt_proof_free)

/** The kinds of change that @plan has, each once, in its order. Owned. */
char **kt_proof_groups(const KtPlan *plan);

/** The kind of change that a setting is: "cpu" for "cpu.smt". Owned. */
char *kt_proof_group_of(const KtSetting *setting);

/**
 * Measures all changes of @plan together and keeps them where no figure is worse. Else, where there are
 * several kinds, measures each on top of those kept so far. After an error or a signal nothing is kept.
 */
KtProof *kt_prove(KtMeasuring *measuring, const KtPlan *plan, GError **error);

/** Whether a change of this kind is in force at the end. */
bool kt_proof_keeps(const KtProof *proof, const char *group);

/** What was tried, which figure decided, and what was kept. */
void kt_proof_text(GString *out, const KtStyle *style, const KtProof *proof);

/** apply's JSON object with "proof". Owned. */
char *kt_proof_json(const KtProof *proof, const KtPlan *plan);
