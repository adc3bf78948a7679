/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "agent/daemon/metrics.h"

static void
free_guest(gpointer data)
{
    g_free(data);
}

static void
add_guest(GPtrArray *guests, const char *name, double merged, double profit, const char *obstacle)
{
    KtGovernedGuest *guest = g_new0(KtGovernedGuest, 1);
    *guest = (KtGovernedGuest){(char *)name, merged, profit, (char *)obstacle};
    g_ptr_array_add(guests, guest);
}

static void
add_followed(GPtrArray *following, const char *name, KtFollowingState state, const char *reason,
             gint64 left_kib)
{
    KtFollowed *followed = g_new0(KtFollowed, 1);
    followed->name = g_strdup(name);
    followed->state = state;
    followed->reason = g_strdup(reason);
    followed->left_kib = left_kib;
    g_ptr_array_add(following, followed);
}

static void
add_load(GPtrArray *all, const char *name, double load, double delay_percent)
{
    KtLoadFigures *figures = g_new0(KtLoadFigures, 1);
    figures->name = g_strdup(name);
    figures->load = load;
    figures->delay_percent = delay_percent;
    g_ptr_array_add(all, figures);
}

/** Memory that follows, and load, in @metrics, which borrows both. */
static void
tell_moves_and_load(KtMetrics *metrics, GPtrArray *following, GPtrArray *load)
{
    add_followed(following, "db-1", KT_FOLLOWING_MOVES, NULL, 3);
    add_followed(following, "db-2", KT_FOLLOWING_WAITS, "waits for its turn", 0);
    add_followed(following, "db-3", KT_FOLLOWING_STAYS, "it has huge pages", 0);
    add_followed(following, "db-4", KT_FOLLOWING_WAITS, "memory is short", 2);
    add_load(load, "db-1", 0.5, 12.5);
    add_load(load, "db-2", 0, -1);
    metrics->following = following;
    metrics->moved_kib = 7;
    metrics->load = load;
    metrics->replans = 2;
}

/** Figures of everything, and a domain with a name that must be escaped. */
static char *
text_of(KtMetricsFormat format, KtGovernorState state)
{
    g_autoptr(GPtrArray) guests = g_ptr_array_new_with_free_func(free_guest);
    add_guest(guests, "db-1", 100, -1.5, NULL);
    add_guest(guests, "a\"b\\c\nd\xff", -1, NAN, "its <nosharepages/>");
    KtGovernorFigures governor = {.state = state,
                                  .pace = KT_KSM_SWEEP,
                                  .sweeps = 3,
                                  .pages_to_scan = 1250,
                                  .sleep_millisecs = 10,
                                  .saved_mib = 1.5,
                                  .ksmd_seconds = 2.25,
                                  .guests = guests};
    KtMetrics metrics = {.profile = "ours",
                         .began_usec = 1500000,
                         .hypervisor_is_up = true,
                         .looks_done = 7,
                         .last_look_usec = 2000000,
                         .last_look_took_usec = 1000,
                         .changes = 5,
                         .running_domains = 2,
                         .governor = &governor};
    g_autoptr(GPtrArray) following = g_ptr_array_new_with_free_func((GDestroyNotify)kt_followed_free);
    g_autoptr(GPtrArray) load = g_ptr_array_new_with_free_func((GDestroyNotify)kt_load_figures_free);
    tell_moves_and_load(&metrics, following, load);
    return kt_metrics_text(&metrics, format);
}

static void
assert_line(const char *text, const char *line)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    if (!g_strv_contains((const char *const *)lines, line))
        g_error("'%s' is not in:\n%s", line, text);
}

static void
test_prometheus(void)
{
    g_autofree char *text = text_of(KT_METRICS_PROMETHEUS, KT_GOVERNOR_ACTIVE);
    static const char *const lines[] = {
        "kvm_tune_profile_info{profile=\"ours\"} 1",
        "kvm_tune_start_time_seconds 1.5",
        "# TYPE kvm_tune_looks_total counter",
        "kvm_tune_looks_total{result=\"done\"} 7",
        "kvm_tune_looks_total{result=\"no-hypervisor\"} 0",
        "kvm_tune_last_look_duration_seconds 0.001",
        "kvm_tune_changes_total 5",
        "kvm_tune_hypervisor_up 1",
        "kvm_tune_ksm_governor_state{state=\"active\"} 1",
        "kvm_tune_ksm_governor_state{state=\"left\"} 0",
        "kvm_tune_ksm_saved_bytes 1572864",
        "kvm_tune_ksm_ksmd_cpu_seconds_total 2.25",
        "kvm_tune_ksm_sleep_seconds 0.01",
        "kvm_tune_domain_ksm_merged_bytes{domain=\"db-1\"} 104857600",
        "kvm_tune_domain_ksm_profit_bytes{domain=\"db-1\"} -1572864",
        "kvm_tune_domain_ksm_obstacle_info{domain=\"a\\\"b\\\\c\\nd\357\277\275\",reason=\"its <nosharepages/>\"} 1",
        "# TYPE kvm_tune_memory_moved_bytes_total counter",
        "kvm_tune_memory_moved_bytes_total 7168",
        "kvm_tune_following_domains{state=\"waits\"} 2",
        "kvm_tune_following_domains{state=\"moves\"} 1",
        "kvm_tune_following_domains{state=\"there\"} 0",
        "kvm_tune_domain_memory_to_move_bytes{domain=\"db-1\"} 3072",
        "kvm_tune_domain_memory_to_move_bytes{domain=\"db-4\"} 2048",
        "kvm_tune_domain_memory_stays_info{domain=\"db-3\",reason=\"it has huge pages\"} 1",
        "kvm_tune_load_replans_total 2",
        "kvm_tune_domain_run_delay_ratio{domain=\"db-1\"} 0.125",
        "kvm_tune_domain_load_ratio{domain=\"db-1\"} 0.5",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
        assert_line(text, lines[i]);
    /* What isn't known isn't told. */
    g_assert_null(strstr(text, "to_move_bytes{domain=\"db-2\"}"));
    g_assert_null(strstr(text, "_ratio{domain=\"db-2\"}"));
    g_assert_null(strstr(text, "# EOF"));
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_null(strstr(text, "nan"));
}

/* Counters are named without "_total" there, and the end is marked. */
static void
test_open_metrics(void)
{
    g_autofree char *text = text_of(KT_METRICS_OPEN, KT_GOVERNOR_ACTIVE);

    assert_line(text, "# TYPE kvm_tune_looks counter");
    assert_line(text, "kvm_tune_looks_total{result=\"done\"} 7");
    g_assert_true(g_str_has_suffix(text, "\n# EOF\n"));
}

/* Who doesn't govern KSM is told no figures of it. */
static void
test_governor_is_off(void)
{
    g_autofree char *text = text_of(KT_METRICS_PROMETHEUS, KT_GOVERNOR_OFF);

    assert_line(text, "kvm_tune_ksm_governor_state{state=\"off\"} 1");
    g_assert_null(strstr(text, "saved_bytes"));
    g_assert_null(strstr(text, "domain_ksm"));
}

static void
test_before_the_first_look(void)
{
    KtMetrics metrics = {.profile = "ours"};
    g_autofree char *text = kt_metrics_text(&metrics, KT_METRICS_OPEN);

    assert_line(text, "kvm_tune_hypervisor_up 0");
    g_assert_null(strstr(text, "last_look"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metrics-text/prometheus", test_prometheus);
    g_test_add_func("/metrics-text/open-metrics", test_open_metrics);
    g_test_add_func("/metrics-text/governor-is-off", test_governor_is_off);
    g_test_add_func("/metrics-text/before-the-first-look", test_before_the_first_look);
    return g_test_run();
}
