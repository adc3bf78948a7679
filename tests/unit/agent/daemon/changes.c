/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/daemon/changes.h"

#define A "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define B "7695eb01-f6a4-8304-79aa-97f2502e193f"
#define C "8695eb01-f6a4-8304-79aa-97f2502e193f"
#define NOW (100 * G_TIME_SPAN_SECOND)

static void
test_nothing(void)
{
    g_autoptr(KtChanges) changes = kt_changes_new();
    g_assert_cmpint(kt_changes_due(changes), ==, G_MAXINT64);
    g_assert_null(kt_changes_take(changes, NOW));
}

static void
test_alone(void)
{
    /* given two events of one guest that starts */
    g_autoptr(KtChanges) changes = kt_changes_new();
    kt_changes_add(changes, A, KT_EVENT_RESUMED, NULL, NOW);
    kt_changes_add(changes, A, KT_EVENT_STARTED, NULL, NOW + 3);

    /* then it is looked at at once, and just at it */
    g_assert_cmpint(kt_changes_due(changes), ==, NOW + 3 + KT_CHANGES_QUIET_USEC);
    g_autoptr(KtChangeSet) set = kt_changes_take(changes, NOW + 4);
    g_assert_false(set->everything);
    g_assert_cmpuint(g_hash_table_size(set->domains), ==, 1);
    g_assert_true(g_hash_table_contains(set->domains, A));
    g_autofree char *words = kt_change_set_describe(set);
    g_assert_cmpstr(words, ==, "resumed, started; 1 domain");
    g_assert_cmpint(kt_changes_due(changes), ==, G_MAXINT64);
}

static void
test_several_together(void)
{
    g_autoptr(KtChanges) changes = kt_changes_new();
    kt_changes_add(changes, A, KT_EVENT_STARTED, NULL, NOW);
    kt_changes_add(changes, B, KT_EVENT_STARTED, NULL, NOW + 1);
    g_assert_cmpint(kt_changes_due(changes), ==, NOW + 1 + KT_CHANGES_QUIET_USEC);
    kt_changes_add(changes, C, KT_EVENT_STARTED, NULL, NOW + 2);
    g_assert_cmpint(kt_changes_due(changes), ==, NOW + 2 + KT_CHANGES_BURST_QUIET_USEC);
}

static void
test_right_after_a_look(void)
{
    /* given a look that was just begun */
    g_autoptr(KtChanges) changes = kt_changes_new();
    kt_changes_add(changes, A, KT_EVENT_TUNED, NULL, NOW);
    kt_change_set_free(kt_changes_take(changes, NOW));

    /* then what comes soon after it waits for more, and a while after it doesn't */
    gint64 soon = NOW + KT_CHANGES_AFTER_LOOK_USEC - 1;
    kt_changes_add(changes, B, KT_EVENT_TUNED, NULL, soon);
    g_assert_cmpint(kt_changes_due(changes), ==, soon + KT_CHANGES_BURST_QUIET_USEC);
    kt_change_set_free(kt_changes_take(changes, NOW));
    kt_changes_add(changes, B, KT_EVENT_TUNED, NULL, NOW + KT_CHANGES_AFTER_LOOK_USEC);
    g_assert_cmpint(kt_changes_due(changes), ==, NOW + KT_CHANGES_AFTER_LOOK_USEC + KT_CHANGES_QUIET_USEC);
}

static void
test_starts_one_after_the_other(void)
{
    /* given a guest that has just started */
    g_autoptr(KtChanges) changes = kt_changes_new();
    kt_changes_add(changes, A, KT_EVENT_STARTED, NULL, NOW);
    kt_change_set_free(kt_changes_take(changes, NOW));

    /* then the next is taken for one of many */
    gint64 soon = NOW + KT_CHANGES_AFTER_START_USEC - 1;
    kt_changes_add(changes, B, KT_EVENT_STARTED, NULL, soon);
    g_assert_cmpint(kt_changes_due(changes), ==, soon + KT_CHANGES_BURST_QUIET_USEC);
    kt_change_set_free(kt_changes_take(changes, soon));

    /* and one that starts later isn't, though a look was just begun and its echo waits */
    gint64 later = soon + KT_CHANGES_AFTER_START_USEC;
    kt_changes_add(changes, B, KT_EVENT_TUNED, NULL, later - 1);
    kt_changes_add(changes, C, KT_EVENT_STARTED, NULL, later);
    g_assert_cmpint(kt_changes_due(changes), ==, later + KT_CHANGES_QUIET_USEC);
    kt_change_set_free(kt_changes_take(changes, later));

    /* and what comes of that look waits again */
    kt_changes_add(changes, C, KT_EVENT_TUNED, NULL, later + 1);
    g_assert_cmpint(kt_changes_due(changes), ==, later + 1 + KT_CHANGES_BURST_QUIET_USEC);
}

static void
test_endless_burst(void)
{
    /* given events that never leave a quiet moment */
    g_autoptr(KtChanges) changes = kt_changes_new();
    gint64 now = NOW;
    for (; now < kt_changes_due(changes); now += KT_CHANGES_BURST_QUIET_USEC / 2) {
        kt_changes_add(changes, A, KT_EVENT_TUNED, NULL, now);
        kt_changes_add(changes, B, KT_EVENT_TUNED, NULL, now);
        kt_changes_add(changes, C, KT_EVENT_TUNED, NULL, now);
    }

    /* then the first doesn't wait for ever */
    g_assert_cmpint(now - NOW, <=, KT_CHANGES_PATIENCE_USEC + KT_CHANGES_BURST_QUIET_USEC);
}

static void
test_pins_of_our_own(void)
{
    /* given a guest that starts, for which two have been pinned */
    g_autoptr(KtChanges) changes = kt_changes_new();
    kt_changes_add(changes, A, KT_EVENT_STARTED, NULL, NOW);
    kt_changes_add(changes, A, KT_EVENT_TUNED, NULL, NOW);
    kt_changes_add(changes, B, KT_EVENT_TUNED, NULL, NOW);
    kt_changes_add(changes, B, KT_EVENT_DEFINED, NULL, NOW);

    /* then both are looked at, and others may have to move for the first alone, unless somebody else did it
     */
    g_autoptr(KtChangeSet) set = kt_changes_take(changes, NOW);
    g_assert_cmpuint(g_hash_table_size(set->domains), ==, 2);
    g_assert_cmpuint(g_hash_table_size(set->seats), ==, 1);
    g_assert_true(g_hash_table_contains(set->seats, A));
    g_assert_cmpuint(g_hash_table_size(set->edited), ==, 2);
}

/* For whom others may have to move: nobody, one or, where it is NULL, all. */
static char *
seat_after(const char *uuid, KtEvent event, const char *touched, const char *started)
{
    g_autoptr(KtChanges) changes = kt_changes_new();
    g_autoptr(GHashTable) by_us = g_hash_table_new(g_str_hash, g_str_equal);
    if (touched)
        g_hash_table_add(by_us, (gpointer)touched);
    kt_changes_add(changes, uuid, event, NULL, NOW);
    if (started)
        kt_changes_add(changes, started, KT_EVENT_STARTED, NULL, NOW);
    g_autoptr(KtChangeSet) set = kt_changes_take(changes, NOW);
    return kt_change_set_seat(set, by_us);
}

static void
test_seat(void)
{
    static const struct {
        const char *uuid;
        KtEvent event;
        const char *touched, *started, *seat;
    } cases[] = {
        {A, KT_EVENT_RESUMED, NULL, NULL, ""},  {A, KT_EVENT_TUNED, NULL, NULL, A},
        {A, KT_EVENT_TUNED, A, NULL, ""},       {A, KT_EVENT_STARTED, A, NULL, A},
        {A, KT_EVENT_TUNED, A, B, B},           {A, KT_EVENT_TUNED, NULL, B, NULL},
        {NULL, KT_EVENT_FULL_LOOK, A, A, NULL},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *seat = seat_after(cases[i].uuid, cases[i].event, cases[i].touched, cases[i].started);
        g_assert_cmpstr(seat, ==, cases[i].seat);
    }
}

static void
test_everything(void)
{
    g_autoptr(KtChanges) changes = kt_changes_new();
    kt_changes_add(changes, A, KT_EVENT_STARTED, NULL, NOW);
    kt_changes_add(changes, NULL, KT_EVENT_LIBVIRT_GONE, NULL, NOW);
    g_autoptr(KtChangeSet) set = kt_changes_take(changes, NOW);
    g_assert_true(set->everything);
    g_assert_true(g_hash_table_contains(set->domains, A));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/changes/nothing", test_nothing);
    g_test_add_func("/changes/alone", test_alone);
    g_test_add_func("/changes/several-together", test_several_together);
    g_test_add_func("/changes/right-after-a-look", test_right_after_a_look);
    g_test_add_func("/changes/starts-one-after-the-other", test_starts_one_after_the_other);
    g_test_add_func("/changes/endless-burst", test_endless_burst);
    g_test_add_func("/changes/pins-of-our-own", test_pins_of_our_own);
    g_test_add_func("/changes/seat", test_seat);
    g_test_add_func("/changes/everything", test_everything);
    return g_test_run();
}
