/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tuners/plan.h"

/**
 * state.db: what kvm-tune did, durable before it is done (SQLite, synchronous=FULL). One writer at a time
 * holds the lock beside it.
 */
typedef struct KtJournal KtJournal;

#define KT_STATE_DIRECTORY "/var/lib/kvm-tune"

typedef enum {
    KT_JOURNAL_READ, /* no lock; a state directory that isn't there is an empty journal */
    KT_JOURNAL_WRITE /* makes the directory (0700) and takes the lock for the journal's life */
} KtJournalMode;

/**
 * Opens @state_directory's journal. Errors: held (by another kvm-tune: the message says by whom), access (not
 * ours, or others may write it), io, unsupported (a newer schema).
 */
KtJournal *kt_journal_open(const char *state_directory, KtJournalMode mode, GError **error);
void kt_journal_close(KtJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtJournal, kt_journal_close)

/** Says in the lock which verb holds it, for the message of whoever is refused: "held by kvm-tune apply, pid
 * 12, since …". kt_journal_begin_run() does it too; earlier is better where a verb first asks. */
void kt_journal_announce(KtJournal *journal, const char *verb);

/** What became of an action, a step, a run. Names are kept in the database. */
typedef enum {
    KT_RESULT_PLANNED, /* not begun */
    KT_RESULT_BEGUN,   /* written before it is done: half done where nothing follows */
    KT_RESULT_DONE,
    KT_RESULT_SKIPPED,  /* depends on one that was not done */
    KT_RESULT_CONFLICT, /* the present value was not `from` */
    KT_RESULT_FAILED,
    KT_RESULT_UNDONE,
    KT_N_RESULTS,
} KtResult;

const char *kt_result_name(KtResult result);

/** What a check finds of an action, or of a whole step. */
typedef enum {
    KT_STEP_IS_BEFORE, /* all present values are `from` */
    KT_STEP_IS_AFTER,  /* all are `to` already */
    KT_STEP_IS_MIXED,  /* some are one, some the other, or what some address is gone: half done */
    KT_STEP_IS_OTHER,  /* some value is neither: somebody changed it */
    KT_STEP_IS_GONE,   /* what it addresses is no longer there */
} KtStepState;

/** One action as it was recorded. */
typedef struct {
    guint id;
    char *setting;
    char *item;
    char *from;
    char *to;
    char *when;
    char *risk;
    char *reason;
    char *source;
    KtXmlField field;
    KtStepState state; /* as the last check found it; not recorded */
    char *found;       /* the present value that it found; not recorded */
} KtJournalAction;

/** Whether an undo left this alone as somebody else's: the process that it changed has ended, and the value
 * in the new one is neither. Known only of a step that was just carried out. */
static inline bool
kt_journal_action_was_left(const KtJournalAction *action)
{
    return action->state == KT_STEP_IS_GONE && action->found;
}

/** One part of a step that does several things, one after the other. */
typedef struct {
    char *name; /* kept in the journal, and shown */
    char *note; /* what mending it has to know, or NULL */
    bool done;
} KtJournalPart;

void kt_journal_part_free(KtJournalPart *part);

/** One step as it was recorded. */
typedef struct {
    gint64 run;
    guint seq; /* from 1 */
    KtStepKind kind;
    char *domain_name; /* NULL = host */
    char *domain_uuid;
    char *process;    /* KtDomain.process at that time, of a host's step the kernel's boot id, or NULL */
    char *hypervisor; /* libvirt's URI through which the domain was changed, or NULL */
    char *path;       /* of steps of one file; SERVICES under systemd: tuners/services.h */
    char *before;     /* SYSFS, KSM_MERGE: text; DEFINE: whole XML; PIN: NULL, the actions have it; SERVICES:
                       * CPU list, under systemd see step_services.c */
    char *target; /* SYSFS: text to write; DEFINE: the whole XML to define, NULL = `before` with the actions'
                     edits */
    char *after;  /* as read back */
    KtResult result;
    bool to_undo;      /* it may have left something that rollback has to put back */
    char *detail;      /* why it failed or conflicted, or NULL */
    gint64 undoes_run; /* the older step that this one undoes; 0 = it is no undo */
    guint undoes_seq;
    bool unfinished; /* there is something to do besides its actions: a guest that was left away; not recorded
                      */
    bool forced; /* undo of a step that failed just now: what it left goes back, whatever it is; not recorded
                  */
    bool half_done; /* it, or an undo of it, was begun and did not end well: of what it does in several parts
                     * only some may be done; known from other records */
    KtJournalPart *part; /* the newest that was begun, of it or of an undo of it; NULL: it has none, or none
                            was begun */
    KtJournal *journal;  /* where its parts are recorded, from its begin on: borrowed; NULL: nowhere */
    GPtrArray *actions;  /* KtJournalAction */
} KtJournalStep;

KtJournalStep *kt_journal_step_new(KtStepKind kind);

void kt_journal_step_free(KtJournalStep *step);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtJournalStep, kt_journal_step_free)

/** One run of apply or rollback. */
typedef struct {
    gint64 id;
    char *verb;
    char *profile; /* as named, or NULL */
    gint64 started_usec;
    gint64 finished_usec; /* 0 = never finished: it was killed */
    bool has_done;        /* some step of it is done, whether or not there is still something to undo */
    bool is_under_way;    /* some step of it is begun: memory on its way, or a run that was killed */
    bool undone;          /* a rollback has undone it, and nothing of it is left to undo */
    guint n_actions;
    guint n_to_undo;  /* steps that still have something to undo, of a rollback that never finished those of
                       * the  runs that it was undoing: with finished_usec 0 the run is half done */
    GPtrArray *steps; /* KtJournalStep, where they were asked for */
} KtJournalRun;

void kt_journal_run_free(KtJournalRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtJournalRun, kt_journal_run_free)

/** Begins a run; @ret_run is its number. */
bool kt_journal_begin_run(KtJournal *journal, const char *verb, const char *profile, gint64 now_usec,
                          gint64 *ret_run, GError **error);

/** Records a step and its actions as begun, durable on return. Sets step->run, seq, result and to_undo (but
 * for an undo). */
bool kt_journal_begin_step(KtJournal *journal, gint64 run, KtJournalStep *step, GError **error);

/** Records a step that needed no doing, with its result (skipped, conflict, already so), in one transaction;
 * @undoes as below. */
bool kt_journal_add_step(KtJournal *journal, gint64 run, KtJournalStep *step, const KtJournalStep *undoes,
                         GError **error);

/**
 * Records how the step ended: result, to_undo, detail, and what was read back. With @undoes (may be NULL)
 * that older step is marked undone in the same transaction; one that failed stays failed, with nothing left
 * to undo.
 */
bool kt_journal_end_step(KtJournal *journal, const KtJournalStep *step, const KtJournalStep *undoes,
                         GError **error);

/**
 * Records the begin of the next part of @step, which has begun itself: durable on return, so that what was
 * half done can be mended from it. Steps that are carried out at the same time may call this and the next
 * from their threads.
 */
bool kt_journal_begin_part(KtJournalStep *step, const char *name, const char *note, GError **error);

/** Records that the part that was begun last is done. */
bool kt_journal_end_part(KtJournalStep *step, GError **error);

/** The path of a file of @step's own beside state.db, for what must outlive this program: "@kind-UUID". NULL
 * where the step isn't recorded. Owned. */
char *kt_journal_file(const KtJournalStep *step, const char *kind);

/** Whether what did @step, or undid it, was stopped half way: a part was begun, and the one named @last is
 * not done. */
bool kt_journal_is_half_way(const KtJournalStep *step, const char *last);

bool kt_journal_end_run(KtJournal *journal, gint64 run, gint64 now_usec, GError **error);

/** All runs, newest first, without their steps; NULL on error. */
GPtrArray *kt_journal_runs(KtJournal *journal, GError **error);

/** One run with its steps, or NULL with an `invalid` error where there is none of that number. */
KtJournalRun *kt_journal_run(KtJournal *journal, gint64 id, GError **error);

/** The apply runs that still have something to undo (steps with to_undo), newest first, with all their steps.
 */
GPtrArray *kt_journal_undoable(KtJournal *journal, GError **error);
