/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/guest/load.h"

#define LOAD_NS 500000000
#define MOST_CALLS 100000
#define CHUNK_BYTES 65536

/** What the first byte of a connection asks for. */
enum { ECHO = 'e', SWALLOW = 's' };

static char chunk[CHUNK_BYTES];
static double calls_usec[MOST_CALLS];

static struct sockaddr_in
address_of(const char *address, const char *port)
{
    struct sockaddr_in result = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    if (inet_pton(AF_INET, address, &result.sin_addr) != 1)
        result.sin_family = AF_UNSPEC;
    return result;
}

static int
connect_to(char **arguments, char wish)
{
    struct sockaddr_in address = address_of(arguments[0], arguments[1]);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) != 0 || write(fd, &wish, 1) != 1) {
        load_fail(arguments[0]);
        return -1;
    }
    return fd;
}

static int
round_trips(char **arguments)
{
    int fd = connect_to(arguments, ECHO), n = 0;
    if (fd < 0)
        return 1;
    for (int64_t begin = load_now_ns(); n < MOST_CALLS && load_now_ns() - begin < LOAD_NS; n++) {
        int64_t before = load_now_ns();
        if (write(fd, "x", 1) != 1 || read(fd, chunk, 1) != 1)
            return load_fail("round trip");
        calls_usec[n] = (double)(load_now_ns() - before) / 1000;
    }
    close(fd);
    load_print_quantiles("tcp_round_trip_usec", calls_usec, n);
    return 0;
}

static int
throughput(char **arguments)
{
    int fd = connect_to(arguments, SWALLOW);
    if (fd < 0)
        return 1;
    int64_t begin = load_now_ns(), bytes = 0;
    while (load_now_ns() - begin < LOAD_NS) {
        ssize_t sent = write(fd, chunk, sizeof chunk);
        if (sent < 0)
            return load_fail("throughput");
        bytes += sent;
    }
    /* The other side's answer says that all of it has arrived. */
    shutdown(fd, SHUT_WR);
    if (read(fd, chunk, 1) != 1)
        return load_fail("throughput");
    double seconds = (double)(load_now_ns() - begin) / 1e9;
    close(fd);
    load_print("tcp_send_mib_s", (double)bytes / (1 << 20) / seconds);
    return 0;
}

int
load_net(char **arguments)
{
    int code = round_trips(arguments);
    return code != 0 ? code : throughput(arguments);
}

static void
serve_one(int fd)
{
    char wish = 0;
    ssize_t got = read(fd, &wish, 1);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    while (got > 0 && (got = read(fd, chunk, sizeof chunk)) > 0)
        if (wish == ECHO)
            got = write(fd, chunk, (size_t)got);
    if (wish == SWALLOW && write(fd, "d", 1) != 1)
        load_fail("serve");
    close(fd);
}

int
load_serve(char **arguments)
{
    struct sockaddr_in address = address_of("0.0.0.0", arguments[0]);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 8) != 0)
        return load_fail(arguments[0]);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return load_fail("accept");
        serve_one(fd);
    }
}
