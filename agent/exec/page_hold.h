/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "base/domain_xml.h"
#include "base/root.h"

/**
 * Huge pages taken out of the pools for a guest that is about to be saved, so that nobody else has them when
 * it comes back: let go right before it does.
 */
typedef struct KtPageHold KtPageHold;

/**
 * Takes what a guest that runs with @live needs more of huge pages once it runs with @next, from the nodes
 * that its memory is bound to. Pages that it has already come free with it: these aren't counted. Errors:
 * conflict (too few are free; nothing is held then).
 */
KtPageHold *
kt_page_hold_take(const KtRoot *root, const KtDomainDef *live, const KtDomainDef *next, GError **error);

/** Gives them back to their pools. */
void kt_page_hold_release(KtPageHold *hold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtPageHold, kt_page_hold_release)
