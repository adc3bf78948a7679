/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/event_kinds.h"

/* None is left out of the table. */
static void
test_words(void)
{
    for (guint event = 0; event < KT_N_EVENTS; event++) {
        g_assert_nonnull(kt_event_words(event));
        g_assert_cmpstr(kt_event_words(event), !=, "");
    }
}

/* What our own runs bring about never moves others; what takes or gives a seat does. */
static void
test_seats(void)
{
    static const struct {
        KtEvent event;
        KtEventSeats seats;
    } cases[] = {
        {KT_EVENT_STARTED, KT_SEATS_OF_ALL},       {KT_EVENT_STOPPED, KT_SEATS_OF_ALL},
        {KT_EVENT_CRASHED, KT_SEATS_OF_ALL},       {KT_EVENT_DEVICE_ADDED, KT_SEATS_OF_ALL},
        {KT_EVENT_TUNED, KT_SEATS_EDITED},         {KT_EVENT_DEFINED, KT_SEATS_EDITED},
        {KT_EVENT_UNDEFINED, KT_SEATS_EDITED},     {KT_EVENT_RESUMED, KT_SEATS_OF_NONE},
        {KT_EVENT_MEMORY_MOVED, KT_SEATS_OF_NONE},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(kt_event_seats(cases[i].event), ==, cases[i].seats);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/event-kinds/words", test_words);
    g_test_add_func("/event-kinds/seats", test_seats);
    return g_test_run();
}
