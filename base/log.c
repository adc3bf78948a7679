/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/diagnostic.h"

/* The least severe level that is still shown; the logger is the one mutable global (house style 5). */
static GLogLevelFlags shown_level = G_LOG_LEVEL_MESSAGE;

static const char *
level_prefix(GLogLevelFlags level)
{
    if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
        return "internal error: ";
    if (level & G_LOG_LEVEL_WARNING)
        return "warning: ";
    return "";
}

static GLogWriterOutput
write_to_stderr(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
    (void)user_data;
    /* A lower number is more severe. */
    if ((level & G_LOG_LEVEL_MASK) > shown_level)
        return G_LOG_WRITER_HANDLED;
    for (gsize i = 0; i < n_fields; i++) {
        if (g_strcmp0(fields[i].key, "MESSAGE") != 0)
            continue;
        /* Names from guests and files may be in it. */
        g_autofree char *safe = kt_printable_lines(fields[i].value);
        fprintf(stderr, "kvm-tune: %s%s\n", level_prefix(level), safe);
    }
    return G_LOG_WRITER_HANDLED;
}

/** The journal keeps the fields that an entry has, and is the one to show it. */
static GLogWriterOutput
write_to_journal(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
    if ((level & G_LOG_LEVEL_MASK) > shown_level)
        return G_LOG_WRITER_HANDLED;
    if (g_log_writer_journald(level, fields, n_fields, user_data) == G_LOG_WRITER_HANDLED)
        return G_LOG_WRITER_HANDLED;
    return write_to_stderr(level, fields, n_fields, user_data);
}

void
kt_log_setup(int verbosity)
{
    static const GLogLevelFlags levels[] = {
        G_LOG_LEVEL_WARNING,
        G_LOG_LEVEL_MESSAGE,
        G_LOG_LEVEL_INFO,
        G_LOG_LEVEL_DEBUG,
    };
    shown_level = levels[CLAMP(verbosity, -1, 2) + 1];
    bool journal = g_log_writer_is_journald(fileno(stderr));
    g_log_set_writer_func(journal ? write_to_journal : write_to_stderr, NULL, NULL);
}
