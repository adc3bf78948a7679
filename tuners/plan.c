/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/plan.h"

#include "tuners/ledger.h"
#include "tuners/pending.h"
#include "tuners/seats.h"

static void
action_free(gpointer data)
{
    KtAction *action = data;
    g_free(action->item);
    g_free(action->from);
    g_free(action->to);
    g_free(action->reason);
    g_free(action->source);
    g_free(action->path);
    g_free(action->raw_from);
    g_free(action->raw_to);
    g_free(action);
}

static void
refusal_free(gpointer data)
{
    KtRefusal *refusal = data;
    g_free(refusal->item);
    g_free(refusal->reason);
    g_free(refusal->source);
    g_free(refusal);
}

void
kt_pending_free(gpointer data)
{
    KtPending *pending = data;
    g_free(pending->item);
    g_free(pending->live);
    g_free(pending->staged);
    g_free(pending);
}

static void
step_free(gpointer data)
{
    KtStep *step = data;
    g_array_unref(step->actions);
    g_free(step);
}

static void
iothread_free(gpointer data)
{
    kt_iothread_free(data);
}

static void
migration_reason_free(gpointer data)
{
    kt_migration_reason_free(data);
}

static void
domain_plan_init(KtDomainPlan *domain)
{
    domain->notes = g_ptr_array_new_with_free_func(g_free);
    domain->pending = g_ptr_array_new_with_free_func(kt_pending_free);
    domain->actions = g_ptr_array_new();
    domain->iothreads = g_ptr_array_new_with_free_func(iothread_free);
    domain->seat = -1;
    domain->boot_seat = -1;
    domain->migratable = true;
    domain->migration = g_ptr_array_new_with_free_func(migration_reason_free);
}

static void
domain_plan_clear(KtDomainPlan *domain)
{
    g_ptr_array_unref(domain->notes);
    g_ptr_array_unref(domain->pending);
    g_ptr_array_unref(domain->migration);
    g_ptr_array_unref(domain->actions);
    g_ptr_array_unref(domain->iothreads);
    kt_cpuset_free(domain->emulator);
    g_free(domain->memory_stays);
    g_free(domain->memory_at);
}

KtPlan *
kt_plan_new(const KtSnapshot *snapshot)
{
    KtPlan *plan = g_new0(KtPlan, 1);
    plan->snapshot = snapshot;
    plan->actions = g_ptr_array_new_with_free_func(action_free);
    plan->refused = g_ptr_array_new_with_free_func(refusal_free);
    plan->steps = g_ptr_array_new_with_free_func(step_free);
    plan->restart_parallel = 1;
    plan->n_domains = snapshot->domains->len;
    plan->domains = g_new0(KtDomainPlan, plan->n_domains);
    for (guint i = 0; i < plan->n_domains; i++)
        domain_plan_init(&plan->domains[i]);
    plan->housekeeping = hwloc_bitmap_alloc();
    return plan;
}

void
kt_plan_free(KtPlan *plan)
{
    if (plan == NULL)
        return;

    g_ptr_array_unref(plan->steps);
    g_ptr_array_unref(plan->refused);
    g_ptr_array_unref(plan->actions);
    for (guint i = 0; i < plan->n_domains; i++)
        domain_plan_clear(&plan->domains[i]);
    g_free(plan->domains);
    kt_cpuset_free(plan->housekeeping);
    kt_seats_free(plan->problem);
    g_clear_pointer(&plan->placement, kt_placement_free);
    kt_boot_seats_free(plan->boot);
    kt_ledger_free(plan->ledger);
    g_free(plan);
}

const char *
kt_when_name(KtWhen when)
{
    static const char *const names[] = {
        [KT_WHEN_NOW] = "now",         [KT_WHEN_PAUSE] = "pause",         [KT_WHEN_REPLUG] = "replug",
        [KT_WHEN_RESTART] = "restart", [KT_WHEN_NEXT_BOOT] = "next-boot",
    };
    return names[when];
}

const char *
kt_risk_name(KtRisk risk)
{
    static const char *const names[] = {
        [KT_RISK_NONE] = "none",
        [KT_RISK_LOW] = "low",
        [KT_RISK_MEDIUM] = "medium",
        [KT_RISK_HIGH] = "high",
    };
    return names[risk];
}

const char *
kt_step_kind_name(KtStepKind kind)
{
    static const char *const names[KT_N_STEP_KINDS] = {
        [KT_STEP_SYSFS] = "sysfs",       [KT_STEP_DEFINE] = "define", [KT_STEP_PIN] = "pin",
        [KT_STEP_WEIGHT] = "weight",     [KT_STEP_PAGES] = "pages",   [KT_STEP_KSM_MERGE] = "ksm-merge",
        [KT_STEP_SERVICES] = "services", [KT_STEP_PAUSE] = "pause",   [KT_STEP_REPLUG] = "replug",
        [KT_STEP_RESTART] = "restart",
    };
    return names[kind];
}

bool
kt_plan_add(KtPlan *plan, KtAction action)
{
    KtAction *added = g_memdup2(&action, sizeof action);
    if (g_strcmp0(action.from, action.to) == 0) {
        action_free(added);
        return false;
    }

    g_ptr_array_add(plan->actions, added);
    added->id = plan->actions->len;
    if (action.domain >= 0)
        g_ptr_array_add(plan->domains[action.domain].actions, added);
    return true;
}

const KtAction *
kt_plan_find_edit(const KtPlan *plan, guint domain, KtXmlField field, const char *item)
{
    const GPtrArray *actions = plan->domains[domain].actions;
    for (guint i = 0; i < actions->len; i++) {
        const KtAction *action = actions->pdata[i];
        if (action->kind == KT_STEP_DEFINE && action->field == field && g_strcmp0(action->item, item) == 0)
            return action;
    }
    return NULL;
}

void
kt_plan_refuse(KtPlan *plan, gint domain, const KtValue *value, const char *item, const char *format, ...)
{
    KtRefusal *refusal = g_new0(KtRefusal, 1);
    refusal->domain = domain;
    refusal->setting = value->setting;
    refusal->item = g_strdup(item);
    refusal->source = g_strdup(value->source);

    va_list args;
    va_start(args, format);
    refusal->reason = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(plan->refused, refusal);
}

void
kt_plan_note(KtPlan *plan, gint domain, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *note = g_strdup_vprintf(format, args);
    va_end(args);

    GPtrArray *notes = plan->domains[domain].notes;
    if (!g_ptr_array_find_with_equal_func(notes, note, g_str_equal, NULL))
        g_ptr_array_add(notes, g_steal_pointer(&note));
}

bool
kt_plan_may_stage(KtPlan *plan, gint domain, const KtValue *value, const char *item)
{
    const KtDomain *guest = plan->snapshot->domains->pdata[domain];
    if (!guest->persistent || guest->inactive == NULL) {
        kt_plan_refuse(plan, domain, value, item,
                       "a transient domain has no next boot to stage this for; define it ('virsh define') "
                       "to make it persistent");
        return false;
    }
    if (guest->managed_save) {
        kt_plan_refuse(plan, domain, value, item,
                       "a saved image resumes its old settings at the next start, so nothing that is staged "
                       "would apply; start the domain, which uses up the image, and plan again");
        return false;
    }
    return true;
}

bool
kt_plan_may_carry(KtPlan *plan, gint domain, const KtValue *value, const char *item)
{
    return plan->domains[domain].carried || kt_plan_may_stage(plan, domain, value, item);
}

bool
kt_plan_may_touch_host(KtPlan *plan, const KtValue *value)
{
    if (plan->snapshot->host_is_local)
        return true;

    const char *uri = plan->snapshot->uri;
    kt_plan_refuse(
        plan, -1, value, NULL,
        "the hypervisor%s%s runs on another host: over a remote connection only domains are set; run "
        "kvm-tune on that host",
        uri != NULL ? " " : "", uri != NULL ? uri : "");
    return false;
}

static gint
compare_actions(gconstpointer a, gconstpointer b)
{
    const KtAction *const *left = a, *const *right = b;
    return ((*left)->domain > (*right)->domain) - ((*left)->domain < (*right)->domain);
}

static gint
compare_refusals(gconstpointer a, gconstpointer b)
{
    const KtRefusal *const *left = a, *const *right = b;
    return ((*left)->domain > (*right)->domain) - ((*left)->domain < (*right)->domain);
}

void
kt_plan_order(KtPlan *plan)
{
    /* g_ptr_array_sort() is stable: within a target the tuners' order stays. */
    g_ptr_array_sort(plan->actions, compare_actions);
    g_ptr_array_sort(plan->refused, compare_refusals);
    for (guint i = 0; i < plan->actions->len; i++)
        ((KtAction *)plan->actions->pdata[i])->id = i + 1;
}

static KtStep *
step_new(KtStepKind kind, gint domain)
{
    KtStep *step = g_new0(KtStep, 1);
    step->kind = kind;
    step->domain = domain;
    step->actions = g_array_new(FALSE, FALSE, sizeof(guint));
    return step;
}

/* What is host-wide has a step an action, in the actions' order: KSM's values depend on each other. */
static void
group_host(const KtPlan *plan, GPtrArray *steps)
{
    for (guint i = 0; i < plan->actions->len; i++) {
        const KtAction *action = plan->actions->pdata[i];
        if (action->domain >= 0)
            continue;
        KtStep *step = step_new(action->kind, action->domain);
        g_array_append_val(step->actions, i);
        g_ptr_array_add(steps, step);
    }
}

/* One step carries all actions of @kind of each domain. */
static void
group_kind(const KtPlan *plan, KtStepKind kind, KtStep **of_domain)
{
    for (guint i = 0; i < plan->actions->len; i++) {
        const KtAction *action = plan->actions->pdata[i];
        if (action->kind != kind || action->domain < 0)
            continue;
        if (of_domain[action->domain] == NULL)
            of_domain[action->domain] = step_new(kind, action->domain);
        g_array_append_val(of_domain[action->domain]->actions, i);
    }
}

void
kt_plan_group_steps(KtPlan *plan)
{
    /* The persistent definition first: it can be refused without having disturbed the guest. A pause makes a
     * new process, so it comes late. */
    static const KtStepKind order[] = {KT_STEP_DEFINE, KT_STEP_PIN,   KT_STEP_WEIGHT, KT_STEP_PAGES,
                                       KT_STEP_REPLUG, KT_STEP_PAUSE, KT_STEP_RESTART};

    g_ptr_array_set_size(plan->steps, 0);
    group_host(plan, plan->steps);
    /* One more: of no domains there would be no array to point into. */
    g_autofree KtStep **of_domain = g_new0(KtStep *, plan->n_domains * G_N_ELEMENTS(order) + 1);
    for (guint k = 0; k < G_N_ELEMENTS(order); k++)
        group_kind(plan, order[k], of_domain + k * plan->n_domains);
    const guint restart = G_N_ELEMENTS(order) - 1;
    for (guint i = 0; i < plan->n_domains; i++) {
        for (guint k = 0; k < restart; k++) {
            if (of_domain[k * plan->n_domains + i] != NULL)
                g_ptr_array_add(plan->steps, of_domain[k * plan->n_domains + i]);
        }
    }
    /* Nobody is restarted before all definitions were accepted. */
    for (guint i = 0; i < plan->n_domains; i++) {
        if (of_domain[restart * plan->n_domains + i] != NULL)
            g_ptr_array_add(plan->steps, of_domain[restart * plan->n_domains + i]);
    }
}
