/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/exec/guest.h"
#include "agent/exec/replug.h"
#include "agent/exec/signal_hold.h"
#include "agent/exec/step.h"
#include "agent/exec/step_xml.h"
#include "base/domain_plug.h"
#include "base/domain_xml.h"
#include "base/error.h"

/**
 * NICs of a running guest are unplugged and plugged in with what was changed, one after the other. A guest
 * that makes no use of the new one gets its old one back.
 *
 * `before` is the live definition that they were unplugged from: what a NIC that is gone is put back from.
 */

/* Their note is the MAC. */
#define PART_UNPLUG "unplug"
#define PART_PLUG "plug"

static char *
describe(const KtJournalStep *step)
{
    return g_strdup_printf("unplug NICs of domain %s and plug them in with %u changed value%s",
                           step->domain_name, step->actions->len, step->actions->len == 1 ? "" : "s");
}

static const char *
mac_of(const KtJournalAction *action)
{
    const char *space = action->item ? strchr(action->item, ' ') : NULL;
    return space ? space + 1 : "";
}

/** Whether the guest was asked to let go of a NIC, and hasn't: it may still do so, at any time. */
static bool
may_still_let_go(const KtJournalStep *step, const char *xml)
{
    const KtJournalPart *part = step->part;
    if (!part || part->done || !part->note || !g_str_equal(part->name, PART_UNPLUG))
        return false;
    g_autofree char *nic = kt_domain_nic_xml(xml, part->note, NULL);
    return nic != NULL;
}

/** Half way, a NIC may be unplugged: it is to come back. */
static void
note_missing(KtJournalStep *step, const char *xml)
{
    for (guint i = 0; i < step->actions->len; i++) {
        KtJournalAction *action = g_ptr_array_index(step->actions, i);
        g_autofree char *nic = kt_domain_nic_xml(xml, mac_of(action), NULL);
        if (!nic && step->target)
            action->state = KT_STEP_IS_BEFORE;
    }
}

static bool
check(const KtTarget *target, KtJournalStep *step, KtStepState *ret_state, char **ret_found, GError **error)
{
    g_auto(KtGuest) guest = {0};
    if (!kt_guest_find(target, step, &guest, error))
        return false;
    /* An undo goes by the values: a pause may have made another process of it since. */
    bool same = guest.active && (step->undoes_run || g_strcmp0(guest.process, step->process) == 0);
    if (!same) {
        kt_step_all_gone(step, kt_guest_gone_text(step, &guest), ret_state, ret_found);
        return true;
    }
    if (!kt_step_xml_note(step, guest.xml, error))
        return false;
    if (step->undoes_run && (step->half_done || step->forced))
        note_missing(step, guest.xml);
    kt_step_sum_up(step, ret_state, ret_found);
    if (step->undoes_run && may_still_let_go(step, guest.xml)) {
        g_free(*ret_found);
        *ret_state = KT_STEP_IS_OTHER;
        *ret_found =
            g_strdup_printf("domain %s was asked to let go of NIC %s and may still do so: once it has, "
                            "'kvm-tune rollback' puts the NIC back; powering it off and on ends it too",
                            step->domain_name, step->part->note);
    }
    if (!step->undoes_run) {
        g_free(step->before);
        step->before = g_steal_pointer(&guest.xml);
    }
    return true;
}

/** That the guest was asked is recorded before it is. */
static bool
take_out(KtJournalStep *step, const KtReplug *replug, GError **error)
{
    return kt_journal_begin_part(step, PART_UNPLUG, replug->mac, error) && kt_replug_out(replug, error) &&
           kt_journal_end_part(step, error);
}

static bool
put_in(KtJournalStep *step, const KtReplug *replug, const char *nic_xml, GError **error)
{
    return kt_journal_begin_part(step, PART_PLUG, replug->mac, error) &&
           kt_replug_in(replug, nic_xml, error) && kt_journal_end_part(step, error);
}

/** Brings one NIC from what it is in @now (it may not be there) to what it is in @next; where the guest makes
 * no use of that, back to what it is in @now. */
static bool
swap(KtJournalStep *step, const KtReplug *replug, const char *now, const char *next, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *old = kt_domain_nic_plug_xml(now, replug->mac, NULL);
    g_autofree char *new = kt_domain_nic_plug_xml(next, replug->mac, error);
    if (!new || (old && !take_out(step, replug, error)))
        return false;
    if (put_in(step, replug, new, &failure) && kt_replug_is_taken(replug, &failure))
        return true;
    g_propagate_error(error, g_steal_pointer(&failure));
    g_autofree char *live = kt_replug_live_xml(replug->domain);
    g_autofree char *there = live ? kt_domain_nic_xml(live, replug->mac, NULL) : NULL;
    if (!old)
        return false;
    bool back = (!there || take_out(step, replug, NULL)) && put_in(step, replug, old, NULL);
    g_prefix_error(error, back ? "its old NIC is back: " : "its old NIC could not be put back: ");
    return false;
}

/** Whether an action before @index is about the same NIC: it is swapped once for all that changes. */
static bool
is_swapped(const KtJournalStep *step, guint index)
{
    for (guint i = 0; i < index; i++) {
        const KtJournalAction *action = g_ptr_array_index(step->actions, i);
        if (kt_step_performs(action) &&
            g_str_equal(mac_of(action), mac_of(g_ptr_array_index(step->actions, index))))
            return true;
    }
    return false;
}

static bool
swap_all(KtJournalStep *step, const KtGuest *guest, GError **error)
{
    g_autoptr(KtDomainDef) def = kt_domain_def_parse(guest->xml, error);
    /* What an undo has to bring back may not be there any more, but it is in what was before. */
    g_autofree char *next = !def               ? NULL
                            : step->undoes_run ? g_strdup(step->target)
                                               : kt_step_xml_edit(guest->xml, step, error);
    guint n_swapped = 0;
    for (guint i = 0; next && i < step->actions->len; i++) {
        const KtJournalAction *action = g_ptr_array_index(step->actions, i);
        KtReplug replug = {guest->domain, mac_of(action), def->agent_connected};
        if (!kt_step_performs(action) || is_swapped(step, i))
            continue;
        g_autoptr(GError) failure = NULL;
        if (!swap(step, &replug, guest->xml, next, &failure)) {
            /* Nothing was changed only as long as no other was swapped. */
            if (n_swapped > 0)
                failure->code = KT_ERROR_HYPERVISOR;
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        n_swapped++;
    }
    return next != NULL;
}

/** Before anything is unplugged: whether all can be plugged in again. */
static bool
is_ready(const KtJournalStep *step, const KtGuest *guest, GError **error)
{
    for (guint i = 0; !step->undoes_run && i < step->actions->len; i++) {
        const KtJournalAction *action = g_ptr_array_index(step->actions, i);
        g_autofree char *obstacle = kt_domain_nic_plug_obstacle(guest->xml, mac_of(action));
        if (obstacle) {
            g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "NIC %s: %s", mac_of(action), obstacle);
            return false;
        }
    }
    return true;
}

static bool
perform(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_auto(KtGuest) guest = {0};
    if (!kt_guest_find(target, step, &guest, error))
        return false;
    if (!guest.active) {
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "domain %s: does not run any more",
                    step->domain_name);
        return false;
    }
    kt_replug_await_silence(guest.process);
    g_autoptr(KtSignalHold) signals = kt_signal_hold();
    bool done =
        kt_guest_runs(&guest, error) && is_ready(step, &guest, error) && swap_all(step, &guest, error);
    g_clear_pointer(&signals, kt_signal_release);
    if (!done)
        g_prefix_error(error, "domain %s: ", step->domain_name);
    return done;
}

static bool
read_back(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_auto(KtGuest) guest = {0};
    return kt_guest_find_running(target, step, &guest, error) &&
           kt_step_xml_compare(step, guest.xml, "what it runs with", error);
}

const KtStepOps kt_step_replug = {
    .name = "replug",
    .describe = describe,
    .check = check,
    .perform = perform,
    .read_back = read_back,
    .disturbs = true,
};
