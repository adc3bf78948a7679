/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/differences.h"

static const KtStyle style = {.color = false, .utf8 = true, .width = 80};

/* The table that these make. */
static char *
draw(const KtDifference *list, guint n, KtDifferenceWhy why)
{
    g_autoptr(KtDifferences) differences = kt_differences_new();
    for (guint i = 0; i < n; i++)
        kt_differences_add(differences, list[i]);
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_differences(out, &style, differences, why, "d", NULL);
    return g_strdup(out->str);
}

static void
test_vcpus_are_one_row(void)
{
    const KtDifference list[] = {
        {"cpu.placement", "vcpu 0", "0-255", "1", "now", "own cores", "x.conf:14:1", NULL},
        {"cpu.placement", "vcpu 1", "0-255", "2", "now", "own cores", "x.conf:14:1", NULL},
        {"cpu.placement", "vcpu 0", NULL, "1", "next-boot", "own cores", "x.conf:14:1", NULL},
        {"cpu.placement", "vcpu 1", NULL, "2", "next-boot", "own cores", "x.conf:14:1", NULL},
    };
    g_autofree char *text = draw(list, G_N_ELEMENTS(list), KT_DIFFERENCE_REASON);
    g_assert_cmpstr(text, ==,
                    "  cpu.placement  vCPU 0-1  0-255 → 1 2                           now + next boot\n"
                    "      own cores (x.conf:14)\n");
}

static void
test_staged_first_is_the_same_row(void)
{
    const KtDifference list[] = {
        {"cpu.placement", "vcpu 0", NULL, "1", "next-boot", NULL, NULL, NULL},
        {"cpu.placement", "vcpu 0", "0-3", "1", "now", NULL, NULL, NULL},
    };
    g_autofree char *text = draw(list, G_N_ELEMENTS(list), KT_DIFFERENCE_REASON);
    g_assert_cmpstr(text, ==,
                    "  cpu.placement  vCPU 0  0-3 → 1                                 now + next boot\n");
}

static void
test_other_values_stay_apart(void)
{
    const KtDifference list[] = {
        {"cpu.placement", "vcpu 0", "3", "1", "now", NULL, NULL, NULL},
        {"cpu.placement", "vcpu 0", "2", "1", "next-boot", NULL, NULL, NULL},
    };
    g_autofree char *text = draw(list, G_N_ELEMENTS(list), KT_DIFFERENCE_REASON);
    g_assert_cmpstr(text, ==,
                    "  cpu.placement  vCPU 0  3 → 1                                               now\n"
                    "  cpu.placement  vCPU 0  2 → 1                                         next boot\n");
}

/* The guest cells of a big domain have a common set each: it is said once, not for every vCPU. */
static void
test_a_row_for_each_common_set(void)
{
    const KtDifference list[] = {
        {"cpu.placement", "vcpu 0", "0-31", "0-7", "now", "two cells", "x.conf:14:1", NULL},
        {"cpu.placement", "vcpu 1", "0-31", "0-7", "now", "two cells", "x.conf:14:1", NULL},
        {"cpu.placement", "vcpu 2", "0-31", "8-15", "now", "two cells", "x.conf:14:1", NULL},
        {"cpu.placement", "vcpu 3", "0-31", "8-15", "now", "two cells", "x.conf:14:1", NULL},
    };
    g_autofree char *text = draw(list, G_N_ELEMENTS(list), KT_DIFFERENCE_REASON);
    g_assert_cmpstr(text, ==,
                    "  cpu.placement  vCPU 0-1  0-31 → 0-7                                        now\n"
                    "  cpu.placement  vCPU 2-3  0-31 → 8-15                                       now\n"
                    "      two cells (x.conf:14)\n");
}

static void
test_long_list_is_broken_after_commas(void)
{
    const KtDifference list[] = {
        {"cpu.emulator", "emulator", "0-127",
         "0-19,21,23,25,27,29,31-59,65,67,69,71,73,75,77,79-123,125,127,129,131,133,135", "now", NULL, NULL,
         NULL},
    };
    g_autofree char *text = draw(list, G_N_ELEMENTS(list), KT_DIFFERENCE_REASON);
    g_assert_cmpstr(text, ==,
                    "  cpu.emulator  0-127 →\n"
                    "                0-19,21,23,25,27,29,31-59,65,67,69,71,73,75,77,79-123,125,\n"
                    "                127,129,131,133,135                                          now\n");
}

static void
test_long_range_in_order(void)
{
    KtDifference list[12];
    g_autoptr(GStringChunk) strings = g_string_chunk_new(64);
    for (guint i = 0; i < G_N_ELEMENTS(list); i++) {
        g_autofree char *item = g_strdup_printf("vcpu %u", i);
        g_autofree char *to = g_strdup_printf("%u", 16 + i);
        list[i] = (KtDifference){.setting = "cpu.placement",
                                 .item = g_string_chunk_insert(strings, item),
                                 .from = "0-63",
                                 .to = g_string_chunk_insert(strings, to),
                                 .when = "now"};
    }
    g_autofree char *text = draw(list, G_N_ELEMENTS(list), KT_DIFFERENCE_REASON);
    g_assert_nonnull(strstr(text, "vCPU 0-11  0-63 → 16-27 in order "));
    /* Crossed, it is no range any more. */
    list[0].to = "17";
    list[1].to = "16";
    g_autofree char *crossed = draw(list, G_N_ELEMENTS(list), KT_DIFFERENCE_REASON);
    g_assert_nonnull(strstr(crossed, "0-63 → 17 16 18 19 "));
}

static void
test_absent_values_have_a_word(void)
{
    const KtDifference list[] = {
        {"disk.cache", "disk vda", NULL, "none", "next-boot", NULL, NULL, NULL},
        {"cpu.emulator", "emulator", "3", NULL, "next-boot", NULL, NULL, NULL},
    };
    g_autofree char *text = draw(list, G_N_ELEMENTS(list), KT_DIFFERENCE_REASON);
    g_assert_cmpstr(text, ==,
                    "  disk.cache    vda  default → none                                    next boot\n"
                    "  cpu.emulator       3 → unpinned                                      next boot\n");
}

static void
test_drift_names_the_line(void)
{
    const KtDifference list[] = {
        {"thp.enabled", NULL, "always", "madvise", "now", "because", "/etc/kvm-tune/profiles/a.conf:7:1",
         NULL},
    };
    g_autofree char *text = draw(list, G_N_ELEMENTS(list), KT_DIFFERENCE_SOURCE);
    g_assert_cmpstr(text, ==,
                    "  thp.enabled  always → madvise                                    a.conf:7  now\n");
}

static void
test_result_is_said(void)
{
    const KtDifference list[] = {
        {"thp.enabled", NULL, "always", "madvise", "now", "found 'never'", NULL, "conflict"},
    };
    g_autofree char *text = draw(list, G_N_ELEMENTS(list), KT_DIFFERENCE_REASON);
    g_assert_nonnull(strstr(text, "now, conflict\n      found 'never'\n"));
}

static void
test_hostile_names_are_escaped(void)
{
    const KtDifference list[] = {
        {"nic.model", "nic \033[2J", "e1000\n", "virtio", "next-boot", NULL, NULL, NULL},
    };
    g_autofree char *text = draw(list, G_N_ELEMENTS(list), KT_DIFFERENCE_REASON);
    g_assert_null(strchr(text, '\033'));
    g_assert_nonnull(strstr(text, "\\x1b[2J"));
    g_assert_nonnull(strstr(text, "e1000\\x0a → virtio"));
}

static void
test_no_line_is_too_wide(void)
{
    KtDifference list[40];
    g_autoptr(GStringChunk) strings = g_string_chunk_new(64);
    for (guint i = 0; i < G_N_ELEMENTS(list); i++) {
        g_autofree char *item = g_strdup_printf("vcpu %u", i);
        g_autofree char *to = g_strdup_printf("%u,%u", i, i + 128);
        list[i] = (KtDifference){.setting = "cpu.placement",
                                 .item = g_string_chunk_insert(strings, item),
                                 .from = "0-255",
                                 .to = g_string_chunk_insert(strings, to),
                                 .when = "now",
                                 .reason = "a reason"};
    }
    g_autofree char *text = draw(list, G_N_ELEMENTS(list), KT_DIFFERENCE_REASON);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), >, 5);
    for (guint i = 0; lines[i]; i++)
        g_assert_cmpuint(kt_columns(lines[i]), <=, style.width);
}

static void
test_long_reason_is_told_once(void)
{
    const KtDifference one = {
        .setting = "disk.cache",
        .item = "disk vda",
        .to = "none",
        .when = "next-boot",
        .reason = "past the host's page cache: memory isn't used twice, and flushes reach the disk at once",
        .source = "a.conf:7:1"};
    g_autoptr(KtDifferences) differences = kt_differences_new();
    kt_differences_add(differences, one);
    g_autoptr(GHashTable) told = kt_told_new();
    g_autoptr(GString) first = g_string_new(NULL);
    g_autoptr(GString) second = g_string_new(NULL);

    kt_view_differences(first, &style, differences, KT_DIFFERENCE_REASON, "db-1", told);
    kt_view_differences(second, &style, differences, KT_DIFFERENCE_REASON, "db-2", told);

    g_assert_nonnull(strstr(first->str, "      past the host's page cache"));
    g_assert_true(g_str_has_suffix(second->str, "\n      as for db-1 (a.conf:7)\n"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/view/differences/vcpus", test_vcpus_are_one_row);
    g_test_add_func("/view/differences/staged-first", test_staged_first_is_the_same_row);
    g_test_add_func("/view/differences/other-values", test_other_values_stay_apart);
    g_test_add_func("/view/differences/common-sets", test_a_row_for_each_common_set);
    g_test_add_func("/view/differences/long-list", test_long_list_is_broken_after_commas);
    g_test_add_func("/view/differences/range", test_long_range_in_order);
    g_test_add_func("/view/differences/absent", test_absent_values_have_a_word);
    g_test_add_func("/view/differences/drift", test_drift_names_the_line);
    g_test_add_func("/view/differences/result", test_result_is_said);
    g_test_add_func("/view/differences/escaped", test_hostile_names_are_escaped);
    g_test_add_func("/view/differences/width", test_no_line_is_too_wide);
    g_test_add_func("/view/differences/told", test_long_reason_is_told_once);
    return g_test_run();
}
