/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/** Whether the IPv4 @address answers an ICMP echo request within a second. False too where it is no such
 * address, or this process may not ask. */
bool kt_ping(const char *address);
