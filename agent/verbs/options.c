/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/nearest.h"

#define LEAST_WIDTH 60
#define MOST_WIDTH 120 /* wider lines aren't read better */
#define USUAL_WIDTH 80

void
kt_command_line_free(KtCommandLine *line)
{
    if (line == NULL)
        return;
    g_free(line->options.uri);
    g_free(line->options.capture);
    g_strfreev(line->options.domains);
    g_free(line->options.state_dir);
    g_free(line->options.xml_dir);
    g_strfreev(line->options.workloads);
    g_strfreev(line->options.prove);
    g_strfreev(line->options.measure);
    g_free(line->options.html);
    g_free(line->options.metrics);
    g_strfreev(line->words);
    g_free(line);
}

/* Columns of the terminal that stdout is; of anything else always the same, so that output can be compared.
 */
static guint
terminal_width(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return USUAL_WIDTH;
    return CLAMP(size.ws_col, LEAST_WIDTH, MOST_WIDTH);
}

/* https://no-color.org: any value but the empty one. */
static bool
wants_color(void)
{
    const char *no_color = g_getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no_color && *no_color) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
}

static gboolean
read_color(const char *name, const char *value, gpointer data, GError **error)
{
    KtCommandLine *line = data;
    if (g_str_equal(value, "auto"))
        line->options.style.color = wants_color();
    else if (g_str_equal(value, "always") || g_str_equal(value, "never"))
        line->options.style.color = g_str_equal(value, "always");
    else
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: '%s' is not auto, always or never",
                    name, value);
    return *error == NULL;
}

static gboolean
read_verbose(const char *name, const char *value, gpointer data, GError **error)
{
    (void)name, (void)value, (void)error;
    KtCommandLine *line = data;
    line->options.verbosity++;
    return TRUE;
}

static gboolean
read_quiet(const char *name, const char *value, gpointer data, GError **error)
{
    (void)name, (void)value, (void)error;
    KtCommandLine *line = data;
    line->options.verbosity = -1;
    return TRUE;
}

/* Not an object of GLib's types: callbacks and places are both "pointers to be filled". */
static gpointer
callback(GOptionArgFunc function)
{
    return (gpointer)(guintptr)function;
}

static GOptionContext *
make_context(KtCommandLine *line)
{
    KtOptions *options = &line->options;
    /* File names aren't converted: they, domains and URIs may hold any bytes. */
    const GOptionEntry entries[] = {
        {"connect", 'c', 0, G_OPTION_ARG_FILENAME, &options->uri, NULL, NULL},
        {"capture", 0, 0, G_OPTION_ARG_FILENAME, &options->capture, NULL, NULL},
        {"domain", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->domains, NULL, NULL},
        {"state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->state_dir, NULL, NULL},
        {"xml-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->xml_dir, NULL, NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options->json, NULL, NULL},
        {"yes", 'y', 0, G_OPTION_ARG_NONE, &options->yes, NULL, NULL},
        {"all", 0, 0, G_OPTION_ARG_NONE, &options->all, NULL, NULL},
        {"host", 0, 0, G_OPTION_ARG_NONE, &options->host, NULL, NULL},
        {"persist", 0, 0, G_OPTION_ARG_NONE, &options->persist, NULL, NULL},
        {"why", 0, 0, G_OPTION_ARG_NONE, &options->why, NULL, NULL},
        {"metrics", 0, 0, G_OPTION_ARG_FILENAME, &options->metrics, NULL, NULL},
        {"workload", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->workloads, NULL, NULL},
        {"prove", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->prove, NULL, NULL},
        {"measure", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->measure, NULL, NULL},
        {"blocks", 0, 0, G_OPTION_ARG_INT, &options->blocks, NULL, NULL},
        {"seed", 0, 0, G_OPTION_ARG_INT, &options->seed, NULL, NULL},
        {"restart", 0, 0, G_OPTION_ARG_NONE, &options->restart, NULL, NULL},
        {"html", 0, 0, G_OPTION_ARG_FILENAME, &options->html, NULL, NULL},
        {"markdown", 0, 0, G_OPTION_ARG_NONE, &options->markdown, NULL, NULL},
        {"csv", 0, 0, G_OPTION_ARG_NONE, &options->csv, NULL, NULL},
        {"compare", 0, 0, G_OPTION_ARG_NONE, &options->compare, NULL, NULL},
        {"color", 0, 0, G_OPTION_ARG_CALLBACK, callback(read_color), NULL, NULL},
        {"verbose", 'v', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, callback(read_verbose), NULL, NULL},
        {"quiet", 'q', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, callback(read_quiet), NULL, NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &line->help, NULL, NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &line->version, NULL, NULL},
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = g_option_context_new(NULL);
    GOptionGroup *group = g_option_group_new("kvm-tune", "", "", line, NULL);
    g_option_group_add_entries(group, entries);
    g_option_context_set_main_group(context, group);
    g_option_context_set_help_enabled(context, FALSE);
    return context;
}

/* "--jsno" of "--jsno=1", as GLib will complain of it; NULL where each of @words is an option that is known.
 * The words of one letter are left to GLib. */
static char *
unknown_option(char *const *words, const char *const *known)
{
    for (guint i = 1; words[i] && !g_str_equal(words[i], "--"); i++) {
        g_autofree char *name = g_strndup(words[i], strcspn(words[i], "="));
        if (g_str_has_prefix(name, "--") && !g_strv_contains(known, name))
            return g_steal_pointer(&name);
    }
    return NULL;
}

/* GLib names the unknown option; here comes which one was meant. */
static void
explain_unknown(char *const *words, GError **error)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(g_free);
    for (const KtOptionHelp *help = kt_option_helps; help->option; help++) {
        const char *name = strstr(help->option, "--");
        g_ptr_array_add(known, g_strndup(name, strcspn(name, " ")));
    }
    g_ptr_array_add(known, g_strdup("--version"));
    g_ptr_array_add(known, NULL);
    const char *const *names = (const char *const *)known->pdata;
    g_autofree char *wrong = unknown_option(words, names);
    const char *nearest = wrong ? kt_nearest(wrong, names) : NULL;
    if (!nearest)
        return;
    g_clear_error(error);
    g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "there is no option '%s'; did you mean '%s'?", wrong,
                nearest);
}

KtCommandLine *
kt_command_line_read(char *const *arguments, GError **error)
{
    KtCommandLine *line = g_new0(KtCommandLine, 1);
    KtOptions *options = &line->options;
    options->style = (KtStyle){wants_color(), g_get_charset(NULL), terminal_width()};
    line->words = g_strdupv((char **)arguments);
    g_autoptr(GOptionContext) context = make_context(line);
    bool json = g_strv_contains((const char *const *)line->words, "--json");
    bool read = g_option_context_parse_strv(context, &line->words, error);
    if (!read) {
        options->json = json;
        if (g_error_matches(*error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION))
            explain_unknown(arguments, error);
    }
    if (options->state_dir == NULL)
        options->state_dir = g_strdup(KT_STATE_DIRECTORY);
    /* words[0] is the program's own name. */
    guint n = read ? g_strv_length(line->words) : 0;
    line->verb = n > 1 ? line->words[1] : NULL;
    options->arguments = line->words ? line->words + MIN(n, 2) : NULL;
    return line;
}

static bool
check_takes(const KtCommandLine *line, const KtVerb *verb, GError **error)
{
    const KtOptions *options = &line->options;
    const struct {
        bool given;
        guint takes; /* KtTakes: any of them */
        const char *name;
    } optional[] = {
        {options->capture != NULL, KT_TAKES_CAPTURE, "--capture"},
        {options->domains != NULL, KT_TAKES_DOMAIN, "--domain"},
        {options->yes, KT_TAKES_YES, "--yes"},
        {options->all, KT_TAKES_ALL, "--all"},
        {options->xml_dir != NULL, KT_TAKES_XML_DIR, "--xml-dir"},
        {options->why, KT_TAKES_WHY, "--why"},
        {options->workloads != NULL, KT_TAKES_BENCH, "--workload"},
        {options->prove != NULL, KT_TAKES_PROVE, "--prove"},
        {options->measure != NULL, KT_TAKES_BENCH | KT_TAKES_PROVE, "--measure"},
        {options->blocks != 0, KT_TAKES_BENCH | KT_TAKES_PROVE, "--blocks"},
        {options->seed != 0, KT_TAKES_BENCH | KT_TAKES_PROVE, "--seed"},
        {options->restart, KT_TAKES_BENCH | KT_TAKES_PROVE, "--restart"},
        {options->html != NULL, KT_TAKES_REPORT, "--html"},
        {options->markdown, KT_TAKES_REPORT, "--markdown"},
        {options->csv, KT_TAKES_REPORT, "--csv"},
        {options->compare, KT_TAKES_REPORT, "--compare"},
        {options->persist, KT_TAKES_PERSIST, "--persist"},
        {options->metrics != NULL, KT_TAKES_METRICS, "--metrics"},
        {options->host, KT_TAKES_HOST, "--host"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(optional); i++) {
        if (!optional[i].given || (verb->takes & optional[i].takes))
            continue;
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "%s takes no %s", verb->name, optional[i].name);
        return false;
    }
    if (options->persist && options->domains) {
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID,
                    "--persist and --domain exclude each other: the daemon keeps a whole profile");
        return false;
    }
    if (options->capture && options->uri) {
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "--capture and --connect exclude each other");
        return false;
    }
    return true;
}

bool
kt_command_line_fits(const KtCommandLine *line, const KtVerb *verb, GError **error)
{
    if (!check_takes(line, verb, error))
        return false;
    guint n = g_strv_length(line->options.arguments);
    if (n >= verb->least && n <= verb->most)
        return true;
    if (n > verb->most)
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "%s: '%s' is too much; usage: kvm-tune %s %s",
                    verb->name, line->options.arguments[verb->most], verb->name, verb->arguments);
    else
        g_set_error(error, KT_ERROR, KT_ERROR_INVALID, "usage: kvm-tune %s %s", verb->name, verb->arguments);
    return false;
}
