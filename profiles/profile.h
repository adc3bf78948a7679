/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/ini.h"
#include "profiles/settings.h"

/** One pattern of a [domain …] header. */
typedef struct {
    enum { KT_MATCH_NAME, KT_MATCH_UUID, KT_MATCH_TITLE } field;
    char *glob; /* '*' and '?' only */
} KtPattern;

/** Reads one pattern: a glob on names, "uuid:…", "title:GLOB". Errors: invalid (nothing to match, no UUID).
 */
KtPattern *kt_pattern_parse(const char *text, GError **error);
void kt_pattern_free(KtPattern *pattern);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtPattern, kt_pattern_free)

/** Whether the pattern matches. @title may be NULL. */
bool kt_pattern_matches(const KtPattern *pattern, const char *name, const char *uuid, const char *title);

/** Whether @text matches a glob with '*' and '?', which stand for any characters and any one. */
bool kt_glob_matches(const char *glob, const char *text);

/** Whether @text matches one of the globs, NULL-terminated. */
bool kt_glob_matches_any(const char *const *globs, const char *text);

/** One [host] or [domain …] section; inherited ones come first. */
typedef struct {
    KtScope scope;
    GPtrArray *patterns; /* KtPattern, of a domain section */
    GPtrArray *values;   /* KtValue; word "keep" un-names the setting */
} KtProfileSection;

/** A profile with all that it inherits, flattened. */
typedef struct {
    char *name; /* "balanced", or the path as given */
    char *file;
    char *summary;       /* or NULL */
    char *distrust;      /* why others than root and the present user could change it; NULL = they can't */
    GPtrArray *files;    /* char *: all files read, the base first */
    GPtrArray *sections; /* KtProfileSection */
} KtProfile;

void kt_profile_free(KtProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtProfile, kt_profile_free)

/**
 * Where names are looked up, in this order, NULL-terminated: /etc/kvm-tune/profiles, the installed profiles,
 * and for a binary that isn't installed the source's. Owned.
 */
char **kt_profile_directories(void);

/** The same for the binary at @executable; NULL = its place isn't known. Owned. */
char **kt_profile_directories_of(const char *executable);

/** What is shipped in folder @name and belongs to @executable: beside an installed one, else @in_source; NULL
 * where its place isn't known. Owned. */
char *kt_shipped_directory(const char *executable, const char *name, const char *in_source);

/**
 * Loads a profile by name or path (one with a '/' or ending in ".conf"), following `inherit`. Every error is
 * appended to @diagnostics, and then the result is NULL: unknown section, key or value, a cycle, a missing
 * file, a file that is no regular file or over 1 MiB.
 * @directories: as kt_profile_directories().
 */
KtProfile *kt_profile_load(const char *name_or_path, char *const *directories, GPtrArray *diagnostics);

/** The same of a profile that is in no file: @text, called @name in messages. What it inherits isn't looked
 * for. */
KtProfile *kt_profile_parse(const char *name, const char *text, GPtrArray *diagnostics);
