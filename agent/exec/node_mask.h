/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <numa.h>

#include "base/cpuset.h"

/** Memory nodes (the kernel's numbers) as libnuma has them; free it with numa_bitmask_free(). */
struct bitmask *kt_node_mask(const KtCpuset *nodes);
