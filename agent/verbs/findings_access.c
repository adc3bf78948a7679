/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/verbs/findings.h"

/* The groups of this process by name. */
static GPtrArray *
own_groups(void)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    int n = getgroups(0, NULL);
    g_autofree gid_t *groups = g_new0(gid_t, MAX(n, 0) + 1);
    n = getgroups(MAX(n, 0), groups);
    for (int i = 0; i < n; i++) {
        const struct group *group = getgrgid(groups[i]);
        if (group)
            g_ptr_array_add(names, g_strdup(group->gr_name));
    }
    return names;
}

void
kt_find_groups(const KtHost *host, GPtrArray *findings)
{
    static const char *const wanted[] = {"libvirt", "kvm"};
    if (!kt_root_is_live(host->root) || geteuid() == 0)
        return;
    g_autoptr(GPtrArray) groups = own_groups();
    g_autoptr(GString) missing = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(wanted); i++) {
        if (getgrnam(wanted[i]) && !g_ptr_array_find_with_equal_func(groups, wanted[i], g_str_equal, NULL))
            g_string_append_printf(missing, "%s%s", missing->len ? "," : "", wanted[i]);
    }
    const struct passwd *user = getpwuid(geteuid());
    const char *name = user ? user->pw_name : "USER";
    if (missing->len == 0) {
        kt_finding_ok(findings, "groups", "%s is in those that there are of libvirt and kvm", name);
        return;
    }
    g_autofree char *mend = g_strdup_printf("usermod -aG %s %s  # and log in again", missing->str, name);
    kt_finding_add(findings, "groups", KT_FINDING_WARN,
                   "libvirt refuses others, or asks them for root's password; /dev/kvm is for its group",
                   mend, "%s isn't in %s", name, missing->str);
}

/* Who may open /dev/kvm: "root:kvm 0660". Owned; NULL = it isn't there. */
static char *
describe_rights(const struct stat *status)
{
    const struct passwd *user = getpwuid(status->st_uid);
    g_autofree char *owner = g_strdup(user ? user->pw_name : "?");
    const struct group *group = getgrgid(status->st_gid);
    return g_strdup_printf("%s:%s %04o", owner, group ? group->gr_name : "?", status->st_mode & 07777);
}

void
kt_find_kvm_rights(const KtHost *host, GPtrArray *findings)
{
    static const char name[] = "/dev/kvm's rights";
    struct stat status;
    if (!kt_root_is_live(host->root) || stat("/dev/kvm", &status) != 0)
        return;
    g_autofree char *rights = describe_rights(&status);
    /* QEMU runs as a user of its own, who comes in by the group. */
    bool by_group = (status.st_mode & (S_IRGRP | S_IWGRP)) == (S_IRGRP | S_IWGRP) && status.st_gid != 0;
    bool by_all = (status.st_mode & (S_IROTH | S_IWOTH)) == (S_IROTH | S_IWOTH);
    if (by_group || by_all)
        kt_finding_ok(findings, name, "%s", rights);
    else
        kt_finding_add(findings, name, KT_FINDING_BAD,
                       "QEMU, which libvirt doesn't run as root, can't open it: guests don't start",
                       "chgrp kvm /dev/kvm && chmod 0660 /dev/kvm", "%s", rights);
}
