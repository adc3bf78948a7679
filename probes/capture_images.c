/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/capture_parts.h"

static void
set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static void
set_number(json_t *object, const char *key, guint64 number)
{
    if (number > 0 && number <= G_MAXINT64)
        json_object_set_new(object, key, json_integer((json_int_t)number));
}

static void
set_true(json_t *object, const char *key, bool value)
{
    if (value)
        json_object_set_new(object, key, json_true());
}

static json_t *
image_json(const KtImage *image)
{
    json_t *json = json_object();
    set_text(json, "format", image->format);
    set_number(json, "version", image->version);
    set_text(json, "backing", image->backing);
    set_text(json, "backing_format", image->backing_format);
    set_text(json, "data_file", image->data_file);
    set_true(json, "encrypted", image->encrypted);
    set_number(json, "snapshots", image->snapshots);
    set_number(json, "virtual_bytes", image->virtual_bytes);
    set_number(json, "allocated_bytes", image->allocated_bytes);
    set_text(json, "allocation", kt_allocation_name(image->allocation));
    set_text(json, "chain_ends", image->chain_ends);
    set_text(json, "reach", kt_reach_name(image->reach));
    set_text(json, "file_system", image->file_system);
    set_true(json, "block_device", image->block_device);
    json_t *chain = json_array();
    for (guint i = 0; i < image->chain->len; i++)
        json_array_append_new(chain, json_string(image->chain->pdata[i]));
    json_object_set_new(json, "chain", chain);
    return json;
}

json_t *
kt_capture_images_json(GHashTable *images)
{
    json_t *json = json_object();
    GHashTableIter iter;
    gpointer path, image;
    g_hash_table_iter_init(&iter, images);
    while (g_hash_table_iter_next(&iter, &path, &image))
        json_object_set_new(json, path, image_json(image));
    return json;
}

/* The place of @word among the names of an enumeration of @n values; 0, "unknown", for any other. */
static guint
named(const char *word, guint n, const char *(*name_of)(guint value))
{
    for (guint value = 1; word && value < n; value++) {
        if (g_strcmp0(word, name_of(value)) == 0)
            return value;
    }
    return 0;
}

static const char *
reach_name(guint value)
{
    return kt_reach_name((KtReach)value);
}

static const char *
allocation_name(guint value)
{
    return kt_allocation_name((KtAllocation)value);
}

static bool
take_chain(KtImage *image, json_t *chain)
{
    gsize i;
    json_t *path;
    image->chain = g_ptr_array_new_with_free_func(g_free);
    json_array_foreach(chain, i, path)
    {
        if (!json_is_string(path))
            return false;
        g_ptr_array_add(image->chain, g_strdup(json_string_value(path)));
    }
    return !chain || json_is_array(chain);
}

static KtImage *
image_of(const char *path, json_t *json, const char **ret_why, json_error_t *why)
{
    const char *format = NULL, *backing = NULL, *backing_format = NULL, *data_file = NULL, *allocation = NULL;
    const char *chain_ends = NULL, *reach = NULL, *file_system = NULL;
    int version = 0, encrypted = 0, snapshots = 0, block_device = 0;
    json_int_t virtual_bytes = 0, allocated_bytes = 0;
    json_t *chain = NULL;
    *ret_why = why->text;
    if (json_unpack_ex(json, why, 0,
                       "{s?s, s?i, s?s, s?s, s?s, s?b, s?i, s?I, s?I, s?s, s?s, s?s, s?s, s?b, s?o}",
                       "format", &format, "version", &version, "backing", &backing, "backing_format",
                       &backing_format, "data_file", &data_file, "encrypted", &encrypted, "snapshots",
                       &snapshots, "virtual_bytes", &virtual_bytes, "allocated_bytes", &allocated_bytes,
                       "allocation", &allocation, "chain_ends", &chain_ends, "reach", &reach, "file_system",
                       &file_system, "block_device", &block_device, "chain", &chain))
        return NULL;
    g_autoptr(KtImage) image = g_new0(KtImage, 1);
    image->path = g_strdup(path);
    image->format = g_strdup(format);
    image->version = (guint)MAX(version, 0);
    image->backing = g_strdup(backing);
    image->backing_format = g_strdup(backing_format);
    image->data_file = g_strdup(data_file);
    image->encrypted = encrypted;
    image->snapshots = (guint)MAX(snapshots, 0);
    image->virtual_bytes = (guint64)MAX(virtual_bytes, 0);
    image->allocated_bytes = (guint64)MAX(allocated_bytes, 0);
    image->allocation = (KtAllocation)named(allocation, KT_N_ALLOCATIONS, allocation_name);
    image->chain_ends = g_strdup(chain_ends);
    image->reach = (KtReach)named(reach, KT_N_REACHES, reach_name);
    image->file_system = g_strdup(file_system);
    image->block_device = block_device;
    *ret_why = "wanted paths as chain";
    return take_chain(image, chain) ? g_steal_pointer(&image) : NULL;
}

bool
kt_capture_read_images(GHashTable *images, const KtRoot *root, json_t *json, GError **error)
{
    const char *path;
    json_t *one;
    json_object_foreach(json, path, one)
    {
        json_error_t why;
        const char *message;
        KtImage *image = image_of(path, one, &message, &why);
        if (!image) {
            kt_capture_set_error(root, KT_CAPTURE_HOST, error, "images: %s: %s", path, message);
            return false;
        }
        g_hash_table_replace(images, image->path, image);
    }
    return true;
}
