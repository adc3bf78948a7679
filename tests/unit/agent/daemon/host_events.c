/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/host_events.h"

#define PARSE(text) kt_host_event_parse(text, sizeof(text))

static void
test_parse(void)
{
    g_assert_cmpstr(PARSE("offline@/devices/system/cpu/cpu1\0ACTION=offline\0SUBSYSTEM=cpu\0SEQNUM=7"), ==,
                    "CPU went offline");
    g_assert_cmpstr(PARSE("online@/devices/system/cpu/cpu1\0SUBSYSTEM=cpu\0ACTION=online"), ==,
                    "CPU came online");
    g_assert_cmpstr(PARSE("online@/devices/system/memory/memory9\0SUBSYSTEM=memory\0ACTION=online"), ==,
                    "memory came online");
}

static void
test_others(void)
{
    g_assert_null(PARSE("change@/devices/system/cpu/cpu1\0ACTION=change\0SUBSYSTEM=cpu"));
    g_assert_null(PARSE("online@/devices/x\0ACTION=online\0SUBSYSTEM=cpufreq"));
    g_assert_null(PARSE("ACTION=online"));
    g_assert_null(PARSE(""));
    g_assert_null(kt_host_event_parse("", 0));
    g_assert_null(
        kt_host_event_parse("ACTION=online\0SUBSYSTEM=cpu!", sizeof("ACTION=online\0SUBSYSTEM=cpu!") - 1));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host-events/parse", test_parse);
    g_test_add_func("/host-events/others", test_others);
    return g_test_run();
}
