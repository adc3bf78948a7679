/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "profiles/amount.h"
#include "profiles/settings.h"

static void
test_numbers(void)
{
    static const struct {
        KtSettingId id;
        const char *text;
        gint64 number;
    } cases[] = {
        {KT_SETTING_CPU_EXCLUSIVE, "yes", 1},
        {KT_SETTING_CPU_EXCLUSIVE, "no", 0},
        {KT_SETTING_KSM_PAGES_TO_SCAN, "1000", 1000},
        {KT_SETTING_KSM_PAGES_TO_SCAN, "4294967295", G_MAXUINT32},
        {KT_SETTING_PRIORITY, "-7", -7},
        {KT_SETTING_KSM_SLEEP, "20ms", 20000},
        {KT_SETTING_KSM_SLEEP, "1 s", 1000000},
        {KT_SETTING_HALT_POLL, "0us", 0},
        {KT_SETTING_HALT_POLL, "200us", 200},
        {KT_SETTING_KSM_MAX_CPU, "100%", 100},
        {KT_SETTING_CPU_WEIGHT, "250 %", 250},
        {KT_SETTING_MEMORY_RESERVE, "512KiB", 512},
        {KT_SETTING_MEMORY_RESERVE, "3MiB", 3072},
        {KT_SETTING_MEMORY_RESERVE, "2GiB", 2097152},
        {KT_SETTING_DISK_IOTHREADS, "0", 0},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(KtValue) value = kt_value_parse(kt_setting(cases[i].id), cases[i].text, NULL, NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpint(value->number, ==, cases[i].number);
        g_assert_cmpstr(value->text, ==, cases[i].text);
        g_assert_null(value->word);
        g_assert_null(value->item);
    }
}

static void
test_sets(void)
{
    g_autoptr(KtValue) cpus =
        kt_value_parse(kt_setting(KT_SETTING_HOUSEKEEPING), "0-3, 128", NULL, NULL, NULL);
    g_autofree char *list = kt_cpuset_format(cpus->set);
    g_assert_cmpstr(list, ==, "0-3,128");

    g_autoptr(KtValue) nodes = kt_value_parse(kt_setting(KT_SETTING_MEMORY_NUMA), "1", NULL, NULL, NULL);
    g_assert_true(hwloc_bitmap_isset(nodes->set, 1));
    g_assert_null(nodes->word);
}

static void
test_pools(void)
{
    g_autoptr(KtValue) all = kt_value_parse(kt_setting(KT_SETTING_HUGEPAGES_2M), "4096", NULL, NULL, NULL);
    g_assert_cmpuint(all->pools->len, ==, 1);
    g_assert_cmpint(g_array_index(all->pools, KtPoolWish, 0).node, ==, -1);
    g_assert_cmpuint(g_array_index(all->pools, KtPoolWish, 0).count, ==, 4096);

    g_autoptr(KtValue) nodes =
        kt_value_parse(kt_setting(KT_SETTING_HUGEPAGES_1G), "0:2  3:16", NULL, NULL, NULL);
    g_assert_cmpuint(nodes->pools->len, ==, 2);
    g_assert_cmpint(g_array_index(nodes->pools, KtPoolWish, 1).node, ==, 3);
    g_assert_cmpuint(g_array_index(nodes->pools, KtPoolWish, 1).count, ==, 16);
}

static void
test_windows(void)
{
    g_autoptr(KtValue) night =
        kt_value_parse(kt_setting(KT_SETTING_RESTART_WINDOW), "Sun 02:00-05:00", NULL, NULL, NULL);
    g_assert_cmpstr(night->text, ==, "Sun 02:00-05:00");
    g_autoptr(KtValue) late =
        kt_value_parse(kt_setting(KT_SETTING_RESTART_WINDOW), "Sat 22:30-01:00", NULL, NULL, NULL);
    g_assert_nonnull(late);
}

/* What is wrong, where in the text, and what was likely meant. */
static void
test_errors(void)
{
    static const struct {
        KtSettingId id;
        const char *text;
        guint offset;
        const char *suggestion;
        const char *message;
    } cases[] = {
        {KT_SETTING_THP_ENABLED, "", 0, NULL, "thp.enabled: a value is missing: always, madvise, never"},
        {KT_SETTING_THP_ENABLED, "madvice", 0, "madvise",
         "'madvice' is none of its values: always, madvise, never"},
        {KT_SETTING_THP_ENABLED, "Always", 0, "always", "'Always' is none of its values"},
        {KT_SETTING_THP_ENABLED, "always never", 0, NULL, "is none of its values"},
        {KT_SETTING_THP_DEFRAG, "defer+madvse", 0, "defer+madvise", "none of its values"},
        {KT_SETTING_KSM_MODE, "1", 0, NULL, "'1' is none of its values"},
        {KT_SETTING_CPU_EXCLUSIVE, "true", 0, NULL, "'true' is none of its values: yes, no"},
        {KT_SETTING_CPU_EXCLUSIVE, "1", 0, NULL, "'1' is none of its values: yes, no"},
        {KT_SETTING_CPU_EXCLUSIVE, "yess", 0, "yes", "none of its values"},
        {KT_SETTING_CPU_EXCLUSIVE, "kep", 0, "keep", "none of its values"},
        {KT_SETTING_KSM_PAGES_TO_SCAN, "many", 0, NULL, "'many' is none of its values: a number"},
        {KT_SETTING_KSM_PAGES_TO_SCAN, "0", 0, NULL, "0 is out of range: 1 to 4294967295"},
        {KT_SETTING_KSM_PAGES_TO_SCAN, "4294967296", 0, NULL, "out of range"},
        {KT_SETTING_KSM_PAGES_TO_SCAN, "99999999999999999999", 0, NULL, "too great a number"},
        {KT_SETTING_KSM_PAGES_TO_SCAN, "100 pages", 4, NULL, "'pages' after the number: it takes no unit"},
        {KT_SETTING_KSM_PAGES_TO_SCAN, "0x10", 1, NULL, "'x10' after the number"},
        {KT_SETTING_KSM_PAGES_TO_SCAN, "+1", 0, NULL, "does not begin with a number"},
        {KT_SETTING_KSM_PAGES_TO_SCAN, "1.5", 0, NULL, "no whole number"},
        {KT_SETTING_PRIORITY, "-", 0, NULL, "does not begin with a number"},
        {KT_SETTING_PRIORITY, "-1001", 0, NULL, "out of range: -1000 to 1000"},
        {KT_SETTING_MOVE_THRESHOLD, "-1", 0, NULL, "-1 is below 0"},
        {KT_SETTING_KSM_SLEEP, "20", 2, NULL, "'20' has no unit: us, ms, s"},
        {KT_SETTING_KSM_SLEEP, "20 mss", 3, "ms", "'mss' is no unit of it: us, ms, s"},
        {KT_SETTING_KSM_SLEEP, "999us", 0, NULL, "999us is out of range: 1ms to 4294967295ms"},
        {KT_SETTING_KSM_SLEEP, "9223372036854775807s", 0, NULL, "too great a number"},
        {KT_SETTING_KSM_MAX_CPU, "101%", 0, NULL, "101% is out of range: 1% to 100%"},
        {KT_SETTING_KSM_MAX_CPU, "0%", 0, NULL, "out of range"},
        {KT_SETTING_KSM_MAX_CPU, "50", 2, NULL, "'50' has no unit: %"},
        {KT_SETTING_CPU_WEIGHT, "10001%", 0, NULL, "out of range: 1% to 10000%"},
        {KT_SETTING_MEMORY_RESERVE, "2GB", 1, "GiB", "'GB' is no unit of it: KiB, MiB, GiB"},
        {KT_SETTING_MEMORY_RESERVE, "-2GiB", 0, NULL, "-2GiB is below 0"},
        {KT_SETTING_HOUSEKEEPING, "atuo", 0, "auto", "auto, none, a CPU list such as 0-3,8"},
        {KT_SETTING_HOUSEKEEPING, "0-3,x", 4, NULL, "housekeeping: "},
        {KT_SETTING_HOUSEKEEPING, "0, 7-5", 3, NULL, "backwards"},
        {KT_SETTING_HOUSEKEEPING, "0-3 4", 4, NULL, "housekeeping: "},
        {KT_SETTING_HOUSEKEEPING, "0-3,", 4, NULL, "housekeeping: "},
        {KT_SETTING_HOUSEKEEPING, "1,99999999999", 2, NULL, "16384"},
        {KT_SETTING_HOUSEKEEPING, "0-7,^3", 4, NULL, "housekeeping: "},
        {KT_SETTING_HUGEPAGES_2M, "512 0:3", 4, NULL, "one count for all of the host"},
        {KT_SETTING_HUGEPAGES_2M, "0:3 1:4 0:5", 8, NULL, "node 0 again"},
        {KT_SETTING_HUGEPAGES_2M, "0:", 2, NULL, "'' is no count"},
        {KT_SETTING_HUGEPAGES_2M, "0:1 1:many", 6, NULL, "'many' is no count"},
        {KT_SETTING_HUGEPAGES_2M, "99999999999", 0, NULL, "out of range"},
        {KT_SETTING_HUGEPAGES_2M, "99999:1", 0, NULL, "99999 is out of range: 0 to 16383"},
        {KT_SETTING_RESTART_WINDOW, "Sunday 02:00-05:00", 0, NULL, "'Sunday' is no day"},
        {KT_SETTING_RESTART_WINDOW, "sun 02:00-05:00", 0, "Sun", "'sun' is no day"},
        {KT_SETTING_RESTART_WINDOW, "Sun 2-5", 4, NULL, "'2-5' are no times such as 02:00-05:00"},
        {KT_SETTING_RESTART_WINDOW, "Sun 02:00-24:00", 4, NULL, "are no times"},
        {KT_SETTING_RESTART_WINDOW, "Sun", 3, NULL, "'' are no times"},
        {KT_SETTING_RESTART_WINDOW, "Sun 02:00-02:00", 4, NULL, "begins when it ends"},
        {KT_SETTING_DISK_CACHE, "write-back", 0, "writeback", "none of its values"},
        {KT_SETTING_NIC_MODEL, "e1000", 0, NULL, "'e1000' is none of its values: virtio"},
        {KT_SETTING_DISRUPTION, "reboot", 0, NULL, "none, pause, replug, restart"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s = %s", kt_setting(cases[i].id)->key, cases[i].text);
        const char *suggestion = "untouched";
        guint offset = 999;
        g_autoptr(GError) error = NULL;
        g_autoptr(KtValue) value =
            kt_value_parse(kt_setting(cases[i].id), cases[i].text, &suggestion, &offset, &error);
        g_assert_null(value);
        g_assert_true(error && error->domain == KT_ERROR);
        if (!strstr(error->message, cases[i].message))
            g_error("wanted '%s', got '%s'", cases[i].message, error->message);
        g_assert_true(g_str_has_prefix(error->message, kt_setting(cases[i].id)->key));
        g_assert_cmpstr(suggestion, ==, cases[i].suggestion);
        g_assert_cmpuint(offset, ==, cases[i].offset);
    }
}

/* Offsets count characters, not bytes. */
static void
test_offset_in_characters(void)
{
    guint offset = 0;
    g_autoptr(KtValue) value = kt_value_parse(kt_setting(KT_SETTING_KSM_SLEEP), "5 µs", NULL, &offset, NULL);
    g_assert_null(value);
    g_assert_cmpuint(offset, ==, 2);
    g_autoptr(KtValue) set =
        kt_value_parse(kt_setting(KT_SETTING_HOUSEKEEPING), "4,ä,é", NULL, &offset, NULL);
    g_assert_null(set);
    g_assert_cmpuint(offset, ==, 2);
}

static void
test_amounts_back(void)
{
    static const struct {
        KtValueKind kind;
        gint64 number;
        const char *text;
    } cases[] = {
        {KT_VALUE_TIME, 20000, "20ms"},   {KT_VALUE_TIME, 1500, "1500us"}, {KT_VALUE_TIME, 0, "0us"},
        {KT_VALUE_TIME, 3000000, "3s"},   {KT_VALUE_PERCENT, 250, "250%"}, {KT_VALUE_SIZE, 2097152, "2GiB"},
        {KT_VALUE_SIZE, 1025, "1025KiB"}, {KT_VALUE_NUMBER, -12, "-12"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = kt_amount_format(cases[i].kind, cases[i].number);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void
test_no_value_is_no_word(void)
{
    g_assert_false(kt_value_is(NULL, "keep"));
    g_autoptr(KtValue) value = kt_value_parse(kt_setting(KT_SETTING_CPU_EXCLUSIVE), "yes", NULL, NULL, NULL);
    g_assert_false(kt_value_is(value, "yes"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/value/numbers", test_numbers);
    g_test_add_func("/value/sets", test_sets);
    g_test_add_func("/value/pools", test_pools);
    g_test_add_func("/value/windows", test_windows);
    g_test_add_func("/value/errors", test_errors);
    g_test_add_func("/value/offset-in-characters", test_offset_in_characters);
    g_test_add_func("/value/amounts-back", test_amounts_back);
    g_test_add_func("/value/no-value-is-no-word", test_no_value_is_no_word);
    return g_test_run();
}
