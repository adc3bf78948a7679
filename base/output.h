/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * A directory that is filled with new files, for their owner alone. Everything is made below its descriptor:
 * no link is followed and no file that is there is written, whoever else can write in that directory.
 */
typedef struct KtOutput KtOutput;

/** Opens @path; what of it isn't there is made (mode 0700). Errors: access (a link, no directory), io. */
KtOutput *kt_output_open(const char *path, GError **error);
void kt_output_free(KtOutput *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtOutput, kt_output_free)

/** Checks that nothing is in it. Errors: conflict (names one that is), io. */
bool kt_output_check_empty(const KtOutput *output, GError **error);

/** Checks that @path isn't there. Errors: conflict. */
bool kt_output_check_new(const KtOutput *output, const char *path, GError **error);

/** Writes @text to the new file @path (mode 0600) below it; folders on the way are made. A file that could
 * not be written whole is removed. Errors: conflict (it is there already), access (a folder that others can
 * write), io. */
bool kt_output_write(const KtOutput *output, const char *path, const char *text, GError **error);
