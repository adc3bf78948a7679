/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/verbs/verb.h"
#include "agent/view/profiles.h"
#include "base/nearest.h"

static KtExit
check_profile(const KtOptions *options, const char *name)
{
    KtExit exit = KT_EXIT_ERROR;
    g_autoptr(KtProfile) profile = kt_load_profile(options, name, &exit);
    if (profile == NULL)
        return exit;
    g_autofree char *text = options->json ? kt_view_profile_json(profile) : kt_view_profile_summary(profile);
    return options->json ? kt_print(text, KT_EXIT_DONE) : kt_print_unless_quiet(options, text, KT_EXIT_DONE);
}

static KtExit
show_profile(const KtOptions *options, const char *name)
{
    KtExit exit = KT_EXIT_ERROR;
    g_autoptr(KtProfile) profile = kt_load_profile(options, name, &exit);
    if (profile == NULL)
        return exit;
    if (options->json) {
        g_autofree char *json = kt_view_profile_json(profile);
        return kt_print(json, KT_EXIT_DONE);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_profile(out, &options->style, profile);
    return kt_print(out->str, KT_EXIT_DONE);
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the profiles in the directories where they are looked up; one that hides another comes once. */
static GPtrArray *
profile_names(char *const *directories)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; directories[i]; i++) {
        g_autoptr(GDir) directory = g_dir_open(directories[i], 0, NULL);
        const char *entry;
        while (directory && (entry = g_dir_read_name(directory))) {
            if (!g_str_has_suffix(entry, ".conf"))
                continue;
            g_autofree char *name = g_strndup(entry, strlen(entry) - strlen(".conf"));
            if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
                g_ptr_array_add(names, g_steal_pointer(&name));
        }
    }
    g_ptr_array_sort(names, compare_names);
    return g_steal_pointer(&names);
}

/* -q: names alone, one a line, for scripts and completion. */
static KtExit
print_names(const GPtrArray *names)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *name = kt_printable(names->pdata[i]);
        g_string_append_printf(out, "%s\n", name);
    }
    return kt_print(out->str, KT_EXIT_DONE);
}

static KtExit
list_profiles(const KtOptions *options)
{
    g_auto(GStrv) directories = kt_profile_directories();
    g_autoptr(GPtrArray) names = profile_names(directories);
    if (options->verbosity < 0 && !options->json)
        return print_names(names);
    g_autoptr(GPtrArray) listed = g_ptr_array_new_with_free_func(kt_listed_profile_free);
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
        g_autoptr(KtProfile) profile = kt_profile_load(names->pdata[i], directories, diagnostics);
        g_ptr_array_add(listed, kt_listed_profile_new(names->pdata[i], profile));
    }
    if (options->json) {
        g_autofree char *json = kt_view_profile_list_json(listed);
        return kt_print(json, KT_EXIT_DONE);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_profile_list(out, &options->style, listed);
    return kt_print(out->str, KT_EXIT_DONE);
}

KtExit
kt_verb_profile(const KtOptions *options)
{
    static const char *const words[] = {"list", "show", "check", NULL};
    const char *word = options->arguments[0];
    const char *name = options->arguments[1];
    if (g_str_equal(word, "list"))
        return name ? kt_report_usage(options, "profile list takes no name") : list_profiles(options);
    if (!g_str_equal(word, "show") && !g_str_equal(word, "check")) {
        const char *nearest = kt_nearest(word, words);
        return kt_report_usage(options, "profile: '%s' is not list, show or check%s%s%s", word,
                               nearest ? "; did you mean '" : "", nearest ? nearest : "",
                               nearest ? "'?" : "");
    }
    if (name == NULL)
        return kt_report_usage(options, "profile %s: which one? 'kvm-tune profile list' names them", word);
    return g_str_equal(word, "show") ? show_profile(options, name) : check_profile(options, name);
}
