/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/workload.h"

#include <string.h>

#include "base/diagnostic.h"

static KtWorkload *
parse(const char *text, GPtrArray *diagnostics)
{
    return kt_workload_parse("test", "test.conf", text, strlen(text), diagnostics);
}

static KtWorkload *
parse_right(const char *text)
{
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    KtWorkload *workload = parse(text, diagnostics);
    g_assert_nonnull(workload);
    g_assert_cmpuint(diagnostics->len, ==, 0);
    return workload;
}

static void
assert_wrong(const char *text, guint line, const char *words)
{
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    g_assert_null(parse(text, diagnostics));
    g_assert_cmpuint(diagnostics->len, >=, 1);
    const KtDiagnostic *first = diagnostics->pdata[0];
    g_assert_cmpuint(first->line, ==, line);
    g_assert_nonnull(strstr(first->message, words));
}

#define FIGURE "[figure a]\nread = line a ([0-9]+)\n"

static void
test_whole(void)
{
    g_autoptr(KtWorkload) workload =
        parse_right("[workload]\nsummary = s\nwhere = host\nrun = prog 'two words' {x}\n"
                    "timeout = 7\n[parameters]\nx = 5\n" FIGURE "unit = ns\nbetter = more\nmatters = 20 %\n");
    const KtFigure *figure = workload->figures->pdata[0];
    g_assert_cmpint(workload->where, ==, KT_WHERE_HOST);
    g_assert_cmpstr(workload->argv[1], ==, "two words");
    g_assert_cmpuint(workload->timeout_s, ==, 7);
    g_assert_cmpstr(figure->unit, ==, "ns");
    g_assert_true(figure->more_is_better);
    g_assert_cmpfloat_with_epsilon(figure->matters, 0.2, 1e-9);
}

static void
test_mistakes(void)
{
    assert_wrong("[workload]\nwhere = hots\nrun = x\n" FIGURE, 2, "none of guest-agent, guest-serial");
    assert_wrong("[workload]\nrunn = x\n" FIGURE, 2, "no 'runn'");
    assert_wrong("[workload]\nrun = x 'open\n" FIGURE, 2, "not a command");
    assert_wrong("[workload]\nrun = x\ntimeout = 0\n" FIGURE, 3, "number of seconds");
    assert_wrong("[workload]\nrun = x\n[figure a]\nread = line a [0-9]+\n", 4, "a group");
    assert_wrong("[workload]\nrun = x\n[figure a]\nread = line (\n", 4, "is not");
    assert_wrong("[workload]\nrun = x\n[figure a]\nread = xml a\n", 4, "none of line, json");
    assert_wrong("[workload]\nrun = x\n[figure a]\nread = watched ksm\n", 4, "none of vcpu-busy");
    assert_wrong("[workload]\nrun = x\n[figure a]\nunit = s\n", 3, "no 'read'");
    assert_wrong("[workload]\nrun = x\n" FIGURE "matters = 5\n", 5, "a percentage");
    assert_wrong("[workload]\nrun = x\n[figures a]\nread = json /a\n", 3, "wanted [workload]");
    assert_wrong("[workload]\nwhere = host\n" FIGURE, 0, "'run' in [workload]");
    assert_wrong("[workload]\nwhere = guest-serial\nrun = x\n" FIGURE, 0, "'until' in [workload]");
    assert_wrong("[workload]\nrun = x\n", 0, "a [figure NAME]");
    assert_wrong("[workload]\nwhere = passive\n" FIGURE, 0, "only 'watched NAME'");
}

static void
test_figures(void)
{
    g_autoptr(KtWorkload) workload =
        parse_right("[workload]\nrun = x\n[figure line]\nread = line ^late ([0-9.]+)\n"
                    "[figure json]\nread = json /jobs/1/read/99.000000\n");
    double values[2];
    g_autoptr(GError) error = NULL;
    const char *output = "note\r\nlate 1.5\r\n{\"jobs\": [{}, {\"read\": {\"99.000000\": 12}}]} rest";
    g_assert_true(kt_workload_figures(workload, output, values, &error));
    g_assert_cmpfloat(values[0], ==, 1.5);
    g_assert_cmpfloat(values[1], ==, 12);
}

/* What the guest printed is shown, but can't do anything to the terminal. */
static void
test_figure_missing(void)
{
    g_autoptr(KtWorkload) workload =
        parse_right("[workload]\nrun = x\n[figure line]\nread = line ^late (.+)\n");
    double value;
    g_autoptr(GError) error = NULL;
    g_assert_false(kt_workload_figures(workload, "sh: x: \033[2Jnot found", &value, &error));
    g_assert_nonnull(strstr(error->message, "not found"));
    g_assert_null(strchr(error->message, '\033'));
    g_assert_false(kt_workload_figures(workload, "late nan", &value, NULL));
}

/* What a tool says of it in its JSON is what is shown. */
static void
test_figure_missing_in_json(void)
{
    g_autoptr(KtWorkload) workload = parse_right("[workload]\nrun = x\n[figure f]\nread = json /end/f\n");
    double value;
    g_autoptr(GError) error = NULL;
    g_assert_false(
        kt_workload_figures(workload, "{\"start\": {}, \"error\": \"no server\"}", &value, &error));
    g_assert_cmpstr(error->message, ==, "test: the figure 'f' is not in what it printed: 'no server'");
}

static void
test_fill_in(void)
{
    g_autoptr(KtWorkload) workload =
        parse_right("[workload]\nrun = x\n[parameters]\nserver = 10.0.0.1\n" FIGURE);
    g_autofree char *text =
        kt_workload_fill_in(workload, "{server} {domain} #{token} {other} {", "{server}", "t");
    g_assert_cmpstr(text, ==, "10.0.0.1 {server} #t {other} {");
}

static void
test_shipped(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) folder = g_dir_open(KT_SOURCE_DIR "/bench/workloads", 0, &error);
    guint count = 0;
    g_assert_no_error(error);
    for (const char *name; (name = g_dir_read_name(folder)); count++) {
        g_autofree char *path = g_build_filename(KT_SOURCE_DIR "/bench/workloads", name, NULL);
        g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
        g_autoptr(KtWorkload) workload = kt_workload_load(path, diagnostics);
        g_assert_nonnull(workload);
        g_assert_nonnull(workload->summary);
    }
    g_assert_cmpuint(count, >=, 11);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/workload/whole", test_whole);
    g_test_add_func("/workload/mistakes", test_mistakes);
    g_test_add_func("/workload/figures", test_figures);
    g_test_add_func("/workload/figure-missing", test_figure_missing);
    g_test_add_func("/workload/figure-missing-in-json", test_figure_missing_in_json);
    g_test_add_func("/workload/fill-in", test_fill_in);
    g_test_add_func("/workload/shipped", test_shipped);
    return g_test_run();
}
