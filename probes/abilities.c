/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libvirt/virterror.h>
#include <stdlib.h>

#include "probes/hypervisor.h"
#include "probes/snapshot.h"

/* A guest that could be started only by a QEMU with io_uring. Nothing of it is looked for or made. */
#define PROBE                                                                                                 \
    "<domain type='qemu'><name>kvm-tune-probe</name><memory>65536</memory><os><type>hvm</type></os><devices>" \
    "<disk type='file' device='disk'><driver name='qemu' type='raw' cache='none' io='io_uring'/>"             \
    "<source file='/nonexistent'/><target dev='vda' bus='virtio'/></disk></devices></domain>"

void
kt_snapshot_ask_io_uring(KtSnapshot *snapshot, virConnectPtr connection)
{
    if (snapshot->no_io_uring)
        return;
    /* libvirt knows what its QEMU was built with: it refuses to write a command line that this one can't
     * take.
     */
    char *command = virConnectDomainXMLToNative(connection, "qemu-argv", PROBE, 0);
    if (!command && virGetLastErrorCode() != VIR_ERR_CONFIG_UNSUPPORTED)
        return;
    g_free(snapshot->no_io_uring);
    snapshot->no_io_uring =
        command ? g_strdup("") : g_strdup_printf("this QEMU has none: %s", virGetLastErrorMessage());
    free(command);
}

/* By version alone: QEMU has it from 5.0 on, libvirt offers it from 6.3 on. */
static char *
too_old(const KtSnapshot *snapshot)
{
    const struct {
        const char *name, *version;
        guint major, minor;
    } parts[] = {{"QEMU", snapshot->qemu, 5, 0}, {"libvirt", snapshot->libvirt, 6, 3}};
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!parts[i].version)
            return g_strdup_printf("the version of %s isn't known, and it needs %u.%u", parts[i].name,
                                   parts[i].major, parts[i].minor);
        if (!kt_version_at_least(parts[i].version, parts[i].major, parts[i].minor))
            return g_strdup_printf("it needs %s %u.%u, and this is %s", parts[i].name, parts[i].major,
                                   parts[i].minor, parts[i].version);
    }
    return NULL;
}

/* The kernel has it from 5.1 on, and an administrator may have shut it off since 6.6.
 * Documentation/admin-guide/sysctl/kernel.rst */
static char *
not_in_kernel(const KtKernel *kernel)
{
    if (!kernel || !kernel->release)
        return g_strdup("the version of Linux isn't known, and it needs 5.1");
    if (kernel->io_uring_disabled != KT_ABSENT && kernel->io_uring_disabled != 0)
        return g_strdup_printf("/proc/sys/kernel/io_uring_disabled is %" G_GINT64_FORMAT
                               ": the kernel keeps it from QEMU",
                               kernel->io_uring_disabled);
    if (!kt_version_at_least(kernel->release, 5, 1))
        return g_strdup_printf("it needs Linux 5.1, and this is %s", kernel->release);
    return NULL;
}

char *
kt_snapshot_why_no_io_uring(const KtSnapshot *snapshot)
{
    char *why = not_in_kernel(snapshot->kernel);
    if (why)
        return why;
    if (!snapshot->no_io_uring)
        return too_old(snapshot);
    return *snapshot->no_io_uring ? g_strdup(snapshot->no_io_uring) : NULL;
}

bool
kt_snapshot_has_io_uring(const KtSnapshot *snapshot)
{
    g_autofree char *why = kt_snapshot_why_no_io_uring(snapshot);
    return why == NULL;
}
