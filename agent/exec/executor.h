/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "agent/exec/journal.h"
#include "base/root.h"
#include "tuners/plan.h"

/** What steps act upon, and for whom. */
typedef struct {
    const KtRoot *root;
    virConnectPtr connection; /* NULL: domain steps fail */
    const char *verb;         /* whose run it is, as the journal names it; NULL = "apply" */
    GCancellable *stop;       /* once cancelled kt_execute() begins no further step; NULL = goes to the end */
    const char *why_stop;     /* what is said of those; NULL = kvm-tune was told to end */
} KtTarget;

/** What became of one step of a run. */
typedef struct {
    KtJournalStep
        *step;     /* step->result says it; of an undo the inverse step, with UNDONE where it went well */
    char *message; /* why not, or what else there is to say; NULL = nothing */
} KtOutcome;

/** What became of a run. */
typedef struct {
    gint64 run;          /* its number, 0 = there was nothing to do and none was begun */
    GPtrArray *outcomes; /* KtOutcome, one a step, in order */
    bool failed;         /* a step failed; what the run had done was undone, where that was possible */
    bool partial;        /* a conflict was skipped, or an undo failed and is left in the journal */
    guint n_done;        /* actions done (apply) or undone (rollback) */
    char *failure;       /* of the step that failed, or NULL */
} KtReport;

void kt_report_free(KtReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtReport, kt_report_free)

/** What is done in @step, in one line for people: "write 'madvise' to /sys/…". Names of guests are as they
 * are. Owned. */
char *kt_step_describe(const KtJournalStep *step);

/** Whether the guest notices @step. */
bool kt_step_disturbs(const KtJournalStep *step);

/** Whether @step may take minutes and more: memory of a guest, or of the host, has to go elsewhere. */
bool kt_step_lasts(const KtJournalStep *step);

/** Called before each step, for progress: step @index (from 1) of @total. */
typedef void (*KtProgress)(const KtJournalStep *step, guint index, guint total, gpointer user_data);

/**
 * Carries out @plan as a new run of @verb: for each step checks that the present value is still `from`,
 * records it, does it, reads it back. A step whose present value is another is a conflict and skipped. A
 * failure undoes what this run did, in reverse order, as a run of its own. NULL only where the journal itself
 * fails; what was done is put back then, as far as possible.
 */
KtReport *kt_execute(const KtTarget *target, KtJournal *journal, const KtPlan *plan, const char *profile,
                     KtProgress progress, gpointer user_data, GError **error);

/**
 * Undoes @runs (KtJournalRun with steps, newest first) as a new run: every begun or done step in reverse
 * order. A value that is neither what the step left nor what was before is somebody's later change: conflict,
 * left alone, while the step's other values go back. What died with its QEMU process counts as undone.
 */
KtReport *kt_undo(const KtTarget *target, KtJournal *journal, GPtrArray *runs, KtProgress progress,
                  gpointer user_data, GError **error);

/** The steps that kt_undo() would carry out, as inverse KtJournalStep with actions from → to swapped; nothing
 * is read or changed. */
GPtrArray *kt_undo_steps(GPtrArray *runs);
