/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "probes/capture.h"

/**
 * The pieces of the capture reader and writer. Private to them.
 */

/** More memory than a host can have, KiB (an exbibyte): sums of such figures still fit. */
#define KT_CAPTURE_KIB_MAX (G_GINT64_CONSTANT(1) << 50)

#define KT_CAPTURE_DOMAINS "domains"
#define KT_CAPTURE_HOST "host.json"

static inline void
kt_json_decref(json_t *json)
{
    json_decref(json);
}
typedef json_t KtJson;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtJson, kt_json_decref)

/** Reads a JSON object below @root; *@ret_object is NULL where the file is absent. Errors: io, access, parse.
 */
bool kt_capture_read_json(const KtRoot *root, const char *path, KtJson **ret_object, GError **error);

/** Sets a parse error about the file at @path: "FILE: MESSAGE". */
void kt_capture_set_error(const KtRoot *root, const char *path, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/** The images of host.json, written and read. Errors: parse. */
json_t *kt_capture_images_json(GHashTable *images);
bool kt_capture_read_images(GHashTable *images, const KtRoot *root, json_t *json, GError **error);

/** Reads the domain whose files begin with @label. */
KtDomain *
kt_capture_read_domain(const KtRoot *root, const char *label, const KtTopology *topology, GError **error);

/** The files of /sys and /proc that @snapshot was made from, as they are now below @root: path → text. What a
 * capture doesn't need of them is left out. Errors: io, access. */
GHashTable *kt_capture_host_files(const KtSnapshot *snapshot, const KtRoot *root, GError **error);
