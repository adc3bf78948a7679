/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/**
 * The path of an action for a group of services that systemd owns: this and the unit's name. Any other
 * group's is its file, "sys/fs/cgroup/cpuset/system.slice/cpuset.cpus".
 */
#define KT_SERVICES_SYSTEMD "systemd:"
