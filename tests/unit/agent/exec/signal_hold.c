/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/signal_hold.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t n_taken;

static void
take(int number)
{
    (void)number;
    n_taken = n_taken + 1;
}

static void
set_up(void)
{
    n_taken = 0;
    signal(SIGTERM, take);
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "*a guest is away*");
}

static void
send_and_wait_until_told(void)
{
    g_assert_cmpint(kill(getpid(), SIGTERM), ==, 0);
    sigset_t pending;
    do {
        g_usleep(1000);
        sigpending(&pending);
    } while (sigismember(&pending, SIGTERM));
}

/* It takes effect when the guest is back, once. */
static void
test_waits(void)
{
    set_up();
    KtSignalHold *hold = kt_signal_hold();

    send_and_wait_until_told();

    g_assert_cmpint(n_taken, ==, 0);
    kt_signal_release(hold);
    g_assert_cmpint(n_taken, ==, 1);
    g_test_assert_expected_messages();
}

/* Two guests at once: the first that is back doesn't let go what the other still needs held. */
static void
test_within_another(void)
{
    set_up();
    KtSignalHold *outer = kt_signal_hold(), *inner = kt_signal_hold();

    send_and_wait_until_told();
    kt_signal_release(inner);

    g_assert_cmpint(n_taken, ==, 0);
    kt_signal_release(outer);
    g_assert_cmpint(n_taken, ==, 1);
    g_test_assert_expected_messages();
}

static void
test_none_came(void)
{
    n_taken = 0;
    signal(SIGTERM, take);

    kt_signal_release(kt_signal_hold());
    kt_signal_release(NULL);

    g_assert_cmpint(n_taken, ==, 0);
    raise(SIGTERM);
    g_assert_cmpint(n_taken, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/agent/exec/signal_hold/waits", test_waits);
    g_test_add_func("/agent/exec/signal_hold/within-another", test_within_another);
    g_test_add_func("/agent/exec/signal_hold/none-came", test_none_came);
    return g_test_run();
}
