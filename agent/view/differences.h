/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/ink.h"

/**
 * Differences as a compact table: what belongs together is one row ("vCPU 0-3  0-255 → 1 2 3 4"), a change
 * for now and for the next boot is said once, and a reason that several rows share comes once, below the last
 * of them.
 */

/** One difference as it is planned, found or recorded. */
typedef struct {
    const char *setting;
    const char *item;   /* or NULL */
    const char *from;   /* NULL = absent */
    const char *to;     /* NULL = absent */
    const char *when;   /* "now", "next-boot", … */
    const char *reason; /* or NULL */
    const char *source; /* "FILE:LINE:COLUMN", or NULL */
    const char *result; /* what became of it where that isn't as planned, or NULL */
} KtDifference;

/** The differences of one target. */
typedef struct {
    GArray *list; /* KtDifference */
    GStringChunk *strings;
} KtDifferences;

KtDifferences *kt_differences_new(void);
void kt_differences_free(KtDifferences *differences);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtDifferences, kt_differences_free)

/** Adds a copy whose strings are safe on a terminal. */
void kt_differences_add(KtDifferences *differences, KtDifference difference);

/** Why a row is there: the reason and its source below it, or only the source beside it. */
typedef enum { KT_DIFFERENCE_REASON, KT_DIFFERENCE_SOURCE } KtDifferenceWhy;

/** The reasons that a text has given already, and for which target: text → name. */
GHashTable *kt_told_new(void);

/**
 * Appends the table of @target. A long reason that another target was given already is not told again, it
 * says "as for" that one. @told NULL: all are told in full.
 */
void kt_view_differences(GString *out, const KtStyle *style, const KtDifferences *differences,
                         KtDifferenceWhy why, const char *target, GHashTable *told);

/** An item as people call it: "vCPU 0", "vda", "52:54:00:…"; "" for NULL, and for what the setting's own
 * name says: "emulator". Owned. */
char *kt_item_name(const char *item);

/** A value as people read it: an absent one is "unpinned" or "default". Borrowed. */
const char *kt_value_name(const char *setting, const char *value);
