/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Calls @visit with each of the shared sample definitions; where there are none the test is skipped, and says
 * so. */
static inline void
domain_corpus_each(void (*visit)(const char *path, const char *xml))
{
    const char *shared = g_getenv("KT_SHARED");
    g_autofree char *directory = shared != NULL
                                     ? g_build_filename(shared, "corpus/domains", NULL)
                                     : g_build_filename(KT_SOURCE_DIR, "../shared/corpus/domains", NULL);
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name = dir != NULL ? g_dir_read_name(dir) : NULL;
    if (name == NULL) {
        g_test_skip("no sample domains: KT_SHARED doesn't lead to corpus/domains");
        return;
    }
    for (; name != NULL; name = g_dir_read_name(dir)) {
        g_autofree char *path = g_build_filename(directory, name, NULL);
        g_autofree char *xml = NULL;
        g_autoptr(GError) error = NULL;
        g_file_get_contents(path, &xml, NULL, &error);
        g_assert_no_error(error);
        visit(path, xml);
    }
}
