/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

/**
 * Feeds a fuzz target each file of the directories, and each file, that the command line names. A target that
 * finds something aborts: the last name printed is the input that did it.
 */

static void
feed(const char *path)
{
    g_autofree char *input = NULL;
    gsize length;
    if (!g_file_get_contents(path, &input, &length, NULL)) {
        fprintf(stderr, "%s: can't be read\n", path);
        exit(1);
    }
    fprintf(stderr, "%s\n", path);
    /* Of just its own size, so that reading past its end is seen; libFuzzer never gives NULL. */
    g_autofree uint8_t *copy = length > 0 ? g_memdup2(input, length) : g_malloc(1);
    LLVMFuzzerTestOneInput(copy, length);
}

static guint
feed_all(const char *path)
{
    g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
    if (!directory) {
        feed(path);
        return 1;
    }
    guint n = 0;
    for (const char *name; (name = g_dir_read_name(directory)); n++) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        feed(file);
    }
    return n;
}

int
main(int argc, char **argv)
{
    guint n = 0;
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        n += feed_all(argv[i]);
    printf("%u inputs\n", n);
    return n > 0 ? 0 : 1;
}
