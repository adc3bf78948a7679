/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "agent/exec/guest.h"
#include "agent/exec/pause_guard.h"
#include "agent/exec/power_cycle.h"
#include "agent/exec/signal_hold.h"
#include "agent/exec/step.h"
#include "agent/exec/step_xml.h"
#include "base/domain_xml.h"
#include "base/error.h"

/**
 * A domain is shut down and started, which brings it what its definition has. A rollback doesn't restart it
 * again: it puts the definition back, for the next power-on; only a guest that was left shut off is started.
 */

static char *
describe(const KtJournalStep *step)
{
    return g_strdup_printf("shut domain %s down and start it", step->domain_name);
}

/** What an undo finds. */
static void
check_undo(KtJournalStep *step, const KtGuest *guest, KtStepState *ret_state, char **ret_found)
{
    if (!step->half_done && !step->forced) {
        kt_step_all_gone(
            step, g_strdup_printf("domain %s goes on with it until its next power-on", step->domain_name),
            ret_state, ret_found);
        return;
    }
    /* Half way: it is to run, with what is another matter. */
    *ret_state = guest->active ? KT_STEP_IS_AFTER : KT_STEP_IS_BEFORE;
    for (guint i = 0; i < step->actions->len; i++) {
        KtJournalAction *action = g_ptr_array_index(step->actions, i);
        action->state = *ret_state;
    }
}

static bool
check(const KtTarget *target, KtJournalStep *step, KtStepState *ret_state, char **ret_found, GError **error)
{
    g_auto(KtGuest) guest = {0};
    if (!kt_guest_find(target, step, &guest, error))
        return false;
    if (!guest.domain || (!guest.active && !step->undoes_run)) {
        kt_step_all_gone(step, g_strdup_printf("domain %s does not run any more", step->domain_name),
                         ret_state, ret_found);
        return true;
    }
    if (step->undoes_run) {
        check_undo(step, &guest, ret_state, ret_found);
        return true;
    }
    if (!kt_step_xml_note(step, guest.xml, error))
        return false;
    kt_step_sum_up(step, ret_state, ret_found);
    return true;
}

/** Shuts the guest down and starts it; one that falls over then is started as it ran before. */
static bool
cycle(virDomain *domain, const KtDomainDef *live, GError **error)
{
    g_autofree char *before = kt_power_definition(domain);
    g_auto(KtSignOfLife) sign = {0};
    kt_power_find_sign(domain, live->agent_connected, &sign);
    g_autoptr(KtSignalHold) signals = kt_signal_hold();
    bool started = kt_power_off(domain, error) && kt_power_on(domain, before, error);
    g_clear_pointer(&signals, kt_signal_release);
    if (!started || kt_power_wait(domain, &sign, error))
        return started;
    if (kt_power_has_gone(domain))
        g_prefix_error(error, kt_power_on_as(domain, before) ? "it runs again as it did before: "
                                                             : "it does not run: ");
    return false;
}

static bool
perform(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_auto(KtGuest) guest = {0};
    if (!kt_guest_find(target, step, &guest, error))
        return false;
    if (!guest.domain || (!guest.active && !step->undoes_run)) {
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "domain %s: does not run any more",
                    step->domain_name);
        return false;
    }
    g_autoptr(KtDomainDef) live = guest.active ? kt_domain_def_parse(guest.xml, error) : NULL;
    bool done = !guest.active
                    ? kt_power_on(guest.domain, NULL, error)
                    : live && kt_guest_runs(&guest, error) && kt_guest_is_idle(guest.domain, live, error) &&
                          cycle(guest.domain, live, error);
    if (!done)
        g_prefix_error(error, "domain %s: ", step->domain_name);
    return done;
}

static bool
read_back(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_auto(KtGuest) guest = {0};
    return kt_guest_find_running(target, step, &guest, error) &&
           (step->undoes_run || kt_step_xml_compare(step, guest.xml, "what it runs with", error));
}

const KtStepOps kt_step_restart = {
    .name = "restart",
    .describe = describe,
    .check = check,
    .perform = perform,
    .read_back = read_back,
    .disturbs = true,
};
