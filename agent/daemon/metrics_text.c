/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "agent/daemon/metrics.h"

#define KIB (1 << 10)
#define MIB (1 << 20)

typedef struct {
    GString *text;
    KtMetricsFormat format;
} Page;

typedef enum { GAUGE, COUNTER } MetricType;

/** One family. A counter's samples end with "_total", which OpenMetrics leaves out of its name. */
typedef struct {
    const char *name;
    const char *help;
    MetricType type;
} Family;

/* In both formats the same are escaped: backslash, quote and line feed. */
static void
append_label(GString *text, const char *value)
{
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    for (const char *at = valid; *at; at++) {
        if (*at == '\n')
            g_string_append(text, "\\n");
        else if (*at == '\\' || *at == '"')
            g_string_append_printf(text, "\\%c", *at);
        else
            g_string_append_c(text, *at);
    }
}

static void
begin(const Page *page, const Family *family)
{
    const char *suffix = family->type == COUNTER && page->format == KT_METRICS_PROMETHEUS ? "_total" : "";
    g_string_append_printf(page->text, "# HELP %s%s %s.\n# TYPE %s%s %s\n", family->name, suffix,
                           family->help, family->name, suffix, family->type == COUNTER ? "counter" : "gauge");
}

/* A sample with up to two labels; @label NULL = none. */
static void
sample2(const Page *page, const Family *family, const char *label, const char *value, const char *other,
        const char *other_value, double number)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(page->text, "%s%s", family->name, family->type == COUNTER ? "_total" : "");
    if (label) {
        g_string_append_printf(page->text, "{%s=\"", label);
        append_label(page->text, value);
        if (other) {
            g_string_append_printf(page->text, "\",%s=\"", other);
            append_label(page->text, other_value);
        }
        g_string_append(page->text, "\"}");
    }
    g_string_append_printf(page->text, " %s\n", g_ascii_dtostr(digits, sizeof digits, number));
}

static void
sample(const Page *page, const Family *family, const char *label, const char *value, double number)
{
    sample2(page, family, label, value, NULL, NULL, number);
}

static void
single(const Page *page, const char *name, const char *help, MetricType type, double number)
{
    const Family family = {name, help, type};
    begin(page, &family);
    sample(page, &family, NULL, NULL, number);
}

static void
write_info(const Page *page, const KtMetrics *metrics)
{
    const Family family = {"kvm_tune_profile_info", "The profile that the daemon keeps", GAUGE};
    begin(page, &family);
    sample(page, &family, "profile", metrics->profile, 1);
    single(page, "kvm_tune_start_time_seconds", "When the daemon was started, since the epoch", GAUGE,
           (double)metrics->began_usec / G_USEC_PER_SEC);
}

static void
write_looks(const Page *page, const KtMetrics *metrics)
{
    const Family looks = {"kvm_tune_looks", "Looks at the host, by how they ended", COUNTER};
    begin(page, &looks);
    sample(page, &looks, "result", "done", (double)metrics->looks_done);
    sample(page, &looks, "result", "failed", (double)metrics->looks_failed);
    sample(page, &looks, "result", "locked", (double)metrics->looks_locked);
    sample(page, &looks, "result", "no-hypervisor", (double)metrics->looks_without_hypervisor);
    single(page, "kvm_tune_hypervisor_up", "Whether libvirt answered at the last look", GAUGE,
           metrics->hypervisor_is_up);
    single(page, "kvm_tune_changes", "Changes made since the daemon was started", COUNTER,
           (double)metrics->changes);
    single(page, "kvm_tune_running_domains", "Running domains", GAUGE, metrics->running_domains);
    single(page, "kvm_tune_refused_settings", "Settings of the profile that are refused", GAUGE,
           metrics->refused);
    single(page, "kvm_tune_pending_settings", "Staged settings that wait for a domain's power cycle", GAUGE,
           metrics->pending);
    if (metrics->last_look_usec == 0)
        return;
    single(page, "kvm_tune_last_look_timestamp_seconds", "When the last look began, since the epoch", GAUGE,
           (double)metrics->last_look_usec / G_USEC_PER_SEC);
    single(page, "kvm_tune_last_look_duration_seconds", "How long the last look took", GAUGE,
           (double)metrics->last_look_took_usec / G_USEC_PER_SEC);
}

static void
write_governor_state(const Page *page, const KtGovernorFigures *governor)
{
    const Family state = {"kvm_tune_ksm_governor_state",
                          "What the KSM governor does: 1 for the state that it is in", GAUGE};
    begin(page, &state);
    for (guint i = KT_GOVERNOR_OFF; i <= KT_GOVERNOR_UNABLE; i++)
        sample(page, &state, "state", kt_governor_state_name((KtGovernorState)i), governor->state == i);
    single(page, "kvm_tune_ksm_sweeping", "Whether ksmd compares all memory, or rests", GAUGE,
           governor->pace == KT_KSM_SWEEP);
    single(page, "kvm_tune_ksm_sweeps", "Sweeps begun since the daemon was started", COUNTER,
           governor->sweeps);
}

static void
write_ksm(const Page *page, const KtGovernorFigures *governor)
{
    write_governor_state(page, governor);
    if (governor->state == KT_GOVERNOR_OFF)
        return;
    single(page, "kvm_tune_ksm_saved_bytes", "Memory that KSM saves, less what it needs itself", GAUGE,
           governor->saved_mib * MIB);
    if (governor->ksmd_seconds >= 0)
        single(page, "kvm_tune_ksm_ksmd_cpu_seconds", "CPU time of ksmd since the host was started", COUNTER,
               governor->ksmd_seconds);
    if (governor->pages_to_scan != KT_ABSENT)
        single(page, "kvm_tune_ksm_pages_to_scan", "Pages that ksmd looks at before it sleeps", GAUGE,
               (double)governor->pages_to_scan);
    if (governor->sleep_millisecs != KT_ABSENT)
        single(page, "kvm_tune_ksm_sleep_seconds", "How long ksmd sleeps then", GAUGE,
               (double)governor->sleep_millisecs / 1000);
}

static void
write_guests(const Page *page, const GPtrArray *guests)
{
    const Family merged = {"kvm_tune_domain_ksm_merged_bytes",
                           "Memory of a domain that is merged with equal pages", GAUGE};
    const Family profit = {"kvm_tune_domain_ksm_profit_bytes",
                           "Memory that merging saves of a domain, less what KSM needs for it", GAUGE};
    const Family obstacle = {"kvm_tune_domain_ksm_obstacle_info", "Why no memory of a domain is merged",
                             GAUGE};
    const Family *const families[] = {&merged, &profit, &obstacle};
    for (gsize f = 0; f < G_N_ELEMENTS(families); f++) {
        begin(page, families[f]);
        for (guint i = 0; i < guests->len; i++) {
            const KtGovernedGuest *guest = g_ptr_array_index(guests, i);
            if (families[f] == &merged && guest->merged_mib >= 0)
                sample(page, &merged, "domain", guest->name, guest->merged_mib * MIB);
            if (families[f] == &profit && !isnan(guest->profit_mib))
                sample(page, &profit, "domain", guest->name, guest->profit_mib * MIB);
            if (families[f] == &obstacle && guest->obstacle)
                sample2(page, &obstacle, "domain", guest->name, "reason", guest->obstacle, 1);
        }
    }
}

static void
write_following_states(const Page *page, const GPtrArray *following)
{
    const Family family = {"kvm_tune_following_domains",
                           "Domains whose memory is wanted on other nodes, by how far that is", GAUGE};
    guint counts[KT_FOLLOWING_LEFT + 1] = {0};
    for (guint i = 0; i < following->len; i++)
        counts[((const KtFollowed *)following->pdata[i])->state]++;
    begin(page, &family);
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++)
        sample(page, &family, "state", kt_following_state_name((KtFollowingState)i), counts[i]);
}

static void
write_following(const Page *page, const KtMetrics *metrics)
{
    const Family to_move = {"kvm_tune_domain_memory_to_move_bytes",
                            "Memory of a domain that is on its way to other nodes, and not there yet", GAUGE};
    const Family stays = {"kvm_tune_domain_memory_stays_info",
                          "Why memory of a domain that is wanted on other nodes stays where it is", GAUGE};
    single(page, "kvm_tune_memory_moved_bytes", "Memory that followed its domain to other nodes", COUNTER,
           (double)metrics->moved_kib * KIB);
    write_following_states(page, metrics->following);
    begin(page, &to_move);
    for (guint i = 0; i < metrics->following->len; i++) {
        const KtFollowed *followed = metrics->following->pdata[i];
        if (followed->state == KT_FOLLOWING_MOVES ||
            (followed->state == KT_FOLLOWING_WAITS && followed->left_kib > 0))
            sample(page, &to_move, "domain", followed->name, (double)followed->left_kib * KIB);
    }
    begin(page, &stays);
    for (guint i = 0; i < metrics->following->len; i++) {
        const KtFollowed *followed = metrics->following->pdata[i];
        if (followed->state == KT_FOLLOWING_STAYS)
            sample2(page, &stays, "domain", followed->name, "reason", followed->reason, 1);
    }
}

static void
write_load(const Page *page, const KtMetrics *metrics)
{
    const Family delay = {
        "kvm_tune_domain_run_delay_ratio",
        "Share of the time that a domain's vCPU waited for a CPU, of the one that waits most", GAUGE};
    const Family load = {"kvm_tune_domain_load_ratio",
                         "CPUs' worth of work of a domain's vCPUs, waiting included, on average", GAUGE};
    single(page, "kvm_tune_load_replans", "Plans made anew because a vCPU waited for a CPU", COUNTER,
           (double)metrics->replans);
    begin(page, &delay);
    for (guint i = 0; i < metrics->load->len; i++) {
        const KtLoadFigures *figures = metrics->load->pdata[i];
        if (figures->delay_percent >= 0)
            sample(page, &delay, "domain", figures->name, figures->delay_percent / 100);
    }
    begin(page, &load);
    for (guint i = 0; i < metrics->load->len; i++) {
        const KtLoadFigures *figures = metrics->load->pdata[i];
        if (figures->load > 0)
            sample(page, &load, "domain", figures->name, figures->load);
    }
}

char *
kt_metrics_text(const KtMetrics *metrics, KtMetricsFormat format)
{
    const Page page = {g_string_new(NULL), format};
    write_info(&page, metrics);
    write_looks(&page, metrics);
    if (metrics->governor) {
        write_ksm(&page, metrics->governor);
        if (metrics->governor->state != KT_GOVERNOR_OFF)
            write_guests(&page, metrics->governor->guests);
    }
    if (metrics->following)
        write_following(&page, metrics);
    if (metrics->load)
        write_load(&page, metrics);
    if (format == KT_METRICS_OPEN)
        g_string_append(page.text, "# EOF\n");
    return g_string_free(page.text, FALSE);
}
