/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/journal.h"

/**
 * What is somebody else's, kept in state.db: the daemon leaves it alone until it is released. A mark stands
 * for an item of a setting, running and staged alike.
 */
typedef struct {
    char *domain_uuid; /* NULL = host */
    char *domain_name; /* as it was called then; NULL = host */
    char *setting;
    char *item;  /* NULL = it has none */
    char *left;  /* what kvm-tune had left; NULL = absent */
    char *found; /* when it was marked; of what was given back then */
    bool undone; /* by a rollback; else it was changed */
    gint64 since_usec;
    bool released;    /* by now; what happened before that counts no more */
    bool given_back;  /* released, and kept since: `found` and `defined` count as left by kvm-tune */
    char *process;    /* KtDomain.process when it was given back; NULL: it wasn't, or no such thread ran */
    char *defined;    /* the definition's pin when it was given back; NULL = none, or it wasn't */
    gint64 run;       /* the newest one when it was marked, or released */
    gint64 gone_usec; /* since when libvirt knows no such domain; 0 = it does */
} KtManual;

void kt_manual_free(KtManual *manual);

/** Whether it is somebody's now: not released, of the host or a domain that is there. */
static inline bool
kt_manual_stands(const KtManual *manual)
{
    return !manual->released && manual->gone_usec == 0;
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtManual, kt_manual_free)

/** All marks by domain, setting and item, released ones too. What `apply` set since it was marked counts as
 * released: that was said by hand later. NULL on error. */
GPtrArray *kt_journal_manual(KtJournal *journal, GError **error);

/** Marks these items (KtManual) from now on, durable on return; an older mark of the same is replaced. */
bool kt_journal_mark_manual(KtJournal *journal, const GPtrArray *marks, GError **error);

/** Releases all that is manual of domain @uuid (NULL: of the host). */
bool kt_journal_release(KtJournal *journal, const char *uuid, GError **error);

/** Notes that @mark was given back: its members say as what, and in which process. */
bool kt_journal_note_given_back(KtJournal *journal, const KtManual *mark, GError **error);

/** Notes that libvirt has known no domain @uuid since then, 0 = that it knows it. */
bool kt_journal_note_gone(KtJournal *journal, const char *uuid, gint64 gone_usec, GError **error);

/** Drops all marks of domain @uuid, released ones too. */
bool kt_journal_forget_marks(KtJournal *journal, const char *uuid, GError **error);

/** What kvm-tune left last at one place. */
typedef struct {
    char *value;   /* NULL = absent */
    char *process; /* KtJournalStep.process then */
    bool undone;   /* it is what a rollback put back of what the daemon keeps, and so somebody's word */
    gint64 run;
} KtLeft;

void kt_left_free(KtLeft *left);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtLeft, kt_left_free)

/**
 * Finds what was left last where @action is about; *@ret_left is NULL where nothing ever was. @uuid: its
 * domain's, NULL = host. @kept_since_usec (wall clock): since when the daemon is at work; a rollback after
 * that is somebody's word, whatever run it undoes.
 */
bool kt_journal_find_left(KtJournal *journal, const KtAction *action, const char *uuid,
                          gint64 kept_since_usec, KtLeft **ret_left, GError **error);

/** Whether both are of one thing: the journal has one mark of it. */
bool kt_manual_is_same(const KtManual *one, const KtManual *other);

/** Whether @mark is of what @action is about. @uuid: its domain's, NULL = host. */
bool kt_manual_is_of(const KtManual *mark, const KtAction *action, const char *uuid);

/** Whether @mark was released after what @left tells of: nothing was left since. */
static inline bool
kt_manual_is_newer(const KtManual *mark, const KtLeft *left)
{
    return mark->released && left->run <= mark->run;
}

/** Whether a run that isn't the daemon's has begun or ended since @usec (wall clock): what was looked at
 * before may be its work. */
bool kt_journal_others_ran_since(KtJournal *journal, gint64 usec, bool *ret_ran, GError **error);
