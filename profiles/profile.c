/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/profile.h"

#include <string.h>

#include "base/trust.h"
#include "profiles/profile_file.h"
#include "profiles/section.h"

/* One file of a chain of inheritance. */
typedef struct {
    KtProfileFile *file;
    KtIni *ini;
    KtProfileContents *contents;
} Link;

static void
link_free(Link *link)
{
    kt_profile_contents_free(link->contents);
    kt_ini_free(link->ini);
    kt_profile_file_free(link->file);
    g_free(link);
}

void
kt_profile_free(KtProfile *profile)
{
    if (!profile)
        return;
    g_free(profile->name);
    g_free(profile->file);
    g_free(profile->summary);
    g_free(profile->distrust);
    g_ptr_array_unref(profile->files);
    g_ptr_array_unref(profile->sections);
    g_free(profile);
}

/* Reads @file's text as the next link of @chain. Takes @file over. */
static const Link *
add_link(GPtrArray *chain, KtProfileFile *file, GPtrArray *diagnostics)
{
    Link *link = g_new0(Link, 1);
    link->file = file;
    link->ini = kt_ini_parse(file->path, file->text, file->length, diagnostics);
    link->contents = kt_profile_contents_read(link->ini, diagnostics);
    g_ptr_array_add(chain, link);
    return link;
}

/* Complains if @file is in @chain already, with the way that leads back to it. */
static bool
closes_cycle(GPtrArray *chain, const KtProfileFile *file, GPtrArray *diagnostics)
{
    g_autoptr(GString) way = NULL;
    for (guint i = 0; i < chain->len; i++) {
        const Link *link = g_ptr_array_index(chain, i);
        if (!way && kt_profile_file_equal(link->file, file))
            way = g_string_new(NULL);
        if (way)
            g_string_append_printf(way, "%s inherits ", link->file->path);
    }
    if (!way)
        return false;
    const Link *last = g_ptr_array_index(chain, chain->len - 1);
    const KtIniEntry *inherit = last->contents->inherit;
    kt_ini_complain(last->ini, inherit->line, inherit->value_column, NULL, diagnostics, "a cycle: %s%s",
                    way->str, file->path);
    return true;
}

/* The file that the last link inherits from; NULL where it inherits nothing, or after a complaint. */
static KtProfileFile *
find_inherited(GPtrArray *chain, char *const *directories, GPtrArray *diagnostics)
{
    const Link *last = g_ptr_array_index(chain, chain->len - 1);
    const KtIniEntry *inherit = last->contents->inherit;
    if (!inherit)
        return NULL;
    g_autofree char *suggestion = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(KtProfileFile) file =
        kt_profile_file_find(inherit->value, last->file, directories, &suggestion, &error);
    if (!file)
        kt_ini_complain(last->ini, inherit->line, inherit->value_column, suggestion, diagnostics, "%s",
                        error->message);
    else if (!closes_cycle(chain, file, diagnostics))
        return g_steal_pointer(&file);
    return NULL;
}

/* Complains about the profile that the user named, which isn't there or can't be read. */
static void
complain_missing(const char *name_or_path, const GError *error, const char *suggestion,
                 GPtrArray *diagnostics)
{
    KtDiagnostic *diagnostic = g_new0(KtDiagnostic, 1);
    diagnostic->file = g_strdup(name_or_path);
    diagnostic->message = g_strdup(error->message);
    diagnostic->suggestion = g_strdup(suggestion);
    g_ptr_array_add(diagnostics, diagnostic);
}

/* Why others could change one of the chain's files, or NULL. Owned. */
static char *
distrust_of(GPtrArray *chain)
{
    for (guint i = 0; i < chain->len; i++) {
        const Link *link = g_ptr_array_index(chain, i);
        g_autoptr(GError) why = NULL;
        if (!kt_trust_check(link->file->path, &why))
            return g_strdup(why->message);
    }
    return NULL;
}

/* The chain as one profile: what is inherited comes first. */
static KtProfile *
flatten(const char *name_or_path, GPtrArray *chain)
{
    const Link *first = g_ptr_array_index(chain, 0);
    KtProfile *profile = g_new0(KtProfile, 1);
    profile->name = g_strdup(name_or_path);
    profile->file = g_strdup(first->file->path);
    profile->summary = g_strdup(first->contents->summary);
    profile->distrust = distrust_of(chain);
    profile->files = g_ptr_array_new_with_free_func(g_free);
    for (guint i = chain->len; i > 0; i--) {
        Link *link = g_ptr_array_index(chain, i - 1);
        g_ptr_array_add(profile->files, g_strdup(link->file->path));
        if (profile->sections)
            g_ptr_array_extend_and_steal(profile->sections, g_steal_pointer(&link->contents->sections));
        else
            profile->sections = g_steal_pointer(&link->contents->sections);
    }
    return profile;
}

KtProfile *
kt_profile_load(const char *name_or_path, char *const *directories, GPtrArray *diagnostics)
{
    guint errors_before = diagnostics->len;
    g_autofree char *suggestion = NULL;
    g_autoptr(GError) error = NULL;
    KtProfileFile *file = kt_profile_file_find(name_or_path, NULL, directories, &suggestion, &error);
    if (!file) {
        complain_missing(name_or_path, error, suggestion, diagnostics);
        return NULL;
    }
    g_autoptr(GPtrArray) chain = g_ptr_array_new_with_free_func((GDestroyNotify)link_free);
    for (; file; file = find_inherited(chain, directories, diagnostics))
        add_link(chain, file, diagnostics);
    return diagnostics->len == errors_before ? flatten(name_or_path, chain) : NULL;
}

KtProfile *
kt_profile_parse(const char *name, const char *text, GPtrArray *diagnostics)
{
    guint errors_before = diagnostics->len;
    g_autoptr(KtIni) ini = kt_ini_parse(name, text, strlen(text), diagnostics);
    g_autoptr(KtProfileContents) contents = kt_profile_contents_read(ini, diagnostics);
    if (diagnostics->len > errors_before)
        return NULL;
    KtProfile *profile = g_new0(KtProfile, 1);
    profile->name = g_strdup(name);
    profile->file = g_strdup(name);
    profile->summary = g_strdup(contents->summary);
    profile->files = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(profile->files, g_strdup(name));
    profile->sections = g_steal_pointer(&contents->sections);
    return profile;
}
