/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** How long an agent's list of devices is waited for, seconds. */
#define KT_AGENT_SECONDS 3

/** What an agent says of its guest's OS: guest-get-osinfo. NULL where it doesn't tell. */
typedef struct {
    const char *id;             /* "debian", "mswindows"; from os-release */
    const char *pretty_name;    /* "Debian GNU/Linux 12 (bookworm)" */
    const char *kernel_release; /* "6.1.0-13-amd64" */
    const char *kernel_version; /* of Linux "#1 SMP PREEMPT_DYNAMIC …", of others their name first */
} KtAgentOs;

bool kt_agent_os_is_windows(const KtAgentOs *os);

/** For people: "Debian GNU/Linux 12 (bookworm), Linux 6.1.0-13-amd64". NULL where nothing is told. Owned. */
char *kt_agent_os_text(const KtAgentOs *os);

/** Evidence that this OS has a driver for virtio NICs by itself, as every Linux since 3.0 has; NULL where
 * that can't be told. Owned. */
char *kt_agent_os_evidence(const KtAgentOs *os);

/**
 * The same of Windows, from its agent's answer to guest-get-devices ({"return": [{"driver-name", "id":
 * {"vendor-id", "device-id"}}]}), which lists the devices that a driver of the virtio family serves now. ""
 * where no NIC is among them, NULL for what is no such answer. Owned.
 */
char *kt_agent_devices_evidence(const char *answer);
