/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "agent/exec/executor.h"
#include "agent/planning/host.h"
#include "agent/planning/planning.h"
#include "agent/view/ink.h"
#include "base/diagnostic.h"
#include "base/root.h"
#include "probes/snapshot.h"
#include "profiles/desired.h"
#include "tuners/plan.h"

/**
 * Verbs, and the stages that they are made of.
 *
 * A stage that fails has reported why (stderr, or the errors object of the JSON contract), and its result is
 * NULL; the exit code is in *@ret_exit then.
 */

/** Exit codes (design section 4). */
typedef enum {
    KT_EXIT_DONE = 0,
    KT_EXIT_ERROR = 1,
    KT_EXIT_DIFFERS = 2,
    KT_EXIT_PARTIAL = 3,
    KT_EXIT_REFUSED = 4,
} KtExit;

/** The options that verbs share. */
typedef struct {
    char *uri;       /* NULL = as virsh for root */
    char *capture;   /* NULL = this host */
    char **domains;  /* globs, any may match; NULL = all domains and the host */
    char *state_dir; /* never NULL */
    char *xml_dir;   /* plan --xml-dir, or NULL */
    gboolean json;
    gboolean yes;
    gboolean all;     /* rollback --all */
    gboolean persist; /* apply --persist */
    gboolean host;    /* release --host */
    gboolean why;     /* status --why */
    char *metrics;    /* daemon --metrics, or NULL */
    char **workloads; /* bench --workload, NULL-terminated, or NULL */
    char **measure;   /* --measure: globs of the domains to measure, NULL-terminated, or NULL = those tuned */
    char **prove;     /* apply --prove: workloads, NULL-terminated, or NULL */
    gint blocks;      /* --blocks of what is measured, 0 = not given */
    gint seed;        /* --seed, 0 = not given */
    gboolean restart; /* --restart */
    char *html;       /* report --html, or NULL */
    gboolean markdown, csv, compare; /* report */
    gint verbosity;                  /* -1 = only what went wrong, 0, 1 … */
    KtStyle style;
    char **arguments; /* what follows the verb, NULL-terminated */
} KtOptions;

/** Options that only some verbs take. */
typedef enum {
    KT_TAKES_CAPTURE = 1 << 0,
    KT_TAKES_DOMAIN = 1 << 1,
    KT_TAKES_YES = 1 << 2,
    KT_TAKES_ALL = 1 << 3,
    KT_TAKES_XML_DIR = 1 << 4,
    KT_TAKES_WHY = 1 << 5,
    KT_TAKES_BENCH = 1 << 6,  /* --workload, --blocks, --seed, --restart */
    KT_TAKES_REPORT = 1 << 7, /* --html, --markdown, --csv, --compare */
    KT_TAKES_PERSIST = 1 << 8,
    KT_TAKES_PROVE = 1 << 9, /* --prove, --blocks, --seed, --restart */
    KT_TAKES_METRICS = 1 << 10,
    KT_TAKES_HOST = 1 << 11,
} KtTakes;

/** A command line, and what it is for. */
typedef struct {
    const char *command;
    const char *purpose;
} KtExample;

/** One verb. */
typedef struct {
    const char *name;
    const char *arguments;     /* "PROFILE", "[DOMAIN…]" */
    const char *summary;       /* one line, for --help */
    const char *details;       /* for VERB --help */
    guint least, most;         /* number of arguments; most = G_MAXUINT: any */
    guint takes;               /* KtTakes */
    const KtExample *examples; /* for its manual page; ends with a NULL command */
    KtExit (*run)(const KtOptions *options);
} KtVerb;

KtExit kt_verb_check(const KtOptions *options);
KtExit kt_verb_status(const KtOptions *options);
KtExit kt_verb_plan(const KtOptions *options);
KtExit kt_verb_apply(const KtOptions *options);
/** Gives back to the daemon what is manual. */
KtExit kt_verb_release(const KtOptions *options);
KtExit kt_verb_verify(const KtOptions *options);
KtExit kt_verb_rollback(const KtOptions *options);
KtExit kt_verb_history(const KtOptions *options);
KtExit kt_verb_profile(const KtOptions *options);
KtExit kt_verb_capture(const KtOptions *options);
KtExit kt_verb_explain(const KtOptions *options);
KtExit kt_verb_recommend(const KtOptions *options);
KtExit kt_verb_bench(const KtOptions *options);
KtExit kt_verb_report(const KtOptions *options);

/* ---- stages ---- */

/** Looks at the host, live or captured; an error is the caller's to report. */
KtHost *kt_host_look(const KtOptions *options, KtHostNeed need, GError **error);

/** The same as a stage. */
KtHost *kt_host_open(const KtOptions *options, KtHostNeed need, KtExit *ret_exit);

/** Profile → desired → plan, with everything it was made from. */
typedef struct {
    KtHost *host;
    KtProfile *profile;
    KtDesired *desired;
    KtPlan *plan;
} KtPlanning;

void kt_planning_free(KtPlanning *planning);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtPlanning, kt_planning_free)

/** Loads the profile options->arguments[0]. With KT_HOST_WRITE one that others could change is refused, else
 * that is said. */
KtProfile *kt_planning_profile(const KtOptions *options, KtHostNeed need, KtExit *ret_exit);

/** Makes the plan for @profile, which it takes over. */
KtPlanning *kt_planning_make(const KtOptions *options, KtProfile *profile, KtHostNeed need, KtExit *ret_exit);

/** Loads a profile and reports all its errors. */
KtProfile *kt_load_profile(const KtOptions *options, const char *name, KtExit *ret_exit);

/** Opens the journal. @verb is said to others that find it locked. */
KtJournal *kt_open_journal(const KtOptions *options, KtJournalMode mode, const char *verb, KtExit *ret_exit);

/** Warns of a run that was interrupted; @journal NULL: opens it to look, and is silent where that isn't
 * allowed. */
void kt_warn_unfinished(const KtOptions *options, KtJournal *journal);

/** Shows steps on a terminal while they are carried out: a KtProgress. @user_data: KtOptions. */
void kt_show_progress(const KtJournalStep *step, guint index, guint total, gpointer user_data);
void kt_end_progress(const KtOptions *options);

/** The exit code of a run that was carried out. */
KtExit kt_exit_of_report(const KtReport *report);

/* ---- output ---- */

/** Reports an error: to stderr, or with --json as the errors object on stdout. Gives the exit code. */
KtExit kt_report_error(const KtOptions *options, const GError *error);
KtExit kt_report_diagnostics(const KtOptions *options, const GPtrArray *diagnostics);
/** Reports a wrong usage. */
KtExit kt_report_usage(const KtOptions *options, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Prints to stdout and checks that it arrived: gives @exit, or KT_EXIT_ERROR. A reader that went away is no
 * error. */
KtExit kt_print(const char *text, KtExit exit);

/** kt_print(), but with -q nothing: for verbs whose exit code tells the same. */
KtExit kt_print_unless_quiet(const KtOptions *options, const char *text, KtExit exit);

/** Asks "QUESTION [y/N] " on the terminal. Without --yes and without a terminal, or where the answer is no,
 * that is said and *@ret_exit set. */
bool kt_ask(const KtOptions *options, const char *question, KtExit *ret_exit);
