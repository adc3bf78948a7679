/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/diagnostic.h"
#include "bench/compare/report.h"

#define NAME_COLUMNS 30
#define SIDE_COLUMNS 40

static void
print_side(GString *out, const KtStyle *style, const KtFinding *finding)
{
    if (finding->blocks->len == 0) {
        kt_pad(out, style, KT_INK_WARN, "no block was completed", SIDE_COLUMNS);
        return;
    }
    g_autofree char *after = kt_figure_text(finding->after.value, finding->metric->unit);
    g_autofree char *change = kt_change_text(finding, finding->comparison.change.value);
    g_autofree char *text =
        g_strdup_printf("%s (%s, %s)", after, change, kt_verdict_name(finding->comparison.verdict));
    g_autofree char *safe = kt_printable(text);
    kt_pad(out, style, KT_INK_PLAIN, safe, SIDE_COLUMNS);
}

static void
print_head(GString *out, const KtStyle *style, const char *which, const KtBenchmark *benchmark)
{
    g_autofree char *started = kt_time_text(benchmark->started_usec);
    g_autofree char *profile = kt_printable(benchmark->profile);
    kt_ink(out, style, KT_INK_HEADING, "%s", which);
    g_string_append_printf(out, ": benchmark %" G_GINT64_FORMAT " of '%s', %s\n", benchmark->id, profile,
                           started);
}

void
kt_bench_compare_text(GString *out, const KtStyle *style, const KtBenchmark *one, const KtBenchmark *other)
{
    g_autoptr(GPtrArray) ones = kt_analyse(one);
    g_autoptr(GPtrArray) others = kt_analyse(other);
    guint compared = 0;
    print_head(out, style, "one", one);
    print_head(out, style, "other", other);
    g_string_append(
        out, "Medians with the profile, and in brackets what the profile brought there. The two were not "
             "measured in turns:\nthat one's figures are higher than the other's may have any reason.\n\n");
    kt_pad(out, style, KT_INK_HEADING, "", NAME_COLUMNS);
    kt_pad(out, style, KT_INK_HEADING, "one", SIDE_COLUMNS);
    kt_ink(out, style, KT_INK_HEADING, "other\n");
    for (guint i = 0; i < ones->len; i++) {
        const KtFinding *finding = ones->pdata[i], *same = kt_find_finding(others, finding->metric);
        if (same == NULL)
            continue;
        g_autofree char *name = g_strdup_printf("%s %s", finding->metric->workload, finding->metric->figure);
        g_autofree char *safe = kt_printable(name);
        kt_pad(out, style, KT_INK_PLAIN, safe, NAME_COLUMNS);
        print_side(out, style, finding);
        print_side(out, style, same);
        g_string_append_c(out, '\n');
        compared++;
    }
    if (compared == 0)
        g_string_append(out, "  no figure is in both\n");
}
