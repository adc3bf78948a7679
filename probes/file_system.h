/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "probes/images.h"

/** Whether other hosts can reach what is on the file system of the open @fd; @ret_name: what it is called, or
 * NULL. statfs(2); the same list as libvirt's virFileIsSharedFS and virFileIsClusterFS. */
KtReach kt_file_system_of(int fd, char **ret_name);
