/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/environment.h"

#include <glib.h>
#include <unistd.h>

static void
test_only_what_is_named_stays(void)
{
    static const char *const dropped[] = {
        "HWLOC_XMLFILE",           "HWLOC_PLUGINS_PATH", "OSINFO_SYSTEM_DIR", "GIO_MODULE_DIR",
        "DBUS_SYSTEM_BUS_ADDRESS", "XML_CATALOG_FILES",  "SQLITE_TMPDIR",     "TMPDIR",
        "G_MESSAGES_DEBUG",        "XDG_DATA_HOME",      "KT_ANYTHING",       "LIBVIRT_DRIVER_DIR"};
    static const char *const stays[] = {"LIBVIRT_DEFAULT_URI", "NO_COLOR", "LC_ALL", "LIBVIRT_LOG_OUTPUTS",
                                        "NOTIFY_SOCKET"};
    for (guint i = 0; i < G_N_ELEMENTS(dropped); i++)
        g_setenv(dropped[i], "/trap", TRUE);
    for (guint i = 0; i < G_N_ELEMENTS(stays); i++)
        g_setenv(stays[i], "kept", TRUE);

    kt_environment_clean();

    for (guint i = 0; i < G_N_ELEMENTS(dropped); i++)
        g_assert_null(g_getenv(dropped[i]));
    for (guint i = 0; i < G_N_ELEMENTS(stays); i++)
        g_assert_cmpstr(g_getenv(stays[i]), ==, "kept");
}

static void
test_path_of_root(void)
{
    g_setenv("PATH", "/trap:/usr/bin", TRUE);
    g_setenv("HOME", "/trap", TRUE);
    kt_environment_clean();
    if (geteuid() == 0) {
        g_assert_true(g_str_has_prefix(g_getenv("PATH"), "/usr/local/sbin:"));
        g_assert_null(g_getenv("HOME"));
    } else {
        g_assert_cmpstr(g_getenv("PATH"), ==, "/trap:/usr/bin");
        g_assert_cmpstr(g_getenv("HOME"), ==, "/trap");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/verbs/environment/kept", test_only_what_is_named_stays);
    g_test_add_func("/verbs/environment/root", test_path_of_root);
    return g_test_run();
}
