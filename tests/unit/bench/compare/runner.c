/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/compare/runner.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/compare/load.h"
#include "bench/compare/watch.h"

#define N_BLOCKS 200

static void
test_schedule(void)
{
    bool with[N_BLOCKS * KT_BLOCK_RUNS], again[N_BLOCKS * KT_BLOCK_RUNS];
    guint outer = 0;
    kt_schedule(7, N_BLOCKS, with);
    kt_schedule(7, N_BLOCKS, again);
    for (guint i = 0; i < N_BLOCKS; i++) {
        const bool *block = with + i * KT_BLOCK_RUNS;
        g_assert_cmpmem(block, KT_BLOCK_RUNS, again + i * KT_BLOCK_RUNS, KT_BLOCK_RUNS);
        g_assert_true(block[0] == block[3] && block[1] == block[2] && block[0] != block[1]);
        outer += block[0];
    }
    g_assert_cmpuint(outer, >, N_BLOCKS / 3);
    g_assert_cmpuint(outer, <, N_BLOCKS * 2 / 3);
}

static void
test_watched_between(void)
{
    KtWatch begin = {.taken_usec = 0}, end = {.taken_usec = 2 * G_USEC_PER_SEC};
    double values[KT_N_WATCHED];
    end.values[KT_WATCH_VCPU_BUSY] = 1e9;
    end.values[KT_WATCH_DISK_READ] = 4 << 20;
    end.values[KT_WATCH_PRESSURE_IO] = 200000;
    end.values[KT_WATCH_FAULTS] = 10;
    end.values[KT_WATCH_HUGE_MEMORY] = 64;
    end.values[KT_WATCH_STEAL] = (double)sysconf(_SC_CLK_TCK);
    kt_watch_between(&begin, &end, values);
    g_assert_cmpfloat_with_epsilon(values[KT_WATCH_VCPU_BUSY], 50, 1e-9);
    g_assert_cmpfloat_with_epsilon(values[KT_WATCH_DISK_READ], 2, 1e-9);
    g_assert_cmpfloat_with_epsilon(values[KT_WATCH_PRESSURE_IO], 10, 1e-9);
    g_assert_cmpfloat_with_epsilon(values[KT_WATCH_FAULTS], 5, 1e-9);
    g_assert_cmpfloat_with_epsilon(values[KT_WATCH_HUGE_MEMORY], 64, 1e-9);
    g_assert_cmpfloat_with_epsilon(values[KT_WATCH_STEAL], 50, 1e-9);
}

static KtWorkload
host_load(guint timeout_s)
{
    return (KtWorkload){.name = (char *)"load", .where = KT_WHERE_HOST, .timeout_s = timeout_s};
}

static void
test_host_command(void)
{
    KtWorkload workload = host_load(10);
    char *fine[] = {(char *)"printf", (char *)"%s", (char *)"a $HOME;b", NULL};
    char *wrong[] = {(char *)"sh", (char *)"-c", (char *)"echo one; echo two >&2; exit 3", NULL};
    char *killed[] = {(char *)"sh", (char *)"-c", (char *)"kill -9 $$", NULL},
         *absent[] = {(char *)"/no/such/program", NULL};
    g_autoptr(GError) failed = NULL;
    g_autoptr(GError) ended = NULL;
    g_autoptr(GError) missing = NULL;
    g_autofree char *output = kt_load_on_host(&workload, fine, NULL, NULL);
    g_assert_cmpstr(output, ==, "a $HOME;b"); /* no shell */
    g_assert_null(kt_load_on_host(&workload, wrong, NULL, &failed));
    g_assert_cmpstr(failed->message, ==, "load: sh ended with exit code 3: two");
    g_assert_null(kt_load_on_host(&workload, killed, NULL, &ended));
    g_assert_cmpstr(ended->message, ==, "load: sh was killed by signal 9");
    g_assert_null(kt_load_on_host(&workload, absent, NULL, &missing));
    g_assert_nonnull(missing);
}

static void
test_host_command_is_ended(void)
{
    KtWorkload workload = host_load(1);
    char *slow[] = {(char *)"sleep", (char *)"60", NULL};
    g_autoptr(GError) late = NULL;
    g_autoptr(GError) cancelled = NULL;
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    gint64 begin = g_get_monotonic_time();
    g_assert_null(kt_load_on_host(&workload, slow, NULL, &late));
    g_assert_nonnull(strstr(late->message, "timeout of 1 s"));
    g_cancellable_cancel(cancel);
    g_assert_null(kt_load_on_host(&workload, slow, cancel, &cancelled));
    g_assert_error(cancelled, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 30 * G_USEC_PER_SEC);
}

/* A workload that starts something in the background, whose pid is in @file then. */
typedef struct {
    char *file;
    GCancellable *cancel;
} Parent;

static gboolean
cancel_when_there(gpointer data)
{
    const Parent *parent = data;
    g_autofree char *pid = NULL;
    if (g_file_get_contents(parent->file, &pid, NULL, NULL) && strchr(pid, '\n'))
        g_cancellable_cancel(parent->cancel);
    return G_SOURCE_CONTINUE;
}

/* A zombie has ended; whose child it is now may not have looked yet. */
static bool
has_ended(const char *pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid);
    g_autofree char *stat = NULL;
    return !g_file_get_contents(path, &stat, NULL, NULL) || strstr(stat, ") Z ");
}

static void
assert_child_ends(const Parent *parent)
{
    g_autofree char *pid = NULL;
    g_assert_true(g_file_get_contents(parent->file, &pid, NULL, NULL));
    g_strchomp(pid);
    for (guint tenths = 0; tenths < 300 && !has_ended(pid); tenths++)
        g_usleep(G_USEC_PER_SEC / 10);
    g_assert_true(has_ended(pid));
    g_assert_cmpint(g_unlink(parent->file), ==, 0);
}

/* Of one that is too slow, that is interrupted, and that has ended well and left something behind. */
static void
test_host_command_takes_its_children_along(void)
{
    KtWorkload workload = host_load(5), patient = host_load(600);
    g_autofree char *directory = g_dir_make_tmp("kt-runner-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(directory, "pid", NULL);
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    Parent parent = {file, cancel};
    char *waits[] = {(char *)"sh", (char *)"-c", (char *)"sleep 600 & echo $! >$0; wait", file, NULL},
         *leaves[] = {(char *)"sh", (char *)"-c", (char *)"sleep 600 & echo $! >$0; echo done", file, NULL};
    g_autoptr(GError) late = NULL;
    g_autoptr(GError) cancelled = NULL;

    g_autofree char *output = kt_load_on_host(&patient, leaves, NULL, NULL);
    g_assert_cmpstr(output, ==, "done\n");
    assert_child_ends(&parent);

    g_assert_null(kt_load_on_host(&workload, waits, NULL, &late));
    g_assert_nonnull(strstr(late->message, "timeout of 5 s"));
    assert_child_ends(&parent);

    guint source = g_timeout_add(50, cancel_when_there, &parent);
    g_assert_null(kt_load_on_host(&patient, waits, cancel, &cancelled));
    g_assert_error(cancelled, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    assert_child_ends(&parent);
    g_source_remove(source);
    g_rmdir(directory);
}

static int
full_pipe(const char *text, gsize repeats)
{
    int ends[2];
    g_assert_cmpint(pipe(ends), ==, 0);
    for (gsize i = 0; i < repeats; i++)
        g_assert_cmpint(write(ends[1], text, strlen(text)), ==, (gssize)strlen(text));
    g_assert_cmpint(write(ends[1], "the last\n", 9), ==, 9);
    close(ends[1]);
    return ends[0];
}

/* Whoever complains a lot doesn't fill the memory with it. */
static void
test_only_the_last_complaints(void)
{
    KtWorkload workload = host_load(10);
    int out = full_pipe("", 0), err = full_pipe("no route to host\n", 3000);
    g_auto(KtPrinted) printed = {out, err, 0, g_string_new(NULL), g_string_new(NULL)};
    g_assert_true(kt_load_read(&workload, &printed, NULL, NULL, NULL));
    g_assert_cmpstr(printed.out->str, ==, "the last\n");
    g_assert_true(g_str_has_suffix(printed.err->str, "\nno route to host\nthe last\n"));
    g_assert_cmpuint(printed.err->len, <=, 1000);
    g_assert_cmpint(printed.err_fd, ==, -1);
    close(out);
    close(err);
}

/* Who complains without an end is too slow, not stuck. */
static void
test_host_command_complains_for_ever(void)
{
    KtWorkload workload = host_load(1);
    char *loud[] = {(char *)"sh", (char *)"-c", (char *)"exec >&-; exec yes >&2", NULL};
    g_autoptr(GError) late = NULL;
    g_assert_null(kt_load_on_host(&workload, loud, NULL, &late));
    g_assert_nonnull(strstr(late->message, "timeout of 1 s"));
}

/* One that closes its output and goes on is too slow all the same. */
static void
test_host_command_without_output(void)
{
    KtWorkload workload = host_load(1);
    char *silent[] = {(char *)"sh", (char *)"-c", (char *)"exec >&-; echo no room >&2; sleep 600", NULL};
    g_autoptr(GError) late = NULL;
    g_assert_null(kt_load_on_host(&workload, silent, NULL, &late));
    g_assert_cmpstr(late->message, ==, "load took longer than its timeout of 1 s: no room");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/runner/schedule", test_schedule);
    g_test_add_func("/runner/watched-between", test_watched_between);
    g_test_add_func("/runner/host-command", test_host_command);
    g_test_add_func("/runner/host-command-is-ended", test_host_command_is_ended);
    g_test_add_func("/runner/host-command-takes-its-children-along",
                    test_host_command_takes_its_children_along);
    g_test_add_func("/runner/only-the-last-complaints", test_only_the_last_complaints);
    g_test_add_func("/runner/host-command-complains-for-ever", test_host_command_complains_for_ever);
    g_test_add_func("/runner/host-command-without-output", test_host_command_without_output);
    return g_test_run();
}
