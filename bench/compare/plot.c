/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/plot.h"

#include <gio/gio.h>
#include <math.h>
#include <string.h>

/* Readable on white and on black. */
#define BEFORE_COLOR "#8a8f98"
#define WITH_COLOR "#2f81f7"
#define MOST_TICS 6

static void
begin(GString *script, guint width, guint height)
{
    g_string_append_printf(script,
                           "set terminal svg size %u,%u dynamic font 'sans-serif,15' noenhanced\n"
                           "set border 1 lc rgb '#8a8f98'\nset tics nomirror out font ',12'\nset key off\n",
                           width, height);
}

/* The runs of one arm as lines of "X Y", or "SECONDS VALUE". */
static void
add_runs(GString *script, const char *name, const KtMetric *metric, bool with, gint64 started_usec)
{
    char x[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(script, "$%s << END\n", name);
    for (guint i = 0; i < metric->runs->len; i++) {
        const KtRun *run = &g_array_index(metric->runs, KtRun, i);
        if (run->with != with)
            continue;
        g_ascii_dtostr(x, sizeof x, run->value);
        if (started_usec)
            g_string_append_printf(script, "%.1f %s\n",
                                   (double)(run->taken_usec - started_usec) / G_USEC_PER_SEC, x);
        else
            g_string_append_printf(script, "%s %.2f\n", x, (with ? 0 : 1) + 0.06 * (run->block % 5 - 2.0));
    }
    g_string_append(script, "END\n");
}

static void
add_interval(GString *script, const char *name, const KtInterval *interval, guint y)
{
    char value[G_ASCII_DTOSTR_BUF_SIZE], low[G_ASCII_DTOSTR_BUF_SIZE], high[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(
        script, "$%s << END\n%s %u %s %s\nEND\n", name, g_ascii_dtostr(value, sizeof value, interval->value),
        y, g_ascii_dtostr(low, sizeof low, interval->low), g_ascii_dtostr(high, sizeof high, interval->high));
}

/* Names inside a drawing are told apart from those of the others on the page; black is the page's own colour.
 */
static char *
for_page(const char *svg, guint number)
{
    const char *start = strstr(svg, "<svg");
    if (start == NULL)
        return NULL;
    g_autoptr(GString) out = g_string_new(start);
    g_autofree char *id = g_strdup_printf("id='d%u-", number);
    g_autofree char *id2 = g_strdup_printf("id=\"d%u-", number);
    g_autofree char *use = g_strdup_printf("href='#d%u-", number);
    g_autofree char *url = g_strdup_printf("url(#d%u-", number);
    g_string_replace(out, "id='", id, 0);
    g_string_replace(out, "id=\"", id2, 0);
    g_string_replace(out, "href='#", use, 0);
    g_string_replace(out, "url(#", url, 0);
    g_string_replace(out, "color=\"black\"", "", 0);
    g_string_replace(out, "fill=\"black\"", "fill=\"currentColor\"", 0);
    return g_strdup(out->str);
}

static char *
draw(const char *plotter, guint number, const char *script)
{
    g_autofree char *svg = NULL;
    g_autoptr(GSubprocess) process = g_subprocess_new(
        G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
        NULL, plotter, "-", NULL);
    if (process == NULL || !g_subprocess_communicate_utf8(process, script, NULL, &svg, NULL, NULL) ||
        !g_subprocess_get_successful(process) || svg == NULL)
        return NULL;
    return for_page(svg, number);
}

/* 1, 2 or 5 times a power of ten, so that numbers on an axis from @low to @high don't run into each other. */
static double
tics_step(double low, double high)
{
    double least = (high - low) / MOST_TICS, power = pow(10, floor(log10(least)));
    return power * (least <= power ? 1 : least <= 2 * power ? 2 : least <= 5 * power ? 5 : 10);
}

static void
add_tics(GString *script, const KtMetric *metric)
{
    char step[G_ASCII_DTOSTR_BUF_SIZE];
    double low = INFINITY, high = -INFINITY;
    for (guint i = 0; i < metric->runs->len; i++) {
        low = MIN(low, g_array_index(metric->runs, KtRun, i).value);
        high = MAX(high, g_array_index(metric->runs, KtRun, i).value);
    }
    if (high > low)
        g_string_append_printf(script, "set xtics %s\n",
                               g_ascii_dtostr(step, sizeof step, tics_step(low, high)));
}

char *
kt_plot_finding(const char *plotter, guint number, const KtFinding *finding)
{
    g_autoptr(GString) script = g_string_new(NULL);
    begin(script, 460, 150);
    add_runs(script, "before", finding->metric, false, 0);
    add_runs(script, "after", finding->metric, true, 0);
    add_interval(script, "m0", &finding->before, 1);
    add_interval(script, "m1", &finding->after, 0);
    add_tics(script, finding->metric);
    g_string_append(script, "set yrange [-0.5:1.5]\nset ytics ('as it was' 1, 'with the profile' 0) scale 0\n"
                            "set offsets graph 0.03, graph 0.03, 0, 0\n"
                            "plot $before with points pt 7 ps 0.5 lc rgb '" BEFORE_COLOR "', "
                            "$after with points pt 7 ps 0.5 lc rgb '" WITH_COLOR "', "
                            "$m0 using 1:2:3:4 with xerrorbars pt 5 ps 0.9 lw 3 lc rgb '" BEFORE_COLOR "', "
                            "$m1 using 1:2:3:4 with xerrorbars pt 5 ps 0.9 lw 3 lc rgb '" WITH_COLOR "'\n");
    return draw(plotter, number, script->str);
}

static double
largest(const KtMetric *metric)
{
    double most = 0;
    for (guint i = 0; i < metric->runs->len; i++)
        most = MAX(most, g_array_index(metric->runs, KtRun, i).value);
    return most;
}

char *
kt_plot_watched(const char *plotter, guint number, const KtMetric *metric, gint64 started_usec)
{
    g_autoptr(GString) script = g_string_new(NULL);
    char most[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(most, sizeof most, "%.3g", largest(metric));
    begin(script, 420, 120);
    add_runs(script, "before", metric, false, started_usec);
    add_runs(script, "after", metric, true, started_usec);
    /* What is rounded up is still inside. */
    g_string_append_printf(script, "set yrange [0:%s*1.05]\nset ytics ('0' 0, '%s' %s)\n", most, most, most);
    g_string_append(script, "plot $before with impulses lw 3 lc rgb '" BEFORE_COLOR "', "
                            "$after with impulses lw 3 lc rgb '" WITH_COLOR "'\n");
    return draw(plotter, number, script->str);
}
