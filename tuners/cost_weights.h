/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/** The weights of the cost of design section 10. */

#define KT_COST_SIBLING 12   /* T: an exclusive vCPU whose core others may run on */
#define KT_COST_KIND 6       /* K: an exclusive vCPU on another kind of core than wanted */
#define KT_COST_STRANGER 3   /* C: for a domain with an exclusive vCPU on a core, each other domain there */
#define KT_COST_OVERLOAD 10  /* C: each core's overload, squared */
#define KT_COST_CROWDING 2.5 /* B: each group's load, squared, by its cores */
#define KT_COST_MOVE 0.2     /* each running vCPU whose set changes */
#define KT_COST_MOVED_GIB 0.5

/** What a core of several threads takes before it is overloaded, in CPUs' worth; one of one thread takes 1.
 */
#define KT_COST_THREADED_CAPACITY 1.25
