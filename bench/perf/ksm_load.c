/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/perf/ksm_load.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES_A_MIB 256

/* Of the equal pages every fifth is rewritten. */
#define REWRITTEN 5

/* The page with that number of all contents (xorshift64). */
static void
fill_page(guint64 *words, guint64 content)
{
    guint64 x = content * G_GUINT64_CONSTANT(0x9E3779B97F4A7C15) + 1;
    for (guint i = 0; i < PAGE / sizeof *words; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        words[i] = x;
    }
}

static bool
is_equal(const KsmLoad *load, guint64 page)
{
    return page % 100 < load->percent;
}

static void
fill(const KsmLoad *load, guint index, guint8 *memory)
{
    guint64 pages = (guint64)load->mib * PAGES_A_MIB;
    for (guint64 i = 0; i < pages; i++)
        fill_page((guint64 *)(gpointer)(memory + i * PAGE),
                  is_equal(load, i) ? i : ((guint64)(index + 1) << 40) + i);
}

static void
rewrite(const KsmLoad *load, guint8 *memory, char version)
{
    guint64 pages = (guint64)load->mib * PAGES_A_MIB;
    for (guint64 i = 0; i < pages; i++)
        if (is_equal(load, i) && i % REWRITTEN == 0)
            fill_page((guint64 *)(gpointer)(memory + i * PAGE), ((guint64)version << 32) + i);
}

_Noreturn static void
live(const KsmLoad *load, guint index, int order, int ready)
{
    gsize size = (gsize)load->mib << 20;
    char version = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    guint8 *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || madvise(memory, size, MADV_MERGEABLE) != 0)
        _exit(1);
    fill(load, index, memory);
    do {
        if (version != 0)
            rewrite(load, memory, version);
        if (write(ready, "", 1) != 1)
            _exit(1);
    } while (read(order, &version, 1) == 1);
    _exit(0);
}

/* Whether it has done what it was told. */
static bool
is_ready(const KsmProcess *process)
{
    char done;
    return read(process->ready, &done, 1) == 1;
}

bool
ksm_load_start(KsmLoad *load, guint index)
{
    KsmProcess *process = &load->processes[index];
    int order[2], ready[2];
    if (pipe(order) != 0 || pipe(ready) != 0)
        return false;
    process->pid = fork();
    if (process->pid == 0) {
        close(order[1]);
        close(ready[0]);
        live(load, index, order[0], ready[1]);
    }
    close(order[0]);
    close(ready[1]);
    process->order = order[1];
    process->ready = ready[0];
    return process->pid > 0 && is_ready(process);
}

void
ksm_load_stop(KsmLoad *load, guint index)
{
    KsmProcess *process = &load->processes[index];
    if (process->pid <= 0)
        return;
    kill(process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
    close(process->order);
    close(process->ready);
    process->pid = 0;
}

void
ksm_load_stop_all(KsmLoad *load)
{
    for (guint i = 0; i < KSM_LOAD_MAX; i++)
        ksm_load_stop(load, i);
}

void
ksm_load_rewrite(KsmLoad *load, char version)
{
    for (guint i = 0; i < KSM_LOAD_MAX; i++)
        if (load->processes[i].pid > 0 && write(load->processes[i].order, &version, 1) == 1)
            is_ready(&load->processes[i]);
}

guint
ksm_load_running(const KsmLoad *load)
{
    guint n = 0;
    for (guint i = 0; i < KSM_LOAD_MAX; i++)
        n += load->processes[i].pid > 0;
    return n;
}

static double
equal_pages(const KsmLoad *load)
{
    guint64 pages = (guint64)load->mib * PAGES_A_MIB, n = 0;
    for (guint64 i = 0; i < pages; i++)
        n += is_equal(load, i);
    return (double)n;
}

double
ksm_load_equal_mib(const KsmLoad *load)
{
    guint n = ksm_load_running(load);
    return n == 0 ? 0 : equal_pages(load) * (n - 1) / PAGES_A_MIB;
}

static guint64
merging_pages(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/ksm_merging_pages", (int)pid);
    g_autofree char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? g_ascii_strtoull(text, NULL, 10) : 0;
}

/* What is merged of each saves all but one of them. */
double
ksm_load_saved_mib(const KsmLoad *load)
{
    guint n = ksm_load_running(load);
    guint64 merging = 0;
    for (guint i = 0; i < KSM_LOAD_MAX; i++)
        if (load->processes[i].pid > 0)
            merging += merging_pages(load->processes[i].pid);
    return n == 0 ? 0 : (double)merging * (n - 1) / n / PAGES_A_MIB;
}
