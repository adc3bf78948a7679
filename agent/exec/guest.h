/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/step_domain.h"

/** What steps share that take a running guest away for a while. */

/** Where the guest of a step is now. */
typedef struct {
    virDomain *domain; /* NULL: it isn't known any more */
    bool active;
    bool transient; /* without a definition of its own: it was saved by the step, or runs */
    char *xml;      /* as it runs, else of its saved image, with secrets; NULL = there is neither */
    char *process;  /* of the active one, as KtDomain.process */
} KtGuest;

void kt_guest_clear(KtGuest *guest);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KtGuest, kt_guest_clear)

/** Errors: hypervisor. */
bool kt_guest_find(const KtTarget *target, const KtJournalStep *step, KtGuest *guest, GError **error);

/** What there is to say of a guest that isn't the step's any more, with the way back where it was left off
 * half way. Owned. */
char *kt_guest_gone_text(const KtJournalStep *step, const KtGuest *guest);

/** The image of a transient domain that the step has left, NULL = none is there. Borrowed. */
const char *kt_step_own_image(const KtJournalStep *step);

/** For read_back: the same, of a guest that must run; sets step->after to its process. Errors: hypervisor. */
bool kt_guest_find_running(const KtTarget *target, KtJournalStep *step, KtGuest *guest, GError **error);

/** Whether its vCPUs run: one that stands still neither shuts down nor lets go of a device, but would once it
 * goes on. Errors: conflict. */
bool kt_guest_runs(const KtGuest *guest, GError **error);
