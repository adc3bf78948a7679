/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/step_domain.h"
#include "base/cpuset.h"

/** What a pin is of. */
typedef enum { KT_THREAD_VCPU, KT_THREAD_EMULATOR, KT_THREAD_IOTHREAD } KtThreadKind;

/** Reads an action's item: "vcpu N", "emulator", "iothread N". Errors: invalid. */
bool kt_thread_parse(const char *item, KtThreadKind *ret_kind, guint *ret_id, GError **error);

/**
 * Where the threads of a running domain may run now: what the kernel says where QEMU runs on this host, else
 * what libvirt says.
 */
typedef struct KtLiveCpus KtLiveCpus;

void kt_live_cpus_free(KtLiveCpus *cpus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtLiveCpus, kt_live_cpus_free)

/** Reads them for @step's @domain (may be NULL). *@ret_cpus is NULL where it doesn't run. Errors: hypervisor.
 */
bool kt_live_cpus_read(const KtTarget *target, const KtJournalStep *step, virDomain *domain,
                       KtLiveCpus **ret_cpus, GError **error);

/** Whether the domain runs in the very process that it had when @step was planned. */
bool kt_live_cpus_same_process(const KtLiveCpus *cpus);

/** The CPUs of one thread, NULL where there is no such thread. Borrowed. */
const KtCpuset *kt_live_cpus_find(const KtLiveCpus *cpus, KtThreadKind kind, guint id);

/** Whether two sets mean the same CPUs: what is offline doesn't count, unless nothing else is in one of them.
 */
bool kt_live_cpus_equal(const KtLiveCpus *cpus, const KtCpuset *a, const KtCpuset *b);

/** Pins one thread of the running domain; what is staged stays. Errors: hypervisor. */
bool kt_live_cpus_pin(virDomain *domain, KtThreadKind kind, guint id, const KtCpuset *cpus, GError **error);
