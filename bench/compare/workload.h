/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * Workload files: what is run to measure, and how its figures are read. INI as profiles are (base/ini.h):
 *
 *   [workload]
 *   summary = random reads of 4 KiB
 *   where   = guest-agent          guest-agent, guest-serial, host, passive, boot
 *   run     = fio --name=r …       words, with quotes; no shell. guest-serial: the line that is sent
 *   until   = ^done {token}        guest-serial: the line that ends it
 *   timeout = 60                   seconds; of passive how long it watches
 *   [figure latency]
 *   read    = json /jobs/0/read/clat_ns/mean
 *   unit    = ns
 *   better  = less
 *   matters = 5 %
 *
 * boot: the guest is powered off and on, and "boot_s SECONDS" is how long it takes until its agent answers.
 * {domain} is the domain's name, {token} a word that is new in each run; further ones are in [parameters].
 */

typedef enum {
    KT_WHERE_AGENT,
    KT_WHERE_SERIAL,
    KT_WHERE_HOST,
    KT_WHERE_PASSIVE,
    KT_WHERE_BOOT,
    KT_N_WHERES
} KtWhere;

/** How a figure is found in what the workload printed. */
typedef enum {
    KT_READ_LINE,    /* a regular expression whose first group is the number */
    KT_READ_JSON,    /* a JSON pointer (RFC 6901) */
    KT_READ_WATCHED, /* a counter that is watched beside the run */
    KT_N_READS,
} KtReadKind;

typedef struct {
    char *name;
    KtReadKind kind;
    char *place;  /* pointer or counter's name */
    GRegex *line; /* KT_READ_LINE */
    char *unit;
    bool more_is_better;
    double matters; /* as a share */
} KtFigure;

typedef struct {
    char *name;
    char *file; /* that it was read from */
    char *summary;
    KtWhere where;
    char *send;             /* KT_WHERE_SERIAL */
    char *until;            /* the same, a regular expression */
    char **argv;            /* KT_WHERE_AGENT, KT_WHERE_HOST */
    guint timeout_s;        /* KT_WHERE_PASSIVE: how long it watches */
    GHashTable *parameters; /* "server" → value */
    GPtrArray *figures;     /* KtFigure */
} KtWorkload;

void kt_workload_free(KtWorkload *workload);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtWorkload, kt_workload_free)

/** Reads a workload from @text; all mistakes are appended to @diagnostics (KtDiagnostic), NULL then. */
KtWorkload *
kt_workload_parse(const char *name, const char *file, const char *text, gsize length, GPtrArray *diagnostics);

/**
 * Loads workload @name: a path where it has a '/' or ends in .conf, else looked up in /etc/kvm-tune/workloads
 * and beside the program. NULL with all its mistakes in @diagnostics.
 */
KtWorkload *kt_workload_load(const char *name, GPtrArray *diagnostics);

/** The names of the workloads that there are, sorted, NULL-terminated. Owned. */
char **kt_workload_names(void);

/** @text with each {NAME} filled in from the parameters, {domain} and {token}; an unknown one stays. Owned.
 */
char *
kt_workload_fill_in(const KtWorkload *workload, const char *text, const char *domain, const char *token);

/** Reads all figures but the watched ones from @output; @ret_values has a place for each. Errors: parse,
 * which names the figure and shows what was printed. */
bool kt_workload_figures(const KtWorkload *workload, const char *output, double *ret_values, GError **error);
