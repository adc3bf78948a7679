/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

/**
 * What all fuzz targets share: libFuzzer's entry points, and the ground on which they check more than that
 * nothing crashes.
 */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Messages of the program and its libraries would drown those of the fuzzer. */
static inline void
fuzz_drop_message(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
    (void)domain, (void)data;
    /* A critical message is a fault of the program: g_return_if_fail(). */
    if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) {
        fprintf(stderr, "%s\n", message);
        abort();
    }
}

static inline void
fuzz_be_quiet(void)
{
    g_log_set_default_handler(fuzz_drop_message, NULL);
}

/** The input as a text that ends at the first NUL. Owned. */
static inline char *
fuzz_text(const uint8_t *data, size_t size)
{
    return g_strndup((const char *)data, size);
}

/** Exactly one of result and error is there, and the error is one for people. */
static inline void
fuzz_check_error(bool ok, const GError *error)
{
    if (ok) {
        g_assert_no_error(error);
        return;
    }
    g_assert_nonnull(error);
    g_assert_true(error->domain == KT_ERROR);
    g_assert_true(*error->message != '\0');
}
