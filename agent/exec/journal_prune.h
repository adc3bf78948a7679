/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/journal.h"

/**
 * Keeps state.db bounded, however long the daemon is at work. The newest runs stay as they are; of older ones
 * only what can still matter: what is to be undone, with the value from before it was first changed, and what
 * was left last at each place, by which somebody's change is told from our own. Benchmarks stay: each is
 * somebody's work.
 */

/** So many runs stay whole … */
#define KT_JOURNAL_WHOLE_RUNS 256
/** … or, where definitions of many guests make state.db larger than this, so many. */
#define KT_JOURNAL_BIG_BYTES (32 * 1024 * 1024)
#define KT_JOURNAL_WHOLE_RUNS_OF_BIG 32

/** What lives now: by it is known which changes died with what they were made to. Strings are borrowed. */
typedef struct {
    const char *hypervisor; /* libvirt's URI, as steps have it */
    const char *boot;       /* this life of the kernel; NULL = unknown: none of the host's values died */
    GHashTable *domains; /* all that libvirt knows: UUID → KtDomain.process, "" of one that is shut off, NULL
                          * where it is unknown */
    gint64 recent_usec;  /* of runs begun since then an unknown domain may still come back: migrated, defined
                          * anew; 0 = none */
} KtLiving;

/** What was pruned so far. */
typedef struct {
    gint64 upto;   /* the newest run that may have been; 0 = none was. A rollback of one of these undoes all
                    * of them, since changes of the same value are one */
    gint64 n_runs; /* that are gone */
} KtPruned;

/** What history has to tell of it. */
bool kt_journal_pruned(KtJournal *journal, KtPruned *ret_pruned, GError **error);

/**
 * Prunes where it is time, in one transaction. Of the older runs changes that died (pins with their QEMU
 * process, the host's values with the boot, all of a domain that libvirt knows no more) are no longer undone;
 * changes of the same value are made one, where nobody's came between; runs of which nothing is left are
 * deleted.
 */
bool kt_journal_prune(KtJournal *journal, const KtLiving *living, GError **error);

/** The same now, of the runs up to @upto. */
bool kt_journal_prune_upto(KtJournal *journal, gint64 upto, const KtLiving *living, GError **error);
