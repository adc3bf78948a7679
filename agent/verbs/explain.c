/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/explain.h"

#include <string.h>

#include "agent/verbs/verb.h"
#include "base/nearest.h"

/* The setting that was named; "disk.cache[vda]" is disk.cache. */
static const KtSetting *
find_setting(const char *name)
{
    g_autofree char *key = g_strndup(name, strcspn(name, "["));
    const KtSetting *host = kt_setting_find(KT_SCOPE_HOST, key);
    return host ? host : kt_setting_find(KT_SCOPE_DOMAIN, key);
}

static KtExit
unknown_setting(const KtOptions *options, const char *name)
{
    const char *keys[KT_N_SETTINGS + 1] = {NULL};
    for (guint id = 0; id < KT_N_SETTINGS; id++)
        keys[id] = kt_setting((KtSettingId)id)->key;
    const char *nearest = kt_nearest(name, keys);
    if (nearest)
        return kt_report_usage(options, "there is no setting '%s'; did you mean '%s'?", name, nearest);
    return kt_report_usage(options, "there is no setting '%s'; kvm-tune explain lists them", name);
}

/* -q: keys alone, one a line, for scripts and completion. */
static KtExit
print_keys(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint id = 0; id < KT_N_SETTINGS; id++)
        g_string_append_printf(out, "%s\n", kt_setting((KtSettingId)id)->key);
    return kt_print(out->str, KT_EXIT_DONE);
}

static KtExit
print_explained(const KtOptions *options, const KtSetting *setting, const KtPresent *present)
{
    if (options->json) {
        g_autofree char *json = kt_view_settings_json(setting, present);
        return kt_print(json, KT_EXIT_DONE);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    if (setting)
        kt_view_setting(out, &options->style, setting, present);
    else
        kt_view_settings(out, &options->style);
    return kt_print(out->str, KT_EXIT_DONE);
}

KtExit
kt_verb_explain(const KtOptions *options)
{
    const char *name = options->arguments[0];
    const KtSetting *setting = name ? find_setting(name) : NULL;
    if (name && setting == NULL)
        return unknown_setting(options, name);
    if (name == NULL && options->verbosity < 0 && !options->json)
        return print_keys();
    g_autoptr(GError) error = NULL;
    g_autoptr(KtRoot) root = kt_root_open(options->capture ? options->capture : "/", &error);
    if (root == NULL)
        return kt_report_error(options, error);
    /* What can't be read here is left out: the explanation holds without it. */
    g_autoptr(KtMemory) memory = kt_memory_read(root, NULL);
    g_autoptr(KtKernel) kernel = kt_kernel_read(root, NULL);
    g_autoptr(KtPools) pools = kt_pools_read(root, NULL);
    return print_explained(options, setting, &(KtPresent){memory, kernel, pools});
}
