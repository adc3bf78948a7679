/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/cpuset.h"

/**
 * What libvirt's capabilities tell of the CPUs and the memory of its host. Private to the probe of remote
 * hosts. https://libvirt.org/formatcaps.html
 */

/** Kinds of objects, outer ones first: of two with the same CPUs the first holds the second. */
typedef enum {
    KT_PART_MACHINE,
    KT_PART_PACKAGE,
    KT_PART_DIE,
    KT_PART_CELL,
    KT_PART_L3,
    KT_PART_CORE,
    KT_PART_PU
} KtPartKind;

/** Some CPUs that belong together. */
typedef struct {
    KtPartKind kind;
    guint64 key; /* tells those of one kind apart */
    guint os;
    KtCpuset *cpus; /* online ones; those of a cell may be none */
    guint64 bytes;  /* of a cell's memory or an L3, 0 = not told */
} KtPart;

typedef struct {
    GPtrArray *parts; /* KtPart; the machine is among them */
    GPtrArray *cells; /* KtPart, borrowed from parts: the memory nodes */
    GArray *pools;    /* KtPool without its free pages, by cell, then by size; the base size too */
    KtCpuset *online;
    GArray *distances; /* guint, cells × cells in their order; empty = not told */
} KtCapabilities;

/** Errors: parse, unsupported (no CPU is told). */
KtCapabilities *kt_capabilities_parse(const char *xml, GError **error);
void kt_capabilities_free(KtCapabilities *capabilities);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtCapabilities, kt_capabilities_free)
