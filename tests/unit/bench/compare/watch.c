/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/watch.h"

#include <math.h>

/* What is told of a second in which a counter went from @begin to @end. */
static double
between(KtWatched watched, double begin, double end)
{
    KtWatch before = {.taken_usec = 0}, after = {.taken_usec = G_USEC_PER_SEC};
    double told[KT_N_WATCHED];
    before.values[watched] = begin;
    after.values[watched] = end;
    kt_watch_between(&before, &after, told);
    return told[watched];
}

static void
test_others_use_no_less_than_nothing(void)
{
    g_assert_cmpfloat(between(KT_WATCH_OTHER_LOAD, 100, 125), >, 0);
    g_assert_cmpfloat(between(KT_WATCH_OTHER_LOAD, 100, 75), ==, 0);
    g_assert_true(isnan(between(KT_WATCH_OTHER_LOAD, 100, NAN)));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/watch/others", test_others_use_no_less_than_nothing);
    return g_test_run();
}
