/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>

#include "agent/exec/journal.h"

/** A journal in a directory of its own. */
typedef struct {
    char *directory;
    KtJournal *journal;
} JournalFixture;

static inline void
set_up(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->directory = g_dir_make_tmp("kt-journal-XXXXXX", NULL);
    fixture->journal = kt_journal_open(fixture->directory, KT_JOURNAL_WRITE, NULL);
    g_assert_nonnull(fixture->journal);
}

static inline void
tear_down(JournalFixture *fixture, gconstpointer data)
{
    (void)data;
    kt_journal_close(fixture->journal);
    g_autoptr(GDir) folder = g_dir_open(fixture->directory, 0, NULL);
    for (const char *name; (name = g_dir_read_name(folder));) {
        g_autofree char *path = g_build_filename(fixture->directory, name, NULL);
        g_unlink(path);
    }
    g_rmdir(fixture->directory);
    g_free(fixture->directory);
}
