/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/guest.h"

#include <stdlib.h>

#include "agent/exec/own_image.h"
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

/** A transient domain that was saved is known to nobody but its image. */
static void
find_own_image(const KtTarget *target, const KtJournalStep *step, KtGuest *guest)
{
    const char *path = kt_step_own_image(step);
    guest->xml = path ? kt_own_image_read(target->connection, path, NULL) : NULL;
    guest->transient = guest->xml != NULL;
}

bool
kt_guest_find(const KtTarget *target, const KtJournalStep *step, KtGuest *guest, GError **error)
{
    if (!kt_step_find_domain(target, step, &guest->domain, error) ||
        !kt_step_domain_is_active(guest->domain, step, &guest->active, error))
        return false;
    if (!guest->active)
        find_own_image(target, step, guest);
    if (!guest->domain || guest->transient)
        return true;
    if (!guest->active)
        return kt_saved_image_read(guest->domain, step->domain_name, &guest->xml, error);
    guest->process = kt_step_process(target, step, guest->domain);
    guest->transient = virDomainIsPersistent(guest->domain) == 0;
    return read_live(guest, step, error);
}

char *
kt_guest_gone_text(const KtJournalStep *step, const KtGuest *guest)
{
    if (guest->active)
        return g_strdup_printf("domain %s was started anew", step->domain_name);
    bool left = guest->domain && (step->half_done || step->forced);
    return g_strdup_printf("domain %s does not run any more%s%s%s", step->domain_name,
                           left ? ": 'virsh start " : "", left ? step->domain_name : "",
                           left ? "' boots it" : "");
}

const char *
kt_step_own_image(const KtJournalStep *step)
{
    const char *path = step->part ? step->part->note : NULL;
    return path && g_file_test(path, G_FILE_TEST_EXISTS) ? path : NULL;
}

bool
kt_guest_find_running(const KtTarget *target, KtJournalStep *step, KtGuest *guest, GError **error)
{
    g_clear_pointer(&step->after, g_free);
    if (!kt_guest_find(target, step, guest, error))
        return false;
    if (!guest->active) {
        g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "domain %s: does not run any more",
                    step->domain_name);
        return false;
    }
    step->after = g_strdup(guest->process);
    return true;
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
