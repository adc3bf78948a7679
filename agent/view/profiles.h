/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/ink.h"
#include "profiles/profile.h"

/** One line of `profile list`. */
typedef struct {
    char *name;
    char *file;    /* NULL: it has errors */
    char *summary; /* or NULL */
} KtListedProfile;

/** @profile NULL: it could not be loaded. */
KtListedProfile *kt_listed_profile_new(const char *name, const KtProfile *profile);
void kt_listed_profile_free(gpointer listed);

void kt_view_profile_list(GString *out, const KtStyle *style, const GPtrArray *listed);
char *kt_view_profile_list_json(const GPtrArray *listed);

/** "ok: balanced, 3 sections, 12 values". Owned. */
char *kt_view_profile_summary(const KtProfile *profile);

/** The profile with what it inherits, flattened: one [host] section of the values that count, the domain
 * sections in their order, each value with where it was written. */
void kt_view_profile(GString *out, const KtStyle *style, const KtProfile *profile);
char *kt_view_profile_json(const KtProfile *profile);
