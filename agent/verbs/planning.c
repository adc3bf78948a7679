/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/verbs/verb.h"
#include "base/error.h"
#include "base/nearest.h"
#include "tuners/tuner.h"

void
kt_planning_free(KtPlanning *planning)
{
    if (planning == NULL)
        return;
    kt_plan_free(planning->plan);
    kt_desired_free(planning->desired);
    kt_profile_free(planning->profile);
    kt_host_free(planning->host);
    g_free(planning);
}

KtProfile *
kt_load_profile(const KtOptions *options, const char *name, KtExit *ret_exit)
{
    g_auto(GStrv) directories = kt_profile_directories();
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    KtProfile *profile = kt_profile_load(name, directories, diagnostics);
    if (profile == NULL)
        *ret_exit = kt_report_diagnostics(options, diagnostics);
    return profile;
}

/* A mistyped --domain would look like a host on which all is well. */
static bool
check_domain_glob(const KtOptions *options, const char *glob, const KtSnapshot *snapshot, KtExit *ret_exit)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        if (kt_glob_matches(glob, domain->name))
            return true;
        g_ptr_array_add(names, domain->name);
    }
    g_ptr_array_add(names, NULL);
    const char *nearest = kt_nearest(glob, (const char *const *)names->pdata);
    *ret_exit =
        kt_report_usage(options, "--domain %s: no domain has such a name%s%s%s", glob,
                        nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return false;
}

static bool
check_domain_globs(const KtOptions *options, const KtSnapshot *snapshot, KtExit *ret_exit)
{
    for (char **glob = options->domains; glob && *glob; glob++) {
        if (!check_domain_glob(options, *glob, snapshot, ret_exit))
            return false;
    }
    return true;
}

/* Agents take their time, and the OS database is big: both are asked only about guests whose NIC hangs on it.
 */
static void
ask_agents(const KtHost *host, const KtDesired *desired)
{
    g_autoptr(GArray) domains = kt_nics_ask_agents(host->snapshot, desired);
    if (host->connection != NULL && domains->len > 0)
        kt_snapshot_ask_agents(host->snapshot, host->connection, domains);
}

static void
ask_guest_os(KtSnapshot *snapshot, const KtDesired *desired)
{
    g_autoptr(GArray) domains = kt_nics_ask_guest_os(snapshot, desired);
    if (domains->len > 0)
        kt_snapshot_ask_guest_os(snapshot, domains);
}

/* Finding them takes a call a disk, so only the disks of a plan are asked about. The step that changes a disk
 * asks again. */
static bool
found_block_jobs(const KtHost *host, const KtPlan *plan)
{
    g_autoptr(GArray) domains = kt_disks_ask_block_jobs(plan);
    if (host->connection == NULL || domains->len == 0)
        return false;
    kt_snapshot_ask_block_jobs(host->snapshot, host->connection, domains);
    for (guint i = 0; i < domains->len; i++) {
        const KtDomain *domain = host->snapshot->domains->pdata[g_array_index(domains, guint, i)];
        if (g_hash_table_size(domain->block_jobs) > 0 || domain->unanswered)
            return true;
    }
    return false;
}

static void
warn_unmatched(const KtDesired *desired)
{
    const GPtrArray *values = kt_desired_unmatched_items(desired);
    for (guint i = 0; i < values->len; i++) {
        const KtValue *value = values->pdata[i];
        g_autofree char *item = kt_printable(value->item);
        g_warning("%s: %s[%s] is for a disk or NIC that no matching domain has", value->source,
                  value->setting->key, item);
    }
}

KtPlan *
kt_plan_asking(const KtHost *host, const KtDesired *desired)
{
    if (host->connection != NULL)
        kt_snapshot_ask_io_uring(host->snapshot, host->connection);
    ask_agents(host, desired);
    ask_guest_os(host->snapshot, desired);
    KtPlan *plan = kt_plan_make(host->snapshot, desired);
    if (found_block_jobs(host, plan)) {
        kt_plan_free(plan);
        plan = kt_plan_make(host->snapshot, desired);
    }
    return plan;
}

static bool
matches_any(const KtPattern *pattern, const KtSnapshot *snapshot)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomain *domain = snapshot->domains->pdata[i];
        const KtDomainDef *def = kt_domain_def(domain);
        if (kt_pattern_matches(pattern, domain->name, domain->uuid, def ? def->title : NULL))
            return true;
    }
    return false;
}

/* A mistyped name would look like a guest on which all is well. A glob may well match nothing on one of many
 * hosts. */
static void
warn_unknown_domains(const KtProfile *profile, const KtSnapshot *snapshot)
{
    for (guint i = 0; i < profile->sections->len; i++) {
        const KtProfileSection *section = profile->sections->pdata[i];
        for (guint k = 0; section->values->len > 0 && section->patterns && k < section->patterns->len; k++) {
            const KtPattern *pattern = section->patterns->pdata[k];
            const KtValue *first = section->values->pdata[0];
            if (strpbrk(pattern->glob, "*?") || matches_any(pattern, snapshot))
                continue;
            g_autofree char *name = kt_printable(pattern->glob);
            g_warning("%s: this section is for '%s', and no domain here is", first->source, name);
        }
    }
}

/* What others can change they could use to have root do what they like. Only looking does no harm, but says
 * that apply would refuse. */
static bool
check_trust(const KtOptions *options, const KtProfile *profile, KtHostNeed need, KtExit *ret_exit)
{
    if (profile->distrust == NULL || options->capture)
        return true;
    if (need != KT_HOST_WRITE) {
        g_warning("apply would refuse this profile: %s", profile->distrust);
        return true;
    }
    g_autoptr(GError) error =
        g_error_new(KT_ERROR, KT_ERROR_ACCESS,
                    "%s; others could change the profile: nothing was done. Put a copy where only root can "
                    "write: install -D -m 0644 FILE /etc/kvm-tune/profiles/NAME.conf",
                    profile->distrust);
    *ret_exit = kt_report_error(options, error);
    return false;
}

KtProfile *
kt_planning_profile(const KtOptions *options, KtHostNeed need, KtExit *ret_exit)
{
    g_autoptr(KtProfile) profile = kt_load_profile(options, options->arguments[0], ret_exit);
    return profile && check_trust(options, profile, need, ret_exit) ? g_steal_pointer(&profile) : NULL;
}

KtPlanning *
kt_planning_make(const KtOptions *options, KtProfile *profile, KtHostNeed need, KtExit *ret_exit)
{
    g_autoptr(KtPlanning) planning = g_new0(KtPlanning, 1);
    planning->profile = profile;
    planning->host = kt_host_open(options, need, ret_exit);
    if (planning->host == NULL || !check_domain_globs(options, planning->host->snapshot, ret_exit))
        return NULL;
    KtSnapshot *snapshot = planning->host->snapshot;
    planning->desired =
        kt_desired_resolve(planning->profile, snapshot, (const char *const *)options->domains);
    warn_unknown_domains(planning->profile, snapshot);
    warn_unmatched(planning->desired);
    planning->plan = kt_plan_asking(planning->host, planning->desired);
    return g_steal_pointer(&planning);
}
