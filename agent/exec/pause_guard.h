/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/exec/executor.h"
#include "agent/exec/page_hold.h"

/** Where libvirt keeps the images of managed save of its system daemon. */
#define KT_SAVE_DIRECTORY "/var/lib/libvirt/qemu/save"

/** Whether no migration, save, dump or block job is at work on it. @live: its live definition. Errors:
 * conflict. */
bool kt_guest_is_idle(virDomain *domain, const KtDomainDef *live, GError **error);

/**
 * Whether a running domain can be saved right now and resumed with @next: what may have changed since the
 * plan. @directory: where its image goes. @live: its live definition. @ret_hold: the huge pages that it will
 * come back on, to be released right before it does; NULL where nothing is held. Errors: conflict (a block
 * job, another job, an image that is there already, no room for one, no free huge pages or memory),
 * hypervisor.
 */
bool kt_pause_guard(const KtTarget *target, virDomain *domain, const char *directory, const KtDomainDef *live,
                    const KtDomainDef *next, KtPageHold **ret_hold, GError **error);
