/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "base/cpuset.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/** A string of any origin: bytes that are no UTF-8 are replaced. NULL is null. */
json_t *kt_json_text(const char *text);

/** The kernel list of a set; NULL is null. */
json_t *kt_json_set(const KtCpuset *set);

/** {"version": 1}, to be filled. */
json_t *kt_json_document(void);

/** @document in one line, which ends with a newline; its reference is taken over. */
char *kt_json_line(json_t *document);

/** @document as text, ending with a newline; its reference is taken over. */
char *kt_json_dump(json_t *document);
