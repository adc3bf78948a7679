/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/**
 * Talking with the daemon that runs: over a socket that only root may use, a JSON object in one line each
 * way.
 *
 *     {"ask": "status"}                      what it does
 *     {"ask": "reload"}                      read the profile again
 *     {"ask": "release", "host": true}       what was manual isn't any more; host: of KSM too
 *
 * The answer is a document as the verbs print it: with "errors" where it was refused.
 */

/** Where the daemon of this state directory listens: in /run/kvm-tune for the usual one, else in the
 * directory itself. Owned. */
char *kt_control_path(const char *state_directory);

/** Whether a daemon runs that governs KSM, or stands ready to. */
bool kt_control_has_governor(const char *state_directory);

/**
 * Asks the daemon; @question is taken over. Owned. Errors: unsupported (no daemon runs), access, io, parse.
 */
json_t *kt_control_ask(const char *state_directory, json_t *question, GError **error);
