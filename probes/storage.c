/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/domains.h"
#include "probes/images.h"

static inline void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define autofd __attribute__((cleanup(close_fd))) int

typedef enum { TAKES, REFUSES, UNKNOWN } Answer;

static Answer
ask(const char *image)
{
    /* Opening may do things to other kinds of file (a tape rewinds), so first see what it is. */
    autofd place = open(image, O_PATH | O_CLOEXEC);
    struct stat about;
    if (place < 0 || fstat(place, &about) || (!S_ISREG(about.st_mode) && !S_ISBLK(about.st_mode)))
        return UNKNOWN;
    g_autofree char *same = g_strdup_printf("/proc/self/fd/%d", place);
    autofd fd = open(same, O_RDONLY | O_DIRECT | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0)
        return TAKES;
    return errno == EINVAL ? REFUSES : UNKNOWN;
}

static bool
is_local_disk(const KtDiskDef *disk)
{
    bool removable = g_strcmp0(disk->device, "cdrom") == 0 || g_strcmp0(disk->device, "floppy") == 0;
    bool local = g_strcmp0(disk->type, "file") == 0 || g_strcmp0(disk->type, "block") == 0;
    return local && !removable && disk->source && g_path_is_absolute(disk->source);
}

static void
probe_directory_of(GHashTable *directories, const char *image)
{
    g_autofree char *directory = g_path_get_dirname(image);
    if (g_hash_table_contains(directories, directory))
        return;
    Answer answer = ask(image);
    if (answer != UNKNOWN)
        g_hash_table_insert(directories, g_steal_pointer(&directory), GINT_TO_POINTER(answer == TAKES));
}

static void
probe_disks(GHashTable *directories, const KtDomainDef *def)
{
    for (guint i = 0; def && i < def->disks->len; i++) {
        const KtDiskDef *disk = g_ptr_array_index(def->disks, i);
        if (is_local_disk(disk))
            probe_directory_of(directories, disk->source);
    }
}

void
kt_storage_add_o_direct(GHashTable *directories, const GPtrArray *domains)
{
    for (guint i = 0; i < domains->len; i++) {
        const KtDomain *domain = g_ptr_array_index(domains, i);
        probe_disks(directories, domain->live);
        probe_disks(directories, domain->inactive);
    }
}

GHashTable *
kt_storage_probe_o_direct(const GPtrArray *domains)
{
    GHashTable *directories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    kt_storage_add_o_direct(directories, domains);
    return directories;
}

void
kt_storage_probe_chains(GHashTable *directories, GHashTable *images)
{
    GHashTableIter iter;
    gpointer image;
    g_hash_table_iter_init(&iter, images);
    while (g_hash_table_iter_next(&iter, NULL, &image)) {
        const GPtrArray *chain = ((const KtImage *)image)->chain;
        for (guint i = 0; i < chain->len; i++)
            probe_directory_of(directories, g_ptr_array_index(chain, i));
    }
}
