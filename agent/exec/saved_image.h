/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "probes/hypervisor.h"

/**
 * A persistent domain's managed-save image: libvirt owns it, so any start resumes it, and none can be
 * restored once the domain has run since.
 * https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainManagedSave
 */

/** What the definition in the image says, with secrets. *@ret_xml is NULL where there is no image. Errors:
 * hypervisor. */
bool kt_saved_image_read(virDomain *domain, const char *name, char **ret_xml, GError **error);

/** Saves the running domain; its process ends. Where that fails it goes on. Errors: hypervisor. */
bool kt_saved_image_write(virDomain *domain, const char *name, GError **error);

/** Changes the definition in the image. Errors: hypervisor. */
bool kt_saved_image_define(virDomain *domain, const char *name, const char *xml, GError **error);

/** Resumes the shut-off domain from its image with @xml in it, and, where QEMU or libvirt refuses that, with
 * @original. Errors: hypervisor; the message says whether the guest runs. */
bool kt_saved_image_resume(virDomain *domain, const char *name, const char *xml, const char *original,
                           GError **error);
