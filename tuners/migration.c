/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuners/migration_parts.h"
#include "tuners/tuner.h"

const char *
kt_migration_weight_name(KtMigrationWeight weight)
{
    return weight == KT_MIGRATION_STOPS ? "stops" : "needs";
}

const char *
kt_migration_time_name(KtMigrationTime time)
{
    static const char *const names[] = {
        [KT_MIGRATION_ALWAYS] = "always",
        [KT_MIGRATION_UNTIL_NEXT_BOOT] = "until-next-boot",
        [KT_MIGRATION_FROM_NEXT_BOOT] = "from-next-boot",
    };
    return names[time];
}

void
kt_migration_reason_free(KtMigrationReason *reason)
{
    g_free(reason->reason);
    g_free(reason);
}

static void
free_reason(gpointer reason)
{
    kt_migration_reason_free(reason);
}

static bool
has_reason(const GPtrArray *reasons, const KtMigrationReason *wanted)
{
    for (guint i = 0; reasons != NULL && i < reasons->len; i++) {
        const KtMigrationReason *reason = reasons->pdata[i];
        if (reason->weight == wanted->weight && g_str_equal(reason->reason, wanted->reason))
            return true;
    }
    return false;
}

void
kt_migration_add(KtMigrationCase *of, KtMigrationWeight weight, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    const KtMigrationReason wanted = {.weight = weight, .planned = of->planned, .reason = text};
    if (has_reason(of->reasons, &wanted))
        return;
    KtMigrationReason *reason = g_memdup2(&wanted, sizeof wanted);
    reason->reason = g_steal_pointer(&text);
    g_ptr_array_add(of->reasons, reason);
}

bool
kt_migration_is_of(const KtMigrationCase *of, const KtAction *action)
{
    bool at_once =
        action->kind == KT_STEP_PIN || action->kind == KT_STEP_PAUSE || action->kind == KT_STEP_REPLUG;
    return of->live ? at_once : action->kind == KT_STEP_DEFINE;
}

const char *
kt_migration_value(KtMigrationCase *of, KtXmlField field, const char *item, const char *present)
{
    for (guint i = 0; of->actions != NULL && i < of->actions->len; i++) {
        const KtAction *action = of->actions->pdata[i];
        if (action->kind != KT_STEP_PIN && kt_migration_is_of(of, action) && action->field == field &&
            g_strcmp0(action->item, item) == 0) {
            of->planned = true;
            return action->to;
        }
    }
    return present;
}

/* What stands in the way of @def, @live or as it is persistent, with what the plan does to it done. Owned. */
static GPtrArray *
judge(const KtPlan *plan, guint index, const KtDomainDef *def, bool live)
{
    KtMigrationCase of = {
        .snapshot = plan->snapshot,
        .domain = plan->snapshot->domains->pdata[index],
        .def = def,
        .actions = plan->domains[index].actions,
        .live = live,
        .reasons = g_ptr_array_new_with_free_func(free_reason),
    };
    if (of.domain->has_snapshots)
        kt_migration_add(&of, KT_MIGRATION_STOPS, "it has snapshots, which libvirt can't take along");
    kt_migration_judge_ties(&of);
    kt_migration_judge_disks(&of);
    return of.reasons;
}

/* Moves those of @from that aren't in @others to the domain's, all of which are of that @time. */
static void
take(GPtrArray *to, const GPtrArray *from, const GPtrArray *others, bool missing, KtMigrationTime time)
{
    for (guint i = 0; from != NULL && i < from->len; i++) {
        const KtMigrationReason *reason = from->pdata[i];
        if (has_reason(others, reason) == missing)
            continue;
        KtMigrationReason *taken = g_memdup2(reason, sizeof *reason);
        taken->reason = g_strdup(reason->reason);
        taken->time = time;
        g_ptr_array_add(to, taken);
    }
}

/* It runs as it is staged then. */
static bool
is_restarted(const GPtrArray *actions)
{
    for (guint i = 0; actions != NULL && i < actions->len; i++) {
        if (((const KtAction *)actions->pdata[i])->kind == KT_STEP_RESTART)
            return true;
    }
    return false;
}

static void
judge_domain(KtPlan *plan, guint index)
{
    const KtDomain *domain = plan->snapshot->domains->pdata[index];
    GPtrArray *reasons = plan->domains[index].migration;
    /* A saved image goes on with the settings that it was saved with. */
    bool has_next = domain->inactive != NULL && (domain->live == NULL || !domain->managed_save);
    bool goes_on = domain->live != NULL && !(has_next && is_restarted(plan->domains[index].actions));
    g_autoptr(GPtrArray) now = goes_on ? judge(plan, index, domain->live, true) : NULL;
    g_autoptr(GPtrArray) next = has_next ? judge(plan, index, domain->inactive, false) : NULL;
    if (now == NULL || next == NULL) {
        take(reasons, now != NULL ? now : next, NULL, true, KT_MIGRATION_ALWAYS);
    } else {
        take(reasons, now, next, false, KT_MIGRATION_ALWAYS);
        take(reasons, now, next, true, KT_MIGRATION_UNTIL_NEXT_BOOT);
        take(reasons, next, now, true, KT_MIGRATION_FROM_NEXT_BOOT);
    }
    plan->domains[index].migratable = true;
    for (guint i = 0; i < reasons->len; i++) {
        const KtMigrationReason *reason = reasons->pdata[i];
        if (reason->weight == KT_MIGRATION_STOPS && reason->time != KT_MIGRATION_FROM_NEXT_BOOT)
            plan->domains[index].migratable = false;
    }
}

void
kt_tune_migration(const KtSnapshot *snapshot, const KtDesired *desired, KtPlan *plan)
{
    (void)desired;
    for (guint i = 0; i < snapshot->domains->len; i++) {
        if (kt_domain_def(snapshot->domains->pdata[i]) != NULL)
            judge_domain(plan, i);
    }
}
