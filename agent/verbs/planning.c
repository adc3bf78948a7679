/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/verb.h"
#include "base/nearest.h"

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

/* Only looking does no harm, but says that apply would refuse. */
static bool
check_trust(const KtOptions *options, const KtProfile *profile, KtHostNeed need, KtExit *ret_exit)
{
    if (profile->distrust == NULL || options->capture)
        return true;
    if (need != KT_HOST_WRITE) {
        g_warning("apply would refuse this profile: %s", profile->distrust);
        return true;
    }
    g_autoptr(GError) error = NULL;
    kt_profile_check_trust(profile, &error);
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
    kt_warn_unmatched(planning->profile, snapshot, planning->desired);
    planning->plan = kt_plan_asking(planning->host, planning->desired);
    return g_steal_pointer(&planning);
}
