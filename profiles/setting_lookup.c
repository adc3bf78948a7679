/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/settings_table.h"

const KtSetting *
kt_setting(KtSettingId id)
{
    g_assert((guint)id < KT_N_SETTINGS);
    return id < KT_N_HOST_SETTINGS ? &kt_host_settings[id] : &kt_domain_settings[id - KT_N_HOST_SETTINGS];
}

const KtSetting *
kt_setting_find(KtScope scope, const char *key)
{
    for (guint id = 0; id < KT_N_SETTINGS; id++) {
        const KtSetting *setting = kt_setting((KtSettingId)id);
        if (setting->scope == scope && g_str_equal(setting->key, key))
            return setting;
    }
    return NULL;
}

const char **
kt_setting_keys(KtScope scope)
{
    const char **keys = g_new0(const char *, KT_N_SETTINGS + 1);
    guint n = 0;
    for (guint id = 0; id < KT_N_SETTINGS; id++) {
        const KtSetting *setting = kt_setting((KtSettingId)id);
        if (setting->scope == scope)
            keys[n++] = setting->key;
    }
    return keys;
}

/* What may stand there besides the words; NULL where only words may. */
static const char *
kind_text(KtValueKind kind)
{
    static const char *const texts[] = {
        [KT_VALUE_WORD_ONLY] = NULL,
        [KT_VALUE_BOOL] = "yes, no",
        [KT_VALUE_NUMBER] = "a number",
        [KT_VALUE_TIME] = "a time such as 20ms (us, ms, s)",
        [KT_VALUE_PERCENT] = "a percentage such as 10%",
        [KT_VALUE_SIZE] = "a size such as 2GiB (KiB, MiB, GiB)",
        [KT_VALUE_CPUS] = "a CPU list such as 0-3,8",
        [KT_VALUE_NODES] = "a node list such as 0-1",
        [KT_VALUE_POOL] = "a count, NODE:COUNT …",
        [KT_VALUE_WINDOW] = "a window such as Sun 02:00-05:00",
    };
    return texts[kind];
}

char *
kt_setting_values(const KtSetting *setting)
{
    g_autofree char *words = setting->words ? g_strjoinv(", ", (char **)setting->words) : NULL;
    const char *kind = kind_text(setting->kind);
    if (words && kind)
        return g_strdup_printf("%s, %s", words, kind);
    return g_strdup(words ? words : kind);
}
