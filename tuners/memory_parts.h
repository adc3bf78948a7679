/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tuners/ledger.h"
#include "tuners/tuner.h"

/**
 * What the memory settings of one domain share. Private to tuners/memory*.c.
 */
typedef struct {
    KtPlan *plan;
    const KtDesired *desired;
    guint index;
    const KtDomain *domain;
    KtDomainDef next;    /* the definition that it boots from next, with what is staged so far; borrows all */
    char *nodeset;       /* of the numatune in it, where that is staged now */
    KtCpuset *cpu_nodes; /* OS numbers of the nodes of its planned CPUs; empty where it has none */
} KtMemoryWish;

/** memory.numa: what is staged, and pages that move now. */
void kt_memory_tune_numa(KtMemoryWish *wish);
/** memory.backing */
void kt_memory_tune_backing(KtMemoryWish *wish);
/** memory.ksm */
void kt_memory_tune_ksm(KtMemoryWish *wish);

/** Moves the domain's pages to @nodes (OS numbers) now, where its live mode allows that. */
void kt_memory_move_pages(const KtMemoryWish *wish, const KtValue *value, const KtCpuset *nodes);

/** Adds the action that stages @to at @field, unless that is so already; NULL = nothing explicit. */
void kt_memory_stage(const KtMemoryWish *wish, const KtValue *value, KtXmlField field, const char *to,
                     KtRisk risk, char *reason);
