/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cpuset.h"
#include "tests/fuzz/fuzz.h"

/** CPU and node lists, the kernel's and libvirt's: what is read is what is written. */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_be_quiet();
    return 0;
}

static void
try_list(const char *text, bool exclusions)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(KtCpuset) set = kt_cpuset_parse(text, exclusions, &error);
    fuzz_check_error(set != NULL, error);
    if (!set)
        return;
    g_assert_cmpint(hwloc_bitmap_last(set), <, KT_CPUSET_MAX);
    g_autofree char *list = kt_cpuset_format(set);
    g_autoptr(KtCpuset) again = kt_cpuset_parse(list, false, &error);
    g_assert_no_error(error);
    g_assert_true(hwloc_bitmap_isequal(set, again));
    g_autofree char *list_again = kt_cpuset_format(again);
    g_assert_cmpstr(list, ==, list_again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    try_list(text, false);
    try_list(text, true);
    return 0;
}
