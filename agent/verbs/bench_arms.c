/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/bench_arms.h"

#include "base/error.h"
#include "probes/hypervisor.h"

/* libvirtd may have been restarted since: each switch connects anew. */
static bool
look_again(KtBench *bench, KtArms *arms, GError **error)
{
    KtExit exit = KT_EXIT_ERROR;
    KtHost *host = kt_host_open(arms->options, KT_HOST_WRITE, &exit);
    if (host == NULL) {
        g_set_error(error, KT_ERROR, KT_ERROR_HYPERVISOR, "the host can't be looked at");
        return false;
    }
    kt_host_free(arms->host);
    arms->host = host;
    bench->root = host->root;
    bench->connection = host->connection;
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

static bool
undo(KtArms *arms, GError **error)
{
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

static bool
apply(KtArms *arms, GError **error)
{
    KtTarget target = {.root = arms->host->root, .connection = arms->host->connection};
    g_autoptr(KtDesired) desired =
        kt_desired_resolve(arms->profile, arms->host->snapshot, (const char *const *)arms->options->domains);
    g_autoptr(KtPlan) plan = kt_plan_asking(arms->host, desired);
    g_autoptr(KtReport) report =
        kt_execute(&target, arms->journal, plan, arms->profile->name, NULL, NULL, error);
    if (report)
        arms->run = report->run;
    if (check_report(report, "applying the profile", error))
        return true;
    /* What a part of it did goes back too. */
    if (arms->run != 0 && !undo(arms, NULL))
        g_prefix_error(error, "and what was done is left for 'kvm-tune rollback': ");
    return false;
}

static bool
power_cycle_all(const KtArms *arms, GError **error)
{
    for (guint i = 0; i < arms->cycled->len; i++) {
        const char *name = arms->cycled->pdata[i];
        g_autoptr(virDomain) domain = virDomainLookupByName(arms->host->connection, name);
        if (domain == NULL) {
            kt_hypervisor_set_error(error, "%s", name);
            return false;
        }
        if (!kt_power_cycle(domain, error))
            return false;
    }
    return true;
}

bool
kt_arms_switch(KtBench *bench, bool with, GError **error)
{
    KtArms *arms = bench->user_data;
    if (!look_again(bench, arms, error) || !(with ? apply(arms, error) : undo(arms, error)) ||
        !kt_journal_benchmark_arm(arms->journal, bench->benchmark->id, arms->run, error))
        return false;
    if (power_cycle_all(arms, error))
        return true;
    if (with && !undo(arms, NULL))
        g_prefix_error(error, "and the profile is left for 'kvm-tune rollback': ");
    return false;
}
