/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/lasting.h"

#include <string.h>
#include <unistd.h>

/* A proof of cpu, memory and thp of which only @kept stays; NULL: nothing. */
static KtProof *
make_proof(const char *kept)
{
    KtProof *proof = g_new0(KtProof, 1);
    proof->groups = g_strsplit("cpu memory thp", " ", -1);
    proof->told = g_string_new(NULL);
    proof->trials = g_ptr_array_new_with_free_func(g_free);
    static char *groups[2];
    groups[0] = (char *)kept;
    KtTrial *trial = g_new0(KtTrial, 1);
    trial->groups = groups;
    trial->kept = kept != NULL;
    g_ptr_array_add(proof->trials, trial);
    return proof;
}

static void
test_only_what_was_rolled_back(void)
{
    g_autoptr(KtProof) proof = make_proof("thp");
    g_autofree char *text = kt_lasting_rest("/etc/ours.conf", proof);
    g_assert_nonnull(strstr(text, "\ninherit = /etc/ours.conf\n"));
    g_assert_nonnull(strstr(text, "\n[host]\nhugepages.2M = keep\nhugepages.1G = keep\n"));
    g_assert_nonnull(strstr(text, "\n[domain *]\ncpu.placement = keep\n"));
    g_assert_nonnull(strstr(text, "\nmemory.ksm = keep\n"));
    g_assert_null(strstr(text, "thp."));
    g_assert_null(strstr(text, "disk."));
    g_assert_null(strstr(text, "housekeeping"));
}

static void
test_no_section_without_settings(void)
{
    g_autoptr(KtProof) proof = make_proof("cpu");
    g_clear_pointer(&proof->groups, g_strfreev);
    proof->groups = g_strsplit("cpu disk", " ", -1);
    g_autofree char *text = kt_lasting_rest("balanced", proof);
    g_assert_null(strstr(text, "[host]"));
    g_assert_nonnull(strstr(text, "\n[domain *]\ndisk.cache = keep\n"));
}

/* It is a profile like any other, and un-names what its parent says. */
static void
test_is_a_profile(void)
{
    g_autoptr(KtProof) proof = make_proof(NULL);
    g_autofree char *shipped = g_build_filename(KT_SOURCE_DIR, "profiles", "latency.conf", NULL);
    g_autofree char *text = kt_lasting_rest(shipped, proof);
    g_autofree char *path = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    int fd = g_file_open_tmp("kt-lasting-XXXXXX.conf", &path, &error);
    g_assert_no_error(error);
    close(fd);
    g_assert_true(g_file_set_contents(path, text, -1, &error));
    char *nowhere[] = {NULL};
    g_autoptr(KtProfile) profile = kt_profile_load(path, nowhere, diagnostics);
    unlink(path);
    g_assert_cmpuint(diagnostics->len, ==, 0);
    g_assert_nonnull(profile);
    g_assert_cmpuint(profile->sections->len, >, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lasting/only-what-was-rolled-back", test_only_what_was_rolled_back);
    g_test_add_func("/lasting/no-section-without-settings", test_no_section_without_settings);
    g_test_add_func("/lasting/is-a-profile", test_is_a_profile);
    return g_test_run();
}
