/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/hypervisor.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>

#include "base/error.h"

/* VIR_ERR_AGENT_COMMAND_TIMEOUT of libvirt 11.2 and later; older headers don't have it. */
#define AGENT_COMMAND_TIMEOUT 112

/* Of libvirtd's word, and of the kernel's about its socket: then int1 is the errno. */
static bool
last_error_is_refusal(void)
{
    virErrorPtr last = virGetLastError();
    int code = last ? last->code : VIR_ERR_OK;
    return code == VIR_ERR_OPERATION_DENIED || code == VIR_ERR_ACCESS_DENIED || code == VIR_ERR_AUTH_FAILED ||
           code == VIR_ERR_AUTH_CANCELLED ||
           (code == VIR_ERR_SYSTEM_ERROR && (last->int1 == EACCES || last->int1 == EPERM));
}

void
kt_hypervisor_set_error(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);

    bool denied = last_error_is_refusal();
    g_set_error(error, KT_ERROR, denied ? KT_ERROR_ACCESS : KT_ERROR_HYPERVISOR, "%s: %s", message,
                virGetLastErrorMessage());
}

bool
kt_hypervisor_domain_is_gone(void)
{
    return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN;
}

bool
kt_hypervisor_domain_is_busy(void)
{
    return virGetLastErrorCode() == VIR_ERR_OPERATION_TIMEOUT;
}

bool
kt_hypervisor_agent_is_silent(void)
{
    int code = virGetLastErrorCode();
    return code == VIR_ERR_AGENT_UNRESPONSIVE || code == VIR_ERR_AGENT_UNSYNCED ||
           code == VIR_ERR_OPERATION_TIMEOUT || code == AGENT_COMMAND_TIMEOUT;
}

bool
kt_hypervisor_is_local(const char *uri)
{
    g_autofree char *scheme = NULL, *host = NULL;
    if (!g_uri_split(uri, G_URI_FLAGS_NON_DNS | G_URI_FLAGS_PARSE_RELAXED, &scheme, NULL, &host, NULL, NULL,
                     NULL, NULL, NULL) ||
        !scheme || (host && *host))
        return false;
    const char *transport = strchr(scheme, '+');
    if (transport && !g_str_equal(transport, "+unix"))
        return false;
    return !g_str_equal(scheme, "test") && !g_str_has_prefix(scheme, "test+");
}

bool
kt_hypervisor_connection_is_local(virConnect *connection)
{
    char *uri = connection ? virConnectGetURI(connection) : NULL;
    bool local = uri && kt_hypervisor_is_local(uri);
    free(uri);
    return local;
}

char *
kt_hypervisor_version(unsigned long packed)
{
    if (packed == 0)
        return NULL;
    return g_strdup_printf("%lu.%lu.%lu", packed / 1000000, packed / 1000 % 1000, packed % 1000);
}

bool
kt_version_at_least(const char *version, guint major, guint minor)
{
    char *end = NULL;
    if (!version || !g_ascii_isdigit(*version))
        return false;
    guint64 has_major = g_ascii_strtoull(version, &end, 10);
    guint64 has_minor = *end == '.' ? g_ascii_strtoull(end + 1, NULL, 10) : 0;
    return has_major > major || (has_major == major && has_minor >= minor);
}
