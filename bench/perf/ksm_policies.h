/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/root.h"
#include "bench/perf/ksm_load.h"

/** Ways to set KSM's knobs that are compared. */
typedef struct {
    const char *name;
    const char *about;
    /** Begins to set them; @state_dir is an empty directory of its own. */
    gpointer (*begin)(const KtRoot *root, const KsmLoad *load, const char *state_dir);
    /** Called ten times a second, @changed when other processes run than before. */
    void (*step)(gpointer policy, const KsmLoad *load, bool changed, gint64 now_usec);
    void (*end)(gpointer policy);
} KsmPolicy;

extern const KsmPolicy ksm_policies[];
extern const guint ksm_n_policies;

/** Sets a file of KSM; the program ends where that fails. */
void ksm_set(const KtRoot *root, const char *name, gint64 value);
