/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/**
 * What a program that failed says of it: the "error" of the JSON that it printed (as iperf3 does), else the
 * last line of @err, its standard error (may be NULL), else the last line of @out. On one line, safe on a
 * terminal, cut where it is long; NULL: it said nothing. Owned.
 */
char *kt_complaint(const char *out, const char *err);

/** Only the "error" of the JSON in @out; or NULL. As kt_complaint(). */
char *kt_complaint_in_json(const char *out);

/** Sets an `io` error: "MESSAGE: what it says of it". */
void kt_complaint_set_error(GError **error, const char *out, const char *err, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
