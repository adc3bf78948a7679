/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/keeper.h"

#include "agent/daemon/decisions.h"
#include "agent/daemon/drift.h"
#include "agent/daemon/forgetting.h"
#include "agent/daemon/marking.h"
#include "agent/daemon/plan_guests.h"
#include "agent/daemon/pool_wait.h"
#include "agent/daemon/refusals.h"
#include "agent/daemon/set_aside.h"
#include "agent/daemon/window.h"
#include "agent/exec/executor.h"
#include "agent/exec/loads.h"
#include "agent/exec/page_journey.h"
#include "agent/planning/planning.h"
#include "base/error.h"
#include "probes/hypervisor.h"
#include "tuners/tuner.h"

/** Plans in one look; two or three are usual. */
enum { MOST_ROUNDS = 16 };

struct KtKeeper {
    KtKeeperSetup setup;
    KtHost *host;
    KtEvents *events;
    KtProfile *profile;
    bool profile_is_new; /* no look was made for it yet */
    KtSetAside *aside;   /* whose steps failed */
    KtPoolWait *pools;   /* that nobody wants any more */
    KtRefusals *told;    /* what was said to be left undone */
    KtMarking marking;   /* what is somebody's */
    GHashTable *touched; /* set of UUIDs: whom a run has changed, or tried to, since they were looked at */
    GHashTable *windows; /* restart-windows that are open: UUID → char *; NULL = no plan was made yet */
    gint64 opens_usec;   /* until the next one opens, 0 = none will */
    GPtrArray *moves;    /* KtJournalStep: what of the plan is left to who moves memory */
    GCancellable *stop;  /* of the run that is under way, and what it acts upon */
    KtTarget target;
    bool lasts; /* this run has come to a step that may take its time */
};

void
kt_look_free(KtLook *look)
{
    if (!look)
        return;
    g_free(look->message);
    g_free(look->why);
    g_free(look);
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
    keeper->touched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
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
    g_hash_table_unref(keeper->touched);
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

static KtPlan *
make_plan(KtKeeper *keeper)
{
    KtHost *host = keeper->host;
    g_ptr_array_set_size(keeper->moves, 0);
    g_autoptr(KtDesired) desired = kt_desired_resolve(keeper->profile, host->snapshot, NULL);
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

static void
count(const KtPlan *plan, KtLook *look)
{
    look->n_refused = plan->refused->len;
    for (guint i = 0; i < plan->n_domains; i++) {
        const KtDomain *domain = plan->snapshot->domains->pdata[i];
        look->n_domains += domain->active ? 1 : 0;
        look->n_pending += plan->domains[i].pending->len;
    }
}

/** Restarts take their time, one after another: its window may be over before a guest's turn comes. */
static bool
has_closed(const KtKeeper *keeper, const char *uuid)
{
    const char *window = g_hash_table_lookup(keeper->windows, uuid);
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    gint64 usec;
    return window && !kt_window_is_open(window, now, &usec);
}

static void
on_progress(const KtJournalStep *step, guint index, guint total, gpointer user_data)
{
    (void)index, (void)total;
    KtKeeper *keeper = user_data;
    if (step->kind == KT_STEP_RESTART && has_closed(keeper, step->domain_uuid)) {
        keeper->target.why_stop = "not begun: its restart-window is over";
        g_cancellable_cancel(keeper->stop);
    }
    /* What it takes to do, it takes to undo, should a later step fail. */
    keeper->lasts = keeper->lasts || kt_step_lasts(step);
    keeper->setup.progress(keeper->lasts, keeper->setup.user_data);
}

/** Takes over what a run came to. */
static void
conclude(KtKeeper *keeper, const KtReport *report, KtLook *look)
{
    look->run = report->run;
    look->n_done = report->failed ? 0 : report->n_done;
    for (guint i = 0; i < report->outcomes->len; i++) {
        const KtOutcome *outcome = report->outcomes->pdata[i];
        kt_decision_log(outcome, report->run, look->why);
        if (outcome->step->domain_uuid)
            g_hash_table_add(keeper->touched, g_strdup(outcome->step->domain_uuid));
        if (outcome->step->result == KT_RESULT_DONE)
            kt_set_aside_remove(keeper->aside, outcome->step->domain_uuid);
    }
    for (guint i = 0; i < report->outcomes->len; i++) {
        const KtOutcome *outcome = report->outcomes->pdata[i];
        if (outcome->step->result != KT_RESULT_FAILED)
            continue;
        gint64 wait_usec =
            kt_set_aside_add(keeper->aside, outcome->step->domain_uuid, g_get_monotonic_time());
        kt_decision_log_set_aside(outcome, report->run, wait_usec);
    }
    look->again = report->failed || report->partial;
    if (report->failed && report->failure)
        look->message = g_strdup(report->failure);
}

/** Another kvm-tune that holds the lock lets it go again; what may not be written stays so until somebody
 * mends it. */
static KtLookEnd
end_of(const GError *error, KtLook *look)
{
    look->message = g_strdup(error->message);
    return g_error_matches(error, KT_ERROR, KT_ERROR_HELD) ? KT_LOOK_LOCKED : KT_LOOK_FAILED;
}

static void
stop_run(GCancellable *all, gpointer run)
{
    (void)all;
    g_cancellable_cancel(run);
}

static KtLookEnd
carry_out(KtKeeper *keeper, KtJournal *journal, const KtPlan *plan, KtLook *look)
{
    g_autoptr(GError) error = NULL;
    keeper->target = (KtTarget){.root = keeper->host->root,
                                .connection = keeper->host->connection,
                                .verb = "daemon",
                                .stop = keeper->stop};
    g_cancellable_reset(keeper->stop);
    gulong chained = g_cancellable_connect(keeper->setup.stop, G_CALLBACK(stop_run), keeper->stop, NULL);
    g_autoptr(KtReport) report =
        kt_execute(&keeper->target, journal, plan, keeper->profile->name, on_progress, keeper, &error);
    g_cancellable_disconnect(keeper->setup.stop, chained);
    if (!report) {
        look->message = g_strdup(error->message);
        return KT_LOOK_FAILED;
    }
    conclude(keeper, report, look);
    return report->failed ? KT_LOOK_FAILED : KT_LOOK_DONE;
}

/** For whom others may have to move: as KtSnapshot.changed has it. Whom our last run pinned or defined stays
 * where he is. Owned. */
static char *
changed_seat(const KtKeeper *keeper, const KtChangeSet *changes)
{
    GHashTableIter iter;
    gpointer uuid, only = (gpointer) "";
    guint n = 0;
    g_hash_table_iter_init(&iter, changes->domains);
    while (g_hash_table_iter_next(&iter, &uuid, NULL)) {
        bool by_others =
            g_hash_table_contains(changes->edited, uuid) && !g_hash_table_contains(keeper->touched, uuid);
        if (!by_others && !g_hash_table_contains(changes->seats, uuid))
            continue;
        only = uuid;
        n++;
    }
    return changes->everything || n > 1 ? NULL : g_strdup(only);
}

/** Looks again at @changes alone, and at whom we have changed. Where it fails the next look is a whole one.
 */
static KtSnapshot *
renew(KtKeeper *keeper, const KtChangeSet *changes, GError **error)
{
    KtHost *host = keeper->host;
    g_autofree char *changed = changed_seat(keeper, changes);
    GHashTableIter iter;
    gpointer uuid;
    g_hash_table_iter_init(&iter, changes->domains);
    while (g_hash_table_iter_next(&iter, &uuid, NULL))
        g_hash_table_add(keeper->touched, g_strdup(uuid));
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
tell_load(const KtKeeper *keeper, const KtPlan *plan)
{
    if (!keeper->host->connection)
        return;
    kt_load_watch_tell(keeper->setup.load, kt_plan_watched(plan));
}

/** Takes out of @plan what others do. */
static bool
has_work(KtKeeper *keeper, KtPlan *plan)
{
    const KtTarget target = {.root = keeper->host->root, .connection = keeper->host->connection};
    kt_set_aside_leave_out(keeper->aside, plan, g_get_monotonic_time());
    g_autoptr(GPtrArray) moves = kt_page_journeys_take(plan, &target);
    g_ptr_array_extend_and_steal(keeper->moves, g_steal_pointer(&moves));
    bool works = plan->steps->len > 0 || !kt_following_knows(keeper->setup.following, keeper->moves);
    return works && !g_cancellable_is_cancelled(keeper->setup.stop);
}

/** Makes the plan anew until nothing in it is somebody's: a placement that goes may bring others about. */
static bool
respect_manual(KtKeeper *keeper, KtJournal *journal, KtPlan **plan, GError **error)
{
    for (guint rounds = 0; rounds < MOST_ROUNDS; rounds++) {
        guint n = 0;
        if (!kt_marking_mark(&keeper->marking, journal, keeper->host->root, *plan, &n, error))
            return false;
        if (n == 0)
            return true;
        kt_plan_free(*plan);
        *plan = make_plan(keeper);
    }
    g_set_error(error, KT_ERROR, KT_ERROR_IO,
                "what is manual cannot be left out of the plan: nothing is done");
    return false;
}

/** Where it fails state.db is only longer than it need be. */
static void
forget(KtKeeper *keeper, KtJournal *journal)
{
    g_autoptr(GError) error = NULL;
    const KtHost *host = keeper->host;
    if (host->connection &&
        (!kt_forget_marks(journal, keeper->marking.manual, host->snapshot, g_get_real_time(), &error) ||
         !kt_forget_runs(journal, host->root, host->snapshot, g_get_real_time(), &error)))
        g_warning("the journal couldn't be pruned: %s", error->message);
}

/** The lock is held for the judgement and the run alone. What somebody else changed since the look is a
 * conflict of that step. */
static KtLookEnd
act(KtKeeper *keeper, KtPlan **plan, KtLook *look)
{
    g_autoptr(GError) error = NULL;
    G_GNUC_UNUSED g_autoptr(GMutexLocker) turn = g_mutex_locker_new(keeper->setup.journal);
    g_autoptr(KtJournal) journal = kt_journal_open(keeper->setup.state_dir, KT_JOURNAL_WRITE, &error);
    if (!journal)
        return end_of(error, look);
    forget(keeper, journal);
    if (!respect_manual(keeper, journal, plan, &error))
        return end_of(error, look);
    return has_work(keeper, *plan) ? carry_out(keeper, journal, *plan, look) : KT_LOOK_DONE;
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

static KtLookEnd
put_right(KtKeeper *keeper, KtLook *look)
{
    g_autoptr(GError) error = NULL;
    if (!read_known(keeper, &error))
        return end_of(error, look);
    g_autoptr(KtPlan) plan = make_plan(keeper);
    bool has_to = has_work(keeper, plan) || has_to_forget(keeper);
    KtLookEnd end = has_to ? act(keeper, &plan, look) : KT_LOOK_DONE;
    count(plan, look);
    look->n_manual = kt_marking_count(&keeper->marking);
    look->opens_usec = keeper->opens_usec;
    look->retry_usec = kt_set_aside_due(keeper->aside, g_get_monotonic_time());
    look->shrinks_usec = kt_pool_wait_due(keeper->pools, g_get_monotonic_time());
    /* Of guests that can't be seen nothing is refused: they would all be told anew. */
    if (keeper->host->connection)
        kt_refusals_tell(keeper->told, plan, look->why);
    tell_governor(keeper, plan);
    tell_following(keeper, plan, look, end);
    tell_load(keeper, plan);
    return end;
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
    g_free(look->message);
    look->message = g_strdup(no_hypervisor->message);
    return KT_LOOK_NO_HYPERVISOR;
}

KtLook *
kt_keeper_look(KtKeeper *keeper, const KtChangeSet *changes)
{
    KtLook *look = g_new0(KtLook, 1);
    gint64 began = g_get_monotonic_time();
    look->began_usec = g_get_real_time();
    look->why = kt_change_set_describe(changes);
    keeper->lasts = false;
    look->end = look_and_act(keeper, changes, look);
    look->took_usec = g_get_monotonic_time() - began;
    return look;
}
