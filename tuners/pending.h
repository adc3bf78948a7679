/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/plan.h"

/** A definition as text and as it was understood. Borrows both. */
typedef struct {
    const char *xml;
    const KtDomainDef *def;
} KtXmlDef;

/** Frees a KtPending. */
void kt_pending_free(gpointer pending);

/** Adds to @pendings (KtPending) what kvm-tune sets and is otherwise in the @live definition of a domain than
 * in the @staged one. Pins aren't compared: they are live anyway. */
void kt_pending_between(GPtrArray *pendings, const KtXmlDef *live, const KtXmlDef *staged);
