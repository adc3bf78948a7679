/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/profile.h"

static void
test_of_executable(void)
{
    static const struct {
        const char *executable;
        const char *shipped; /* NULL = none */
    } cases[] = {
        {"/usr/sbin/kvm-tune", "/usr/share/kvm-tune/profiles"},
        {"/usr/local/bin/kvm-tune", "/usr/local/share/kvm-tune/profiles"},
        {"/usr/sbin/kvm-tune (deleted)", "/usr/share/kvm-tune/profiles"},
        {"/home/me/build/kvm-tune", KT_SOURCE_DIR "/profiles"},
        {NULL, NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) directories = kt_profile_directories_of(cases[i].executable);
        g_assert_cmpstr(directories[0], ==, "/etc/kvm-tune/profiles");
        g_assert_cmpstr(directories[1], ==, cases[i].shipped);
        g_assert_true(!directories[1] || !directories[2]);
    }
}

/* This test isn't installed: it sees the source's profiles. */
static void
test_own(void)
{
    g_auto(GStrv) directories = kt_profile_directories();
    g_assert_cmpuint(g_strv_length(directories), ==, 2);
    g_autofree char *balanced = g_build_filename(directories[1], "balanced.conf", NULL);
    g_assert_true(g_file_test(balanced, G_FILE_TEST_IS_REGULAR));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/directories/of-executable", test_of_executable);
    g_test_add_func("/directories/own", test_own);
    return g_test_run();
}
