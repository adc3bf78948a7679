/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "base/root.h"

/**
 * Writes how many pages a pool is to have to its file nr_hugepages at @path. Where the kernel finds fewer, as
 * it does without a word when memory is in pieces, that of the pool's node is compacted, and it is asked once
 * more. What came of it is for who reads back. Errors: io, access.
 */
bool kt_pool_write(const KtRoot *root, const char *path, const char *pages, GError **error);
