/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <jansson.h>

/**
 * The socket on which the daemon answers `reload`, `status` and the like: agent/verbs/control.h. Runs in the
 * default main context. While it is open no other daemon of the same path can start.
 */
typedef struct KtControl KtControl;

/** Answers one question, an object; the answer is owned by the caller. Must not block. */
typedef json_t *(*KtControlAnswer)(const json_t *question, gpointer user_data);

/** Listens at @path; its directory is made (mode 0700). Errors: access (another daemon listens there), io. */
KtControl *kt_control_new(const char *path, KtControlAnswer answer, gpointer user_data, GError **error);
void kt_control_free(KtControl *control);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtControl, kt_control_free)
