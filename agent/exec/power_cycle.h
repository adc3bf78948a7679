/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "probes/hypervisor.h"

/** Shutting a guest down and starting it. A guest is asked, by its agent or ACPI, never destroyed. */

/** How long a guest may take to shut down, and to be up again, seconds. */
#define KT_SHUTDOWN_SECONDS 180
#define KT_START_SECONDS 300

/** How long one that tells nothing of itself must have run to count as up, seconds. */
#define KT_SETTLE_SECONDS 10

/** The definition that the guest runs with, to start it with should its new one be refused; or NULL. Owned.
 */
char *kt_power_definition(virDomain *domain);

/** Asks the guest to shut down and waits until it has. Errors: hypervisor; conflict: it has a saved image,
 * which its next start would resume, or is transient and would be gone. */
bool kt_power_off(virDomain *domain, GError **error);

/** The same; where it was asked, or may have been, its name is added to @asked (a set of char *, or NULL). */
bool kt_power_off_noting(virDomain *domain, GHashTable *asked, GError **error);

/** Starts the domain as it is defined, and where that is refused as @before (may be NULL), the definition
 * that it ran with. Errors: hypervisor; the message says whether it runs. */
bool kt_power_on(virDomain *domain, const char *before, GError **error);

/** Whether the domain is off, or on its way there: then it is waited for. */
bool kt_power_has_gone(virDomain *domain);

/** Starts a domain that is off with @xml instead of its own definition, which stays. */
bool kt_power_on_as(virDomain *domain, const char *xml);

/** By what is seen that a guest is up again. */
typedef struct {
    bool agent;    /* its agent answers */
    char *address; /* else this answers a ping, as it did before; NULL: it must have run for a while */
} KtSignOfLife;

static inline void
kt_sign_of_life_clear(KtSignOfLife *sign)
{
    g_free(sign->address);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KtSignOfLife, kt_sign_of_life_clear)

/** Finds out what the running guest answers by. @has_agent: its agent is connected. */
void kt_power_find_sign(virDomain *domain, bool has_agent, KtSignOfLife *ret_sign);

/** Whether the guest's agent answers now. */
bool kt_power_agent_answers(virDomain *domain);

/** Waits until the guest that was started gives its sign. Errors: hypervisor. */
bool kt_power_wait(virDomain *domain, const KtSignOfLife *sign, GError **error);
