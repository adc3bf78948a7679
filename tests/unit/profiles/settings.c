/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/settings.h"

#include <string.h>

/* Every row of the table is complete: explain, man page and errors print all columns. */
static void
test_rows_are_complete(void)
{
    for (guint id = 0; id < KT_N_SETTINGS; id++) {
        const KtSetting *setting = kt_setting((KtSettingId)id);
        g_assert_cmpuint(setting->id, ==, id);
        g_assert_nonnull(setting->key);
        g_test_message("%s", setting->key);
        g_assert_nonnull(setting->takes_effect);
        g_assert_nonnull(setting->default_text);
        g_assert_cmpuint(strlen(setting->meaning), >, 20);
        g_assert_true(g_str_has_suffix(setting->meaning, "."));
        g_assert_true(!setting->risk || g_str_has_suffix(setting->risk, "."));
        g_assert_true(!setting->manuals || g_str_has_suffix(setting->manuals, "."));
        g_assert_nonnull(setting->source);
        g_assert_true(setting->words || setting->kind != KT_VALUE_WORD_ONLY);
        g_assert_cmpint(setting->least, <=, setting->most);
        g_assert_true(setting->item == KT_ITEM_NONE || setting->scope == KT_SCOPE_DOMAIN);
    }
}

/* The design's list, so that no setting gets lost or renamed. */
static void
test_keys_are_the_contract(void)
{
    g_autofree const char **host = kt_setting_keys(KT_SCOPE_HOST);
    g_autofree const char **domain = kt_setting_keys(KT_SCOPE_DOMAIN);

    g_autofree char *host_keys = g_strjoinv(" ", (char **)host);
    g_autofree char *domain_keys = g_strjoinv(" ", (char **)domain);

    g_assert_cmpstr(host_keys, ==,
                    "thp.enabled thp.defrag thp.shmem ksm.mode ksm.pages-to-scan ksm.sleep ksm.max-cpu "
                    "ksm.merge-across-nodes hugepages.2M hugepages.1G memory-reserve housekeeping services "
                    "numa-balancing halt-poll contested");
    g_assert_cmpstr(
        domain_keys, ==,
        "cpu.placement cpu.exclusive cpu.smt cpu.kind cpu.emulator cpu.iothreads cpu.weight priority "
        "move-threshold memory.numa memory.backing memory.ksm disk.cache disk.io disk.discard "
        "disk.iothreads nic.model nic.queues guest.virtio disruption max-pause restart-window "
        "restart-parallel");
}

/* Where manuals commonly give other advice, the table says so, and why. */
static void
test_manuals_are_answered(void)
{
    static const KtSettingId ids[] = {
        KT_SETTING_CPU_SMT,   KT_SETTING_THP_DEFRAG,   KT_SETTING_DISK_CACHE,
        KT_SETTING_KSM_MODE,  KT_SETTING_HUGEPAGES_2M, KT_SETTING_NIC_QUEUES,
        KT_SETTING_NIC_MODEL, KT_SETTING_CPU_WEIGHT,   KT_SETTING_HOUSEKEEPING,
    };
    for (guint i = 0; i < G_N_ELEMENTS(ids); i++)
        g_assert_cmpuint(strlen(kt_setting(ids[i])->manuals), >, 60);
    g_assert_nonnull(strstr(kt_setting(KT_SETTING_CPU_SMT)->manuals, "two threads of one core"));
}

static void
test_find(void)
{
    g_assert_true(kt_setting_find(KT_SCOPE_HOST, "ksm.mode") == kt_setting(KT_SETTING_KSM_MODE));
    g_assert_null(kt_setting_find(KT_SCOPE_DOMAIN, "ksm.mode"));
    g_assert_null(kt_setting_find(KT_SCOPE_HOST, "ksm"));
}

/* Each word of the table, and keep, is read as just that word. */
static void
test_words_are_values(void)
{
    for (guint id = 0; id < KT_N_SETTINGS; id++) {
        const KtSetting *setting = kt_setting((KtSettingId)id);
        for (const char *const *word = setting->words; word && *word; word++) {
            g_autoptr(KtValue) value = kt_value_parse(setting, *word, NULL, NULL, NULL);
            g_assert_true(kt_value_is(value, *word));
            g_assert_true(value->word == *word);
        }
        g_autoptr(KtValue) keep = kt_value_parse(setting, "keep", NULL, NULL, NULL);
        g_assert_true(kt_value_is(keep, KT_KEEP));
    }
}

static void
test_values_text(void)
{
    g_autofree char *housekeeping = kt_setting_values(kt_setting(KT_SETTING_HOUSEKEEPING));
    g_autofree char *contested = kt_setting_values(kt_setting(KT_SETTING_CONTESTED));
    g_autofree char *exclusive = kt_setting_values(kt_setting(KT_SETTING_CPU_EXCLUSIVE));
    g_assert_cmpstr(housekeeping, ==, "auto, none, a CPU list such as 0-3,8");
    g_assert_cmpstr(contested, ==, "leave, take");
    g_assert_cmpstr(exclusive, ==, "yes, no");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings/rows-are-complete", test_rows_are_complete);
    g_test_add_func("/settings/keys-are-the-contract", test_keys_are_the_contract);
    g_test_add_func("/settings/manuals-are-answered", test_manuals_are_answered);
    g_test_add_func("/settings/find", test_find);
    g_test_add_func("/settings/words-are-values", test_words_are_values);
    g_test_add_func("/settings/values-text", test_values_text);
    return g_test_run();
}
