/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/complaint.h"

#include <string.h>

static void
assert_says(const char *out, const char *err, const char *wanted)
{
    g_autofree char *said = kt_complaint(out, err);
    g_assert_cmpstr(said, ==, wanted);
}

/* What iperf 3.12 prints with --json where nobody listens; its standard error is empty. */
static void
test_json(void)
{
    static const char iperf3[] =
        "{\n\t\"start\":\t{\n\t\t\"connected\":\t[],\n\t\t\"version\":\t\"iperf 3.12\"\n\t},\n"
        "\t\"intervals\":\t[],\n\t\"end\":\t{\n\t},\n"
        "\t\"error\":\t\"error - unable to connect to server: Connection refused\"\n}\n";
    assert_says(iperf3, "", "error - unable to connect to server: Connection refused");
    assert_says(iperf3, "some warning", "error - unable to connect to server: Connection refused");
}

/* What fio prints: a number is no complaint. */
static void
test_last_line(void)
{
    assert_says("{\n  \"error\" : 2\n}\n", "fio: a\nfio: pid=0, err=2/file:filesetup.c:174, func=open\n\n",
                "fio: pid=0, err=2/file:filesetup.c:174, func=open");
    assert_says("one\r\ntwo\r\n}\n", "", "two");
    assert_says("one", NULL, "one");
    assert_says(" }\n", "\n", NULL);
    assert_says("", NULL, NULL);
}

static void
test_harmless(void)
{
    g_autofree char *much = g_strnfill(1000, 'x');
    g_autofree char *said = kt_complaint(much, NULL);
    assert_says("", "\033[2Jgone\xff", "\\x1b[2Jgone\\xff");
    g_assert_cmpuint(strlen(said), ==, 300 + strlen("…"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/complaint/json", test_json);
    g_test_add_func("/complaint/last-line", test_last_line);
    g_test_add_func("/complaint/harmless", test_harmless);
    return g_test_run();
}
