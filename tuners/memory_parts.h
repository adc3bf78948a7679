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
    GPtrArray *memnodes; /* KtMemnodeDef in it, where those are */
    KtCpuset *cpu_nodes; /* OS numbers of the nodes of its planned CPUs; empty where it has none */
} KtMemoryWish;

/**
 * Where memory of single guest cells is to come from (KtMemnodeDef): the nodes of each cell's CPUs, @strict
 * or preferred, which only one can be. Empty where one policy serves all: there are no cells, or their CPUs
 * are all on the same nodes. Owned.
 */
GPtrArray *kt_memory_choose_cells(const KtMemoryWish *wish, bool strict);
/** Whether the definition has just these. */
bool kt_memory_cells_are_so(const KtDomainDef *def, const GPtrArray *cells);
/** Stages these, and that others that the definition has go. */
void kt_memory_stage_cells(const KtMemoryWish *wish, const KtValue *value, const GPtrArray *cells);

/** "node 1", "nodes 0-1". Owned. */
char *kt_memory_name_nodes(const KtCpuset *nodes);

/** memory.numa: what is staged, and pages that move now. */
void kt_memory_tune_numa(KtMemoryWish *wish);
/** memory.backing */
void kt_memory_tune_backing(KtMemoryWish *wish);
/** memory.ksm */
void kt_memory_tune_ksm(KtMemoryWish *wish);

/** Moves the domain's pages to @nodes (OS numbers) now, where its live mode allows that. */
void kt_memory_move_pages(const KtMemoryWish *wish, const KtValue *value, const KtCpuset *nodes);

/** Adds the action that stages @to at @field (and @item there, or NULL), unless that is so already; NULL =
 * nothing explicit. */
void kt_memory_stage(const KtMemoryWish *wish, const KtValue *value, KtXmlField field, const char *item,
                     const char *to, KtRisk risk, char *reason);
