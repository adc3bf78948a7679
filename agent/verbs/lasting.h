/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/verbs/proof.h"

/** `apply --persist`: what the daemon keeps from now on. */

/** Names the profile that was applied for the daemon, and has one that runs take it over. A failure is
 * reported, and its exit code given instead of @exit. */
KtExit kt_lasting_keep(const KtOptions *options, KtExit exit);

/** Without --persist: warns where a daemon keeps another profile, by which it would set back what is applied.
 */
void kt_lasting_warn(const KtOptions *options);

/**
 * After a proof, while the journal's lock still keeps the daemon from applying anything: with --persist the
 * daemon is given what was kept. Where some was rolled back that is a profile of its own in the state
 * directory, which inherits the one that was applied; where all was, the daemon keeps what it had, unless
 * that is this very profile. What can't be done is warned of.
 */
void kt_lasting_keep_proven(const KtOptions *options, const KtProof *proof);

/** The text of a profile that is @name without the kinds of change that @proof has rolled back. Owned. */
char *kt_lasting_rest(const char *name, const KtProof *proof);
