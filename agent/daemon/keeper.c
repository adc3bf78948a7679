/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <malloc.h>

#include "agent/daemon/drift.h"
#include "agent/daemon/forgetting.h"
#include "agent/daemon/keeper_parts.h"
#include "agent/daemon/plan_guests.h"
#include "agent/exec/loads.h"
#include "base/error.h"
#include "probes/hypervisor.h"
#include "tuners/tuner.h"

static void
refusal_free(gpointer data)
{
    KtLookRefusal *refusal = data;
    g_free(refusal->domain);
    g_free(refusal->setting);
    g_free(refusal->item);
    g_free(refusal->reason);
    g_free(refusal->source);
    g_free(refusal);
}

void
kt_look_free(KtLook *look)
{
    if (!look)
        return;
    g_ptr_array_unref(look->refusals);
    g_free(look->message);
    g_free(look->failure);
    g_free(look->why);
    g_free(look);
}

void
kt_look_keep_known(KtLook *look, const KtLook *last)
{
    if (look->sees_guests || !last)
        return;
    look->n_domains = last->n_domains;
    look->n_pending = last->n_pending;
    look->n_manual = last->n_manual;
    look->n_refused = last->n_refused;
    g_ptr_array_unref(look->refusals);
    look->refusals = g_ptr_array_ref(last->refusals);
}

KtKeeper *
kt_keeper_new(const KtKeeperSetup *setup)
{
    KtKeeper *keeper = g_new0(KtKeeper, 1);
    keeper->setup = *setup;
    keeper->host = g_new0(KtHost, 1);
    keeper->host->lean = true;
    keeper->aside = kt_set_aside_new();
    keeper->pools = kt_pool_wait_new();
    keeper->told = kt_refusals_new();
    keeper->marking.since_usec = g_get_real_time();
    keeper->moves = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_step_free);
    keeper->stop = g_cancellable_new();
    keeper->edited = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    keeper->seats = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    keeper->touched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    keeper->unsettled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return keeper;
}

void
kt_keeper_free(KtKeeper *keeper)
{
    if (!keeper)
        return;
    kt_events_free(keeper->events);
    kt_host_free(keeper->host);
    kt_profile_free(keeper->profile);
    kt_set_aside_free(keeper->aside);
    kt_pool_wait_free(keeper->pools);
    kt_refusals_free(keeper->told);
    kt_marking_clear(&keeper->marking);
    kt_desired_free(keeper->desired);
    g_hash_table_unref(keeper->edited);
    g_hash_table_unref(keeper->seats);
    g_hash_table_unref(keeper->touched);
    g_hash_table_unref(keeper->unsettled);
    g_clear_pointer(&keeper->windows, g_hash_table_unref);
    g_ptr_array_unref(keeper->moves);
    g_object_unref(keeper->stop);
    g_free(keeper);
}

void
kt_keeper_use(KtKeeper *keeper, KtProfile *profile)
{
    kt_profile_free(keeper->profile);
    keeper->profile = profile;
    keeper->profile_is_new = true;
    /* It may well not ask for what failed. */
    kt_set_aside_clear(keeper->aside);
}

static void
disconnect(KtKeeper *keeper)
{
    g_clear_pointer(&keeper->events, kt_events_free);
    if (keeper->host->connection)
        virConnectClose(keeper->host->connection);
    keeper->host->connection = NULL;
    g_clear_pointer(&keeper->host->snapshot, kt_snapshot_free);
}

/** A connection that lives, and tells of events. */
static bool
connect_hypervisor(KtKeeper *keeper, GError **error)
{
    if (keeper->host->connection && virConnectIsAlive(keeper->host->connection) == 1)
        return true;
    disconnect(keeper);
    keeper->host->connection = kt_connect(keeper->setup.uri, KT_HOST_WRITE, error);
    if (!keeper->host->connection)
        return false;
    /* Before the first look: what changes after it was begun is seen. */
    keeper->events =
        kt_events_watch(keeper->host->connection, keeper->setup.seen, keeper->setup.user_data, error);
    if (keeper->events)
        return true;
    disconnect(keeper);
    return false;
}

/** What can be right only where the guests are known, and where services run, which they decide. */
static KtDesired *
without_guests(const KtKeeper *keeper, const KtDesired *desired)
{
    bool left[KT_N_SETTINGS] = {
        [KT_SETTING_HUGEPAGES_2M] = true,
        [KT_SETTING_HUGEPAGES_1G] = true,
        [KT_SETTING_SERVICES] = true,
    };
    /* That of another machine can't be seen from here. */
    bool local = !keeper->setup.uri || kt_hypervisor_is_local(keeper->setup.uri);
    for (guint i = 0; !local && i < KT_N_SETTINGS; i++)
        left[i] = true;
    return kt_desired_without(desired, left);
}

static void
keep_windows(KtKeeper *keeper, KtDesired *desired)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_clear_pointer(&keeper->windows, g_hash_table_unref);
    keeper->opens_usec = kt_windows_keep(desired, keeper->host->snapshot, now, &keeper->windows);
}

KtPlan *
kt_keeper_plan(KtKeeper *keeper)
{
    KtHost *host = keeper->host;
    g_ptr_array_set_size(keeper->moves, 0);
    g_clear_pointer(&keeper->desired, kt_desired_free);
    KtDesired *desired = keeper->desired = kt_desired_resolve(keeper->profile, host->snapshot, NULL);
    keep_windows(keeper, desired);
    kt_drift_unname(desired, host->snapshot, keeper->marking.manual);
    kt_set_aside_unname(keeper->aside, desired, host->snapshot, g_get_monotonic_time());
    if (!host->connection) {
        g_autoptr(KtDesired) rest = without_guests(keeper, desired);
        return kt_plan_make(host->snapshot, rest);
    }
    if (keeper->profile_is_new)
        kt_warn_unmatched(keeper->profile, host->snapshot, desired);
    keeper->profile_is_new = false;
    KtPlan *plan = kt_plan_asking(host, desired);
    kt_pool_wait_leave_out(keeper->pools, plan, desired, g_get_monotonic_time());
    return plan;
}

static KtLookRefusal *
refusal_new(const KtPlan *plan, const KtRefusal *refusal)
{
    const KtDomain *domain = refusal->domain >= 0 ? plan->snapshot->domains->pdata[refusal->domain] : NULL;
    KtLookRefusal *copy = g_new0(KtLookRefusal, 1);
    copy->domain = g_strdup(domain ? domain->name : NULL);
    copy->setting = g_strdup(refusal->setting->key);
    copy->item = g_strdup(refusal->item);
    copy->reason = g_strdup(refusal->reason);
    copy->source = g_strdup(refusal->source);
    return copy;
}

static void
count(const KtPlan *plan, KtLook *look)
{
    look->n_refused = plan->refused->len;
    for (guint i = 0; i < plan->refused->len; i++)
        g_ptr_array_add(look->refusals, refusal_new(plan, plan->refused->pdata[i]));
    for (guint i = 0; i < plan->n_domains; i++) {
        const KtDomain *domain = plan->snapshot->domains->pdata[i];
        look->n_domains += domain->active ? 1 : 0;
        look->n_pending += plan->domains[i].pending->len;
    }
}

/* Of sets of UUIDs. */
static void
add_all(GHashTable *set, GHashTable *more)
{
    GHashTableIter iter;
    gpointer uuid;
    g_hash_table_iter_init(&iter, more);
    while (g_hash_table_iter_next(&iter, &uuid, NULL))
        g_hash_table_add(set, g_strdup(uuid));
}

/** Looks again at @changes alone, and at whom we have changed. Where it fails the next look is a whole one.
 */
static KtSnapshot *
renew(KtKeeper *keeper, const KtChangeSet *changes, GError **error)
{
    KtHost *host = keeper->host;
    g_autofree char *changed = kt_change_set_seat(changes, keeper->touched);
    add_all(keeper->touched, changes->domains);
    KtSnapshot *snapshot = kt_snapshot_renew(g_steal_pointer(&host->snapshot), keeper->touched, host->root,
                                             host->connection, error);
    if (snapshot)
        snapshot->changed = g_steal_pointer(&changed);
    return snapshot;
}

/** Fills the snapshot anew. Without a hypervisor there are no domains in it. */
static bool
look_at_host(KtKeeper *keeper, const KtChangeSet *changes, GError **error)
{
    KtHost *host = keeper->host;
    if (!host->root && !(host->root = kt_root_open("/", error)))
        return false;
    if (host->connection && host->snapshot && !changes->everything)
        host->snapshot = renew(keeper, changes, error);
    else {
        g_clear_pointer(&host->snapshot, kt_snapshot_free);
        host->snapshot = kt_snapshot_read(host->root, host->connection, error);
    }
    if (!host->snapshot)
        return false;
    host->snapshot->has_governor = true;
    if (host->connection)
        kt_set_aside_forgive(keeper->aside, host->snapshot);
    g_hash_table_remove_all(keeper->touched);
    return true;
}

/** What the plan leaves to the KSM governor. Guests that can't be seen are taken to be as before. */
static void
tell_governor(const KtKeeper *keeper, const KtPlan *plan)
{
    const KtHost *host = keeper->host;
    kt_governing_tell(keeper->setup.governing, keeper->profile->name,
                      plan->governs_ksm ? &plan->ksm_wish : NULL,
                      host->connection ? kt_ksm_guests(host->snapshot) : NULL);
}

/** Has memory follow its guests, once they are where the plan wants them. Guests that can't be seen, or that
 * are to be planned for again, are left as they are. */
static void
tell_following(KtKeeper *keeper, const KtPlan *plan, const KtLook *look, KtLookEnd end)
{
    if (!keeper->host->connection || end != KT_LOOK_DONE || look->again ||
        g_cancellable_is_cancelled(keeper->setup.stop))
        return;
    kt_following_tell(keeper->setup.following, keeper->profile->name, g_steal_pointer(&keeper->moves),
                      kt_plan_staying(plan), look->why);
    keeper->moves = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_step_free);
}

static void
tell_load(const KtKeeper *keeper, const KtPlan *plan, bool is_done)
{
    if (!keeper->host->connection)
        return;
    kt_load_watch_tell(keeper->setup.load, kt_plan_watched(plan));
    if (is_done)
        kt_load_watch_note_planned(keeper->setup.load, keeper->began_usec);
}

/** What state.db has that a plan hangs on: what is manual, and the loads that were measured. While the
 * governor is at the journal, this waits. */
static bool
read_known(KtKeeper *keeper, GError **error)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) turn = g_mutex_locker_new(keeper->setup.journal);
    g_autoptr(KtJournal) journal = kt_journal_open(keeper->setup.state_dir, KT_JOURNAL_READ, error);
    return journal && kt_marking_read(&keeper->marking, journal, error) &&
           kt_journal_fill_loads(journal, keeper->host->snapshot, error);
}

static bool
has_to_forget(const KtKeeper *keeper)
{
    const KtHost *host = keeper->host;
    return host->connection &&
           kt_forgetting_is_due(keeper->marking.manual, host->snapshot, g_get_real_time());
}

/** Whether there is something to write: to the host, or of what is somebody's. */
static bool
has_to_act(KtKeeper *keeper, KtPlan *plan)
{
    return kt_keeper_has_work(keeper, plan) || has_to_forget(keeper) ||
           kt_marking_has_to_give_back(&keeper->marking, keeper->host->snapshot) ||
           kt_keeper_has_to_mark(keeper, plan);
}

static KtLookEnd
put_right(KtKeeper *keeper, KtLook *look)
{
    g_autoptr(GError) error = NULL;
    if (!read_known(keeper, &error))
        return kt_keeper_end_of(error, look);
    g_autoptr(KtPlan) plan = kt_keeper_plan(keeper);
    KtLookEnd end = has_to_act(keeper, plan) ? kt_keeper_act(keeper, &plan, look) : KT_LOOK_DONE;
    count(plan, look);
    look->sees_guests = keeper->host->connection != NULL;
    look->n_manual = kt_marking_count(&keeper->marking);
    look->opens_usec = keeper->opens_usec;
    look->retry_usec = kt_set_aside_due(keeper->aside, g_get_monotonic_time());
    look->shrinks_usec = kt_pool_wait_due(keeper->pools, g_get_monotonic_time());
    /* Of guests that can't be seen nothing is refused: they would all be told anew. */
    if (keeper->host->connection)
        kt_refusals_tell(keeper->told, plan, look->why);
    tell_governor(keeper, plan);
    tell_following(keeper, plan, look, end);
    tell_load(keeper, plan, end == KT_LOOK_DONE);
    g_clear_pointer(&keeper->desired, kt_desired_free);
    return end;
}

/** Who was pinned, or came, is judged by a look that comes to its end with the guests in sight. */
static void
note_judged(KtKeeper *keeper, KtLookEnd end)
{
    if (!keeper->host->connection || end != KT_LOOK_DONE)
        return;
    g_hash_table_remove_all(keeper->edited);
    g_hash_table_remove_all(keeper->seats);
}

static KtLookEnd
look_and_act(KtKeeper *keeper, const KtChangeSet *changes, KtLook *look)
{
    g_autoptr(GError) no_hypervisor = NULL;
    g_autoptr(GError) error = NULL;
    bool connected = connect_hypervisor(keeper, &no_hypervisor);
    keeper->setup.progress(false, keeper->setup.user_data);
    if (!look_at_host(keeper, changes, &error)) {
        look->message = g_strdup(error->message);
        bool lost = keeper->host->connection && virConnectIsAlive(keeper->host->connection) != 1;
        return lost ? KT_LOOK_NO_HYPERVISOR : KT_LOOK_FAILED;
    }
    keeper->setup.progress(false, keeper->setup.user_data);
    KtLookEnd end = put_right(keeper, look);
    if (connected)
        return end;
    if (end == KT_LOOK_FAILED)
        look->failure = g_steal_pointer(&look->message);
    g_free(look->message);
    look->message = g_strdup(no_hypervisor->message);
    return KT_LOOK_NO_HYPERVISOR;
}

KtLook *
kt_keeper_look(KtKeeper *keeper, const KtChangeSet *changes)
{
    KtLook *look = g_new0(KtLook, 1);
    keeper->began_usec = g_get_monotonic_time();
    look->began_usec = g_get_real_time();
    look->why = kt_change_set_describe(changes);
    look->refusals = g_ptr_array_new_with_free_func(refusal_free);
    keeper->lasts = false;
    keeper->changes = changes;
    add_all(keeper->edited, changes->edited);
    add_all(keeper->seats, changes->seats);
    look->end = look_and_act(keeper, changes, look);
    note_judged(keeper, look->end);
    keeper->changes = NULL;
    look->took_usec = g_get_monotonic_time() - keeper->began_usec;
    /* A look, and a run still more, takes several times what it leaves, and the heap would keep it. */
    malloc_trim(0);
    return look;
}
