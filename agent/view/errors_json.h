/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <jansson.h>

/**
 * What went wrong, as the JSON contract has it: a document with "errors".
 */

/** Of KtDiagnostic. */
json_t *kt_errors_json(const GPtrArray *diagnostics);

/** Of one message that is about no file. */
json_t *kt_error_json(const char *message);
