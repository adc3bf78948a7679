/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/domain_xml.h"
#include "probes/hypervisor.h"

/**
 * The saved image of a transient domain: libvirt forgets such a domain once it is saved, so the image is
 * ours. libvirt would resume it whatever has become of its disks since, which destroys what is on them: here
 * it is resumed only while they are as they were when it was written. It is gone once its guest was seen
 * running. https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainSaveFlags
 */

/** Saves the running domain to @path; its process ends. Where that fails it goes on. Errors: hypervisor. */
bool kt_own_image_write(virDomain *domain, const char *path, GError **error);

/** What the definition in the image says, with secrets. NULL with an error (hypervisor) where it can't be
 * read: a save that never ended leaves such a one. Owned. */
char *kt_own_image_read(virConnect *connection, const char *path, GError **error);

/**
 * Resumes it with @xml, and where that is refused with @original. An image that has lain there before
 * (@is_old) is only resumed if no disk was written to since. Errors: conflict (then the image is kept),
 * hypervisor; the message says whether the guest runs.
 */
bool kt_own_image_resume(virConnect *connection, const char *path, const char *xml, const char *original,
                         bool is_old, GError **error);
