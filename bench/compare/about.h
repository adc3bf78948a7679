/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <jansson.h>

/** What a benchmark's `about` says: the host, the guests, the plan. */

/** The text at @key, or "". Borrowed. */
const char *kt_about_text(json_t *json, const char *key);

/** Of an action of the plan: the domain's name, or "host". Borrowed. */
const char *kt_about_target(json_t *action);

/** Whether a change of the plan was in force in the arm with the profile. */
typedef enum {
    KT_CHANGE_MEASURED,
    KT_CHANGE_STAGED, /* for the next power cycle, and the guests weren't powered off and on */
    KT_CHANGE_TWICE,  /* staged what another change has done already */
} KtChangeState;

/** Of the plan's action number @place. */
KtChangeState kt_about_change(json_t *about, gsize place);
