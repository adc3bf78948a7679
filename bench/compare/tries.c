/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/tries.h"

#include "base/error.h"
#include "bench/compare/load.h"

#define FIRST_TRY_SECONDS 5
#define MOST_WAIT_SECONDS 16

void
kt_tries_clear(KtTries *tries)
{
    g_clear_error(&tries->why);
}

static bool
is_settling(const KtTries *tries)
{
    return g_get_monotonic_time() < tries->settled_usec;
}

/* What is sent to the console of a guest that boots may be lost: the first tries don't wait long for an
 * answer. */
static guint
timeout_of(const KtTries *tries)
{
    guint whole = tries->workload->timeout_s;
    if (tries->workload->where != KT_WHERE_SERIAL || !is_settling(tries))
        return whole;
    return MIN((guint)FIRST_TRY_SECONDS << MIN(tries->failed, 16), whole);
}

/* A workload whose tries take minutes each isn't tried as often as one that fails at once. */
static bool
was_last(const KtPatience *patience, const KtTries *tries, gint64 spent_s)
{
    if (spent_s >= 2 * (gint64)patience->settle_seconds && tries->failed >= 2)
        return true;
    return tries->failed >= patience->tries && !is_settling(tries);
}

/* That is why, then, whatever the workload said of it; but where it was to power the guest off and on itself.
 */
static bool
is_off(const KtBench *bench, KtTries *tries)
{
    g_autofree char *off = kt_bench_why_off(bench, tries->domain);
    if (off == NULL)
        return false;
    if (tries->workload->where == KT_WHERE_BOOT)
        return true;
    g_clear_error(&tries->why);
    tries->why = g_error_new_literal(KT_ERROR, KT_ERROR_HYPERVISOR, off);
    return true;
}

/* Whether another try is to be made, now. */
static bool
wait_for_next(KtBench *bench, KtTries *tries, gint64 begin)
{
    guint seconds = is_settling(tries) ? 1 : MIN(1U << MIN(tries->failed - 1, 16), MOST_WAIT_SECONDS);
    gint64 spent = (g_get_monotonic_time() - begin) / G_USEC_PER_SEC;
    if (is_off(bench, tries) || was_last(&bench->patience, tries, spent) ||
        !kt_load_wait(seconds * 1000, bench->cancel, NULL))
        return false;
    if (virConnectIsAlive(bench->connection) != 1)
        bench->connect_again(bench, NULL); /* where that fails the next try says why */
    return true;
}

bool
kt_tries_read(KtBench *bench, KtTries *tries, KtReading *ret_reading)
{
    gint64 begin = g_get_monotonic_time();
    do {
        KtWorkload workload = *tries->workload;
        workload.timeout_s = timeout_of(tries);
        g_autoptr(GError) why = NULL;
        if (kt_reading_take(bench, &workload, tries->domain, ret_reading, &why))
            return true;
        g_debug("%s", why->message);
        tries->failed++;
        g_clear_error(&tries->why);
        tries->why = g_steal_pointer(&why);
    } while (!g_cancellable_is_cancelled(bench->cancel) && wait_for_next(bench, tries, begin));
    return false;
}
