/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/verbs/findings.h"

/* Whether some domain has a device of the host passed through. */
static bool
passes_devices(const KtSnapshot *snapshot)
{
    for (guint i = 0; i < snapshot->domains->len; i++) {
        const KtDomainDef *def = kt_domain_def(snapshot->domains->pdata[i]);
        if (def && def->hostdevs->len > 0)
            return true;
    }
    return false;
}

static const char *
iommu_argument(const KtHost *host)
{
    g_autofree char *cpuinfo = NULL;
    bool read = kt_root_read(host->root, "proc/cpuinfo", &cpuinfo, NULL);
    return read && cpuinfo && strstr(cpuinfo, "GenuineIntel") ? "intel_iommu=on iommu=pt" : "iommu=pt";
}

void
kt_find_iommu(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "IOMMU";
    g_auto(GStrv) units = NULL;
    bool listed = kt_root_list(host->root, "sys/class/iommu", &units, NULL);
    if (!listed || (units == NULL && !kt_root_is_live(host->root)))
        return;
    guint n = units ? g_strv_length(units) : 0;
    if (n > 0) {
        kt_finding_ok(findings, name, "%u unit%s: devices can be passed through to guests", n,
                      n == 1 ? "" : "s");
    } else if (!passes_devices(host->snapshot)) {
        kt_finding_ok(findings, name, "none; only guests with passed-through devices need one");
    } else {
        g_autofree char *mend = g_strdup_printf(
            "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&%s /' /etc/default/grub && update-grub", iommu_argument(host));
        kt_finding_add(
            findings, name, KT_FINDING_BAD,
            "guests with passed-through devices don't start without; it may also be off in the firmware",
            mend, "none is on");
    }
}

/* Whether the list of words has this one. */
static bool
has_word(const char *text, const char *word)
{
    g_auto(GStrv) words = g_strsplit_set(text ? text : "", " \t\n", -1);
    return g_strv_contains((const char *const *)words, word);
}

/* Whether this kernel has the controller in some hierarchy: proc(5), /proc/cgroups; version 2 by its own
 * list. */
static bool
has_controller(const KtRoot *root, KtCgroupLayout layout, const char *controller)
{
    g_autofree char *text = NULL;
    bool unified = layout == KT_CGROUP_V2;
    if (!kt_root_read(root, unified ? "sys/fs/cgroup/cgroup.controllers" : "proc/cgroups", &text, NULL) ||
        text == NULL)
        return true;
    return has_word(text, controller);
}

void
kt_find_cgroup(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "control groups";
    static const char *const layouts[] = {[KT_CGROUP_NONE] = "none",
                                          [KT_CGROUP_V1] = "version 1",
                                          [KT_CGROUP_HYBRID] = "version 1 and 2 (hybrid)",
                                          [KT_CGROUP_V2] = "version 2"};
    const KtCgroup *cgroup = host->snapshot->cgroup;
    bool live = kt_root_is_live(host->root);
    if (cgroup == NULL || (cgroup->layout == KT_CGROUP_NONE && !live))
        return;
    bool cpuset = cgroup->cpuset_mount && has_controller(host->root, cgroup->layout, "cpuset");
    bool cpu = has_controller(host->root, cgroup->layout, "cpu");
    if (cgroup->layout == KT_CGROUP_NONE)
        kt_finding_add(findings, name, KT_FINDING_WARN,
                       "weights have no effect, and pins of the emulator don't reach vhost workers",
                       "mount -t cgroup2 none /sys/fs/cgroup", "none is mounted");
    else if (!cpuset || !cpu)
        kt_finding_add(
            findings, name, KT_FINDING_WARN,
            !cpuset ? "pins of the emulator don't reach vhost workers, and nothing shows which CPUs guests "
                      "may have"
                    : "cpu.weight has no effect",
            cgroup->layout == KT_CGROUP_V2 ? "echo '+cpuset +cpu' > /sys/fs/cgroup/cgroup.subtree_control"
                                           : "systemctl restart libvirtd",
            "%s, without the controller %s", layouts[cgroup->layout], !cpuset ? "cpuset" : "cpu");
    else
        kt_finding_ok(findings, name, "%s with cpuset and cpu%s", layouts[cgroup->layout],
                      cgroup->systemd ? ", owned by systemd" : "");
}

/* What libvirt itself confines QEMU by: "apparmor", "selinux"; "" = nothing, or not told. Owned. */
static char *
libvirt_confines_by(virConnectPtr connection)
{
    virSecurityModel model = {0};
    if (connection == NULL || virNodeGetSecurityModel(connection, &model) != 0)
        return g_strdup("");
    bool known = g_str_equal(model.model, "apparmor") || g_str_equal(model.model, "selinux");
    return g_strdup(known ? model.model : "");
}

void
kt_find_confinement(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "confinement";
    static const char why[] =
        "a guest that breaks out of QEMU has all that QEMU's user has, other guests' disks too";
    if (!kt_root_is_live(host->root))
        return;
    g_autofree char *apparmor = NULL;
    gint64 enforce = KT_ABSENT;
    g_autofree char *used = libvirt_confines_by(host->connection);
    bool read = kt_root_read(host->root, "sys/module/apparmor/parameters/enabled", &apparmor, NULL) &&
                kt_root_read_number(host->root, "sys/fs/selinux/enforce", &enforce, NULL);
    bool on = g_strcmp0(apparmor, "Y") == 0 || enforce == 1;
    if (!read)
        return;
    if (enforce == 0)
        kt_finding_add(findings, name, KT_FINDING_WARN, why, "setenforce 1",
                       "SELinux only logs (permissive)");
    else if (!on)
        kt_finding_add(findings, name, KT_FINDING_WARN, why, "apt-get install apparmor && reboot",
                       "neither AppArmor nor SELinux is on: QEMU runs unconfined");
    else if (host->connection && *used == '\0')
        kt_finding_add(findings, name, KT_FINDING_WARN, why, "systemctl restart libvirtd",
                       "%s is on, but libvirt doesn't confine QEMU by it",
                       enforce == 1 ? "SELinux" : "AppArmor");
    else
        kt_finding_ok(findings, name, "%s", enforce == 1 ? "SELinux, enforcing" : "AppArmor");
}

void
kt_find_nesting(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "nesting";
    g_autofree char *cpuinfo = NULL;
    const char *nested = host->snapshot->kernel ? host->snapshot->kernel->nested : NULL;
    bool read = kt_root_read(host->root, "proc/cpuinfo", &cpuinfo, NULL);
    const char *flags = read && cpuinfo ? strstr(cpuinfo, "\nflags") : NULL;
    g_autofree char *line = flags ? g_strndup(flags + 1, strcspn(flags + 1, "\n")) : NULL;
    bool virtual = has_word(line, "hypervisor");
    bool on = nested && (g_str_equal(nested, "Y") || g_str_equal(nested, "1"));
    if (virtual)
        kt_finding_ok(
            findings, name,
            "this host is a virtual machine itself: CPUs that share a cache here need not on the real one");
    else if (nested)
        kt_finding_ok(findings, name, "%s",
                      on ? "on: guests that have the CPU's flag can run guests" : "off");
}
