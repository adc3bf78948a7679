/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/verbs/findings.h"

#define WHY_KVM "without it every guest is emulated, many times slower"

/* Whether the flags line of an x86 /proc/cpuinfo has this word. */
static bool
has_flag(const char *cpuinfo, const char *flag)
{
    const char *line = strstr(cpuinfo, "\nflags");
    if (line == NULL)
        return false;
    gsize length = strcspn(line + 1, "\n");
    g_autofree char *flags = g_strndup(line + 1, length);
    g_auto(GStrv) words = g_strsplit_set(flags, " \t:", -1);
    return g_strv_contains((const char *const *)words, flag);
}

void
kt_find_kvm_module(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "KVM module";
    static const char *const vendors[] = {"kvm_amd", "kvm_intel"};
    if (!kt_root_exists(host->root, "sys/module")) {
        kt_finding_add(findings, name, KT_FINDING_UNKNOWN, NULL, NULL, "there is no /sys/module to look at");
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(vendors); i++) {
        g_autofree char *path = g_strconcat("sys/module/", vendors[i], NULL);
        if (kt_root_exists(host->root, path)) {
            kt_finding_ok(findings, name, "%s is loaded", vendors[i]);
            return;
        }
    }
    /* Other architectures have it all in one, and built in. */
    if (kt_root_exists(host->root, "sys/module/kvm"))
        kt_finding_ok(findings, name, "kvm is loaded");
    else
        kt_finding_add(findings, name, KT_FINDING_BAD, WHY_KVM, "modprobe kvm_amd || modprobe kvm_intel",
                       "no KVM module is loaded");
}

/* What goes wrong on the way to an empty VM: NULL, or owned. */
static char *
try_to_create_vm(bool *ret_denied)
{
    *ret_denied = false;
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0) {
        *ret_denied = errno == EACCES || errno == EPERM;
        return g_strdup_printf("/dev/kvm: %s", g_strerror(errno));
    }
    int version = ioctl(kvm, KVM_GET_API_VERSION, 0);
    int vm = version == KVM_API_VERSION ? ioctl(kvm, KVM_CREATE_VM, 0) : -1;
    char *trouble = NULL;
    if (version != KVM_API_VERSION)
        trouble = g_strdup_printf("/dev/kvm speaks version %d, not %d", version, KVM_API_VERSION);
    else if (vm < 0)
        trouble = g_strdup_printf("/dev/kvm is there, but no VM can be created: %s", g_strerror(errno));
    if (vm >= 0)
        close(vm);
    close(kvm);
    return trouble;
}

/* No flag: on a live host /dev/kvm has the last word, as flags may be hidden. */
static void
find_no_flags(const KtHost *host, GPtrArray *findings, const char *name)
{
    bool denied = false;
    g_autofree char *trouble =
        kt_root_is_live(host->root) ? try_to_create_vm(&denied) : g_strdup("not asked");
    if (trouble == NULL)
        kt_finding_add(findings, name, KT_FINDING_UNKNOWN, NULL, NULL,
                       "neither svm nor vmx among the CPU's flags, yet KVM makes VMs");
    else
        kt_finding_add(findings, name, KT_FINDING_BAD,
                       WHY_KVM "; switch VT-x or SVM on in the firmware, or nested virtualization in the "
                               "host of this virtual machine",
                       NULL, "neither svm nor vmx among the CPU's flags");
}

/* No flag tells there: KVM is present where the firmware started the kernel at EL2. */
static void
find_on_arm(const KtHost *host, GPtrArray *findings, const char *name)
{
    bool live = kt_root_is_live(host->root);
    if (live && !kt_root_exists(host->root, "dev/kvm"))
        kt_finding_add(
            findings, name, KT_FINDING_BAD,
            WHY_KVM "; the firmware has to start the kernel at EL2, or the host of this virtual machine has "
                    "to allow nesting",
            "dmesg | grep -iE 'kvm|hyp mode'", "Arm, and the kernel has no KVM");
    else
        kt_finding_ok(findings, name, live ? "Arm, started at EL2: KVM is there" : "Arm: /dev/kvm tells");
}

void
kt_find_cpu_flags(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "CPU virtualization";
    g_autofree char *cpuinfo = NULL;
    bool read = kt_root_read(host->root, "proc/cpuinfo", &cpuinfo, NULL);
    if (!read || cpuinfo == NULL)
        kt_finding_add(findings, name, KT_FINDING_UNKNOWN, NULL, NULL,
                       "there is no /proc/cpuinfo to look at");
    else if (has_flag(cpuinfo, "svm"))
        kt_finding_ok(findings, name, "AMD-V (svm)");
    else if (has_flag(cpuinfo, "vmx"))
        kt_finding_ok(findings, name, "Intel VT-x (vmx)");
    else if (strstr(cpuinfo, "CPU implementer"))
        find_on_arm(host, findings, name);
    else if (strstr(cpuinfo, "\nflags") == NULL) /* not x86: other CPUs don't tell by a flag */
        kt_finding_ok(findings, name, "not an x86 CPU: /dev/kvm tells");
    else
        find_no_flags(host, findings, name);
}

void
kt_find_kvm_device(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "/dev/kvm";
    if (!kt_root_is_live(host->root))
        return;
    bool denied;
    g_autofree char *trouble = try_to_create_vm(&denied);
    if (trouble == NULL)
        kt_finding_ok(findings, name,
                      "an empty VM can be created; that guests run is only proved by booting one");
    else if (denied)
        kt_finding_add(findings, name, KT_FINDING_UNKNOWN, NULL, "sudo kvm-tune check", "%s", trouble);
    else
        kt_finding_add(findings, name, KT_FINDING_BAD, WHY_KVM, "dmesg | grep -i kvm", "%s", trouble);
}
