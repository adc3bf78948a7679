/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "probes/snapshot.h"
#include "profiles/profile.h"

/**
 * A profile resolved for one snapshot: for the host and for each domain the value of every setting that some
 * section names. What none names isn't there, and is not touched.
 */
typedef struct KtDesired KtDesired;

/**
 * @only: NULL, or globs on domain names ("--domain", NULL-terminated; any may match): other domains have no
 * settings then, nor has the host, but what host settings say that are no action by themselves (housekeeping,
 * memory-reserve, contested) still counts.
 * @profile and @snapshot must outlive the result.
 */
KtDesired *kt_desired_resolve(const KtProfile *profile, const KtSnapshot *snapshot, const char *const *only);
void kt_desired_free(KtDesired *desired);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtDesired, kt_desired_free)

/** The host's value, or NULL. @desired NULL: nothing is wished. */
const KtValue *kt_desired_host(const KtDesired *desired, KtSettingId id);

/**
 * The value for snapshot->domains[@domain], or NULL. @item: the disk's target or the NIC's MAC for settings
 * that have items (the last matching line wins, with an item or without), else NULL. @desired NULL: nothing
 * is wished.
 */
const KtValue *kt_desired_domain(const KtDesired *desired, guint domain, KtSettingId id, const char *item);

/** The first value that speaks of this setting of the domain, of all its items or one of them; or NULL. */
const KtValue *kt_desired_any(const KtDesired *desired, guint domain, KtSettingId id);

/** A copy in which the settings of @left are as if nobody had named them. */
KtDesired *kt_desired_without(const KtDesired *desired, const bool left[KT_N_SETTINGS]);

/**
 * From now on it is as if nobody had named @setting for this domain (-1: the host); with @item for this disk
 * or NIC alone.
 */
void kt_desired_unname(KtDesired *desired, gint domain, const KtSetting *setting, const char *item);

/** Whether any section gives this domain any value. */
bool kt_desired_selects(const KtDesired *desired, guint domain);

/** Values with an item ("disk.cache[vdb]") that no disk or NIC of any matching domain has: likely mistakes,
 * to be shown. KtValue, borrowed. */
GPtrArray *kt_desired_unmatched_items(const KtDesired *desired);
