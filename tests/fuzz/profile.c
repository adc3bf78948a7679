/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/profile.h"

#include "tests/fuzz/host.h"

/**
 * Profiles that inherit each other: the first file is a.conf, others begin with "== NAME". What loads is
 * resolved for a small host and planned.
 */

static KtSnapshot *snapshot;
static char *start;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_be_quiet();
    scratch_begin();
    g_autofree char *topology = host_topology_xml();
    g_autoptr(GError) error = NULL;
    host_write_capture(topology);
    snapshot = kt_capture_read(scratch, &error);
    g_assert_no_error(error);
    scratch_clear();
    start = g_build_filename(scratch, "a.conf", NULL);
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_malloc0(size + 1);
    memcpy(text, data, size);
    scratch_clear();
    scratch_write_all(text, size, "a.conf");
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    char *directories[] = {scratch, NULL};
    g_autoptr(KtProfile) profile = kt_profile_load(start, directories, diagnostics);
    g_assert_true((profile == NULL) == (diagnostics->len > 0));
    for (guint i = 0; i < diagnostics->len; i++) {
        g_autofree char *shown = kt_diagnostic_format(diagnostics->pdata[i]);
        g_assert_true(g_utf8_validate(shown, -1, NULL));
    }
    if (profile)
        host_plan_and_show(snapshot, profile);
    return 0;
}
