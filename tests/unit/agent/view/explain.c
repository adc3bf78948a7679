/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/view/explain.h"

#include <jansson.h>
#include <string.h>

static const KtStyle plain = {.utf8 = true, .width = 80};

typedef struct {
    KtMemory *memory;
    KtKernel *kernel;
    KtPools *pools;
} Host;

static Host *
host_new(void)
{
    Host *host = g_new0(Host, 1);
    host->memory = kt_memory_new();
    host->kernel = kt_kernel_new();
    host->pools = kt_pools_new();
    return host;
}

static void
host_free(Host *host)
{
    kt_memory_free(host->memory);
    kt_kernel_free(host->kernel);
    kt_pools_free(host->pools);
    g_free(host);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_free)

static void
expect_present(const Host *host, KtSettingId id, const char *value)
{
    g_autofree char *present = kt_present_value(&(KtPresent){host->memory, host->kernel, host->pools}, id);
    g_test_message("%s", kt_setting(id)->key);
    g_assert_cmpstr(present, ==, value);
}

/* A host that tells nothing: no value, whatever the setting. */
static void
test_nothing_is_known(void)
{
    g_autoptr(Host) host = host_new();
    for (guint id = 0; id < KT_N_SETTINGS; id++) {
        expect_present(host, (KtSettingId)id, NULL);
        g_autofree char *none = kt_present_value(&(KtPresent){NULL, NULL, NULL}, (KtSettingId)id);
        g_assert_null(none);
    }
}

/* The values as a profile would have them. */
static void
test_present_values(void)
{
    g_autoptr(Host) host = host_new();
    host->memory->thp.enabled = g_strdup("madvise");
    host->memory->ksm.run = 1;
    host->memory->ksm.sleep_millisecs = 20;
    host->memory->ksm.pages_to_scan = 100;
    host->memory->ksm.advisor_max_cpu = 70;
    host->memory->ksm.merge_across_nodes = 0;
    host->kernel->halt_poll_ns = 200000;
    host->kernel->numa_balancing = 1;
    KtPool pools[] = {{.node = 0, .page_kib = 2048, .total = 512},
                      {.node = 1, .page_kib = 2048, .total = 64}};
    g_array_append_vals(host->pools->pools, pools, 2);

    expect_present(host, KT_SETTING_THP_ENABLED, "madvise");
    expect_present(host, KT_SETTING_KSM_MODE, "on");
    expect_present(host, KT_SETTING_KSM_SLEEP, "20ms");
    expect_present(host, KT_SETTING_KSM_PAGES_TO_SCAN, "100");
    expect_present(host, KT_SETTING_KSM_MAX_CPU, "70%");
    expect_present(host, KT_SETTING_KSM_MERGE_ACROSS_NODES, "no");
    expect_present(host, KT_SETTING_HALT_POLL, "200us");
    expect_present(host, KT_SETTING_NUMA_BALANCING, "yes");
    expect_present(host, KT_SETTING_HUGEPAGES_2M, "0:512 1:64");
    expect_present(host, KT_SETTING_HUGEPAGES_1G, NULL);
}

/* All columns of the table are there, within 80 columns, for each setting. */
static void
test_each_setting(void)
{
    g_autoptr(Host) host = host_new();
    host->memory->thp.enabled = g_strdup("always");
    for (guint id = 0; id < KT_N_SETTINGS; id++) {
        const KtSetting *setting = kt_setting((KtSettingId)id);
        g_autoptr(GString) out = g_string_new(NULL);
        kt_view_setting(out, &plain, setting, &(KtPresent){host->memory, host->kernel, host->pools});
        g_assert_true(g_str_has_prefix(out->str, setting->key));
        g_assert_nonnull(strstr(out->str, "\n  values "));
        g_assert_nonnull(strstr(out->str, "\n  default "));
        g_assert_nonnull(strstr(out->str, "\n  source "));
        g_assert_true((strstr(out->str, "\n  manuals ") != NULL) == (setting->manuals != NULL));
        g_assert_true((strstr(out->str, "\n  here now   always\n") != NULL) ==
                      (id == KT_SETTING_THP_ENABLED));
        g_auto(GStrv) lines = g_strsplit(out->str, "\n", -1);
        for (guint i = 0; lines[i]; i++)
            g_assert_true(kt_columns(lines[i]) <= 80 || strstr(lines[i], "https://"));
    }
}

static void
test_list(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_settings(out, &plain);
    g_assert_true(g_str_has_prefix(out->str, "[host]\nthp.enabled "));
    g_assert_nonnull(strstr(out->str, "\n\n[domain PATTERN…]\ncpu.placement "));
}

static void
test_json(void)
{
    g_autoptr(Host) host = host_new();
    KtPresent present = {host->memory, host->kernel, host->pools};
    g_autofree char *all = kt_view_settings_json(NULL, &present);
    g_autofree char *one = kt_view_settings_json(kt_setting(KT_SETTING_DISK_CACHE), &present);
    json_t *document = json_loads(all, 0, NULL);
    g_assert_cmpuint(json_array_size(json_object_get(document, "settings")), ==, KT_N_SETTINGS);
    json_decref(document);
    document = json_loads(one, 0, NULL);
    const json_t *setting = json_array_get(json_object_get(document, "settings"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(setting, "items")), ==, "disk");
    g_assert_true(json_is_null(json_object_get(setting, "present")));
    json_decref(document);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/explain/nothing-is-known", test_nothing_is_known);
    g_test_add_func("/explain/present-values", test_present_values);
    g_test_add_func("/explain/each-setting", test_each_setting);
    g_test_add_func("/explain/list", test_list);
    g_test_add_func("/explain/json", test_json);
    return g_test_run();
}
