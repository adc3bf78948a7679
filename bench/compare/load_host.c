/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "bench/compare/complaint.h"
#include "bench/compare/load.h"

#define TAIL_BYTES 1000
#define POLL_MSEC 10

/** A program that runs on this host, in a process group of its own. */
typedef struct {
    GPid pid;
    int out;        /* a pipe: what it prints */
    int complaints; /* a file in memory: what it prints to standard error */
} Program;

static void
program_clear(Program *program)
{
    if (program->out >= 0)
        close(program->out);
    if (program->complaints >= 0)
        close(program->complaints);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Program, program_clear)

/* In the child. What it starts is in its group, too, but for daemons that leave it. */
static void
lead_group(gpointer unused)
{
    (void)unused;
    setpgid(0, 0);
}

static bool
start(const KtWorkload *workload, char **argv, Program *program, GError **error)
{
    int out[2];
    program->complaints = memfd_create("complaints", MFD_CLOEXEC);
    if (program->complaints < 0) {
        kt_set_error_errno(error, errno, "%s", workload->name);
        return false;
    }
    if (!g_unix_open_pipe(out, FD_CLOEXEC, error))
        return false;
    program->out = out[0];
    bool started =
        g_spawn_async_with_fds(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, lead_group,
                               NULL, &program->pid, -1, out[1], program->complaints, error);
    close(out[1]);
    if (!started)
        g_prefix_error(error, "%s: ", workload->name);
    return started;
}

static bool
has_ended(const Program *program)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)program->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* One that has closed its output may go on. */
static bool
wait_for_end(const KtWorkload *workload, const Program *program, GCancellable *cancel, GError **error)
{
    gint64 end = g_get_monotonic_time() + (gint64)workload->timeout_s * G_USEC_PER_SEC;
    while (!has_ended(program)) {
        if (!kt_load_wait(POLL_MSEC, cancel, error))
            return false;
        if (g_get_monotonic_time() > end) {
            g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s took longer than its timeout of %u s",
                        workload->name, workload->timeout_s);
            return false;
        }
    }
    return true;
}

/* With all that it has started and left behind: that would be load beside the next run. Until it is waited
 * for its group's number is nobody else's. Its wait status. */
static int
end_group(const Program *program)
{
    int status = 0;
    kill(-program->pid, SIGKILL);
    while (waitpid(program->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* Of the file's end as much as may hold its last line. Owned. */
static char *
tail_of(int fd)
{
    char bytes[TAIL_BYTES];
    off_t size = lseek(fd, 0, SEEK_END);
    ssize_t got = pread(fd, bytes, sizeof bytes, MAX(0, size - (off_t)sizeof bytes));
    return g_strndup(bytes, (gsize)MAX(0, got));
}

static void
set_failed(const KtWorkload *workload, const char *name, const Program *program, int status, const char *out,
           GError **error)
{
    bool exited = WIFEXITED(status);
    g_autofree char *err = tail_of(program->complaints);
    kt_complaint_set_error(error, out, err, "%s: %s %s %d", workload->name, name,
                           exited ? "ended with exit code" : "was killed by signal",
                           exited ? WEXITSTATUS(status) : WTERMSIG(status));
}

char *
kt_load_on_host(const KtWorkload *workload, char **argv, GCancellable *cancel, GError **error)
{
    g_auto(Program) program = {0, -1, -1};
    g_autoptr(GString) out = g_string_new(NULL);
    if (!start(workload, argv, &program, error))
        return NULL;
    bool ended = kt_load_read(workload, program.out, NULL, out, cancel, error) &&
                 wait_for_end(workload, &program, cancel, error);
    int status = end_group(&program);
    if (!ended)
        return NULL;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return g_strdup(out->str);
    set_failed(workload, argv[0], &program, status, out->str, error);
    return NULL;
}
