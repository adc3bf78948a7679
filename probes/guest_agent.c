/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/guest_agent.h"

#include <jansson.h>
#include <string.h>

#include "probes/hypervisor.h"

/* PCI's numbers of virtio NICs: the transitional one, and the one of virtio 1.0. */
#define VIRTIO_VENDOR 0x1af4
#define VIRTIO_NIC 0x1000
#define VIRTIO_1_NIC 0x1041

static inline void
decref(json_t *json)
{
    json_decref(json);
}
typedef json_t Answer;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Answer, decref)

bool
kt_agent_os_is_windows(const KtAgentOs *os)
{
    return g_strcmp0(os->id, "mswindows") == 0;
}

/* Agents run on BSDs and Solaris too; uname(2)'s version begins with '#' on Linux, elsewhere with a name. */
static bool
is_linux(const KtAgentOs *os)
{
    return os->kernel_version && os->kernel_version[0] == '#' && os->kernel_release &&
           g_ascii_isdigit(os->kernel_release[0]);
}

char *
kt_agent_os_text(const KtAgentOs *os)
{
    const char *name = os->pretty_name ? os->pretty_name : os->id;
    g_autofree char *kernel =
        is_linux(os) ? g_strdup_printf("%sLinux %s", name ? ", " : "", os->kernel_release) : g_strdup("");
    return name || *kernel ? g_strconcat(name ? name : "", kernel, NULL) : NULL;
}

char *
kt_agent_os_evidence(const KtAgentOs *os)
{
    if (!is_linux(os) || !kt_version_at_least(os->kernel_release, 3, 0))
        return NULL;
    g_autofree char *text = kt_agent_os_text(os);
    return g_strdup_printf("its agent says that it runs %s, which drives virtio NICs by itself", text);
}

static bool
is_virtio_nic(json_t *device, const char **ret_driver)
{
    json_int_t vendor = 0, number = 0;
    const char *driver = NULL;
    if (json_unpack(device, "{s?s, s?{s?I, s?I}}", "driver-name", &driver, "id", "vendor-id", &vendor,
                    "device-id", &number) ||
        vendor != VIRTIO_VENDOR || (number != VIRTIO_NIC && number != VIRTIO_1_NIC) || !driver || !*driver)
        return false;
    *ret_driver = driver;
    return true;
}

char *
kt_agent_devices_evidence(const char *answer)
{
    g_autoptr(Answer) json = answer ? json_loads(answer, 0, NULL) : NULL;
    json_t *devices = json_object_get(json, "return");
    if (!json_is_array(devices))
        return NULL;
    gsize i;
    json_t *device;
    json_array_foreach(devices, i, device)
    {
        const char *driver = NULL;
        if (is_virtio_nic(device, &driver))
            return g_strdup_printf("its agent lists the driver '%s' at work", driver);
    }
    return g_strdup("");
}
