/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "agent/exec/step.h"
#include "agent/exec/step_domain.h"
#include "base/error.h"

static char *
describe(const KtJournalStep *step)
{
    const KtJournalAction *action = g_ptr_array_index(step->actions, 0);
    return g_strdup_printf("set the CPU weight of domain %s to %s", step->domain_name, action->to);
}

/** What the domain's cgroup holds, NULL where there is no such controller. Owned. */
static char *
present_shares(const virTypedParameter *parameters, int n)
{
    unsigned long long shares;
    int found = virTypedParamsGetULLong((virTypedParameterPtr)parameters, n, VIR_DOMAIN_SCHEDULER_CPU_SHARES,
                                        &shares);
    return found == 1 ? g_strdup_printf("%llu", shares) : NULL;
}

static bool
read_shares(virDomain *domain, const KtJournalStep *step, char **ret_shares, GError **error)
{
    int n = 0;
    char *type = virDomainGetSchedulerType(domain, &n);
    g_autofree virTypedParameter *parameters = n > 0 ? g_new0(virTypedParameter, n) : NULL;
    free(type);
    if (!parameters ||
        virDomainGetSchedulerParametersFlags(domain, parameters, &n, VIR_DOMAIN_AFFECT_LIVE) < 0) {
        kt_hypervisor_set_error(error, "domain %s: its CPU weight cannot be read", step->domain_name);
        return false;
    }
    *ret_shares = present_shares(parameters, n);
    virTypedParamsClear(parameters, n);
    return true;
}

/** The step's only action, the weight that it wants, and the domain: NULL where that doesn't run (any more).
 */
typedef struct {
    KtJournalAction *action;
    guint64 shares;
    virDomain *domain;
} Weight;

static void
weight_clear(Weight *weight)
{
    g_clear_pointer(&weight->domain, virDomainFree);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Weight, weight_clear)

/** The journal is read from disk: nothing else than one number before and one after. */
static bool
parse(const KtJournalStep *step, Weight *weight, GError **error)
{
    KtJournalAction *action = step->actions->len == 1 ? g_ptr_array_index(step->actions, 0) : NULL;
    weight->action = action;
    if (action && action->from && action->to &&
        g_ascii_string_to_unsigned(action->to, 10, 1, G_MAXINT64, &weight->shares, NULL))
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_INVALID,
                "domain %s: a step must have one CPU weight before and one after", step->domain_name);
    return false;
}

static bool
open_step(const KtTarget *target, const KtJournalStep *step, Weight *weight, GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    bool active;
    if (!parse(step, weight, error) || !kt_step_find_domain(target, step, &domain, error) ||
        !kt_step_domain_is_active(domain, step, &active, error))
        return false;
    weight->domain = active ? g_steal_pointer(&domain) : NULL;
    return true;
}

static bool
check(const KtTarget *target, KtJournalStep *step, KtStepState *ret_state, char **ret_found, GError **error)
{
    g_auto(Weight) weight = {0};
    g_autofree char *present = NULL;
    if (!open_step(target, step, &weight, error))
        return false;
    if (!weight.domain) {
        kt_step_all_gone(step, g_strdup_printf("domain %s does not run any more", step->domain_name),
                         ret_state, ret_found);
        return true;
    }
    if (!read_shares(weight.domain, step, &present, error))
        return false;
    bool same = kt_step_same_process(target, step, weight.domain);
    kt_step_note(step, weight.action, g_steal_pointer(&present), false);
    /* As for pins (step_pin.c). */
    if (weight.action->state == KT_STEP_IS_OTHER && step->undoes_run && !same)
        weight.action->state = KT_STEP_IS_GONE;
    kt_step_sum_up(step, ret_state, ret_found);
    if (!step->undoes_run && !same) {
        *ret_state = KT_STEP_IS_OTHER;
        g_free(*ret_found);
        *ret_found = g_strdup_printf("domain %s was started anew", step->domain_name);
    }
    return true;
}

static bool
set_shares(virDomain *domain, unsigned long long shares)
{
    virTypedParameter *parameters = NULL;
    int n = 0, most = 0;
    bool ok = virTypedParamsAddULLong(&parameters, &n, &most, VIR_DOMAIN_SCHEDULER_CPU_SHARES, shares) == 0 &&
              virDomainSetSchedulerParametersFlags(domain, parameters, n, VIR_DOMAIN_AFFECT_LIVE) == 0;
    virTypedParamsFree(parameters, n);
    return ok;
}

static bool
perform(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_auto(Weight) weight = {0};
    if (!open_step(target, step, &weight, error))
        return false;
    if (!kt_step_performs(weight.action))
        return true;
    if (!weight.domain) {
        g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "domain %s: does not run any more",
                    step->domain_name);
        return false;
    }
    if (set_shares(weight.domain, weight.shares))
        return true;
    g_autoptr(GError) failure = NULL;
    kt_hypervisor_set_error(&failure, "domain %s: CPU weight '%s' cannot be set", step->domain_name,
                            weight.action->to);
    if (kt_hypervisor_domain_is_busy())
        failure->code = KT_ERROR_CONFLICT;
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

static bool
read_back(const KtTarget *target, KtJournalStep *step, GError **error)
{
    g_auto(Weight) weight = {0};
    g_autofree char *present = NULL;
    if (!open_step(target, step, &weight, error))
        return false;
    if (!weight.domain) {
        g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "domain %s: has just been shut off",
                    step->domain_name);
        return false;
    }
    if (!kt_step_reads_back(weight.action))
        return true;
    if (!read_shares(weight.domain, step, &present, error))
        return false;
    if (g_strcmp0(present, weight.action->to) == 0)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "domain %s, CPU weight: wanted '%s', found '%s'",
                step->domain_name, weight.action->to, present ? present : "nothing");
    return false;
}

const KtStepOps kt_step_weight = {
    .name = "weight",
    .describe = describe,
    .check = check,
    .perform = perform,
    .read_back = read_back,
};
