/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/guest.h"

#include <pthread.h>
#include <stdlib.h>

#include "agent/exec/saved_image.h"
#include "base/error.h"

void
kt_guest_clear(KtGuest *guest)
{
    g_clear_pointer(&guest->domain, virDomainFree);
    g_free(guest->xml);
    g_free(guest->process);
}

static bool
read_live(KtGuest *guest, const KtJournalStep *step, GError **error)
{
    char *xml = virDomainGetXMLDesc(guest->domain, VIR_DOMAIN_XML_SECURE);
    if (!xml) {
        kt_hypervisor_set_error(error, "domain %s: its live definition cannot be read", step->domain_name);
        return false;
    }
    guest->xml = g_strdup(xml);
    free(xml);
    return true;
}

bool
kt_guest_find(const KtTarget *target, const KtJournalStep *step, KtGuest *guest, GError **error)
{
    if (!kt_step_find_domain(target, step, &guest->domain, error) ||
        !kt_step_domain_is_active(guest->domain, step, &guest->active, error))
        return false;
    if (!guest->domain)
        return true;
    if (!guest->active)
        return kt_saved_image_read(guest->domain, step->domain_name, &guest->xml, error);
    guest->process = kt_step_process(target, step, guest->domain);
    return read_live(guest, step, error);
}

bool
kt_guest_runs(const KtGuest *guest, GError **error)
{
    int state = VIR_DOMAIN_NOSTATE;
    bool runs = virDomainGetState(guest->domain, &state, NULL, 0) == 0 &&
                (state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED);
    if (!runs)
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT,
                    "it stands still (paused, suspended, or shutting down)");
    return runs;
}

void
kt_hold_signals(sigset_t *ret_before)
{
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    sigaddset(&held, SIGQUIT);
    sigaddset(&held, SIGTSTP);
    pthread_sigmask(SIG_BLOCK, &held, ret_before);
}

void
kt_release_signals(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}
