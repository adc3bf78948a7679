/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "profiles/settings.h"

/** Numbers with the units of the profile language: "20ms", "10%", "2GiB", "100". */

/** What is wrong with an amount. */
typedef struct {
    const char *wrong;      /* within the text: the part that is wrong */
    const char *suggestion; /* the nearest unit, or NULL */
} KtAmountFault;

/**
 * Reads "NUMBER UNIT", with or without a space between, as a whole number in the kind's own unit (µs,
 * percent, KiB). Errors: parse (no number, a fraction, no or an unknown unit), invalid (beyond 64 bits).
 */
bool kt_amount_read(KtValueKind kind, const char *text, gint64 *ret_number, KtAmountFault *ret_fault,
                    GError **error);

/** The same way back, in the greatest unit that leaves a whole number. Owned. */
char *kt_amount_format(KtValueKind kind, gint64 number);
