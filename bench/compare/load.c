/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/load.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/error.h"
#include "bench/compare/complaint.h"

#define POLL_MSEC 100
#define MOST_BYTES (4 << 20)

bool
kt_load_wait(guint msec, GCancellable *cancel, GError **error)
{
    gint64 end = g_get_monotonic_time() + (gint64)msec * 1000;
    do {
        g_main_context_iteration(NULL, FALSE);
        if (g_cancellable_set_error_if_cancelled(cancel, error))
            return false;
        g_usleep(MIN((gulong)MAX(0, end - g_get_monotonic_time()), POLL_MSEC * 1000));
    } while (g_get_monotonic_time() < end);
    return true;
}

/* What is there now. *@ret_more false: that was the end. */
static bool
read_some(const KtWorkload *workload, int fd, GString *out, bool *ret_more, GError **error)
{
    char bytes[4096];
    struct pollfd ready = {fd, POLLIN, 0};
    int n = poll(&ready, 1, POLL_MSEC);
    ssize_t got = n > 0 ? read(fd, bytes, sizeof bytes) : 0;
    *ret_more = n <= 0 || got > 0;
    if (got < 0 && errno != EAGAIN && errno != EINTR) {
        kt_set_error_errno(error, errno, "%s", workload->name);
        return false;
    }
    g_string_append_len(out, bytes, MAX(0, got));
    if (out->len <= MOST_BYTES)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s printed more than %d MiB", workload->name,
                MOST_BYTES >> 20);
    return false;
}

bool
kt_load_read(const KtWorkload *workload, int fd, const GRegex *until, GString *out, GCancellable *cancel,
             GError **error)
{
    gint64 end = g_get_monotonic_time() + (gint64)workload->timeout_s * G_USEC_PER_SEC;
    for (bool more = true; more;) {
        g_main_context_iteration(NULL, FALSE);
        if (g_cancellable_set_error_if_cancelled(cancel, error) ||
            !read_some(workload, fd, out, &more, error))
            return false;
        if (until && g_regex_match(until, out->str, 0, NULL))
            return true;
        if (g_get_monotonic_time() > end) {
            kt_complaint_set_error(error, out->str, NULL, "%s took longer than its timeout of %u s",
                                   workload->name, workload->timeout_s);
            return false;
        }
    }
    if (until)
        g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s: the guest's serial console was closed",
                    workload->name);
    return until == NULL;
}

static char **
fill_in_all(const KtWorkload *workload, const char *domain, const char *token)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    for (char **word = workload->argv; *word; word++) {
        g_autofree char *filled = kt_workload_fill_in(workload, *word, domain, token);
        g_strv_builder_add(words, filled);
    }
    return g_strv_builder_end(words);
}

char *
kt_load_run(const KtWorkload *workload, virDomainPtr domain, GCancellable *cancel, GError **error)
{
    const char *name = virDomainGetName(domain);
    if (workload->where == KT_WHERE_PASSIVE)
        return kt_load_wait(workload->timeout_s * 1000, cancel, error) ? g_strdup("") : NULL;
    if (workload->where == KT_WHERE_BOOT)
        return kt_load_boot(workload, domain, cancel, error);
    g_autofree char *token = g_strdup_printf("%08x", g_random_int());
    if (workload->where == KT_WHERE_SERIAL) {
        g_autofree char *line = kt_workload_fill_in(workload, workload->send, name, token);
        g_autofree char *until = kt_workload_fill_in(workload, workload->until, name, token);
        return kt_load_in_serial(workload, line, until, domain, cancel, error);
    }
    g_auto(GStrv) argv = fill_in_all(workload, name, token);
    return workload->where == KT_WHERE_AGENT ? kt_load_in_agent(workload, argv, domain, cancel, error)
                                             : kt_load_on_host(workload, argv, cancel, error);
}
