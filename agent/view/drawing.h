/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/ink.h"
#include "agent/view/seating.h"

/**
 * Appends the topology with who sits where: a frame for each package and memory node, a row for each group of
 * CPUs that share a cache, a sign for each CPU, those of one core side by side, and beside the row the names
 * of its sitters. With several memory nodes each frame says whose memory and passed-through devices it has.
 * On a host with more rows than a screen has, runs of free rows become one. Below: the signs that occur, and
 * who floats.
 */
void
kt_view_drawing(GString *out, const KtStyle *style, const KtSnapshot *snapshot, const KtSeating *seating);
