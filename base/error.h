/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * The one error domain. A code tells who can mend it, the message names the object and both values.
 */
#define KT_ERROR (kt_error_quark())

typedef enum {
    KT_ERROR_PARSE,       /* text that isn't in its language: profile, XML, JSON, CPU list */
    KT_ERROR_INVALID,     /* understood, but not possible: unknown name, value out of range, usage */
    KT_ERROR_UNSUPPORTED, /* this host, kernel, libvirt or guest lacks it */
    KT_ERROR_ACCESS,      /* not allowed */
    KT_ERROR_HELD,        /* held by somebody else just now: a later try may do */
    KT_ERROR_CONFLICT,    /* the present value is not the one that was planned for */
    KT_ERROR_HYPERVISOR,  /* libvirt or QEMU said no */
    KT_ERROR_IO,          /* the kernel or the file system said no */
} KtErrorCode;

GQuark kt_error_quark(void);

/**
 * Sets @error from an errno value: "MESSAGE: strerror". EACCES, EPERM and EROFS become KT_ERROR_ACCESS,
 * all others KT_ERROR_IO.
 */
void kt_set_error_errno(GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);
