/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/profile.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fake_root.h"

/* Folders of profiles, looked up in the order etc, usr. */
typedef struct {
    FakeHost *host;
    char *etc;
    char *usr;
    GPtrArray *diagnostics;
} Folders;

static Folders
folders_new(const FakeFile *files)
{
    Folders folders = {.host = fake_host_new(files), .diagnostics = kt_diagnostics_new()};
    folders.etc = g_build_filename(folders.host->directory, "etc", NULL);
    folders.usr = g_build_filename(folders.host->directory, "usr", NULL);
    return folders;
}

static void
folders_clear(Folders *folders)
{
    fake_host_free(folders->host);
    g_free(folders->etc);
    g_free(folders->usr);
    g_ptr_array_unref(folders->diagnostics);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Folders, folders_clear)

static char *
path_in(const Folders *folders, const char *name)
{
    return g_build_filename(folders->host->directory, name, NULL);
}

static KtProfile *
load(const Folders *folders, const char *name)
{
    char *const directories[] = {folders->etc, folders->usr, NULL};
    return kt_profile_load(name, directories, folders->diagnostics);
}

/* The only diagnostic is of that line and column (of any line where 0) and holds @message. */
static void
assert_complaint(const Folders *folders, guint line, guint column, const char *message,
                 const char *suggestion)
{
    g_assert_cmpuint(folders->diagnostics->len, ==, 1);
    const KtDiagnostic *diagnostic = folders->diagnostics->pdata[0];
    g_assert_cmpuint(diagnostic->line, ==, line);
    g_assert_cmpuint(diagnostic->column, ==, column);
    if (!strstr(diagnostic->message, message))
        g_error("wanted '%s', got '%s'", message, diagnostic->message);
    g_assert_cmpstr(diagnostic->suggestion, ==, suggestion);
}

/* The values of all sections in order, as "key=text …". */
static char *
values_of(const KtProfile *profile)
{
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < profile->sections->len; i++) {
        const KtProfileSection *section = profile->sections->pdata[i];
        for (guint j = 0; j < section->values->len; j++) {
            const KtValue *value = section->values->pdata[j];
            g_string_append_printf(all, "%s%s=%s", all->len ? " " : "", value->setting->key, value->text);
        }
    }
    return g_string_free(all, FALSE);
}

static void
test_inherited_comes_first(void)
{
    g_auto(Folders) folders = folders_new((FakeFile[]){
        {"usr/a.conf", "[host]\nksm.mode = on\n[profile]\nsummary = A\ninherit = b\n"},
        {"usr/b.conf", "[profile]\ninherit = c\nsummary = B\n[domain *]\ncpu.smt = share\n"},
        {"usr/c.conf", "[host]\nksm.mode = off\n"},
        {NULL, NULL},
    });

    g_autoptr(KtProfile) profile = load(&folders, "a");

    g_assert_nonnull(profile);
    g_autofree char *values = values_of(profile);
    g_assert_cmpstr(values, ==, "ksm.mode=off cpu.smt=share ksm.mode=on");
    g_assert_cmpstr(profile->name, ==, "a");
    g_assert_cmpstr(profile->summary, ==, "A");
    g_assert_true(g_str_has_suffix(profile->file, "/usr/a.conf"));
    g_assert_cmpuint(profile->files->len, ==, 3);
    g_assert_true(g_str_has_suffix(profile->files->pdata[0], "/usr/c.conf"));
    g_assert_true(g_str_has_suffix(profile->files->pdata[2], "/usr/a.conf"));
}

static void
test_lookup_order(void)
{
    g_auto(Folders) folders = folders_new((FakeFile[]){
        {"etc/a.conf", "[host]\nksm.mode = on\n"},
        {"usr/a.conf", "[host]\nksm.mode = off\n"},
        {"usr/b.conf", "[profile]\ninherit = a\n"},
        {"other/b.conf", "[profile]\ninherit = a\n"},
        {NULL, NULL},
    });
    g_autofree char *path = path_in(&folders, "other/b.conf");

    g_autoptr(KtProfile) local = load(&folders, "a");
    g_autoptr(KtProfile) beside = load(&folders, "b");
    g_autoptr(KtProfile) elsewhere = load(&folders, path);

    g_autofree char *local_values = values_of(local), *beside_values = values_of(beside);
    g_autofree char *elsewhere_values = values_of(elsewhere);
    g_assert_cmpstr(local_values, ==, "ksm.mode=on");
    g_assert_cmpstr(beside_values, ==, "ksm.mode=off");
    g_assert_cmpstr(elsewhere_values, ==, "ksm.mode=on");
}

static void
test_same_name_inherits_installed(void)
{
    g_auto(Folders) folders = folders_new((FakeFile[]){
        {"etc/a.conf", "[profile]\ninherit = a\n[host]\nksm.mode = on\n"},
        {"usr/a.conf", "[host]\nksm.mode = off\n"},
        {NULL, NULL},
    });
    g_autoptr(KtProfile) profile = load(&folders, "a");
    g_assert_nonnull(profile);
    g_autofree char *values = values_of(profile);
    g_assert_cmpstr(values, ==, "ksm.mode=off ksm.mode=on");
}

static void
test_same_name_without_installed(void)
{
    g_auto(Folders) folders = folders_new((FakeFile[]){
        {"etc/a.conf", "[profile]\ninherit = a\n"},
        {NULL, NULL},
    });
    g_assert_null(load(&folders, "a"));
    assert_complaint(&folders, 2, 11, "there is no profile 'a' besides this one: looked for a.conf in ",
                     NULL);
}

static void
test_relative_path(void)
{
    g_auto(Folders) folders = folders_new((FakeFile[]){
        {"mine/x.conf", "[profile]\ninherit = ../base/y.conf\n"},
        {"base/y.conf", "[profile]\ninherit = z.conf\n"},
        {"base/z.conf", "[host]\nksm.mode = off\n"},
        {NULL, NULL},
    });
    g_autofree char *path = path_in(&folders, "mine/x.conf");
    g_autoptr(KtProfile) profile = load(&folders, path);
    g_assert_nonnull(profile);
    g_assert_cmpstr(profile->name, ==, path);
    g_assert_cmpuint(profile->files->len, ==, 3);
}

/* A path without a folder stays as short as the user wrote it. */
static void
test_present_folder(void)
{
    g_auto(Folders) folders = folders_new((FakeFile[]){
        {"x.conf", "[profile]\ninherit = y\n[host]\nksm.mode = on\n"},
        {"y.conf", "[host]\nksm.mode = off\n"},
        {NULL, NULL},
    });
    g_autofree char *before = g_get_current_dir();
    g_assert_cmpint(chdir(folders.host->directory), ==, 0);
    g_autoptr(KtProfile) profile = load(&folders, "x.conf");
    g_assert_cmpint(chdir(before), ==, 0);

    g_assert_nonnull(profile);
    g_assert_cmpstr(profile->files->pdata[0], ==, "y.conf");
    const KtProfileSection *section = profile->sections->pdata[1];
    g_assert_cmpstr(((const KtValue *)section->values->pdata[0])->source, ==, "x.conf:4:1");
}

static void
test_cycle(void)
{
    g_auto(Folders) folders = folders_new((FakeFile[]){
        {"usr/start.conf", "[profile]\ninherit = a\n"},
        {"usr/a.conf", "[profile]\ninherit = b\n"},
        {"usr/b.conf", "\n[profile]\n inherit = ./a.conf\n"},
        {NULL, NULL},
    });
    g_assert_null(load(&folders, "start"));
    g_autofree char *way = g_strdup_printf("a cycle: %s/a.conf inherits %s/b.conf inherits %s/./a.conf",
                                           folders.usr, folders.usr, folders.usr);
    assert_complaint(&folders, 3, 12, way, NULL);
}

static void
test_cycle_of_one(void)
{
    g_auto(Folders) folders =
        folders_new((FakeFile[]){{"usr/a.conf", "[profile]\ninherit = ./a.conf\n"}, {NULL, NULL}});
    g_assert_null(load(&folders, "a"));
    assert_complaint(&folders, 2, 11, "a cycle: ", NULL);
}

static void
test_missing(void)
{
    g_auto(Folders) folders = folders_new((FakeFile[]){
        {"usr/balanced.conf", ""},
        {"etc/mine.conf", "[profile]\ninherit = balancd\n"},
        {NULL, NULL},
    });
    g_autofree char *looked = g_strdup_printf(
        "there is no profile 'balnced': looked for balnced.conf in %s, %s", folders.etc, folders.usr);
    g_assert_null(load(&folders, "balnced"));
    assert_complaint(&folders, 0, 0, looked, "balanced");
    g_assert_cmpstr(((const KtDiagnostic *)folders.diagnostics->pdata[0])->file, ==, "balnced");

    g_ptr_array_set_size(folders.diagnostics, 0);
    g_assert_null(load(&folders, "mine"));
    assert_complaint(&folders, 2, 11, "there is no profile 'balancd'", "balanced");

    g_ptr_array_set_size(folders.diagnostics, 0);
    g_assert_null(load(&folders, "nowhere/balanced.conf"));
    assert_complaint(&folders, 0, 0, "there is no file nowhere/balanced.conf", "balanced");

    g_ptr_array_set_size(folders.diagnostics, 0);
    g_assert_null(load(&folders, ""));
    assert_complaint(&folders, 0, 0, "name or path is missing", NULL);
}

/* Errors of all files of a chain are shown together. */
static void
test_errors_of_all_files(void)
{
    g_auto(Folders) folders = folders_new((FakeFile[]){
        {"usr/a.conf", "[profile]\ninherit = b\n[host]\nksm.mode = onn\n"},
        {"usr/b.conf", "[host]\nksm.mode = of\n"},
        {NULL, NULL},
    });
    g_assert_null(load(&folders, "a"));
    g_assert_cmpuint(folders.diagnostics->len, ==, 2);
    g_assert_true(g_str_has_suffix(((KtDiagnostic *)folders.diagnostics->pdata[0])->file, "/a.conf"));
    g_assert_true(g_str_has_suffix(((KtDiagnostic *)folders.diagnostics->pdata[1])->file, "/b.conf"));
}

static void
test_no_regular_file(void)
{
    g_auto(Folders) folders = folders_new((FakeFile[]){{"usr/dir.conf/x", ""}, {NULL, NULL}});
    g_autofree char *fifo = path_in(&folders, "usr/fifo.conf");
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);

    g_assert_null(load(&folders, "dir"));
    assert_complaint(&folders, 0, 0, "/usr/dir.conf is a directory, not a regular file", NULL);

    g_ptr_array_set_size(folders.diagnostics, 0);
    g_assert_null(load(&folders, fifo));
    assert_complaint(&folders, 0, 0, "/usr/fifo.conf is a FIFO, not a regular file", NULL);

    g_ptr_array_set_size(folders.diagnostics, 0);
    g_assert_null(load(&folders, "/dev/null/x.conf"));
    assert_complaint(&folders, 0, 0, "there is no file /dev/null/x.conf", NULL);
}

static void
test_too_long(void)
{
    g_auto(Folders) folders = folders_new(NULL);
    GString *text = g_string_new(NULL);
    while (text->len < 1024 * 1024)
        g_string_append(text, "#234567\n");
    fake_host_write(folders.host, "usr/most.conf", text->str);
    g_string_append_c(text, '#');
    fake_host_write(folders.host, "usr/more.conf", text->str);
    g_string_free(text, TRUE);

    g_autoptr(KtProfile) most = load(&folders, "most");
    g_assert_nonnull(most);
    g_assert_null(load(&folders, "more"));
    assert_complaint(&folders, 0, 0, "is longer than a profile may be: 1 MiB", NULL);
}

static void
test_no_text(void)
{
    g_auto(Folders) folders = folders_new((FakeFile[]){
        {"usr/empty.conf", ""},
        {"usr/latin.conf", "[host]\nksm.mode = \xe9\n"},
        {NULL, NULL},
    });
    g_autoptr(KtProfile) empty = load(&folders, "empty");
    g_assert_cmpuint(empty->sections->len, ==, 0);
    g_assert_null(load(&folders, "latin"));
    assert_complaint(&folders, 2, 12, "UTF-8", NULL);
}

/* The shipped profiles, found as a binary that isn't installed finds them, but not the machine's own in /etc.
 */
static void
test_shipped(void)
{
    static const char *const names[] = {"balanced", "latency", "throughput", "density"};
    char *const directories[] = {(char *)KT_SOURCE_DIR "/profiles", NULL};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
        g_autoptr(KtProfile) profile = kt_profile_load(names[i], directories, diagnostics);
        for (guint d = 0; d < diagnostics->len; d++)
            g_test_message("%s", ((const KtDiagnostic *)diagnostics->pdata[d])->message);
        g_assert_nonnull(profile);
        g_assert_nonnull(profile->summary);
    }
}

/* Each line in a shipped profile carries its reason: a comment above it. */
static void
test_shipped_have_reasons(void)
{
    g_autoptr(GDir) folder = g_dir_open(KT_SOURCE_DIR "/profiles", 0, NULL);
    guint n = 0;
    for (const char *name; (name = g_dir_read_name(folder));) {
        if (!g_str_has_suffix(name, ".conf"))
            continue;
        g_autofree char *path = g_build_filename(KT_SOURCE_DIR "/profiles", name, NULL);
        g_autofree char *text = NULL;
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        bool reasons = false;
        for (guint i = 0; lines[i]; i++) {
            if (lines[i][0] == '[')
                reasons = !g_str_equal(lines[i], "[profile]");
            if (reasons && g_ascii_isalpha(lines[i][0]) && !g_str_has_prefix(lines[i - 1], "# "))
                g_error("%s:%u: a setting without its reason", name, i + 1);
        }
        n++;
    }
    g_assert_cmpuint(n, ==, 4);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/profile/inherited-comes-first", test_inherited_comes_first);
    g_test_add_func("/profile/lookup-order", test_lookup_order);
    g_test_add_func("/profile/same-name-inherits-installed", test_same_name_inherits_installed);
    g_test_add_func("/profile/same-name-without-installed", test_same_name_without_installed);
    g_test_add_func("/profile/relative-path", test_relative_path);
    g_test_add_func("/profile/present-folder", test_present_folder);
    g_test_add_func("/profile/cycle", test_cycle);
    g_test_add_func("/profile/cycle-of-one", test_cycle_of_one);
    g_test_add_func("/profile/missing", test_missing);
    g_test_add_func("/profile/errors-of-all-files", test_errors_of_all_files);
    g_test_add_func("/profile/no-regular-file", test_no_regular_file);
    g_test_add_func("/profile/too-long", test_too_long);
    g_test_add_func("/profile/no-text", test_no_text);
    g_test_add_func("/profile/shipped", test_shipped);
    g_test_add_func("/profile/shipped-have-reasons", test_shipped_have_reasons);
    return g_test_run();
}
