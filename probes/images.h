/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "probes/domains.h"

/** Where else a file can be reached, as libvirt judges it before a live migration (virFileIsSharedFS). */
typedef enum {
    KT_REACH_UNKNOWN,
    KT_REACH_LOCAL,   /* this host alone */
    KT_REACH_SHARED,  /* a network file system */
    KT_REACH_CLUSTER, /* one that keeps the caches of all hosts coherent */
    KT_N_REACHES,
} KtReach;

/** How much of an image has been given its place on disk: a guess from what it takes up now. */
typedef enum {
    KT_ALLOCATED_UNKNOWN,
    KT_ALLOCATED_SPARSE,   /* grows as the guest writes */
    KT_ALLOCATED_METADATA, /* qcow2: the tables are there, the blocks aren't */
    KT_ALLOCATED_FULL,
    KT_N_ALLOCATIONS,
} KtAllocation;

/** An image file or block device of some domain, as it was found. Guests write to images: texts from their
 * headers are data. */
typedef struct {
    char *path;
    char *format;         /* by its header: "qcow2", "qed", "vmdk", "vdi", "vhdx", "luks"; else "raw" */
    guint version;        /* of qcow2, else 0 */
    char *backing;        /* the name in its header, NULL = it stands alone */
    char *backing_format; /* as the header says, or NULL */
    char *data_file;      /* qcow2 with its blocks in another file: that name, "" where it isn't told */
    bool encrypted;
    guint snapshots;         /* internal ones of qcow2 */
    guint64 virtual_bytes;   /* what the guest sees; 0 = unknown */
    guint64 allocated_bytes; /* what it takes up; 0 for a block device */
    KtAllocation allocation;
    GPtrArray *chain;  /* char *: the local files below it, the nearest first */
    char *chain_ends;  /* why the chain couldn't be followed to its end; NULL = it was */
    KtReach reach;     /* the least of itself and its chain */
    char *file_system; /* where that is: "ext4", "nfs"; NULL = not known, or a block device */
    bool block_device;
} KtImage;

void kt_image_free(KtImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtImage, kt_image_free)

/** "local", "shared", "cluster"; NULL = unknown. */
const char *kt_reach_name(KtReach reach);
/** "sparse", "metadata", "full"; NULL = unknown. */
const char *kt_allocation_name(KtAllocation allocation);

/** No chain is followed further. */
#define KT_IMAGE_CHAIN_MAX 32

/** What an image's first bytes say: fills format, version, backing, backing_format, data_file, encrypted,
 * snapshots, virtual_bytes. Pure. qemu's docs/interop/qcow2.txt */
void kt_image_parse_header(KtImage *image, const guint8 *bytes, gsize n_bytes);

/** Bytes of a header that are worth reading. */
#define KT_IMAGE_HEADER_MAX (64 * 1024)

/**
 * Looks at the local images of all @domains (KtDomain), read-only: path → KtImage; one that can't be read
 * isn't in it. Of removable media only where they are is seen. A header that names a backing file is believed
 * only where the definition, or the header above it, calls the format qcow2: in a raw image it could be the
 * guest that wrote it. Chains are followed through local files and block devices, at most KT_IMAGE_CHAIN_MAX,
 * and never in circles. Only for domains of this very machine.
 */
GHashTable *kt_images_probe(const GPtrArray *domains);

/** The same for those that aren't in @images yet. */
void kt_images_add(GHashTable *images, const GPtrArray *domains);

/** Takes the images of @domain out: they are looked at anew. */
void kt_images_forget(GHashTable *images, const KtDomain *domain);

/** An empty table such as kt_images_probe() gives. */
GHashTable *kt_images_new(void);

/** The image at that path, NULL where it isn't known. @images may be NULL. */
const KtImage *kt_images_find(GHashTable *images, const char *path);
