/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fuzz/host.h"

/**
 * A whole capture: files that begin with "== PATH", laid over a small host's. What can be read is planned and
 * shown.
 */

static char *topology;
static KtProfile *profile;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_be_quiet();
    scratch_begin();
    topology = host_topology_xml();
    profile = host_profile();
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_malloc0(size + 1);
    memcpy(text, data, size);
    scratch_clear();
    host_write_capture(topology);
    scratch_write_all(text, size, "host.json");
    g_autoptr(GError) error = NULL;
    g_autoptr(KtSnapshot) snapshot = kt_capture_read(scratch, &error);
    fuzz_check_error(snapshot != NULL, error);
    if (snapshot)
        host_plan_and_show(snapshot, profile);
    return 0;
}
