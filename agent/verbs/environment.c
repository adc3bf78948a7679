/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/environment.h"

#include <glib.h>
#include <stdbool.h>
#include <unistd.h>

/* libvirt runs ssh for a remote connection. */
#define ROOT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What stays: how to speak, and how libvirt reaches a hypervisor. A '*' at the end stands for any rest. */
static const char *const kept[] = {
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TERM",
    "NO_COLOR", /* people */
    "HOME",
    "PATH",
    "USER",
    "LOGNAME", /* who; for root see below */
    "LIBVIRT_DEFAULT_URI",
    "LIBVIRT_AUTH_FILE", /* as virsh */
    "LIBVIRT_DEBUG",
    "LIBVIRT_LOG_*", /* libvirt's own messages */
    "SSH_AUTH_SOCK",
    "KRB5CCNAME",
    "XDG_RUNTIME_DIR", /* remote and session connections */
    "NOTIFY_SOCKET",
    "WATCHDOG_*",
    "INVOCATION_ID",
    "JOURNAL_STREAM", /* systemd */
};

/* Of these root's are not the caller's to say. */
static const char *const not_for_root[] = {"HOME", "PATH"};

static bool
is_in(const char *name, const char *const *names, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        if (g_pattern_match_simple(names[i], name))
            return true;
    }
    return false;
}

void
kt_environment_clean(void)
{
    bool root = geteuid() == 0;
    g_auto(GStrv) names = g_listenv();
    for (char **name = names; *name; name++) {
        if (!is_in(*name, kept, G_N_ELEMENTS(kept)) ||
            (root && is_in(*name, not_for_root, G_N_ELEMENTS(not_for_root))))
            g_unsetenv(*name);
    }
    if (root)
        g_setenv("PATH", ROOT_PATH, TRUE);
}
