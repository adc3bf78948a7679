/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** The entry of @known (NULL-terminated) that @word was most likely meant to be, or NULL where none is near:
 * an edit distance (with swapped neighbours as one) of at most a third of the longer word. Case is ignored.
 * Borrowed. */
const char *kt_nearest(const char *word, const char *const *known);
