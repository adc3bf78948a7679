/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/recommend_parts.h"

#include <string.h>

/* Shorter ones say too little about what they match. */
#define LEAST_PREFIX 2

static const char *
name_of(const KtSnapshot *snapshot, guint domain)
{
    return ((const KtDomain *)snapshot->domains->pdata[domain])->name;
}

/* Whether the name can be written as a pattern that matches it: no wildcards, no prefix of the language's
 * own, nothing that ends the quotes or the line. */
static bool
stands_for_itself(const char *name)
{
    if (*name == '\0' || strpbrk(name, "*?\"\\") || g_str_has_prefix(name, "uuid:") ||
        g_str_has_prefix(name, "title:") || !g_utf8_validate(name, -1, NULL))
        return false;
    for (const char *p = name; *p; p = g_utf8_next_char(p)) {
        if (!g_unichar_isprint(g_utf8_get_char(p)))
            return false;
    }
    return true;
}

static void
append(GString *text, const char *pattern, const char *end)
{
    bool quoted = strpbrk(pattern, " []#;'") != NULL;
    g_string_append_printf(text, "%s%s%s%s%s", text->len ? " " : "", quoted ? "\"" : "", pattern, end,
                           quoted ? "\"" : "");
}

/* How many domains of the set begin with this prefix; 0 where one outside of it does too. */
static guint
count_prefix(const KtSnapshot *snapshot, const bool *in, const char *prefix)
{
    guint n = 0;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        if (!g_str_has_prefix(name_of(snapshot, i), prefix))
            continue;
        if (!in[i])
            return 0;
        n++;
    }
    return n;
}

/* The shortest prefix of the name that ends where a word of it does ("db-" of "db-1", "web" of "web12") and
 * that only domains of the set, at least two, have in common; or NULL. Owned. */
static char *
common_prefix(const KtSnapshot *snapshot, const bool *in, const char *name)
{
    for (gsize length = LEAST_PREFIX; length < strlen(name); length++) {
        bool separated = strchr("-_.", name[length - 1]) != NULL;
        bool numbered = g_ascii_isdigit(name[length]) && g_ascii_isalpha(name[length - 1]);
        if (!separated && !numbered)
            continue;
        g_autofree char *prefix = g_strndup(name, length);
        if (stands_for_itself(prefix) && count_prefix(snapshot, in, prefix) >= 2)
            return g_steal_pointer(&prefix);
    }
    return NULL;
}

/* The pattern for one name and all that it covers, which is noted in @covered. */
static void
append_pattern(GString *text, const KtSnapshot *snapshot, const bool *in, guint domain, bool *covered)
{
    const char *name = name_of(snapshot, domain);
    g_autofree char *prefix = common_prefix(snapshot, in, name);
    for (guint i = domain; i < snapshot->domains->len; i++)
        covered[i] = covered[i] || i == domain || (prefix && g_str_has_prefix(name_of(snapshot, i), prefix));
    if (prefix) {
        append(text, prefix, "*");
    } else if (stands_for_itself(name)) {
        append(text, name, "");
    } else {
        const KtDomain *one = snapshot->domains->pdata[domain];
        g_autofree char *uuid = g_strconcat("uuid:", one->uuid, NULL);
        append(text, uuid, "");
    }
}

char *
kt_recommend_patterns(const KtSnapshot *snapshot, const bool *in)
{
    guint n = 0;
    for (guint i = 0; i < snapshot->domains->len; i++)
        n += in[i];
    if (n == snapshot->domains->len)
        return g_strdup("*");
    g_autofree bool *covered = g_new0(bool, snapshot->domains->len);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < snapshot->domains->len; i++) {
        if (in[i] && !covered[i])
            append_pattern(text, snapshot, in, i, covered);
    }
    return g_strdup(text->str);
}
