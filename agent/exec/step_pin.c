/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/live_cpus.h"
#include "agent/exec/step.h"
#include "base/error.h"

/** How long a command of somebody else's may take. */
#define PATIENCE_USEC (2 * G_USEC_PER_SEC)

static char *
describe(const KtJournalStep *step)
{
    return g_strdup_printf("pin %u thread%s of domain %s", step->actions->len,
                           step->actions->len == 1 ? "" : "s", step->domain_name);
}

/** The thread that an action is about, and the CPUs that it is to have or should have. */
typedef struct {
    KtThreadKind kind;
    guint id;
    KtCpuset *from;
    KtCpuset *to;
} Pin;

static void
pin_clear(Pin *pin)
{
    g_clear_pointer(&pin->from, kt_cpuset_free);
    g_clear_pointer(&pin->to, kt_cpuset_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pin, pin_clear)

/** A live affinity is never absent and never empty. */
static KtCpuset *
parse_cpus(const char *text, GError **error)
{
    g_autoptr(KtCpuset) cpus = kt_cpuset_parse(text ? text : "", false, error);
    if (cpus && hwloc_bitmap_iszero(cpus)) {
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "a thread cannot run on no CPU");
        return NULL;
    }
    return g_steal_pointer(&cpus);
}

static bool
parse_action(const KtJournalStep *step, const KtJournalAction *action, Pin *pin, GError **error)
{
    if (kt_thread_parse(action->item, &pin->kind, &pin->id, error) &&
        (pin->from = parse_cpus(action->from, error)) && (pin->to = parse_cpus(action->to, error)))
        return true;
    g_prefix_error(error, "domain %s, %s: ", step->domain_name, action->item ? action->item : "");
    return false;
}

static bool
read_cpus(const KtTarget *target, const KtJournalStep *step, virDomain **ret_domain, KtLiveCpus **ret_cpus,
          GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    if (!kt_step_find_domain(target, step, &domain, error) ||
        !kt_live_cpus_read(target, step, domain, ret_cpus, error))
        return false;
    *ret_domain = g_steal_pointer(&domain);
    return true;
}

/** The present CPUs as text; in the action's own words where they mean the same. NULL: there is no such
 * thread. */
static char *
present_text(const KtLiveCpus *cpus, const KtJournalAction *action, const Pin *pin)
{
    const KtCpuset *present = kt_live_cpus_find(cpus, pin->kind, pin->id);
    if (!present)
        return NULL;
    if (kt_live_cpus_equal(cpus, present, pin->to))
        return g_strdup(action->to);
    if (kt_live_cpus_equal(cpus, present, pin->from))
        return g_strdup(action->from);
    return kt_cpuset_format(present);
}

static bool
check_action(const KtLiveCpus *cpus, KtJournalStep *step, KtJournalAction *action, GError **error)
{
    g_auto(Pin) pin = {0};
    if (!parse_action(step, action, &pin, error))
        return false;
    char *found = present_text(cpus, action, &pin);
    kt_step_note(step, action, found, !found);
    /* An undo in another process: the value that it addresses died with the old one. What that process
     * doesn't have from us is somebody else's, and named. */
    if (action->state == KT_STEP_IS_OTHER && step->undoes_run && !kt_live_cpus_same_process(cpus))
        action->state = KT_STEP_IS_GONE;
    return true;
}

static bool
check(const KtTarget *target, KtJournalStep *step, KtStepState *ret_state, char **ret_found, GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    g_autoptr(KtLiveCpus) cpus = NULL;
    if (!read_cpus(target, step, &domain, &cpus, error))
        return false;
    if (!cpus) {
        kt_step_all_gone(step, g_strdup_printf("domain %s does not run any more", step->domain_name),
                         ret_state, ret_found);
        return true;
    }
    for (guint i = 0; i < step->actions->len; i++)
        if (!check_action(cpus, step, g_ptr_array_index(step->actions, i), error))
            return false;
    kt_step_sum_up(step, ret_state, ret_found);
    if (!step->undoes_run && !kt_live_cpus_same_process(cpus)) {
        *ret_state = KT_STEP_IS_OTHER;
        g_free(*ret_found);
        *ret_found = g_strdup_printf("domain %s was started anew", step->domain_name);
    }
    return true;
}

static bool
pin_action(virDomain *domain, const KtJournalStep *step, const KtJournalAction *action, GError **error)
{
    g_auto(Pin) pin = {0};
    if (!parse_action(step, action, &pin, error))
        return false;
    if (kt_live_cpus_pin(domain, pin.kind, pin.id, pin.to, error))
        return true;
    g_prefix_error(error, "domain %s, %s: ", step->domain_name, action->item);
    return false;
}

/** Whether somebody's command to this guest doesn't end: a pin would wait 30 seconds for it, and everybody
 * else meanwhile. libvirt tells it without waiting itself. A job in the background, a backup say, lets pins
 * through. */
static bool
stays_occupied(virDomain *domain)
{
    virDomainControlInfo info = {0};
    for (gint64 end = g_get_monotonic_time() + PATIENCE_USEC;; g_usleep(PATIENCE_USEC / 20)) {
        bool occupied =
            virDomainGetControlInfo(domain, &info, 0) == 0 && info.state == VIR_DOMAIN_CONTROL_OCCUPIED;
        if (!occupied || g_get_monotonic_time() >= end)
            return occupied;
    }
}

static bool
perform(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    if (!kt_step_find_domain(target, step, &domain, error))
        return false;
    if (!domain) {
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "domain %s: is no longer there", step->domain_name);
        return false;
    }
    if (stays_occupied(domain)) {
        g_set_error(
            error, KT_ERROR, KT_ERROR_CONFLICT,
            "domain %s: libvirt is still at something else with it, or its QEMU hangs (virsh domcontrol %s)",
            step->domain_name, step->domain_name);
        return false;
    }
    bool began = false;
    for (guint i = 0; i < step->actions->len; i++) {
        const KtJournalAction *action = g_ptr_array_index(step->actions, i);
        g_autoptr(GError) failure = NULL;
        if (!kt_step_performs(action))
            continue;
        if (!pin_action(domain, step, action, &failure)) {
            if (!began && kt_hypervisor_domain_is_busy())
                failure->code = KT_ERROR_CONFLICT;
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        began = true;
    }
    return true;
}

static bool
compare_action(const KtLiveCpus *cpus, const KtJournalStep *step, const KtJournalAction *action,
               GError **error)
{
    g_auto(Pin) pin = {0};
    if (!parse_action(step, action, &pin, error))
        return false;
    g_autofree char *found = present_text(cpus, action, &pin);
    if (g_strcmp0(found, action->to) == 0)
        return true;
    /* The kernel trims what a cpuset doesn't allow without a word. */
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "domain %s, %s: wanted CPUs '%s', found '%s'",
                step->domain_name, action->item, action->to, found ? found : "nothing");
    return false;
}

static bool
read_back(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    g_autoptr(KtLiveCpus) cpus = NULL;
    if (!read_cpus(target, step, &domain, &cpus, error))
        return false;
    if (!cpus) {
        g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "domain %s: has just been shut off",
                    step->domain_name);
        return false;
    }
    for (guint i = 0; i < step->actions->len; i++) {
        const KtJournalAction *action = g_ptr_array_index(step->actions, i);
        if (kt_step_reads_back(action) && !compare_action(cpus, step, action, error))
            return false;
    }
    return true;
}

const KtStepOps kt_step_pin = {
    .name = "pin",
    .describe = describe,
    .check = check,
    .perform = perform,
    .read_back = read_back,
};
