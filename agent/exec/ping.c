/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exec/ping.h"

#include <arpa/inet.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE_MSEC 1000

/** RFC 1071, of an even number of bytes. */
static guint16
checksum(const struct icmphdr *message)
{
    guint16 words[sizeof *message / 2];
    guint32 sum = 0;
    memcpy(words, message, sizeof words);
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        sum += words[i];
    while (sum > G_MAXUINT16)
        sum = (sum >> 16) + (sum & G_MAXUINT16);
    return (guint16)~sum;
}

/** Whether what came is the answer to @request: a raw socket sees everybody's. */
static bool
is_answer(const guint8 *packet, gssize length, const struct icmphdr *request)
{
    gsize header = length > 0 ? (gsize)(packet[0] & 0xf) * 4 : 0;
    struct icmphdr answer;
    if (length < 0 || (gsize)length < header + sizeof answer)
        return false;
    memcpy(&answer, packet + header, sizeof answer);
    return answer.type == ICMP_ECHOREPLY && answer.un.echo.id == request->un.echo.id &&
           answer.un.echo.sequence == request->un.echo.sequence;
}

static bool
await_answer(int fd, const struct sockaddr_in *peer, const struct icmphdr *request)
{
    gint64 end = g_get_monotonic_time() + PATIENCE_MSEC * G_TIME_SPAN_MILLISECOND;
    for (gint64 left; (left = end - g_get_monotonic_time()) > 0;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        guint8 packet[1024];
        struct sockaddr_in from = {0};
        socklen_t size = sizeof from;
        if (poll(&ready, 1, (int)(left / G_TIME_SPAN_MILLISECOND) + 1) <= 0)
            continue;
        gssize length = recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &size);
        if (from.sin_addr.s_addr == peer->sin_addr.s_addr && is_answer(packet, length, request))
            return true;
    }
    return false;
}

bool
kt_ping(const char *address)
{
    struct sockaddr_in peer = {.sin_family = AF_INET};
    struct icmphdr request = {.type = ICMP_ECHO};
    request.un.echo.id = (guint16)g_random_int();
    request.un.echo.sequence = (guint16)g_random_int();
    request.checksum = checksum(&request);
    if (inet_pton(AF_INET, address, &peer.sin_addr) != 1)
        return false;
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    if (fd < 0)
        return false;
    bool sent = sendto(fd, &request, sizeof request, 0, (struct sockaddr *)&peer, sizeof peer) ==
                (gssize)sizeof request;
    bool answered = sent && await_answer(fd, &peer, &request);
    g_close(fd, NULL);
    return answered;
}
