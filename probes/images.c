/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/images.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/domains.h"
#include "probes/file_system.h"

static inline void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define autofd __attribute__((cleanup(close_fd))) int

void
kt_image_free(KtImage *image)
{
    if (!image)
        return;
    g_free(image->path);
    g_free(image->format);
    g_free(image->backing);
    g_free(image->backing_format);
    g_free(image->data_file);
    g_clear_pointer(&image->chain, g_ptr_array_unref);
    g_free(image->chain_ends);
    g_free(image->file_system);
    g_free(image);
}

const char *
kt_reach_name(KtReach reach)
{
    static const char *const names[KT_N_REACHES] = {
        [KT_REACH_LOCAL] = "local", [KT_REACH_SHARED] = "shared", [KT_REACH_CLUSTER] = "cluster"};
    return names[reach];
}

const char *
kt_allocation_name(KtAllocation allocation)
{
    static const char *const names[KT_N_ALLOCATIONS] = {
        [KT_ALLOCATED_SPARSE] = "sparse", [KT_ALLOCATED_METADATA] = "metadata", [KT_ALLOCATED_FULL] = "full"};
    return names[allocation];
}

static void
free_image(gpointer image)
{
    kt_image_free(image);
}

GHashTable *
kt_images_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_image);
}

const KtImage *
kt_images_find(GHashTable *images, const char *path)
{
    return images && path ? g_hash_table_lookup(images, path) : NULL;
}

/* Opens a regular file or block device read-only; opening may do things to other kinds of file. -1: it is
 * none, or can't be opened. */
static int
open_image(const char *path, struct stat *ret_about)
{
    autofd place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0 || fstat(place, ret_about) ||
        (!S_ISREG(ret_about->st_mode) && !S_ISBLK(ret_about->st_mode)))
        return -1;
    g_autofree char *same = g_strdup_printf("/proc/self/fd/%d", place);
    return open(same, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static gssize
read_start(int fd, guint8 *bytes, gsize most)
{
    gsize have = 0;
    while (have < most) {
        gssize n = pread(fd, bytes + have, most - have, (off_t)have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (gsize)n;
    }
    return (gssize)have;
}

/* What an image takes up against what it could: a qcow2 with metadata alone is as long as its disk, with
 * holes. */
static void
judge_size(KtImage *image, int fd, const struct stat *about)
{
    if (S_ISBLK(about->st_mode)) {
        guint64 bytes;
        image->block_device = true;
        if (g_strcmp0(image->format, "raw") == 0 && ioctl(fd, BLKGETSIZE64, &bytes) == 0)
            image->virtual_bytes = bytes;
        return;
    }
    guint64 length = (guint64)about->st_size;
    image->allocated_bytes = (guint64)about->st_blocks * 512;
    if (image->virtual_bytes == 0 && g_strcmp0(image->format, "raw") == 0)
        image->virtual_bytes = length;
    if (image->virtual_bytes == 0)
        return;
    image->allocation = image->allocated_bytes >= image->virtual_bytes         ? KT_ALLOCATED_FULL
                        : image->version > 0 && length >= image->virtual_bytes ? KT_ALLOCATED_METADATA
                                                                               : KT_ALLOCATED_SPARSE;
}

/* One file without its chain; NULL where it can't be read. */
static KtImage *
look_at(const char *path, struct stat *ret_about)
{
    g_autofree guint8 *bytes = g_malloc(KT_IMAGE_HEADER_MAX);
    autofd fd = open_image(path, ret_about);
    gssize n = fd >= 0 ? read_start(fd, bytes, KT_IMAGE_HEADER_MAX) : -1;
    if (n < 0)
        return NULL;
    KtImage *image = g_new0(KtImage, 1);
    image->path = g_strdup(path);
    image->chain = g_ptr_array_new_with_free_func(g_free);
    kt_image_parse_header(image, bytes, (gsize)n);
    judge_size(image, fd, ret_about);
    if (!image->block_device)
        image->reach = kt_file_system_of(fd, &image->file_system);
    return image;
}

/* The path of the local file that @image's header names as its backing, or NULL and why not. Owned. */
static char *
backing_path(const KtImage *image, const char *of, char **ret_why)
{
    const char *name = image->backing;
    if (g_str_has_prefix(name, "file:"))
        name += strlen("file:");
    const char *colon = strchr(name, ':'), *slash = strchr(name, '/');
    if (colon && (!slash || colon < slash)) {
        *ret_why = g_strdup_printf("%s has its backing file elsewhere", of);
        return NULL;
    }
    if (g_path_is_absolute(name))
        return g_strdup(name);
    g_autofree char *directory = g_path_get_dirname(of);
    return g_build_filename(directory, name, NULL);
}

static bool
was_seen(const GArray *seen, const struct stat *about)
{
    for (guint i = 0; i < seen->len; i++) {
        const struct stat *other = &g_array_index(seen, struct stat, i);
        if (other->st_dev == about->st_dev && other->st_ino == about->st_ino)
            return true;
    }
    return false;
}

/* The least reach of a chain is what counts: one file that is missing there is enough. */
static void
lower_reach(KtImage *image, KtImage *below)
{
    bool less = below->reach == KT_REACH_LOCAL || below->reach < image->reach;
    if (below->block_device || image->reach == KT_REACH_LOCAL || !less)
        return;
    image->reach = below->reach;
    g_free(image->file_system);
    image->file_system = g_steal_pointer(&below->file_system);
}

/* Adds the next file of the chain below @of; NULL: it ends here. */
static KtImage *
follow(KtImage *top, const KtImage *of, GArray *seen)
{
    g_autofree char *path = backing_path(of, of->path, &top->chain_ends);
    if (!path)
        return NULL;
    struct stat about;
    g_autoptr(KtImage) below = look_at(path, &about);
    if (!below)
        top->chain_ends = g_strdup_printf("%s can't be read", path);
    else if (was_seen(seen, &about))
        top->chain_ends = g_strdup_printf("%s is below itself", path);
    else if (top->chain->len == KT_IMAGE_CHAIN_MAX)
        top->chain_ends = g_strdup_printf("more than %d files", KT_IMAGE_CHAIN_MAX);
    if (top->chain_ends)
        return NULL;
    g_array_append_val(seen, about);
    g_ptr_array_add(top->chain, g_strdup(path));
    lower_reach(top, below);
    return g_steal_pointer(&below);
}

/* A name in a file whose format nobody has told may have been written there by a guest: libvirt doesn't
 * follow it either. */
static bool
has_backing(const KtImage *image, const char *told)
{
    return image->backing && g_strcmp0(told, image->format) == 0;
}

static void
follow_chain(KtImage *image, const char *format, const struct stat *about)
{
    g_autoptr(GArray) seen = g_array_new(FALSE, FALSE, sizeof(struct stat));
    g_array_append_vals(seen, about, 1);
    g_autoptr(KtImage) last = NULL;
    const KtImage *of = image;
    g_autofree char *told = g_strdup(format);
    while (has_backing(of, told)) {
        KtImage *below = follow(image, of, seen);
        if (!below)
            return;
        g_free(told);
        told = g_strdup(of->backing_format);
        kt_image_free(last);
        of = last = below;
    }
    if (last && last->backing && !told)
        image->chain_ends = g_strdup_printf("the image above %s doesn't tell its format", last->path);
}

static bool
is_removable(const KtDiskDef *disk)
{
    return g_strcmp0(disk->device, "cdrom") == 0 || g_strcmp0(disk->device, "floppy") == 0;
}

/* A medium isn't opened: a drive of the host would spin up. Where it is can be told from its directory. */
static KtImage *
look_at_medium(const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    autofd fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    KtImage *image = g_new0(KtImage, 1);
    image->path = g_strdup(path);
    image->chain = g_ptr_array_new_with_free_func(g_free);
    image->reach = kt_file_system_of(fd, &image->file_system);
    return image;
}

static KtImage *
look_at_disk(const KtDiskDef *disk)
{
    if (is_removable(disk))
        return g_strcmp0(disk->type, "file") == 0 ? look_at_medium(disk->source) : NULL;
    struct stat about;
    KtImage *image = look_at(disk->source, &about);
    if (image)
        follow_chain(image, disk->format, &about);
    return image;
}

static void
probe_disks(GHashTable *images, const KtDomainDef *def)
{
    for (guint i = 0; def && i < def->disks->len; i++) {
        const KtDiskDef *disk = g_ptr_array_index(def->disks, i);
        bool local = g_strcmp0(disk->type, "file") == 0 || g_strcmp0(disk->type, "block") == 0;
        if (!local || !disk->source || !g_path_is_absolute(disk->source) ||
            g_hash_table_contains(images, disk->source))
            continue;
        KtImage *image = look_at_disk(disk);
        if (image)
            g_hash_table_insert(images, image->path, image);
    }
}

void
kt_images_add(GHashTable *images, const GPtrArray *domains)
{
    for (guint i = 0; i < domains->len; i++) {
        const KtDomain *domain = g_ptr_array_index(domains, i);
        probe_disks(images, domain->live);
        probe_disks(images, domain->inactive);
    }
}

GHashTable *
kt_images_probe(const GPtrArray *domains)
{
    GHashTable *images = kt_images_new();
    kt_images_add(images, domains);
    return images;
}

static void
forget_disks(GHashTable *images, const KtDomainDef *def)
{
    for (guint i = 0; def && i < def->disks->len; i++) {
        const KtDiskDef *disk = g_ptr_array_index(def->disks, i);
        if (disk->source)
            g_hash_table_remove(images, disk->source);
    }
}

void
kt_images_forget(GHashTable *images, const KtDomain *domain)
{
    forget_disks(images, domain->live);
    forget_disks(images, domain->inactive);
}
