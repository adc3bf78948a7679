/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/load_judge.h"

#include <string.h>

#define MINUTE G_TIME_SPAN_MINUTE

/** A host whose guests are looked at once a minute. */
typedef struct {
    KtLoadJudge *judge;
    gint64 now;
    gint64 time_ns[2], delay_ns[2]; /* of guests "a" and "b", a vCPU each */
    char *seen;                     /* when it was last planned again */
} Host;

static Host *
host_new(void)
{
    Host *host = g_new0(Host, 1);
    host->judge = kt_load_judge_new(&kt_load_times);
    host->now = 1000 * MINUTE;
    return host;
}

static void
host_free(Host *host)
{
    kt_load_judge_free(host->judge);
    g_free(host->seen);
    g_free(host);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_free)

static void
sample(Host *host, guint guest, const char *process)
{
    const char *const names[] = {"a", "b"};
    const KtLoadSample taken = {.uuid = names[guest],
                                .name = names[guest],
                                .process = process,
                                .now_usec = host->now,
                                .placed = true,
                                .n = 1,
                                .time_ns = &host->time_ns[guest],
                                .delay_ns = &host->delay_ns[guest]};
    kt_load_judge_add(host->judge, &taken);
}

/* A minute goes by in which the guests have run and waited so many percent of the time. Whether it is planned
 * again. */
static bool
minute(Host *host, double run_a, double wait_a, double run_b, double wait_b)
{
    const double run[] = {run_a, run_b}, wait[] = {wait_a, wait_b};
    g_autofree char *seen = NULL;
    host->now += MINUTE;
    for (guint i = 0; i < 2; i++) {
        host->time_ns[i] += (gint64)(run[i] / 100 * 60e9);
        host->delay_ns[i] += (gint64)(wait[i] / 100 * 60e9);
        sample(host, i, "1:1");
    }
    if (!kt_load_judge_is_due(host->judge, host->now, &seen))
        return false;
    g_free(host->seen);
    host->seen = g_steal_pointer(&seen);
    kt_load_judge_decide(host->judge, host->now);
    kt_load_judge_note_tried(host->judge, host->now);
    return true;
}

/* How many minutes go by until it is planned again; 0 = @most weren't enough. */
static guint
until_planned(Host *host, guint most, double wait_a, double wait_b)
{
    for (guint i = 1; i <= most; i++)
        if (minute(host, 50, wait_a, 50, wait_b))
            return i;
    return 0;
}

static KtLoadState
state_of_a(const Host *host)
{
    g_autoptr(GPtrArray) figures = kt_load_judge_figures(host->judge);
    return ((const KtLoadFigures *)figures->pdata[0])->state;
}

/* 0 = unknown. */
static double
load_of(const Host *host, const char *uuid)
{
    g_autoptr(GPtrArray) loads = kt_load_judge_loads(host->judge);
    for (guint i = 0; i < loads->len; i++) {
        const KtMeasuredLoad *load = loads->pdata[i];
        g_assert_cmpuint(load->vcpus, ==, 1);
        if (load->load > 0)
            g_assert_cmpstr(load->process, ==, "1:1");
        if (g_str_equal(load->uuid, uuid))
            return load->load;
    }
    g_assert_not_reached();
}

static void
test_well(void)
{
    g_autoptr(Host) host = host_new();
    minute(host, 50, 50, 50, 50); /* the first sample has nothing before it */
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_UNKNOWN);
    g_assert_cmpuint(until_planned(host, 100, 9.9, 0), ==, 0);
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_WELL);
}

static void
test_three_minutes(void)
{
    g_autoptr(Host) host = host_new();
    minute(host, 0, 0, 0, 0);
    /* Two bad minutes and a better one, over and over, are no reason. */
    for (guint i = 0; i < 10; i++) {
        g_assert_false(minute(host, 50, 40, 50, 0));
        g_assert_cmpint(state_of_a(host), ==, KT_LOAD_WAITS);
        g_assert_false(minute(host, 50, 40, 50, 0));
        g_assert_false(minute(host, 50, 8, 50, 0));
    }
    g_assert_cmpuint(until_planned(host, 10, 40, 0), ==, 3);
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_TRIED);
}

/* What it is planned with is what was measured in the last minutes, waiting included. */
static void
test_loads(void)
{
    g_autoptr(Host) host = host_new();
    minute(host, 0, 0, 0, 0);
    g_assert_cmpfloat(load_of(host, "a"), ==, 0);
    minute(host, 60, 40, 20, 0);
    minute(host, 60, 40, 20, 0);
    g_assert_true(minute(host, 60, 40, 20, 0));
    g_assert_cmpfloat_with_epsilon(load_of(host, "a"), 1.0, 1e-9);
    g_assert_cmpfloat_with_epsilon(load_of(host, "b"), 0.2, 1e-9);
    for (guint i = 0; i < 60; i++)
        g_assert_false(minute(host, 10, 0, 90, 0));
    g_assert_cmpfloat_with_epsilon(load_of(host, "a"), 0.1, 1e-9);
    g_assert_cmpfloat_with_epsilon(load_of(host, "b"), 0.9, 1e-9);
}

/* A guest that is paused doesn't get idle by that: what was measured before counts on, and after it. */
static void
test_paused(void)
{
    g_autoptr(Host) host = host_new();
    minute(host, 0, 0, 0, 0);
    for (guint i = 0; i < 5; i++)
        minute(host, 80, 0, 50, 0);
    for (guint i = 0; i < 100; i++)
        minute(host, 0.0005, 0, 50, 40); /* somebody's questions wake it up */
    g_assert_cmpfloat_with_epsilon(load_of(host, "a"), 0.8, 1e-4);
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_UNKNOWN);
    minute(host, 80, 0, 50, 40);
    g_assert_cmpfloat_with_epsilon(load_of(host, "a"), 0.8, 1e-4);
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_WELL);
}

/* Nor does it get bad or well meanwhile. */
static void
test_paused_while_it_waits(void)
{
    g_autoptr(Host) host = host_new();
    minute(host, 0, 0, 0, 0);
    g_assert_cmpuint(until_planned(host, 10, 40, 0), ==, 3);
    for (guint i = 0; i < 30; i++)
        g_assert_false(minute(host, 0, 0, 50, 0));
    g_assert_false(minute(host, 50, 40, 50, 0));
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_WAITS);
    g_autoptr(GPtrArray) figures = kt_load_judge_figures(host->judge);
    g_assert_cmpuint(((const KtLoadFigures *)figures->pdata[0])->tries, ==, 1);
}

/* A guest at rest isn't paused. */
static void
test_at_rest(void)
{
    g_autoptr(Host) host = host_new();
    minute(host, 0, 0, 0, 0);
    for (guint i = 0; i < 6; i++)
        minute(host, 80, 0, 50, 0);
    for (guint i = 0; i < 6; i++)
        minute(host, 0.01, 0, 50, 0);
    g_assert_cmpfloat_with_epsilon(load_of(host, "a"), 0.0001, 1e-9);
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_WELL);
}

/* A plan that helps nobody isn't made again and again. */
static void
test_backs_off(void)
{
    g_autoptr(Host) host = host_new();
    minute(host, 0, 0, 0, 0);
    g_assert_cmpuint(until_planned(host, 10, 40, 0), ==, 3);
    g_assert_cmpuint(until_planned(host, 1000, 40, 0), ==, 20);
    g_assert_cmpuint(until_planned(host, 1000, 40, 0), ==, 40);
    g_assert_cmpuint(until_planned(host, 1000, 40, 0), ==, 80);
    g_assert_cmpuint(until_planned(host, 1000, 40, 0), ==, 160);
    g_assert_cmpuint(until_planned(host, 1000, 40, 0), ==, 320);
    g_assert_cmpuint(until_planned(host, 1000, 40, 0), ==, 480);
    g_assert_cmpuint(until_planned(host, 1000, 40, 0), ==, 480);
    /* Once it has been well it is as new; what is neither well nor bad doesn't count. */
    g_assert_cmpuint(until_planned(host, 10, 7, 0), ==, 0);
    g_assert_cmpuint(until_planned(host, 100, 40, 0), ==, 0);
    g_assert_cmpuint(until_planned(host, 3, 1, 0), ==, 0);
    g_assert_cmpuint(until_planned(host, 10, 40, 0), ==, 3);
}

/* What came to nothing is due again with the next sample, unless nobody waits any more. */
static void
test_not_planned(void)
{
    g_autoptr(Host) host = host_new();
    g_autofree char *seen = NULL, *again = NULL;
    minute(host, 0, 0, 0, 0);
    g_assert_cmpuint(until_planned(host, 2, 40, 0), ==, 0);
    host->now += MINUTE;
    host->delay_ns[0] += G_GINT64_CONSTANT(24000000000);
    sample(host, 0, "1:1");
    g_assert_true(kt_load_judge_is_due(host->judge, host->now, &seen));
    g_assert_true(kt_load_judge_is_due(host->judge, host->now, &again));
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_BAD);
    g_assert_true(minute(host, 50, 40, 50, 0));
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_TRIED);
}

/* Guests that turn bad one after another lead to one plan in ten minutes. */
static void
test_one_plan_for_all(void)
{
    g_autoptr(Host) host = host_new();
    minute(host, 0, 0, 0, 0);
    g_assert_cmpuint(until_planned(host, 10, 40, 0), ==, 3);
    g_assert_cmpuint(until_planned(host, 100, 0, 40), ==, 10);
}

/* Until it was planned with what was decided nobody was tried; then who got well meanwhile is, too. */
static void
test_planned_later(void)
{
    g_autoptr(Host) host = host_new();
    minute(host, 0, 0, 0, 0);
    g_assert_cmpuint(until_planned(host, 2, 40, 0), ==, 0);
    host->now += MINUTE;
    host->delay_ns[0] += G_GINT64_CONSTANT(24000000000);
    sample(host, 0, "1:1");
    kt_load_judge_decide(host->judge, host->now);
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_BAD);
    host->now += MINUTE;
    host->time_ns[0] += G_GINT64_CONSTANT(24000000000);
    sample(host, 0, "1:1");
    kt_load_judge_note_tried(host->judge, host->now);
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_WELL);
    g_assert_cmpuint(until_planned(host, 100, 40, 0), ==, 20);
}

static void
test_what_was_seen(void)
{
    g_autoptr(Host) host = host_new();
    g_autofree char *seen = NULL;
    minute(host, 0, 0, 0, 0);
    minute(host, 50, 30, 50, 40);
    minute(host, 50, 30, 50, 40);
    host->now += MINUTE;
    for (guint i = 0; i < 2; i++) {
        host->delay_ns[i] += (i == 0 ? 18 : 24) * G_GINT64_CONSTANT(1000000000);
        sample(host, i, "1:1");
    }
    g_assert_true(kt_load_judge_is_due(host->judge, host->now, &seen));
    g_assert_cmpstr(seen, ==, "b waits for a CPU 40 % of the time, for 180 s; 2 guests do");
}

static void
test_how_often_it_was_tried(void)
{
    static const char *const words[] = {"for 180 s", "; planned again 1 time before",
                                        "; planned again 2 times before"};
    g_autoptr(Host) host = host_new();
    minute(host, 0, 0, 0, 0);
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        g_assert_cmpuint(until_planned(host, 100, 40, 0), >, 0);
        g_assert_true(g_str_has_suffix(host->seen, words[i]));
    }
}

/* Another run of the guest begins anew, and so does one with other vCPUs. */
static void
test_started_anew(void)
{
    g_autoptr(Host) host = host_new();
    minute(host, 0, 0, 0, 0);
    g_assert_cmpuint(until_planned(host, 10, 40, 0), ==, 3);
    g_assert_cmpfloat(load_of(host, "a"), >, 0);
    host->time_ns[0] = host->delay_ns[0] = 0;
    sample(host, 0, "2:2");
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_UNKNOWN);
    g_assert_cmpfloat(load_of(host, "a"), ==, 0);

    const gint64 two[] = {0, 0};
    const KtLoadSample grown = {"a", "a", "2:2", host->now + MINUTE, true, 2, two, two};
    kt_load_judge_add(host->judge, &grown);
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_UNKNOWN);
}

static void
test_forgotten(void)
{
    g_autoptr(Host) host = host_new();
    minute(host, 0, 0, 0, 0);
    host->now += MINUTE;
    sample(host, 0, "1:1");
    kt_load_judge_forget(host->judge, host->now);
    g_autoptr(GPtrArray) figures = kt_load_judge_figures(host->judge);
    g_assert_cmpuint(figures->len, ==, 1);
}

/* One sample that can't be taken makes nothing unknown: the next one is of two minutes. */
static void
test_kept(void)
{
    g_autoptr(Host) host = host_new();
    minute(host, 0, 0, 0, 0);
    minute(host, 50, 40, 50, 0);
    host->now += MINUTE;
    host->time_ns[0] += 30 * G_GINT64_CONSTANT(1000000000);
    host->delay_ns[0] += 24 * G_GINT64_CONSTANT(1000000000);
    kt_load_judge_keep(host->judge, "a", host->now);
    kt_load_judge_keep(host->judge, "unknown", host->now);
    kt_load_judge_forget(host->judge, host->now);
    g_autoptr(GPtrArray) figures = kt_load_judge_figures(host->judge);
    g_assert_cmpuint(figures->len, ==, 1);
    g_assert_cmpfloat_with_epsilon(load_of(host, "a"), 0.9, 1e-9);
    g_assert_true(minute(host, 50, 40, 50, 0));
    g_assert_cmpfloat_with_epsilon(load_of(host, "a"), 0.9, 1e-9);
}

/* It is the vCPU that waits most, not the mean. */
static void
test_worst_vcpu(void)
{
    g_autoptr(Host) host = host_new();
    gint64 times[4] = {0}, delays[4] = {0};
    KtLoadSample taken = {"a", "a", "1:1", host->now, true, 4, times, delays};
    kt_load_judge_add(host->judge, &taken);
    delays[3] = G_GINT64_CONSTANT(12000000000);
    taken.now_usec += MINUTE;
    kt_load_judge_add(host->judge, &taken);
    g_autoptr(GPtrArray) figures = kt_load_judge_figures(host->judge);
    const KtLoadFigures *first = figures->pdata[0];
    g_assert_cmpfloat_with_epsilon(first->delay_percent, 20, 1e-9);
    g_assert_cmpfloat_with_epsilon(first->load, 0.05, 1e-9);
    g_assert_cmpint(first->state, ==, KT_LOAD_WAITS);
}

/* Who isn't placed by us is only measured. */
static void
test_not_placed(void)
{
    g_autoptr(Host) host = host_new();
    for (guint i = 0; i < 10; i++) {
        g_autofree char *seen = NULL;
        const KtLoadSample taken = {"a", "a", "1:1", host->now, false, 1, host->time_ns, host->delay_ns};
        kt_load_judge_add(host->judge, &taken);
        g_assert_false(kt_load_judge_is_due(host->judge, host->now, &seen));
        host->now += MINUTE;
        host->delay_ns[0] += G_GINT64_CONSTANT(30000000000);
    }
    g_assert_cmpint(state_of_a(host), ==, KT_LOAD_WAITS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/load-judge/well", test_well);
    g_test_add_func("/load-judge/three-minutes", test_three_minutes);
    g_test_add_func("/load-judge/loads", test_loads);
    g_test_add_func("/load-judge/paused", test_paused);
    g_test_add_func("/load-judge/paused-while-it-waits", test_paused_while_it_waits);
    g_test_add_func("/load-judge/at-rest", test_at_rest);
    g_test_add_func("/load-judge/backs-off", test_backs_off);
    g_test_add_func("/load-judge/not-planned", test_not_planned);
    g_test_add_func("/load-judge/one-plan-for-all", test_one_plan_for_all);
    g_test_add_func("/load-judge/planned-later", test_planned_later);
    g_test_add_func("/load-judge/what-was-seen", test_what_was_seen);
    g_test_add_func("/load-judge/how-often-it-was-tried", test_how_often_it_was_tried);
    g_test_add_func("/load-judge/started-anew", test_started_anew);
    g_test_add_func("/load-judge/forgotten", test_forgotten);
    g_test_add_func("/load-judge/not-placed", test_not_placed);
    g_test_add_func("/load-judge/kept", test_kept);
    g_test_add_func("/load-judge/worst-vcpu", test_worst_vcpu);
    return g_test_run();
}
