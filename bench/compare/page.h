/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/benchmarks.h"

/** Parts of the HTML page. All text goes through kt_page_text(): it may be anybody's. */

/** Appends formatted text: control characters shown, markup escaped. */
void kt_page_text(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** The same as a cell; @tag: "td" or "th", attributes may follow. */
void kt_page_cell(GString *out, const char *tag, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** Everything up to and with the title. No script, nothing from elsewhere: the page's policy forbids both. */
void kt_page_begin(GString *out, const char *profile);

/** The changes that were measured, the host and guests, and how to do it again. */
void kt_page_about(GString *out, const KtBenchmark *benchmark);
