/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writes the manual pages that tables of the program tell: kvm-tune-VERB.8, and kvm-tune-profile.5 from a
 * template whose lines @HOST@ and @DOMAIN@ are the settings.
 *
 *   generate-manuals DIRECTORY TEMPLATE DATE
 *
 * The pages are in mdoc(7).
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/verb_table.h"
#include "agent/verbs/options.h"
#include "profiles/settings.h"

/* Text as roff takes it: nothing in it is a request, all of it ASCII. */
static void
append_text(GString *page, const char *text)
{
    bool begins = page->len == 0 || page->str[page->len - 1] == '\n';
    if (begins && (*text == '.' || *text == '\''))
        g_string_append(page, "\\&");
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar one = g_utf8_get_char(p);
        if (one == '\\')
            g_string_append(page, "\\e");
        else if (one == 0x2026)
            g_string_append(page, "...");
        else if (one < 0x80)
            g_string_append_c(page, (char)one);
        else
            g_string_append_printf(page, "\\[u%04X]", one);
    }
}

/* A paragraph, each sentence on a line of its own: mdoc(7) spaces them. */
static void
append_paragraph(GString *page, const char *text)
{
    g_auto(GStrv) sentences = g_strsplit(text, ". ", -1);
    for (guint i = 0; sentences[i]; i++) {
        append_text(page, sentences[i]);
        g_string_append(page, sentences[i + 1] ? ".\n" : "\n");
    }
}

/* "-c, --connect URI" as ".It Fl c , -connect Ar URI". */
static void
append_option(GString *page, const KtOptionHelp *help)
{
    g_auto(GStrv) words = g_strsplit(help->option, " ", -1);
    g_string_append(page, ".It");
    for (guint i = 0; words[i]; i++) {
        bool more = g_str_has_suffix(words[i], ",");
        g_autofree char *word = g_strndup(words[i], strlen(words[i]) - more);
        if (*word == '-')
            g_string_append_printf(page, "%s %s%s", i == 0 ? " Fl" : "", word + 1, more ? " ," : "");
        else
            g_string_append_printf(page, " Ar %s", word);
    }
    g_autofree char *sentence =
        g_strdup_printf("\n%c%s.\n", g_ascii_toupper(help->words[0]), help->words + 1);
    append_text(page, sentence);
}

static void
append_head(GString *page, const char *title, const char *section, const char *date)
{
    g_autofree char *upper = g_ascii_strup(title, -1);
    g_string_append_printf(page, ".\\\" SPDX-License-Identifier: LGPL-2.1-or-later\n.Dd %s\n.Dt %s %s\n.Os\n",
                           date, upper, section);
}

static void
append_examples(GString *page, const KtExample *examples)
{
    if (examples == NULL)
        return;
    g_string_append(page, ".Sh EXAMPLES\n");
    for (bool first = true; examples->command; examples++, first = false) {
        g_string_append(page, first ? "" : ".Pp\n");
        g_autofree char *purpose =
            g_strdup_printf("%c%s:\n", g_ascii_toupper(examples->purpose[0]), examples->purpose + 1);
        append_text(page, purpose);
        g_string_append(page, ".Bd -literal -offset indent\n");
        append_text(page, examples->command);
        g_string_append(page, "\n.Ed\n");
    }
}

static char *
verb_page(const KtVerb *verb, const char *date)
{
    g_autoptr(GString) page = g_string_new(NULL);
    g_autofree char *title = g_strconcat("kvm-tune-", verb->name, NULL);
    append_head(page, title, "8", date);
    g_string_append_printf(page, ".Sh NAME\n.Nm %s\n.Nd ", title);
    append_text(page, verb->summary);
    g_string_append_printf(page, "\n.Sh SYNOPSIS\n.Nm kvm-tune\n.Cm %s\n.Op Ar options\n", verb->name);
    if (*verb->arguments)
        g_string_append_printf(page, ".Li \"%s\"\n", verb->arguments);
    g_string_append(page, ".Sh DESCRIPTION\n");
    append_paragraph(page, verb->details);
    g_string_append(page, ".Sh OPTIONS\n.Bl -tag -width Ds\n");
    for (const KtOptionHelp *help = kt_option_helps; help->option; help++) {
        if (kt_option_fits(help, verb->takes))
            append_option(page, help);
    }
    g_string_append(page, ".El\n.Sh EXIT STATUS\nAs in\n.Xr kvm-tune 8 .\n");
    append_examples(page, verb->examples);
    g_string_append(page, ".Sh SEE ALSO\n.Xr kvm-tune-profile 5 ,\n.Xr kvm-tune 8\n");
    return g_strdup(page->str);
}

static void
append_field(GString *page, const char *name, const char *text)
{
    if (text == NULL)
        return;
    g_string_append_printf(page, ".It %s\n", name);
    append_paragraph(page, text);
}

static void
append_setting(GString *page, const KtSetting *setting)
{
    g_autofree char *values = kt_setting_values(setting);
    g_string_append_printf(page, ".It Va %s\n", setting->key);
    append_paragraph(page, setting->meaning);
    g_string_append(page, ".Bl -tag -width \"manuals\" -compact\n");
    append_field(page, "values", values);
    append_field(page, "default", setting->default_text);
    append_field(page, "effect", setting->takes_effect);
    append_field(page, "risk", setting->risk);
    append_field(page, "manuals", setting->manuals);
    append_field(page, "source", setting->source);
    g_string_append(page, ".El\n");
}

static void
append_settings(GString *page, KtScope scope)
{
    g_string_append(page, ".Bl -tag -width Ds\n");
    for (guint id = 0; id < KT_N_SETTINGS; id++) {
        if (kt_setting((KtSettingId)id)->scope == scope)
            append_setting(page, kt_setting((KtSettingId)id));
    }
    g_string_append(page, ".El\n");
}

static char *
profile_page(const char *template, const char *date)
{
    g_autoptr(GString) page = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(template, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        if (g_str_equal(lines[i], "@HOST@"))
            append_settings(page, KT_SCOPE_HOST);
        else if (g_str_equal(lines[i], "@DOMAIN@"))
            append_settings(page, KT_SCOPE_DOMAIN);
        else if (g_str_equal(lines[i], ".Dd @DATE@"))
            g_string_append_printf(page, ".Dd %s\n", date);
        else if (lines[i + 1] || *lines[i])
            g_string_append_printf(page, "%s\n", lines[i]);
    }
    return g_strdup(page->str);
}

static bool
write_page(const char *directory, const char *name, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(directory, name, NULL);
    if (g_file_set_contents(path, text, -1, &error))
        return true;
    fprintf(stderr, "generate-manuals: %s\n", error->message);
    return false;
}

static bool
write_pages(const char *directory, const char *template, const char *date)
{
    bool written = true;
    for (const KtVerb *verb = kt_verbs; verb->name; verb++) {
        g_autofree char *name = g_strdup_printf("kvm-tune-%s.8", verb->name);
        g_autofree char *text = verb_page(verb, date);
        written = write_page(directory, name, text) && written;
    }
    g_autofree char *profile = profile_page(template, date);
    return write_page(directory, "kvm-tune-profile.5", profile) && written;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *template = NULL;
    if (argc != 4) {
        fprintf(stderr, "usage: generate-manuals DIRECTORY TEMPLATE DATE\n");
        return 1;
    }
    if (!g_file_get_contents(argv[2], &template, NULL, &error)) {
        fprintf(stderr, "generate-manuals: %s\n", error->message);
        return 1;
    }
    if (g_mkdir_with_parents(argv[1], 0755) != 0) {
        fprintf(stderr, "generate-manuals: %s: %s\n", argv[1], g_strerror(errno));
        return 1;
    }
    return write_pages(argv[1], template, argv[3]) ? 0 : 1;
}
