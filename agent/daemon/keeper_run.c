/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/decisions.h"
#include "agent/daemon/forgetting.h"
#include "agent/daemon/keeper_parts.h"
#include "agent/exec/executor.h"
#include "agent/exec/page_journey.h"
#include "base/error.h"

/** Plans in one look; two or three are usual. */
enum { MOST_ROUNDS = 16 };

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
        else if (outcome->step->domain_uuid)
            g_hash_table_add(keeper->unsettled, g_strdup(outcome->step->domain_uuid));
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
KtLookEnd
kt_keeper_end_of(const GError *error, KtLook *look)
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
    look->taken_back = report->failed;
    return report->failed ? KT_LOOK_FAILED : KT_LOOK_DONE;
}

/** Takes out of @plan what others do. */
bool
kt_keeper_has_work(KtKeeper *keeper, KtPlan *plan)
{
    const KtTarget target = {.root = keeper->host->root, .connection = keeper->host->connection};
    kt_set_aside_leave_out(keeper->aside, plan, g_get_monotonic_time());
    g_autoptr(GPtrArray) moves = kt_page_journeys_take(plan, &target);
    g_ptr_array_extend_and_steal(keeper->moves, g_steal_pointer(&moves));
    bool works = plan->steps->len > 0 || !kt_following_knows(keeper->setup.following, keeper->moves);
    return works && !g_cancellable_is_cancelled(keeper->setup.stop);
}

static KtMarkingScope
scope_of(const KtKeeper *keeper, const KtPlan *plan)
{
    return (KtMarkingScope){.plan = plan,
                            .desired = keeper->desired,
                            .everything = keeper->changes->everything,
                            .edited = keeper->edited,
                            .seats = keeper->seats};
}

/** Makes the plan anew until nothing in it is somebody's: a placement that goes may bring others about. */
static bool
respect_manual(KtKeeper *keeper, KtJournal *journal, KtPlan **plan, GError **error)
{
    for (guint rounds = 0; rounds < MOST_ROUNDS; rounds++) {
        guint n = 0;
        const KtMarkingScope scope = scope_of(keeper, *plan);
        if (!kt_marking_mark(&keeper->marking, journal, keeper->host->root, &scope, &n, error))
            return false;
        if (n == 0)
            return true;
        kt_plan_free(*plan);
        *plan = kt_keeper_plan(keeper);
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

/** Whether another kvm-tune was at work while it was looked: what was seen may be older than what it left,
 * which would make its changes somebody's. */
static bool
is_overtaken(const KtLook *look, KtJournal *journal, GError **error)
{
    bool ran = true;
    if (!kt_journal_others_ran_since(journal, look->began_usec, &ran, error))
        return true;
    if (ran)
        g_set_error(error, KT_ERROR, KT_ERROR_HELD, "it has changed something since this look began");
    return ran;
}

/** Where it fails it is tried again by the next look. */
static void
give_back(KtKeeper *keeper, KtJournal *journal)
{
    g_autoptr(GError) error = NULL;
    if (!kt_marking_give_back(&keeper->marking, journal, keeper->host->snapshot, keeper->unsettled, &error))
        g_warning("what was released couldn't be noted as given back: %s", error->message);
}

/** The lock is held for the judgement and the run alone. What somebody else changed since the look is a
 * conflict of that step. */
KtLookEnd
kt_keeper_act(KtKeeper *keeper, KtPlan **plan, KtLook *look)
{
    g_autoptr(GError) error = NULL;
    G_GNUC_UNUSED g_autoptr(GMutexLocker) turn = g_mutex_locker_new(keeper->setup.journal);
    g_autoptr(KtJournal) journal = kt_journal_open(keeper->setup.state_dir, KT_JOURNAL_WRITE, &error);
    if (!journal)
        return kt_keeper_end_of(error, look);
    if (is_overtaken(look, journal, &error))
        return kt_keeper_end_of(error, look);
    forget(keeper, journal);
    if (!respect_manual(keeper, journal, plan, &error))
        return kt_keeper_end_of(error, look);
    g_hash_table_remove_all(keeper->unsettled);
    KtLookEnd end =
        kt_keeper_has_work(keeper, *plan) ? carry_out(keeper, journal, *plan, look) : KT_LOOK_DONE;
    if (end == KT_LOOK_DONE)
        give_back(keeper, journal);
    return end;
}

/** Whether somebody has pinned threads of whom he did something to: also where the plan has nothing against
 * it. Where it can't be told, kt_keeper_act() says why. */
bool
kt_keeper_has_to_mark(const KtKeeper *keeper, const KtPlan *plan)
{
    bool may = keeper->changes->everything || g_hash_table_size(keeper->edited) > 0;
    if (!keeper->host->connection || !may)
        return false;
    const KtMarkingScope scope = scope_of(keeper, plan);
    G_GNUC_UNUSED g_autoptr(GMutexLocker) turn = g_mutex_locker_new(keeper->setup.journal);
    g_autoptr(KtJournal) journal = kt_journal_open(keeper->setup.state_dir, KT_JOURNAL_READ, NULL);
    g_autoptr(GPtrArray) marks =
        journal ? kt_marking_find(&keeper->marking, journal, keeper->host->root, &scope, NULL) : NULL;
    return !marks || marks->len > 0;
}
