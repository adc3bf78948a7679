/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ini.h"
#include "profiles/profile.h"

/** One profile file's lines, understood. Private to profiles/ and its tests. */
typedef struct {
    const char *summary;       /* borrowed from the KtIni; NULL = none */
    const KtIniEntry *inherit; /* borrowed; NULL = none */
    GPtrArray *sections;       /* KtProfileSection: [host] and [domain …], in the file's order */
} KtProfileContents;

void kt_profile_contents_free(KtProfileContents *contents);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtProfileContents, kt_profile_contents_free)

/** Reads all sections of @ini, which must outlive the result. Every error is appended to @diagnostics, what
 * is wrong is left out. Never NULL. */
KtProfileContents *kt_profile_contents_read(const KtIni *ini, GPtrArray *diagnostics);
