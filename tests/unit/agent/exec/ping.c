/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/ping.h"

#include <glib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void
test_answers(void)
{
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    if (fd < 0) {
        g_test_skip("this process may not send ICMP");
        return;
    }
    close(fd);
    g_assert_true(kt_ping("127.0.0.1"));
    g_assert_true(kt_ping("127.1.2.3"));
}

/* No host name is looked up, and nothing but IPv4 is asked. */
static void
test_no_such_address(void)
{
    g_assert_false(kt_ping("localhost"));
    g_assert_false(kt_ping("127.0.0.256"));
    g_assert_false(kt_ping("::1"));
    g_assert_false(kt_ping(""));
}

/* Broadcasts aren't sent: a socket must ask for that. */
static void
test_not_sent(void)
{
    g_assert_false(kt_ping("255.255.255.255"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/agent/exec/ping/answers", test_answers);
    g_test_add_func("/agent/exec/ping/no-such-address", test_no_such_address);
    g_test_add_func("/agent/exec/ping/not-sent", test_not_sent);
    return g_test_run();
}
