/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "probes/hypervisor.h"

/** How long a guest may take to let go of a device, and to make use of a new one, seconds. */
#define KT_UNPLUG_SECONDS 30
#define KT_TAKE_SECONDS 30

/** A NIC of a running domain, and what it becomes. */
typedef struct {
    virDomain *domain;
    const char *mac;
    bool has_agent; /* the guest's agent can be asked */
} KtReplug;

/** The live definition, with secrets; NULL where it can't be read. Owned. */
char *kt_replug_live_xml(virDomain *domain);

/** Unplugs the NIC and waits until the guest has let go of it. Errors: hypervisor; `conflict` where the guest
 * was never asked to. */
bool kt_replug_out(const KtReplug *replug, GError **error);

/** Waits until a guest that was just resumed, in the process that KtDomain.process names, is the only one
 * that sends by its NICs: until then QEMU does so too. */
void kt_replug_await_silence(const char *process);

/** Plugs in an <interface>. Errors: hypervisor. */
bool kt_replug_in(const KtReplug *replug, const char *nic_xml, GError **error);

/** Waits until the guest makes use of the NIC: its agent lists it, or it sends packets. Errors: hypervisor.
 */
bool kt_replug_is_taken(const KtReplug *replug, GError **error);
