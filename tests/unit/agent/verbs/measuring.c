/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/verbs/measuring.h"

#include "base/error.h"

/* Whatever went wrong: what is left in force is told. */
static void
test_exit_code(void)
{
    static const struct {
        bool with;
        gint64 run;
        KtErrorCode code;
        KtExit exit;
    } cases[] = {
        {false, 0, KT_ERROR_IO, KT_EXIT_ERROR},      {false, 0, KT_ERROR_ACCESS, KT_EXIT_REFUSED},
        {true, 0, KT_ERROR_IO, KT_EXIT_PARTIAL},  /* a guest may run as it was staged */
        {false, 7, KT_ERROR_IO, KT_EXIT_PARTIAL}, /* of a proof's, that was to stay */
        {true, 7, KT_ERROR_ACCESS, KT_EXIT_PARTIAL},
    };
    KtOptions options = {.json = FALSE};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        KtMeasuring measuring = {
            .options = &options, .bench = {.with = cases[i].with}, .arms = {.run = cases[i].run}};
        g_autoptr(GError) error = g_error_new(KT_ERROR, cases[i].code, "case %" G_GSIZE_FORMAT, i);
        g_assert_cmpint(kt_measuring_report_error(&measuring, error), ==, cases[i].exit);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/measuring/exit-code", test_exit_code);
    return g_test_run();
}
