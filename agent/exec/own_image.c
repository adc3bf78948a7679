/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/own_image.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/** Whether it was saved running, or paused: that is how it goes on. */
static unsigned int
state_flag(virDomain *domain)
{
    int state = VIR_DOMAIN_NOSTATE;
    bool paused = virDomainGetState(domain, &state, NULL, 0) == 0 && state == VIR_DOMAIN_PAUSED;
    return paused ? VIR_DOMAIN_SAVE_PAUSED : VIR_DOMAIN_SAVE_RUNNING;
}

bool
kt_own_image_write(virDomain *domain, const char *path, GError **error)
{
    if (virDomainSaveFlags(domain, path, NULL, state_flag(domain)) == 0)
        return true;
    kt_hypervisor_set_error(error, "cannot be saved to %s", path);
    return false;
}

char *
kt_own_image_read(virConnect *connection, const char *path, GError **error)
{
    char *xml = virDomainSaveImageGetXMLDesc(connection, path, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE);
    if (!xml)
        kt_hypervisor_set_error(error, "its saved image %s cannot be read", path);
    char *copy = g_strdup(xml);
    free(xml);
    return copy;
}

static bool
is_later(const struct timespec *time, const struct timespec *than)
{
    return time->tv_sec != than->tv_sec ? time->tv_sec > than->tv_sec : time->tv_nsec > than->tv_nsec;
}

/** Why the disk may not be what it was when the image was written; NULL = it is. Owned. */
static char *
disk_obstacle(const KtDiskDef *disk, const struct stat *image)
{
    struct stat file;
    bool written = g_strcmp0(disk->device, "cdrom") != 0 && !disk->readonly;
    if (!written || !disk->source)
        return NULL;
    if (g_strcmp0(disk->type, "file") != 0 || stat(disk->source, &file) != 0)
        return g_strdup_printf("whether its disk %s was written to since can't be told", disk->target);
    if (!is_later(&file.st_mtim, &image->st_mtim))
        return NULL;
    return g_strdup_printf("its disk %s was written to since", disk->target);
}

/** Whether all disks of @def are as the image at @path left them. */
static bool
disks_are_as_saved(const char *path, const KtDomainDef *def, GError **error)
{
    struct stat image;
    if (stat(path, &image) != 0) {
        kt_set_error_errno(error, errno, "%s", path);
        return false;
    }
    for (guint i = 0; i < def->disks->len; i++) {
        g_autofree char *why = disk_obstacle(g_ptr_array_index(def->disks, i), &image);
        if (!why)
            continue;
        g_set_error(
            error, KT_ERROR, KT_ERROR_CONFLICT,
            "%s: its saved image would destroy that; it is kept ('virsh restore %s' resumes it if you "
            "know better)",
            why, path);
        return false;
    }
    return true;
}

static bool
restore(virConnect *connection, const char *path, const char *xml, GError **error)
{
    /* No flags: it goes on running, or paused, as it was saved. */
    if (virDomainRestoreFlags(connection, path, xml, 0) == 0)
        return true;
    kt_hypervisor_set_error(error, "cannot be resumed");
    return false;
}

bool
kt_own_image_resume(virConnect *connection, const char *path, const char *xml, const char *original,
                    bool is_old, GError **error)
{
    g_autoptr(KtDomainDef) def = kt_domain_def_parse(original, error);
    if (!def || (is_old && !disks_are_as_saved(path, def, error)))
        return false;
    bool done = restore(connection, path, xml, error);
    bool back = done || restore(connection, path, original, NULL);
    if (!done)
        g_prefix_error(error,
                       back ? "it runs again as it was: "
                            : "it does not run, its saved image is kept ('kvm-tune rollback' resumes it): ");
    if (back && unlink(path) != 0)
        g_warning("%s: cannot be removed: %s", path, g_strerror(errno));
    return done;
}
