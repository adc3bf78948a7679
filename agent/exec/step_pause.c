/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/guest.h"
#include "agent/exec/own_image.h"
#include "agent/exec/pause_guard.h"
#include "agent/exec/saved_image.h"
#include "agent/exec/signal_hold.h"
#include "agent/exec/step.h"
#include "agent/exec/step_xml.h"
#include "base/error.h"
#include "probes/guest_agent.h"
#include "tuners/disks.h"

/**
 * A running domain gets what libvirt doesn't change live by being saved, the definition in its image edited,
 * and resumed. libvirt owns the image (managed save), so whatever stops this half way, any start of the
 * domain goes on from it. A transient domain's image is ours, in the state directory: it is the note of the
 * step's only part.
 *
 * Its `after` is the process that the guest was resumed in.
 */

#define PART_IMAGE "image"

static char *
describe(const KtJournalStep *step)
{
    return g_strdup_printf("save domain %s and resume it with %u changed value%s", step->domain_name,
                           step->actions->len, step->actions->len == 1 ? "" : "s");
}

/** Whether what the step addresses is still there: the very guest, running or saved. */
static bool
is_there(const KtJournalStep *step, const KtGuest *guest)
{
    if (!guest->xml)
        return false;
    /* An undo goes by the values: another pause may have made another process of it, or somebody saved it. */
    return step->undoes_run || (guest->active && g_strcmp0(guest->process, step->process) == 0);
}

/** A guest that sees no write cache has stopped flushing: it learns of one only when it is powered on. */
static bool
waits_for_power_on(const KtJournalAction *action)
{
    return action->field == KT_XML_DISK_CACHE && !kt_disk_cache_may_change_live(action->from, action->to);
}

/** Sets the state of each action from what the guest has. */
static bool
note_values(KtJournalStep *step, const KtGuest *guest, GError **error)
{
    bool is_ours = step->half_done || step->forced || g_strcmp0(guest->process, step->before) == 0;
    if (!kt_step_xml_note(step, guest->xml, error))
        return false;
    for (guint i = 0; i < step->actions->len; i++) {
        KtJournalAction *action = g_ptr_array_index(step->actions, i);
        if (action->state == KT_STEP_IS_BEFORE && waits_for_power_on(action))
            action->state = KT_STEP_IS_GONE;
        /* What is neither in another process isn't somebody's change of ours: that died with ours. */
        if (action->state == KT_STEP_IS_OTHER && step->undoes_run && !is_ours)
            action->state = KT_STEP_IS_GONE;
    }
    return true;
}

static char *
power_on_text(const KtJournalStep *step)
{
    for (guint i = 0; i < step->actions->len; i++) {
        const KtJournalAction *action = g_ptr_array_index(step->actions, i);
        if (action->state == KT_STEP_IS_GONE && waits_for_power_on(action))
            return g_strdup_printf("%s of %s goes back at its next power-on: until then the guest, which "
                                   "sees no write cache, would lose data",
                                   action->setting, action->item);
    }
    return NULL;
}

/** Whether the step has left an image of a guest that runs with a managed save: its next start would resume
 * that. */
static bool
has_stale_image(const KtGuest *guest)
{
    return guest->active && !guest->transient && virDomainHasManagedSaveImage(guest->domain, 0) > 0;
}

static bool
drop_stale_image(const KtJournalStep *step, const KtGuest *guest, GError **error)
{
    if (virDomainManagedSaveRemove(guest->domain, 0) == 0)
        return true;
    kt_hypervisor_set_error(error, "domain %s: its stale saved image cannot be removed", step->domain_name);
    return false;
}

/** A transient domain that runs while its image is still there: nobody resumes that any more, but only a
 * person knows whether it is needed. */
static bool
has_run_since(KtJournalStep *step, const KtGuest *guest, KtStepState *ret_state, char **ret_found)
{
    const char *path = step->undoes_run && guest->active ? kt_step_own_image(step) : NULL;
    if (!path)
        return false;
    kt_step_all_gone(
        step,
        g_strdup_printf("domain %s runs: its saved image is not resumed, it would destroy what was "
                        "written since; it is kept, remove it when nothing in it is needed (%s)",
                        step->domain_name, path),
        ret_state, ret_found);
    *ret_state = KT_STEP_IS_OTHER;
    return true;
}

static bool
check(const KtTarget *target, KtJournalStep *step, KtStepState *ret_state, char **ret_found, GError **error)
{
    g_auto(KtGuest) guest = {0};
    if (!kt_guest_find(target, step, &guest, error))
        return false;
    if (!is_there(step, &guest)) {
        kt_step_all_gone(step, kt_guest_gone_text(step, &guest), ret_state, ret_found);
        return true;
    }
    if (has_run_since(step, &guest, ret_state, ret_found))
        return true;
    if (!note_values(step, &guest, error))
        return false;
    /* A guest that was left saved half way is to be resumed, whatever its image says; of one that runs the
     * image is stale. */
    step->unfinished = (step->half_done || step->forced) && (!guest.active || has_stale_image(&guest));
    kt_step_sum_up(step, ret_state, ret_found);
    char *waits = *ret_state != KT_STEP_IS_OTHER ? power_on_text(step) : NULL;
    if (waits) {
        g_free(*ret_found);
        *ret_found = waits;
    }
    return true;
}

/** The clock of a guest stood still with it: its agent sets it, where there is one. */
static void
set_clock(virDomain *domain, const KtDomainDef *def)
{
    gint64 now = g_get_real_time();
    if (!def->agent_connected)
        return;
    virDomainAgentSetResponseTimeout(domain, KT_AGENT_SECONDS, 0);
    if (virDomainSetTime(domain, now / G_USEC_PER_SEC, (unsigned)(now % G_USEC_PER_SEC) * 1000, 0) < 0)
        g_info("domain %s: its agent does not set its clock", virDomainGetName(domain));
}

/** Before anything is done: whether it can be, as far as that can be told. A `conflict` else. @ret_hold: the
 * huge pages that it will come back on. */
static bool
is_ready(const KtTarget *target, const KtJournalStep *step, const KtGuest *guest, KtPageHold **ret_hold,
         GError **error)
{
    g_autofree char *next_xml = kt_step_xml_edit(guest->xml, step, error);
    g_autoptr(KtDomainDef) live = next_xml ? kt_domain_def_parse(guest->xml, error) : NULL;
    g_autoptr(KtDomainDef) next = live ? kt_domain_def_parse(next_xml, error) : NULL;
    if (!next)
        return false;
    g_autofree char *path = guest->transient ? kt_journal_file(step, "saved") : NULL;
    g_autofree char *directory = path ? g_path_get_dirname(path) : g_strdup(KT_SAVE_DIRECTORY);
    if (kt_pause_guard(target, guest->domain, directory, live, next, ret_hold, error))
        return true;
    g_prefix_error(error, "domain %s: ", step->domain_name);
    return false;
}

/** The image of a transient domain is recorded before it is there. */
static bool
save_transient(KtJournalStep *step, const KtGuest *guest, GError **error)
{
    g_autofree char *path = kt_journal_file(step, "saved");
    if (!path) {
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "domain %s: there is nowhere to keep its image",
                    step->domain_name);
        return false;
    }
    return kt_journal_begin_part(step, PART_IMAGE, path, error) &&
           kt_own_image_write(guest->domain, path, error);
}

/** Saves the running guest. Where it still runs after a failure nothing was changed: a `conflict`. */
static bool
save(KtJournalStep *step, const KtGuest *guest, GError **error)
{
    g_autoptr(GError) failure = NULL;
    bool active = false;
    if (guest->transient ? save_transient(step, guest, &failure)
                         : kt_saved_image_write(guest->domain, step->domain_name, &failure))
        return true;
    bool known = kt_step_domain_is_active(guest->domain, step, &active, NULL);
    if (known && active)
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "%s; it runs on", failure->message);
    else if (known)
        g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR,
                    "%s; its QEMU has ended meanwhile, so it is off: 'virsh start %s' boots it",
                    failure->message, step->domain_name);
    else
        g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

/** Resumes a transient domain from its image. */
static bool
resume_transient(const KtTarget *target, KtJournalStep *step, const KtGuest *guest, KtPageHold **hold,
                 GError **error)
{
    const char *path = kt_step_own_image(step);
    g_autofree char *image = path ? kt_own_image_read(target->connection, path, error) : NULL;
    g_autofree char *xml = image ? kt_step_xml_edit(image, step, error) : NULL;
    g_clear_pointer(hold, kt_page_hold_release);
    if (xml && kt_own_image_resume(target->connection, path, xml, image, !guest->active, error) &&
        kt_journal_end_part(step, error))
        return true;
    g_prefix_error(error, "domain %s: ", step->domain_name);
    return false;
}

/** Edits the image of the guest and resumes it, on the pages that were held for it. One that somebody else
 * saved only gets its image edited. */
static bool
change_image(const KtJournalStep *step, const KtGuest *guest, KtPageHold **hold, GError **error)
{
    g_autofree char *image = NULL;
    if (!kt_saved_image_read(guest->domain, step->domain_name, &image, error))
        return false;
    if (!image) {
        g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "domain %s: its saved image has gone",
                    step->domain_name);
        return false;
    }
    g_autofree char *xml = kt_step_xml_edit(image, step, error);
    if (!xml)
        return false;
    bool resumes = guest->active || step->half_done || step->forced;
    g_clear_pointer(hold, kt_page_hold_release);
    return resumes ? kt_saved_image_resume(guest->domain, step->domain_name, xml, image, error)
                   : kt_saved_image_define(guest->domain, step->domain_name, xml, error);
}

/** Saves the guest where it runs, and resumes it. */
static bool
take_through(const KtTarget *target, KtJournalStep *step, const KtGuest *guest, KtPageHold **hold,
             GError **error)
{
    g_autoptr(KtSignalHold) signals = kt_signal_hold();
    bool done = (!guest->active || save(step, guest, error)) &&
                (guest->transient ? resume_transient(target, step, guest, hold, error)
                                  : change_image(step, guest, hold, error));
    g_clear_pointer(&signals, kt_signal_release);
    return done;
}

static bool
changes_anything(const KtJournalStep *step)
{
    bool changes = false;
    for (guint i = 0; i < step->actions->len; i++)
        changes = changes || kt_step_performs(g_ptr_array_index(step->actions, i));
    return changes;
}

static bool
perform(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_auto(KtGuest) guest = {0};
    if (!kt_guest_find(target, step, &guest, error))
        return false;
    if (!guest.xml || (!guest.active && !step->undoes_run)) {
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "domain %s: does not run any more",
                    step->domain_name);
        return false;
    }
    g_autoptr(KtPageHold) hold = NULL;
    if (guest.active && step->unfinished && !drop_stale_image(step, &guest, error))
        return false;
    if (guest.active && !changes_anything(step))
        return true;
    if (guest.active && !is_ready(target, step, &guest, &hold, error))
        return false;
    return take_through(target, step, &guest, &hold, error);
}

static bool
read_back(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_auto(KtGuest) guest = {0};
    g_clear_pointer(&step->after, g_free);
    if (!kt_guest_find(target, step, &guest, error))
        return false;
    bool saved_before = step->undoes_run && !step->half_done && !step->forced;
    if (!guest.xml || (!guest.active && !saved_before)) {
        g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "domain %s: does not run after it was resumed",
                    step->domain_name);
        return false;
    }
    step->after = g_strdup(guest.process);
    if (!kt_step_xml_compare(step, guest.xml, "what it runs with", error))
        return false;
    g_autoptr(KtDomainDef) def = kt_domain_def_parse(guest.xml, error);
    if (def && guest.active)
        set_clock(guest.domain, def);
    return def != NULL;
}

const KtStepOps kt_step_pause = {
    .name = "pause",
    .describe = describe,
    .check = check,
    .perform = perform,
    .read_back = read_back,
    .disturbs = true,
};
