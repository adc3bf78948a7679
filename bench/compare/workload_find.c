/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/diagnostic.h"
#include "base/nearest.h"
#include "bench/compare/workload.h"
#include "profiles/profile.h"

/* Where the admin's own workloads are. */
#define LOCAL_WORKLOADS "/etc/kvm-tune/workloads"

static char **
directories(void)
{
    g_autoptr(GStrvBuilder) found = g_strv_builder_new();
    g_autofree char *executable = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *shipped = kt_shipped_directory(executable, "workloads", KT_SOURCE_WORKLOADS);
    g_strv_builder_add(found, LOCAL_WORKLOADS);
    if (shipped)
        g_strv_builder_add(found, shipped);
    return g_strv_builder_end(found);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **
kt_workload_names(void)
{
    g_auto(GStrv) folders = directories();
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (char **folder = folders; *folder; folder++) {
        g_autoptr(GDir) dir = g_dir_open(*folder, 0, NULL);
        const char *file;
        while (dir && (file = g_dir_read_name(dir)))
            if (g_str_has_suffix(file, ".conf"))
                g_ptr_array_add(names, g_strndup(file, strlen(file) - strlen(".conf")));
    }
    g_ptr_array_sort(names, by_name);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

/* The file of @name, or NULL. Owned. */
static char *
find(const char *name)
{
    if (strchr(name, '/') || g_str_has_suffix(name, ".conf"))
        return g_strdup(name);
    g_auto(GStrv) folders = directories();
    g_autofree char *file = g_strconcat(name, ".conf", NULL);
    for (char **folder = folders; *folder; folder++) {
        g_autofree char *path = g_build_filename(*folder, file, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS))
            return g_steal_pointer(&path);
    }
    return NULL;
}

static void
complain(GPtrArray *diagnostics, const char *file, const char *message, const char *suggestion)
{
    KtDiagnostic *diagnostic = g_new0(KtDiagnostic, 1);
    diagnostic->file = g_strdup(file);
    diagnostic->message = g_strdup(message);
    diagnostic->suggestion = g_strdup(suggestion);
    g_ptr_array_add(diagnostics, diagnostic);
}

KtWorkload *
kt_workload_load(const char *name, GPtrArray *diagnostics)
{
    g_autofree char *path = find(name);
    if (path == NULL) {
        g_auto(GStrv) names = kt_workload_names();
        complain(diagnostics, name, "there is no such workload",
                 kt_nearest(name, (const char *const *)names));
        return NULL;
    }
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;
    if (!g_file_get_contents(path, &text, &length, &error)) {
        complain(diagnostics, path, error->message, NULL);
        return NULL;
    }
    g_autofree char *base = g_path_get_basename(path);
    if (g_str_has_suffix(base, ".conf"))
        base[strlen(base) - strlen(".conf")] = '\0';
    return kt_workload_parse(base, path, text, length, diagnostics);
}
