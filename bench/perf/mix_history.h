/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench/perf/mix.h"

/**
 * Gives the domains of a mix present seats, as after some time of guests coming and going: an untouched host
 * where all float; one whose guests were packed core by core; or one where they sit where there was room.
 * Memory of guests with a seat is mostly near it. Uses neither the engine nor the baselines.
 */
void mix_history(Mix *mix, GRand *chance);
