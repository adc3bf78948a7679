/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/load.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "bench/compare/complaint.h"

#define POLL_MSEC 100
#define ENDS_MSEC 10 /* between its last output and its end */
#define MOST_BYTES (4 << 20)
#define READ_BYTES 4096
#define MOST_READS 256  /* of what has ended: what a pipe holds */
#define TAIL_BYTES 1000 /* of standard error; its last line is shown */

void
kt_printed_clear(KtPrinted *printed)
{
    g_string_free(printed->out, TRUE);
    g_string_free(printed->err, TRUE);
}

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

/* Of a pipe that has something, or has ended: then *@fd is -1. False: it can't be read. */
static bool
read_pipe(int *fd, GString *to)
{
    char bytes[READ_BYTES];
    ssize_t got = read(*fd, bytes, sizeof bytes);
    bool waits = got < 0 && (errno == EAGAIN || errno == EINTR);
    g_string_append_len(to, bytes, MAX(0, got));
    if (got <= 0 && !waits)
        *fd = -1;
    return got >= 0 || waits;
}

/* What is there within @msec. *@ret_some false: nothing. */
static bool
read_some(const KtWorkload *workload, KtPrinted *printed, int msec, bool *ret_some, GError **error)
{
    struct pollfd ready[] = {{printed->out_fd, POLLIN, 0}, {printed->err_fd, POLLIN, 0}};
    int n = poll(ready, G_N_ELEMENTS(ready), msec); /* passes over negative ones */
    *ret_some = n > 0;
    if (n > 0 && ready[1].revents != 0) {
        read_pipe(&printed->err_fd, printed->err);
        if (printed->err->len > TAIL_BYTES)
            g_string_erase(printed->err, 0, (gssize)(printed->err->len - TAIL_BYTES));
    }
    if (n > 0 && ready[0].revents != 0 && !read_pipe(&printed->out_fd, printed->out)) {
        kt_set_error_errno(error, errno, "%s", workload->name);
        return false;
    }
    if (printed->out->len <= MOST_BYTES)
        return true;
    g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s printed more than %d MiB", workload->name,
                MOST_BYTES >> 20);
    return false;
}

static bool
is_over(const KtPrinted *printed)
{
    siginfo_t info = {0};
    if (printed->pid == 0)
        return printed->out_fd < 0;
    return waitid(P_PID, (id_t)printed->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

static void
set_late(const KtWorkload *workload, const KtPrinted *printed, GError **error)
{
    kt_complaint_set_error(error, printed->out->str, printed->err->str,
                           "%s took longer than its timeout of %u s", workload->name, workload->timeout_s);
}

bool
kt_load_read(const KtWorkload *workload, KtPrinted *printed, const GRegex *until, GCancellable *cancel,
             GError **error)
{
    gint64 end = g_get_monotonic_time() + (gint64)workload->timeout_s * G_USEC_PER_SEC;
    for (guint left = MOST_READS; left > 0;) {
        bool over = is_over(printed); /* before it is read: then its last words are there */
        int patience = over ? 0 : printed->out_fd < 0 ? ENDS_MSEC : POLL_MSEC;
        bool some = false;
        g_main_context_iteration(NULL, FALSE);
        if (g_cancellable_set_error_if_cancelled(cancel, error) ||
            !read_some(workload, printed, patience, &some, error))
            return false;
        if (until && g_regex_match(until, printed->out->str, 0, NULL))
            return true;
        if (!over && g_get_monotonic_time() > end) {
            set_late(workload, printed, error);
            return false;
        }
        if (over)
            left = some ? left - 1 : 0;
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
kt_load_run(const KtWorkload *workload, virDomainPtr domain, GHashTable *asked, GCancellable *cancel,
            GError **error)
{
    const char *name = virDomainGetName(domain);
    if (workload->where == KT_WHERE_PASSIVE)
        return kt_load_wait(workload->timeout_s * 1000, cancel, error) ? g_strdup("") : NULL;
    if (workload->where == KT_WHERE_BOOT)
        return kt_load_boot(workload, domain, asked, cancel, error);
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
