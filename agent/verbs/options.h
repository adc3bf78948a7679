/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/verbs/verb.h"

/** The command line, read. */
typedef struct {
    KtOptions options;
    char *verb; /* NULL = none was given */
    gboolean help;
    gboolean version;
    char **words; /* what is no option: the verb and its arguments; owns both */
} KtCommandLine;

void kt_command_line_free(KtCommandLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtCommandLine, kt_command_line_free)

/**
 * Reads the arguments (NULL-terminated, the program's name first). Never NULL: on an error, which is set,
 * what could be read of --json and of the style is there, to report it with.
 */
KtCommandLine *kt_command_line_read(char *const *arguments, GError **error);

/** Checks that @verb takes the options and the number of arguments that were given. Errors: invalid. */
bool kt_command_line_fits(const KtCommandLine *line, const KtVerb *verb, GError **error);

/** One option, as people are told of it. */
typedef struct {
    guint takes; /* KtTakes; 0 = every verb */
    const char *option;
    const char *words;
} KtOptionHelp;

/** All options; ends with a NULL option. */
extern const KtOptionHelp kt_option_helps[];

/** Whether a verb that takes @takes has it. */
bool kt_option_fits(const KtOptionHelp *help, guint takes);

/** `kvm-tune --help`: @verbs end with a NULL name. Owned. */
char *kt_help(const KtStyle *style, const KtVerb *verbs);

/** `kvm-tune VERB --help`. Owned. */
char *kt_help_of(const KtStyle *style, const KtVerb *verb);
