/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <gio/gunixinputstream.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "bench/compare/complaint.h"
#include "bench/compare/load.h"

#define TAIL_BYTES 1000

/** A program that runs on this host. */
typedef struct {
    GSubprocess *process;
    int complaints; /* a file in memory: what it prints to standard error */
} Program;

static void
program_clear(Program *program)
{
    g_clear_object(&program->process);
    if (program->complaints >= 0)
        close(program->complaints);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Program, program_clear)

static bool
start(const KtWorkload *workload, char **argv, Program *program, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
    program->complaints = memfd_create("complaints", MFD_CLOEXEC);
    int theirs = program->complaints >= 0 ? dup(program->complaints) : -1;
    if (theirs < 0) {
        kt_set_error_errno(error, errno, "%s", workload->name);
        return false;
    }
    g_subprocess_launcher_take_stderr_fd(launcher, theirs);
    program->process = g_subprocess_launcher_spawnv(launcher, (const char *const *)argv, error);
    if (program->process == NULL)
        g_prefix_error(error, "%s: ", workload->name);
    return program->process != NULL;
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
set_failed(const KtWorkload *workload, const char *name, const Program *program, const char *out,
           GError **error)
{
    bool exited = g_subprocess_get_if_exited(program->process);
    int number =
        exited ? g_subprocess_get_exit_status(program->process) : g_subprocess_get_term_sig(program->process);
    g_autofree char *err = tail_of(program->complaints);
    kt_complaint_set_error(error, out, err, "%s: %s %s %d", workload->name, name,
                           exited ? "ended with exit code" : "was killed by signal", number);
}

char *
kt_load_on_host(const KtWorkload *workload, char **argv, GCancellable *cancel, GError **error)
{
    g_auto(Program) program = {NULL, -1};
    g_autoptr(GString) out = g_string_new(NULL);
    if (!start(workload, argv, &program, error))
        return NULL;
    int fd = g_unix_input_stream_get_fd(G_UNIX_INPUT_STREAM(g_subprocess_get_stdout_pipe(program.process)));
    bool read = kt_load_read(workload, fd, NULL, out, cancel, error);
    if (!read)
        g_subprocess_force_exit(program.process);
    if (!g_subprocess_wait(program.process, NULL, read ? error : NULL) || !read)
        return NULL;
    if (g_subprocess_get_successful(program.process))
        return g_strdup(out->str);
    set_failed(workload, argv[0], &program, out->str, error);
    return NULL;
}
