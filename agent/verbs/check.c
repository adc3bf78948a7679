/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/findings.h"

/* In the order in which one needs the other. */
static void (*const checks[])(const KtHost *host, GPtrArray *findings) = {
    kt_find_cpu_flags,
    kt_find_kvm_module,
    kt_find_kvm_device,
    kt_find_kvm_rights,
    kt_find_nesting,
    kt_find_iommu,
    kt_find_libvirt,
    kt_find_groups,
    kt_find_confinement,
    kt_find_cgroup,
    kt_find_default_network,
    kt_find_networks,
    kt_find_guest_cpus,
    kt_find_isolated_cpus,
    kt_find_guest_memory,
    kt_find_overcommit,
    kt_find_swap,
    kt_find_huge_page_pools,
    kt_find_thp,
    kt_find_ksm,
    kt_find_huge_pages_and_ksm,
    kt_find_other_tuners,
    kt_find_emulated_domains,
    kt_find_automatic_placement,
    kt_find_contrary_pins,
    kt_find_images,
};

KtExit
kt_verb_check(const KtOptions *options)
{
    kt_warn_unfinished(options, NULL);
    KtExit exit = KT_EXIT_ERROR;
    g_autoptr(KtHost) host = kt_host_open(options, KT_HOST_ANYTHING, &exit);
    if (host == NULL)
        return exit;
    g_autoptr(GPtrArray) findings = kt_findings_new();
    for (guint i = 0; i < G_N_ELEMENTS(checks); i++)
        checks[i](host, findings);
    exit = kt_findings_differ(findings) ? KT_EXIT_DIFFERS : KT_EXIT_DONE;
    if (options->json) {
        g_autofree char *json = kt_view_findings_json(findings);
        return kt_print(json, exit);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_findings(out, &options->style, findings);
    return kt_print_unless_quiet(options, out->str, exit);
}
