/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/pool_wait.h"

#include "agent/daemon/decisions.h"

struct KtPoolWait {
    GHashTable *since; /* path of a pool's file → gint64 *: since when it is to shrink */
};

KtPoolWait *
kt_pool_wait_new(void)
{
    KtPoolWait *wait = g_new0(KtPoolWait, 1);
    wait->since = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return wait;
}

void
kt_pool_wait_free(KtPoolWait *wait)
{
    if (!wait)
        return;
    g_hash_table_unref(wait->since);
    g_free(wait);
}

static const KtAction *
first_action(const KtPlan *plan, const KtStep *step)
{
    return plan->actions->pdata[g_array_index(step->actions, guint, 0)];
}

static bool
sizes_pool(const KtAction *action)
{
    return action->setting->id == KT_SETTING_HUGEPAGES_2M || action->setting->id == KT_SETTING_HUGEPAGES_1G;
}

static gint64
growth(const KtAction *action)
{
    return g_ascii_strtoll(action->to, NULL, 10) - g_ascii_strtoll(action->from, NULL, 10);
}

static bool
is_short_of_memory(const KtMemory *memory)
{
    gint64 total_kib = kt_memory_total_kib(memory);
    return memory->available_kib != KT_ABSENT && total_kib != KT_ABSENT &&
           memory->available_kib < total_kib / KT_POOL_WAIT_SHARE;
}

/** Whether something counts on the memory of a pool that shrinks. */
static bool
needs_memory(const KtPlan *plan)
{
    for (guint i = 0; i < plan->steps->len; i++) {
        const KtStep *step = plan->steps->pdata[i];
        const KtAction *action = first_action(plan, step);
        if (step->kind == KT_STEP_PAGES || step->kind == KT_STEP_PAUSE || step->kind == KT_STEP_KSM_MERGE ||
            step->kind == KT_STEP_RESTART || (sizes_pool(action) && growth(action) > 0))
            return true;
    }
    return is_short_of_memory(plan->snapshot->memory);
}

static bool
shrinks(const KtPlan *plan, const KtStep *step, const KtDesired *desired)
{
    const KtAction *action = first_action(plan, step);
    return sizes_pool(action) && growth(action) < 0 &&
           kt_value_is(kt_desired_host(desired, action->setting->id), "auto");
}

static void
tell(const KtAction *action)
{
    const KtDecision decision = {
        .setting = action->setting->key,
        .item = action->item,
        .result = "waits",
        .reason = "nobody wants them now: somebody may be powered off and on",
        .source = action->source,
    };
    kt_decision_tell(
        &decision, "%s %s: %" G_GINT64_FORMAT " pages are wanted by nobody now: given back in %d minutes",
        action->setting->key, action->item, -growth(action), (int)(KT_POOL_WAIT_USEC / G_TIME_SPAN_MINUTE));
}

/** Since when it is so; from now on where that is new. */
static gint64
note(KtPoolWait *wait, GHashTable *now, const KtAction *action, gint64 now_usec)
{
    const gint64 *before = g_hash_table_lookup(wait->since, action->path);
    gint64 since = before ? *before : now_usec;
    if (!before)
        tell(action);
    g_hash_table_insert(now, g_strdup(action->path), g_memdup2(&since, sizeof since));
    return since;
}

void
kt_pool_wait_leave_out(KtPoolWait *wait, KtPlan *plan, const KtDesired *desired, gint64 now_usec)
{
    g_autoptr(GHashTable) now = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    bool at_once = needs_memory(plan);
    for (guint i = plan->steps->len; i > 0 && !at_once; i--) {
        const KtStep *step = plan->steps->pdata[i - 1];
        if (shrinks(plan, step, desired) &&
            now_usec - note(wait, now, first_action(plan, step), now_usec) < KT_POOL_WAIT_USEC)
            g_ptr_array_remove_index(plan->steps, i - 1);
    }
    g_hash_table_unref(wait->since);
    wait->since = g_steal_pointer(&now);
}

gint64
kt_pool_wait_due(const KtPoolWait *wait, gint64 now_usec)
{
    GHashTableIter iter;
    gpointer since;
    gint64 due = 0;
    g_hash_table_iter_init(&iter, wait->since);
    while (g_hash_table_iter_next(&iter, NULL, &since)) {
        gint64 left = *(gint64 *)since + KT_POOL_WAIT_USEC - now_usec;
        if (left > 0 && (due == 0 || left < due))
            due = left;
    }
    return due;
}
