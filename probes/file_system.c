/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/file_system.h"

#include <sys/vfs.h>

/* What libvirt takes for shared, then names of local ones, for people. A file system that isn't here is a
 * local one to libvirt too; of a FUSE one the kernel doesn't tell what is behind it. */
static const struct {
    guint32 magic;
    const char *name;
    KtReach reach;
} file_systems[] = {
    {0x6969, "nfs", KT_REACH_SHARED},          {0x01161970, "gfs2", KT_REACH_CLUSTER},
    {0x7461636f, "ocfs2", KT_REACH_CLUSTER},   {0x00c36400, "ceph", KT_REACH_CLUSTER},
    {0x5346414f, "afs", KT_REACH_SHARED},      {0x517b, "smb", KT_REACH_SHARED},
    {0xfe534d42, "cifs", KT_REACH_SHARED},     {0xff534d42, "cifs", KT_REACH_SHARED},
    {0x47504653, "gpfs", KT_REACH_SHARED},     {0x61636673, "acfs", KT_REACH_SHARED},
    {0x19830326, "beegfs", KT_REACH_SHARED},   {0x65735546, "fuse", KT_REACH_UNKNOWN},
    {0xef53, "ext4", KT_REACH_LOCAL},          {0x58465342, "xfs", KT_REACH_LOCAL},
    {0x9123683e, "btrfs", KT_REACH_LOCAL},     {0x01021994, "tmpfs", KT_REACH_LOCAL},
    {0x794c7630, "overlayfs", KT_REACH_LOCAL}, {0x2fc12fc1, "zfs", KT_REACH_LOCAL},
    {0xf2f52010, "f2fs", KT_REACH_LOCAL},      {0x01021997, "9p", KT_REACH_LOCAL},
};

KtReach
kt_file_system_of(int fd, char **ret_name)
{
    struct statfs about;
    if (fstatfs(fd, &about))
        return KT_REACH_UNKNOWN;
    for (gsize i = 0; i < G_N_ELEMENTS(file_systems); i++) {
        if (file_systems[i].magic == (guint32)about.f_type) {
            *ret_name = g_strdup(file_systems[i].name);
            return file_systems[i].reach;
        }
    }
    return KT_REACH_LOCAL;
}
