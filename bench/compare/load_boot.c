/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/power_cycle.h"
#include "base/error.h"
#include "bench/compare/load.h"

#define POLL_MSEC 100

static bool
wait_for_agent(const KtWorkload *workload, virDomainPtr domain, GCancellable *cancel, GError **error)
{
    gint64 end = g_get_monotonic_time() + (gint64)workload->timeout_s * G_USEC_PER_SEC;
    while (!kt_power_agent_answers(domain)) {
        if (!kt_load_wait(POLL_MSEC, cancel, error))
            return false;
        if (g_get_monotonic_time() > end) {
            g_set_error(error, KT_ERROR, KT_ERROR_IO, "the guest's agent didn't answer within %u s",
                        workload->timeout_s);
            return false;
        }
    }
    return true;
}

/* One that still boots would not see its power button. */
static bool
boot(const KtWorkload *workload, virDomainPtr domain, GHashTable *asked, GCancellable *cancel,
     gint64 *ret_usec, GError **error)
{
    if (!wait_for_agent(workload, domain, cancel, error))
        return false;
    g_autofree char *before = kt_power_definition(domain);
    if (!kt_power_off_noting(domain, asked, error))
        return false;
    gint64 begin = g_get_monotonic_time();
    bool on = kt_power_on(domain, before, error);
    if (virDomainIsActive(domain) > 0)
        g_hash_table_remove(asked, virDomainGetName(domain));
    if (!on || !wait_for_agent(workload, domain, cancel, error))
        return false;
    *ret_usec = g_get_monotonic_time() - begin;
    return true;
}

char *
kt_load_boot(const KtWorkload *workload, virDomainPtr domain, GHashTable *asked, GCancellable *cancel,
             GError **error)
{
    gint64 usec;
    if (boot(workload, domain, asked, cancel, &usec, error))
        return g_strdup_printf("boot_s %.2f\n", (double)usec / G_USEC_PER_SEC);
    if (!g_cancellable_is_cancelled(cancel))
        g_prefix_error(error, "%s: %s: ", workload->name, virDomainGetName(domain));
    return NULL;
}
