/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/compare/complaint.h"
#include "bench/compare/load.h"

/** A program that runs on this host, in a process group of its own. */
typedef struct {
    GPid pid;
    int out, err; /* pipes: what it prints */
} Program;

static void
program_clear(Program *program)
{
    if (program->out >= 0)
        close(program->out);
    if (program->err >= 0)
        close(program->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Program, program_clear)

/* In the child. What it starts is in its group, too, but for daemons that leave it. In a session of its own
 * it has no terminal: what would ask there fails with its own words, and isn't stopped until its timeout. */
static void
lead_group(gpointer unused)
{
    (void)unused;
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static bool
start(const KtWorkload *workload, char **argv, Program *program, GError **error)
{
    int out[2], err[2];
    if (!g_unix_open_pipe(out, FD_CLOEXEC, error))
        return false;
    program->out = out[0];
    bool started = g_unix_open_pipe(err, FD_CLOEXEC, error);
    if (started) {
        program->err = err[0];
        started = g_spawn_async_with_fds(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
                                         lead_group, NULL, &program->pid, -1, out[1], err[1], error);
        close(err[1]);
    }
    close(out[1]);
    if (!started)
        g_prefix_error(error, "%s: ", workload->name);
    return started;
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

static void
set_failed(const KtWorkload *workload, const char *name, int status, const KtPrinted *printed, GError **error)
{
    bool exited = WIFEXITED(status);
    kt_complaint_set_error(error, printed->out->str, printed->err->str, "%s: %s %s %d", workload->name, name,
                           exited ? "ended with exit code" : "was killed by signal",
                           exited ? WEXITSTATUS(status) : WTERMSIG(status));
}

char *
kt_load_on_host(const KtWorkload *workload, char **argv, GCancellable *cancel, GError **error)
{
    g_auto(Program) program = {0, -1, -1};
    if (!start(workload, argv, &program, error))
        return NULL;
    g_auto(KtPrinted)
        printed = {program.out, program.err, program.pid, g_string_new(NULL), g_string_new(NULL)};
    bool ended = kt_load_read(workload, &printed, NULL, cancel, error);
    int status = end_group(&program);
    if (!ended)
        return NULL;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return g_strdup(printed.out->str);
    set_failed(workload, argv[0], status, &printed, error);
    return NULL;
}
