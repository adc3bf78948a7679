/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <errno.h>

G_DEFINE_QUARK(kt - error - quark, kt_error)

void
kt_set_error_errno(GError **error, int errnum, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);

    bool denied = errnum == EACCES || errnum == EPERM || errnum == EROFS;
    g_set_error(error, KT_ERROR, denied ? KT_ERROR_ACCESS : KT_ERROR_IO, "%s: %s", message,
                g_strerror(errnum));
}
