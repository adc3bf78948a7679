/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/options.h"

static const KtVerb look = {
    .name = "plan", .arguments = "PROFILE", .least = 1, .most = 1, .takes = KT_TAKES_CAPTURE};
static const KtVerb change = {
    .name = "apply", .arguments = "PROFILE", .least = 1, .most = 1, .takes = KT_TAKES_YES};

#define ARGUMENTS(...) ((char *const[]){(char *)"kvm-tune", __VA_ARGS__, NULL})

static KtCommandLine *
read_line(char *const *arguments)
{
    g_autoptr(GError) error = NULL;
    KtCommandLine *line = kt_command_line_read(arguments, &error);
    g_assert_no_error(error);
    return line;
}

static void
expect_wrong(char *const *arguments, const char *words)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtCommandLine) line = kt_command_line_read(arguments, &error);
    g_assert_nonnull(line);
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, words));
}

static void
expect_unfit(char *const *arguments, const KtVerb *verb, const char *words)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtCommandLine) line = read_line(arguments);
    g_assert_false(kt_command_line_fits(line, verb, &error));
    g_assert_nonnull(strstr(error->message, words));
}

static void
test_anywhere(void)
{
    g_autoptr(KtCommandLine) line =
        read_line(ARGUMENTS((char *)"-c", (char *)"test:///x", (char *)"plan", (char *)"--json", (char *)"p",
                            (char *)"--state-dir=/s", (char *)"-vv"));
    g_assert_cmpstr(line->verb, ==, "plan");
    g_assert_cmpstr(line->options.arguments[0], ==, "p");
    g_assert_null(line->options.arguments[1]);
    g_assert_cmpstr(line->options.uri, ==, "test:///x");
    g_assert_cmpstr(line->options.state_dir, ==, "/s");
    g_assert_true(line->options.json);
    g_assert_cmpint(line->options.verbosity, ==, 2);
    g_assert_true(kt_command_line_fits(line, &look, NULL));
}

static void
test_several_domains(void)
{
    g_autoptr(KtCommandLine) line = read_line(
        ARGUMENTS((char *)"plan", (char *)"p", (char *)"--domain=db-*", (char *)"--domain", (char *)"web"));
    g_assert_cmpuint(g_strv_length(line->options.domains), ==, 2);
    g_assert_cmpstr(line->options.domains[0], ==, "db-*");
    g_assert_cmpstr(line->options.domains[1], ==, "web");
}

static void
test_nothing(void)
{
    g_autoptr(KtCommandLine) line = read_line((char *const[]){(char *)"kvm-tune", NULL});
    g_assert_null(line->verb);
    g_assert_cmpstr(line->options.state_dir, ==, KT_STATE_DIRECTORY);
    g_assert_cmpint(line->options.verbosity, ==, 0);
    g_assert_false(line->options.yes);
}

static void
test_color(void)
{
    g_autoptr(KtCommandLine) always = read_line(ARGUMENTS((char *)"--color", (char *)"always"));
    g_autoptr(KtCommandLine) never = read_line(ARGUMENTS((char *)"--color=never"));
    g_assert_true(always->options.style.color);
    g_assert_false(never->options.style.color);
    expect_wrong(ARGUMENTS((char *)"--color=blue"), "'blue' is not auto, always or never");
}

static void
test_wrong_usage(void)
{
    expect_wrong(ARGUMENTS((char *)"plan", (char *)"--nonsense"), "--nonsense");
    expect_wrong(ARGUMENTS((char *)"plan", (char *)"--jsno"),
                 "there is no option '--jsno'; did you mean '--json'?");
    expect_wrong(ARGUMENTS((char *)"plan", (char *)"--state-dri=x"),
                 "'--state-dri'; did you mean '--state-dir'?");
    expect_wrong(ARGUMENTS((char *)"plan", (char *)"-c"), "-c");
    expect_unfit(ARGUMENTS((char *)"plan"), &look, "usage: kvm-tune plan PROFILE");
    expect_unfit(ARGUMENTS((char *)"plan", (char *)"a", (char *)"b"), &look, "'b' is too much");
    expect_unfit(ARGUMENTS((char *)"plan", (char *)"a", (char *)"--yes"), &look, "plan takes no --yes");
    expect_unfit(ARGUMENTS((char *)"apply", (char *)"a", (char *)"--capture", (char *)"x"), &change,
                 "apply takes no --capture");
    expect_unfit(
        ARGUMENTS((char *)"plan", (char *)"a", (char *)"--capture", (char *)"x", (char *)"-c", (char *)"y"),
        &look, "exclude each other");
}

/* So that even a wrong option is answered in JSON. */
static void
test_json_survives_errors(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtCommandLine) line =
        kt_command_line_read(ARGUMENTS((char *)"plan", (char *)"--nonsense", (char *)"--json"), &error);
    g_assert_nonnull(error);
    g_assert_true(line->options.json);
}

static void
test_help_fits_the_terminal(void)
{
    static const KtVerb verbs[] = {{.name = "plan", .arguments = "PROFILE", .summary = "what apply would do"},
                                   {0}};
    const KtStyle style = {.width = 80};
    g_autofree char *help = kt_help(&style, verbs);
    g_assert_nonnull(strstr(help, "  plan PROFILE          what apply would do\n"));
    g_auto(GStrv) lines = g_strsplit(help, "\n", -1);
    for (guint i = 0; lines[i]; i++)
        g_assert_cmpuint(kt_columns(lines[i]), <=, 80);
}

static void
test_help_of_a_verb_has_its_options(void)
{
    const KtStyle style = {.width = 80};
    const KtVerb verb = {.name = "plan", .arguments = "", .details = "Plans.", .takes = KT_TAKES_CAPTURE};
    g_autofree char *help = kt_help_of(&style, &verb);
    g_assert_true(g_str_has_prefix(help, "kvm-tune plan [OPTIONS]\nPlans.\n"));
    g_assert_nonnull(strstr(help, "--capture"));
    g_assert_null(strstr(help, "--yes"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/verbs/options/anywhere", test_anywhere);
    g_test_add_func("/verbs/options/several-domains", test_several_domains);
    g_test_add_func("/verbs/options/nothing", test_nothing);
    g_test_add_func("/verbs/options/color", test_color);
    g_test_add_func("/verbs/options/wrong", test_wrong_usage);
    g_test_add_func("/verbs/options/json", test_json_survives_errors);
    g_test_add_func("/verbs/options/help", test_help_fits_the_terminal);
    g_test_add_func("/verbs/options/help-verb", test_help_of_a_verb_has_its_options);
    return g_test_run();
}
