/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "profiles/profile.h"

#define UUID_DIGITS 32

/* A UUID, or a glob of one, in lower case and without dashes: libvirt takes both ways of writing. Owned. */
static char *
bare_uuid(const char *uuid)
{
    GString *bare = g_string_new(NULL);
    for (; *uuid; uuid++)
        if (*uuid != '-')
            g_string_append_c(bare, g_ascii_tolower(*uuid));
    return g_string_free(bare, FALSE);
}

/* NULL with an error where @text can match no UUID. Owned. */
static char *
read_uuid(const char *text, GError **error)
{
    g_autofree char *uuid = bare_uuid(text);
    gsize length = strlen(uuid);
    bool glob = strpbrk(uuid, "*?") != NULL;
    if (strspn(uuid, "0123456789abcdef*?") == length && (length == UUID_DIGITS || (glob && length)))
        return g_steal_pointer(&uuid);
    g_set_error(error, KT_ERROR, KT_ERROR_INVALID,
                "'%s' is no UUID: 32 hexadecimal digits, or a glob of them", text);
    return NULL;
}

KtPattern *
kt_pattern_parse(const char *text, GError **error)
{
    g_autoptr(KtPattern) pattern = g_new0(KtPattern, 1);
    if (g_str_has_prefix(text, "uuid:")) {
        pattern->field = KT_MATCH_UUID;
        pattern->glob = read_uuid(text + strlen("uuid:"), error);
        return pattern->glob ? g_steal_pointer(&pattern) : NULL;
    }
    bool title = g_str_has_prefix(text, "title:");
    pattern->field = title ? KT_MATCH_TITLE : KT_MATCH_NAME;
    pattern->glob = g_strdup(title ? text + strlen("title:") : text);
    if (*pattern->glob)
        return g_steal_pointer(&pattern);
    g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "the pattern '%s' is empty: it matches no domain", text);
    return NULL;
}

void
kt_pattern_free(KtPattern *pattern)
{
    if (!pattern)
        return;
    g_free(pattern->glob);
    g_free(pattern);
}

bool
kt_glob_matches(const char *glob, const char *text)
{
    /* GLib's matcher walks by characters, and beyond the end of text that is no UTF-8. */
    g_autofree char *valid = g_utf8_validate(text, -1, NULL) ? NULL : g_utf8_make_valid(text, -1);
    g_autofree char *valid_glob = g_utf8_validate(glob, -1, NULL) ? NULL : g_utf8_make_valid(glob, -1);
    return g_pattern_match_simple(valid_glob ? valid_glob : glob, valid ? valid : text);
}

bool
kt_glob_matches_any(const char *const *globs, const char *text)
{
    for (; *globs; globs++)
        if (kt_glob_matches(*globs, text))
            return true;
    return false;
}

static bool
uuid_matches(const char *glob, const char *uuid)
{
    g_autofree char *bare = bare_uuid(uuid);
    return kt_glob_matches(glob, bare);
}

bool
kt_pattern_matches(const KtPattern *pattern, const char *name, const char *uuid, const char *title)
{
    switch (pattern->field) {
    case KT_MATCH_NAME:
        return kt_glob_matches(pattern->glob, name);
    case KT_MATCH_UUID:
        return uuid && uuid_matches(pattern->glob, uuid);
    case KT_MATCH_TITLE:
        return title && kt_glob_matches(pattern->glob, title);
    }
    return false;
}
