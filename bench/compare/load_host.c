/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gunixinputstream.h>

#include "base/error.h"
#include "bench/compare/load.h"

char *
kt_load_on_host(const KtWorkload *workload, char **argv, GCancellable *cancel, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GSubprocess) process =
        g_subprocess_newv((const char *const *)argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE, error);
    if (process == NULL)
        return NULL;
    int fd = g_unix_input_stream_get_fd(G_UNIX_INPUT_STREAM(g_subprocess_get_stdout_pipe(process)));
    bool read = kt_load_read(workload, fd, NULL, out, cancel, error);
    if (!read)
        g_subprocess_force_exit(process);
    if (!g_subprocess_wait(process, NULL, read ? error : NULL) || !read)
        return NULL;
    if (g_subprocess_get_successful(process))
        return g_strdup(out->str);
    if (g_subprocess_get_if_exited(process))
        g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s: %s ended with exit code %d", workload->name, argv[0],
                    g_subprocess_get_exit_status(process));
    else
        g_set_error(error, KT_ERROR, KT_ERROR_IO, "%s: %s was killed by signal %d", workload->name, argv[0],
                    g_subprocess_get_term_sig(process));
    return NULL;
}
