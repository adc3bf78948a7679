/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/verbs/verb.h"
#include "agent/view/errors_json.h"
#include "agent/view/json.h"
#include "base/error.h"

/* "/dev/full" and a full disk only show when the buffer is flushed. */
KtExit
kt_print(const char *text, KtExit exit)
{
    errno = 0;
    bool written = fputs(text, stdout) >= 0 && fflush(stdout) == 0;
    if (written || errno == EPIPE)
        return exit;
    fprintf(stderr, "kvm-tune: standard output: %s\n", g_strerror(errno));
    return KT_EXIT_ERROR;
}

KtExit
kt_print_unless_quiet(const KtOptions *options, const char *text, KtExit exit)
{
    return options->verbosity < 0 ? exit : kt_print(text, exit);
}

/* Takes @document over. */
static void
print_errors_json(json_t *document)
{
    g_autofree char *text = kt_json_dump(document);
    kt_print(text, KT_EXIT_ERROR);
}

static void
report_message(const KtOptions *options, const char *message)
{
    if (options->json) {
        print_errors_json(kt_error_json(message));
        return;
    }
    g_autofree char *safe = kt_printable(message);
    fprintf(stderr, "kvm-tune: %s\n", safe);
}

KtExit
kt_report_error(const KtOptions *options, const GError *error)
{
    report_message(options, error->message);
    bool denied =
        g_error_matches(error, KT_ERROR, KT_ERROR_ACCESS) || g_error_matches(error, KT_ERROR, KT_ERROR_HELD);
    return denied ? KT_EXIT_REFUSED : KT_EXIT_ERROR;
}

KtExit
kt_report_usage(const KtOptions *options, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    report_message(options, message);
    return KT_EXIT_ERROR;
}

KtExit
kt_report_diagnostics(const KtOptions *options, const GPtrArray *diagnostics)
{
    for (guint i = 0; !options->json && i < diagnostics->len; i++) {
        g_autofree char *text = kt_diagnostic_format(diagnostics->pdata[i]);
        fputs(text, stderr);
    }
    if (options->json)
        print_errors_json(kt_errors_json(diagnostics));
    return KT_EXIT_ERROR;
}

static bool
answered_yes(void)
{
    char line[16];
    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    g_strstrip(line);
    return g_ascii_strcasecmp(line, "y") == 0 || g_ascii_strcasecmp(line, "yes") == 0;
}

bool
kt_ask(const KtOptions *options, const char *question, KtExit *ret_exit)
{
    if (options->yes)
        return true;
    *ret_exit = KT_EXIT_REFUSED;
    if (!isatty(STDIN_FILENO)) {
        report_message(options,
                       "there is no terminal to ask on: nothing was changed; --yes does it without asking");
        return false;
    }
    /* Not on stdout: that may be a file. */
    fprintf(stderr, "%s [y/N] ", question);
    fflush(stderr);
    if (answered_yes())
        return true;
    report_message(options, "nothing was changed");
    return false;
}
