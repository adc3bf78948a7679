/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <libvirt/libvirt.h>

#include "bench/compare/workload.h"

/**
 * Runs @workload once and gives what it printed. @domain is where it runs, or what is watched. @asked: as in
 * KtBench. @cancel ends it early. Errors: unsupported (no agent, no serial console, no such program),
 * hypervisor, io (it failed, or was too slow); G_IO_ERROR_CANCELLED. Owned.
 */
char *kt_load_run(const KtWorkload *workload, virDomainPtr domain, GHashTable *asked, GCancellable *cancel,
                  GError **error);

/** Waits @msec, less where @cancel says so: false and G_IO_ERROR_CANCELLED then. Signals that the main
 * context watches are looked at. */
bool kt_load_wait(guint msec, GCancellable *cancel, GError **error);

/* ---- the places that a workload runs in; as kt_load_run() ---- */

char *kt_load_in_agent(const KtWorkload *workload, char **argv, virDomainPtr domain, GCancellable *cancel,
                       GError **error);
char *kt_load_on_host(const KtWorkload *workload, char **argv, GCancellable *cancel, GError **error);
char *kt_load_in_serial(const KtWorkload *workload, const char *line, const char *until, virDomainPtr domain,
                        GCancellable *cancel, GError **error);

/** Powers the guest off and on: "boot_s SECONDS" from there until its agent answers. */
char *kt_load_boot(const KtWorkload *workload, virDomainPtr domain, GHashTable *asked, GCancellable *cancel,
                   GError **error);

/** What a workload prints while it runs. */
typedef struct {
    int out_fd;   /* standard output, or a console; -1: its end was read. Neither is closed here */
    int err_fd;   /* standard error; -1: there is none, or its end was read */
    GPid pid;     /* a child of this process, that isn't waited for; 0: what prints is none */
    GString *out; /* owned */
    GString *err; /* the end of it, that is enough for kt_complaint(); owned */
} KtPrinted;

void kt_printed_clear(KtPrinted *printed);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KtPrinted, kt_printed_clear)

/** Reads until @until (or NULL) matches, or until the child has ended, whoever still holds its output; of
 * what is none until the output's end. Polls, so that @cancel is heeded. */
bool kt_load_read(const KtWorkload *workload, KtPrinted *printed, const GRegex *until, GCancellable *cancel,
                  GError **error);
