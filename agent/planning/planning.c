/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/planning/planning.h"

#include <string.h>

#include "base/diagnostic.h"
#include "base/error.h"
#include "tuners/tuner.h"

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
warn_unmatched_items(const KtDesired *desired)
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
    if (!host->lean)
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

void
kt_warn_unmatched(const KtProfile *profile, const KtSnapshot *snapshot, const KtDesired *desired)
{
    warn_unknown_domains(profile, snapshot);
    warn_unmatched_items(desired);
}

bool
kt_profile_check_trust(const KtProfile *profile, GError **error)
{
    if (profile->distrust == NULL)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_ACCESS,
                "%s; others could change the profile: nothing was done. Put a copy where only root can "
                "write: install -D -m 0644 FILE /etc/kvm-tune/profiles/NAME.conf",
                profile->distrust);
    return false;
}
