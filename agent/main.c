/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * kvm-tune: the map, in the order of the flow.
 *
 *   base/            errors, the handle on /sys and /proc, the profile's lines, domain XML
 *   probes/          what is there: topology, memory, domains → KtSnapshot (or read from a capture)
 *   profiles/        what is wanted: settings table, parser → KtProfile; for this snapshot → KtDesired
 *   tuners/          the difference, and what to do about it: pure → KtPlan of KtAction and KtStep
 *   agent/planning/  profile → desired → plan, with what has to be asked for it
 *   agent/exec/      the only code that changes anything: KtJournal, kt_execute(), kt_undo()
 *   agent/view/      plan, drift, status, history as text and JSON
 *   bench/compare/   workloads, the runner that measures both arms, statistics, reports
 *   agent/verbs/     one file a verb, each a pipeline of the above
 *   agent/daemon/    the same again and again, as things change: events → changes → look → plan → executor
 *
 *   agent/verb_table.c which verbs there are
 *
 * Here: how one is started.
 */

#include <libvirt/virterror.h>
#include <locale.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "agent/verb_table.h"
#include "agent/verbs/environment.h"
#include "agent/verbs/options.h"
#include "base/error.h"
#include "base/log.h"
#include "base/nearest.h"

static const KtVerb *
find_verb(const char *name)
{
    for (const KtVerb *verb = kt_verbs; verb->name; verb++) {
        if (g_str_equal(verb->name, name))
            return verb;
    }
    return NULL;
}

static KtExit
unknown_verb(const KtCommandLine *line)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (const KtVerb *verb = kt_verbs; verb->name; verb++)
        g_ptr_array_add(names, (gpointer)verb->name);
    g_ptr_array_add(names, NULL);
    const char *nearest = kt_nearest(line->verb, (const char *const *)names->pdata);
    if (nearest)
        return kt_report_usage(&line->options, "there is no verb '%s'; did you mean '%s'?", line->verb,
                               nearest);
    return kt_report_usage(&line->options, "there is no verb '%s'; kvm-tune --help lists them", line->verb);
}

/* libvirt's messages come with its errors; printed by libvirt itself they would be there twice. */
static void
ignore_libvirt_message(void *user_data, virErrorPtr error)
{
    (void)user_data, (void)error;
}

static void
set_up_process(void)
{
    /* What is written is for its owner alone, also by libraries, whatever the caller's umask. */
    umask(0077);
    kt_environment_clean();
    setlocale(LC_ALL, "");
    /* The decimal point is the contract's, whatever the locale. */
    setlocale(LC_NUMERIC, "C");
    /* A reader that goes away must not end a run in the middle. */
    signal(SIGPIPE, SIG_IGN);
    /* Whoever starts this may have said that its children's ends are of no interest: here they are. */
    signal(SIGCHLD, SIG_DFL);
    virSetErrorFunc(NULL, ignore_libvirt_message);
    virInitialize();
}

/* Where a library runs out of descriptors it may end the program (GLib's main context does). More than a verb
 * on a host of any size has open at once. */
#define LEAST_DESCRIPTORS 32

static bool
has_descriptors(GError **error)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= LEAST_DESCRIPTORS)
        return true;
    limit.rlim_cur = MIN(limit.rlim_max, LEAST_DESCRIPTORS);
    if (limit.rlim_cur >= LEAST_DESCRIPTORS && setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_UNSUPPORTED,
                "kvm-tune needs %d open files at once, it is allowed only %" G_GUINT64_FORMAT " (ulimit -n)",
                LEAST_DESCRIPTORS, (guint64)limit.rlim_max);
    return false;
}

static KtExit
start(const KtCommandLine *line)
{
    const KtOptions *options = &line->options;
    if (line->version)
        return kt_print("kvm-tune " KT_VERSION "\n", KT_EXIT_DONE);
    if (line->verb == NULL) {
        g_autofree char *help = kt_help(&options->style, kt_verbs);
        return line->help ? kt_print(help, KT_EXIT_DONE)
                          : kt_report_usage(options, "which verb? kvm-tune --help lists them");
    }
    const KtVerb *verb = find_verb(line->verb);
    if (verb == NULL)
        return unknown_verb(line);
    if (line->help) {
        g_autofree char *help = kt_help_of(&options->style, verb);
        return kt_print(help, KT_EXIT_DONE);
    }
    g_autoptr(GError) error = NULL;
    if (!kt_command_line_fits(line, verb, &error) || !has_descriptors(&error))
        return kt_report_error(options, error);
    return verb->run(options);
}

int
main(int argc, char **argv)
{
    (void)argc;
    set_up_process();
    g_autoptr(GError) error = NULL;
    g_autoptr(KtCommandLine) line = kt_command_line_read(argv, &error);
    kt_log_setup(line->options.verbosity);
    if (error)
        return (int)kt_report_usage(&line->options, "%s; kvm-tune --help lists the options", error->message);
    return (int)start(line);
}
