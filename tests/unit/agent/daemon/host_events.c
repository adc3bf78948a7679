/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/host_events.h"

#define PARSE(text, event) kt_host_event_parse(text, sizeof(text), event)

static void
test_parse(void)
{
    KtEvent event;
    g_assert_true(PARSE("offline@/devices/system/cpu/cpu1\0ACTION=offline\0SUBSYSTEM=cpu\0SEQNUM=7", &event));
    g_assert_cmpstr(kt_event_words(event), ==, "CPU went offline");
    g_assert_true(PARSE("online@/devices/system/cpu/cpu1\0SUBSYSTEM=cpu\0ACTION=online", &event));
    g_assert_cmpstr(kt_event_words(event), ==, "CPU came online");
    g_assert_true(PARSE("online@/devices/system/memory/memory9\0SUBSYSTEM=memory\0ACTION=online", &event));
    g_assert_cmpstr(kt_event_words(event), ==, "memory came online");
}

static void
test_others(void)
{
    const char cut[] = "ACTION=online\0SUBSYSTEM=cpu!";
    KtEvent event;
    g_assert_false(PARSE("change@/devices/system/cpu/cpu1\0ACTION=change\0SUBSYSTEM=cpu", &event));
    g_assert_false(PARSE("online@/devices/x\0ACTION=online\0SUBSYSTEM=cpufreq", &event));
    g_assert_false(PARSE("ACTION=online", &event));
    g_assert_false(PARSE("", &event));
    g_assert_false(kt_host_event_parse("", 0, &event));
    g_assert_false(kt_host_event_parse(cut, sizeof cut - 1, &event));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host-events/parse", test_parse);
    g_test_add_func("/host-events/others", test_others);
    return g_test_run();
}
