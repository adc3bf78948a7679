/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/verbs/verb.h"
#include "agent/view/finding.h"

/**
 * The checks. Each looks at one thing and adds one finding, or none where it has nothing to say; one for each
 * page size and each tuner.
 */

/** The CPU's and the kernel's part: flags, modules, /dev/kvm. */
void kt_find_cpu_flags(const KtHost *host, GPtrArray *findings);
void kt_find_kvm_module(const KtHost *host, GPtrArray *findings);
void kt_find_kvm_device(const KtHost *host, GPtrArray *findings);
void kt_find_kvm_rights(const KtHost *host, GPtrArray *findings);
void kt_find_groups(const KtHost *host, GPtrArray *findings);
void kt_find_nesting(const KtHost *host, GPtrArray *findings);

/** The hypervisor's part. */
void kt_find_libvirt(const KtHost *host, GPtrArray *findings);
void kt_find_emulated_domains(const KtHost *host, GPtrArray *findings);
void kt_find_default_network(const KtHost *host, GPtrArray *findings);
void kt_find_networks(const KtHost *host, GPtrArray *findings);

/** The rest of the host. */
void kt_find_iommu(const KtHost *host, GPtrArray *findings);
void kt_find_cgroup(const KtHost *host, GPtrArray *findings);
void kt_find_confinement(const KtHost *host, GPtrArray *findings);

/** CPUs and memory. */
void kt_find_guest_cpus(const KtHost *host, GPtrArray *findings);
void kt_find_guest_memory(const KtHost *host, GPtrArray *findings);
void kt_find_isolated_cpus(const KtHost *host, GPtrArray *findings);
void kt_find_huge_page_pools(const KtHost *host, GPtrArray *findings);
void kt_find_overcommit(const KtHost *host, GPtrArray *findings);
void kt_find_swap(const KtHost *host, GPtrArray *findings);
void kt_find_huge_pages_and_ksm(const KtHost *host, GPtrArray *findings);
void kt_find_thp(const KtHost *host, GPtrArray *findings);
void kt_find_ksm(const KtHost *host, GPtrArray *findings);
void kt_find_other_tuners(const KtHost *host, GPtrArray *findings);

/** The guests' own definitions and images. */
void kt_find_automatic_placement(const KtHost *host, GPtrArray *findings);
void kt_find_contrary_pins(const KtHost *host, GPtrArray *findings);
void kt_find_images(const KtHost *host, GPtrArray *findings);
