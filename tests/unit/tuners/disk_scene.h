/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tests/unit/tuners/scene.h"

/** The text of a disk of a file /images/TARGET.img: attributes of its <driver>, its bus, elements inside. */
#define DISK(target, driver, bus, extra)                                                                     \
    "<disk type='file' device='disk'><driver name='qemu'" driver "/><source file='/images/" target           \
    ".img'/><target dev='" target "' bus='" bus "'/>" extra "</disk>"

/** A running domain d of two vCPUs with these disks, on a host that has all there is to have. /images takes
 * O_DIRECT. */
static inline Scene *
guest_with(const char *disks)
{
    Scene *scene = scene_new("node:1 core:4 pu:1");
    scene_add_guest(scene, "d", 2, "", disks);
    g_hash_table_insert(scene->snapshot->o_direct, g_strdup("/images"), GINT_TO_POINTER(1));
    scene->snapshot->qemu = g_strdup("7.2.0");
    scene->snapshot->libvirt = g_strdup("9.0.0");
    scene->snapshot->kernel->release = g_strdup("6.1.0-13-amd64");
    scene->snapshot->kernel->io_uring_disabled = KT_ABSENT;
    return scene;
}

/** The image of @target is known to be so much allocated. */
static inline void
scene_image(Scene *scene, const char *target, KtAllocation allocation)
{
    KtImage *image = g_new0(KtImage, 1);
    image->path = g_strdup_printf("/images/%s.img", target);
    image->chain = g_ptr_array_new_with_free_func(g_free);
    image->allocation = allocation;
    if (scene->snapshot->images == NULL)
        scene->snapshot->images = kt_images_new();
    g_hash_table_insert(scene->snapshot->images, image->path, image);
}
