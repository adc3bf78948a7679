/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/executor.h"

/**
 * The table of step kinds: how each is described, checked, done and read back. Private to the executor and
 * its tests.
 *
 * Undo is check, perform and read_back of the inverse step (before and after, from and to swapped). A check
 * says of each action whether it finds `from` or `to` there; perform brings those at `from` to `to` and
 * leaves the others, so the inverse of a step that was half done mends just what was done.
 */
typedef struct {
    const char *name; /* kept in the journal */
    /** kt_step_describe(): has at least one action. */
    char *(*describe)(const KtJournalStep *step);
    /** Compares present values with the step's: sets each action's state and what was found, fills
     * step->before where that is recorded whole. @ret_found: what differs, for the message of a conflict;
     * NULL where nothing does. Changes nothing. */
    bool (*check)(const KtTarget *target, KtJournalStep *step, KtStepState *ret_state, char **ret_found,
                  GError **error);
    /** Does it, for the actions that the check found at `from`. A `conflict` error means that nothing was
     * changed. */
    bool (*perform)(const KtTarget *target, KtJournalStep *step, GError **error);
    /** Reads back and compares with `to`, but for actions that perform had to leave; fills step->after. An
     * error where it isn't what was wanted. */
    bool (*read_back)(const KtTarget *target, KtJournalStep *step, GError **error);
    /** The guest notices. Such a step that fails is mended by itself: what went well with others isn't
     * taken from them again, and no further guest is disturbed. */
    bool disturbs;
} KtStepOps;

/** By kind. */
const KtStepOps *kt_step_ops(KtStepKind kind);

extern const KtStepOps kt_step_sysfs;
extern const KtStepOps kt_step_define;
extern const KtStepOps kt_step_pin;
extern const KtStepOps kt_step_weight;
extern const KtStepOps kt_step_pages;
extern const KtStepOps kt_step_ksm_merge;
extern const KtStepOps kt_step_services;
extern const KtStepOps kt_step_pause;
extern const KtStepOps kt_step_replug;
extern const KtStepOps kt_step_restart;

/** The journal's step for a step of a plan. @target: where it will be carried out. */
KtJournalStep *kt_step_from_plan(const KtPlan *plan, const KtStep *step, const KtTarget *target);

/** The step that undoes @step. */
KtJournalStep *kt_step_inverse(const KtJournalStep *step);

/** For checks: notes what was found for @action (NULL = nothing there) and compares. @gone: what it addresses
 * is no longer there. */
void kt_step_note(KtJournalStep *step, KtJournalAction *action, char *found, bool gone);

/** For checks: marks all actions as gone; @why (taken over) is what there is to say of it. */
void kt_step_all_gone(KtJournalStep *step, char *why, KtStepState *ret_state, char **ret_found);

/** For checks: what the actions' states come to, and which values stand in the way. */
void kt_step_sum_up(const KtJournalStep *step, KtStepState *ret_state, char **ret_found);

/** Whether perform changes this action, and read_back compares it. */
bool kt_step_performs(const KtJournalAction *action);
bool kt_step_reads_back(const KtJournalAction *action);
