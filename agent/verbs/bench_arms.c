/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/bench_arms.h"

#include "agent/exec/power_cycle.h"
#include "base/error.h"
#include "probes/hypervisor.h"

/* libvirtd may have been restarted since: each switch connects anew. */
static KtHost *
open_host(KtBench *bench, GError **error)
{
    const KtArms *arms = bench->user_data;
    KtHost *host = kt_host_look(arms->options, KT_HOST_WRITE, error);
    if (host == NULL)
        return NULL;
    bench->root = host->root;
    bench->connection = host->connection;
    return host;
}

bool
kt_arms_connect_again(KtBench *bench, GError **error)
{
    KtArms *arms = bench->user_data;
    KtHost *host = open_host(bench, error);
    if (host == NULL)
        return false;
    kt_host_free(arms->host);
    arms->host = host;
    return true;
}

/* A report that isn't of a run that went well is an error. */
static bool
check_report(const KtReport *report, const char *what, GError **error)
{
    if (report == NULL)
        return false;
    if (!report->failed && !report->partial)
        return true;
    const char *why = report->failure;
    for (guint i = 0; why == NULL && i < report->outcomes->len; i++)
        why = ((const KtOutcome *)report->outcomes->pdata[i])->message;
    g_set_error(error, KT_ERROR, KT_ERROR_CONFLICT, "run %" G_GINT64_FORMAT ", %s: %s", report->run, what,
                why ? why : "done in part only");
    return false;
}

/* Where nothing is applied that is nothing to do. */
static bool
undo(KtArms *arms, GError **error)
{
    if (arms->run == 0)
        return true;
    KtTarget target = {.root = arms->host->root, .connection = arms->host->connection};
    KtJournalRun *run = kt_journal_run(arms->journal, arms->run, error);
    if (run == NULL)
        return false;
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)kt_journal_run_free);
    g_ptr_array_add(runs, run);
    g_autoptr(KtReport) report = kt_undo(&target, arms->journal, runs, NULL, NULL, error);
    if (!check_report(report, "rolling back", error))
        return false;
    arms->run = 0;
    return true;
}

static KtDesired *
resolve(const KtArms *arms, const KtHost *host)
{
    g_autoptr(KtDesired) named =
        kt_desired_resolve(arms->profile, host->snapshot, (const char *const *)arms->options->domains);
    return kt_desired_without(named, arms->left);
}

static bool
apply(KtArms *arms, GError **error)
{
    KtTarget target = {.root = arms->host->root, .connection = arms->host->connection};
    g_autoptr(KtDesired) desired = resolve(arms, arms->host);
    g_autoptr(KtPlan) plan = kt_plan_asking(arms->host, desired);
    g_clear_pointer(&arms->report, kt_report_free);
    arms->report = kt_execute(&target, arms->journal, plan, arms->profile->name, NULL, NULL, error);
    if (arms->report)
        arms->run = arms->report->run;
    if (check_report(arms->report, "applying the profile", error))
        return true;
    undo(arms, NULL); /* what a part of it did; where that fails arms->run stays */
    return false;
}

/* Its owner's business: it isn't powered on against his will, and what is measured on it fails. Told once. */
static void
leave_off(const KtArms *arms, const char *name)
{
    if (!g_hash_table_add(arms->left_off, g_strdup(name)))
        return;
    kt_end_progress(arms->options);
    g_warning("%s is off, which this benchmark has not asked for: it is not started", name);
}

/* One that crashed has no owner who wants it off. */
static bool
has_broken_down(int reason)
{
    return reason == VIR_DOMAIN_SHUTOFF_CRASHED || reason == VIR_DOMAIN_SHUTOFF_FAILED ||
           reason == VIR_DOMAIN_SHUTOFF_DAEMON;
}

/* libvirt's reason for its state is the same for his order and for ours, so what we have asked for is kept in
 * mind. Of one that its owner shuts down while ours is under way nobody can tell whose it obeyed: it is
 * started. So is one that obeys ours after it was given up. */
static bool
is_off_by_others(const KtBench *bench, virDomainPtr domain)
{
    int state = VIR_DOMAIN_NOSTATE, reason = 0;
    return virDomainGetState(domain, &state, &reason, 0) == 0 && state == VIR_DOMAIN_SHUTOFF &&
           !has_broken_down(reason) && !g_hash_table_contains(bench->asked, virDomainGetName(domain));
}

/* One that its new definition doesn't start runs again as it did; the error says so. */
static bool
power_cycle(const KtBench *bench, virDomainPtr domain, GError **error)
{
    const char *name = virDomainGetName(domain);
    g_autofree char *before = kt_power_definition(domain);
    bool off = kt_power_off_noting(domain, bench->asked, error),
         on = off && kt_power_on(domain, before, error);
    if (off && virDomainIsActive(domain) > 0)
        g_hash_table_remove(bench->asked, name);
    if (!on)
        g_prefix_error(error, "%s: ", name);
    return on;
}

static bool
power_cycle_each(const KtBench *bench, const GPtrArray *names, GError **error)
{
    const KtArms *arms = bench->user_data;
    for (guint i = 0; names && i < names->len; i++) {
        const char *name = names->pdata[i];
        g_autoptr(virDomain) domain = virDomainLookupByName(arms->host->connection, name);
        bool gone = domain == NULL && kt_hypervisor_domain_is_gone();
        if (domain == NULL && !gone) {
            kt_hypervisor_set_error(error, "%s", name);
            return false;
        }
        if (gone || is_off_by_others(bench, domain))
            leave_off(arms, name);
        else if (!power_cycle(bench, domain, error))
            return false;
    }
    return true;
}

static bool
power_cycle_all(const KtBench *bench, bool with, GError **error)
{
    KtArms *arms = bench->user_data;
    bool some = arms->cycled && arms->cycled->len > 0;
    arms->powered = some;
    if (!power_cycle_each(bench, arms->cycled, error))
        return false;
    arms->powered = some && with;
    return true;
}

static bool
bring_about(KtBench *bench, KtArms *arms, GError **error)
{
    if (!kt_arms_connect_again(bench, error) || !apply(arms, error))
        return false;
    if (kt_journal_benchmark_arm(arms->journal, bench->benchmark->id, arms->run, error) &&
        power_cycle_all(bench, true, error))
        return true;
    undo(arms, NULL);
    return false;
}

/* The profile is undone, but @names may go on as it staged them. */
static void
prefix_with_guests(const GPtrArray *names, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; names && i < names->len; i++)
        g_string_append_printf(text, "%s%s", i ? ", " : "", (const char *)names->pdata[i]);
    g_prefix_error(error,
                   "the profile is rolled back; until they are powered off and on these may run with it, or "
                   "be off: %s: ",
                   text->str);
}

static bool
take_back(KtBench *bench, KtArms *arms, GError **error)
{
    if (kt_arms_connect_again(bench, error) && undo(arms, error) &&
        kt_journal_benchmark_arm(arms->journal, bench->benchmark->id, 0, error) &&
        (!arms->powered || power_cycle_all(bench, false, error)))
        return true;
    if (arms->run != 0)
        g_prefix_error(error, "the profile is still applied, 'kvm-tune rollback' undoes it: ");
    else if (arms->powered)
        prefix_with_guests(arms->cycled, error);
    return false;
}

bool
kt_arms_switch(KtBench *bench, bool with, GError **error)
{
    return with ? bring_about(bench, bench->user_data, error) : take_back(bench, bench->user_data, error);
}

KtPlanning *
kt_arms_plan(KtBench *bench, GError **error)
{
    g_autoptr(KtPlanning) planning = g_new0(KtPlanning, 1);
    planning->host = open_host(bench, error);
    if (planning->host == NULL)
        return NULL;
    planning->desired = resolve(bench->user_data, planning->host);
    planning->plan = kt_plan_asking(planning->host, planning->desired);
    return g_steal_pointer(&planning);
}

bool
kt_arms_keep(KtBench *bench, GError **error)
{
    KtArms *arms = bench->user_data;
    if (kt_arms_connect_again(bench, error) && apply(arms, error)) {
        if (power_cycle_all(bench, true, error))
            return true;
        if (undo(arms, NULL) && !power_cycle_all(bench, false, NULL))
            prefix_with_guests(arms->cycled, error);
    }
    if (arms->run != 0)
        g_prefix_error(error, "and what was done is left for 'kvm-tune rollback': ");
    bench->with = arms->run != 0 || arms->powered;
    return false;
}

bool
kt_arms_give_up(KtBench *bench, gint64 run, const GPtrArray *cycled, GError **error)
{
    KtArms *arms = bench->user_data;
    arms->run = run;
    bench->with = true;
    if (!kt_arms_connect_again(bench, error) || !undo(arms, error))
        return false;
    if (!power_cycle_each(bench, cycled, error)) {
        prefix_with_guests(cycled, error);
        return false;
    }
    arms->powered = arms->powered && cycled != arms->cycled;
    bench->with = arms->powered;
    return true;
}
