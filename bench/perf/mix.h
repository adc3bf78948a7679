/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/placement.h"

/**
 * Random placement problems for the measurements and the property tests. A mix is made from a host and a seed
 * alone: the same on every machine.
 */

/** A problem with all that it points to. */
typedef struct {
    const KtTopology *topology; /* borrowed */
    KtCpuset *housekeeping;
    GArray *domains; /* KtSeatDomain */
    GPtrArray *memory;
    GPtrArray *sets;
    KtPlacementProblem problem;
} Mix;

/** What a mix is made like. */
typedef struct {
    guint max_domains; /* 0 = as many as fit */
    guint max_vcpus;   /* of one domain */
    double least_full, most_full;
} MixSize;

/** Sizes of a host with up to 8 CPUs, and of any other. */
extern const MixSize mix_small, mix_large;

/** A mix that fits: there is a placement of all its domains. */
Mix *mix_new(const KtTopology *topology, MixSize size, guint32 seed);
void mix_free(Mix *mix);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mix, mix_free)

/** An empty one. */
Mix *mix_new_empty(const KtTopology *topology);
/** Adds a domain that floats over all CPUs, without cells, threads, devices and known memory. Valid until the
 * next one. */
KtSeatDomain *mix_add(Mix *mix, guint n_vcpus);
static inline KtSeatVcpu *
mix_vcpus(const KtSeatDomain *domain)
{
    return (KtSeatVcpu *)domain->vcpus;
}
const KtPlacementProblem *mix_problem(Mix *mix);
/** Makes @placement the present. */
void mix_carry_out(Mix *mix, const KtPlacement *placement);
/** A number that tells two mixes apart: of all that counts in their cost. */
guint32 mix_checksum(Mix *mix);
