/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <numa.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/** Memory of another process, for tests that move it: so much that what it shares with this one, as any child
 * does, counts for nothing. */
#define CHILD_BYTES (96 * 1024 * 1024)
#define CHILD_KIB (CHILD_BYTES / 1024)

/** A process with CHILD_BYTES of memory. @shared: it has a child of its own, so that all of it is somebody
 * else's too, until it is written to. */
static inline pid_t
start_child(gboolean shared)
{
    int ready[2];
    char byte = 0;
    g_assert_cmpint(pipe(ready), ==, 0);
    pid_t pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        void *memory = mmap(NULL, CHILD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(memory, 1, CHILD_BYTES);
        setpgid(0, 0);
        pid_t twin = shared ? fork() : 1;
        if (twin == 0)
            prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (twin == 0 || write(ready[1], &byte, 1) == 1)
            pause();
        _exit(0);
    }
    g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static inline void
end_child(pid_t pid)
{
    kill(-pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/** Whether a child has memory beside that: of the address sanitizer, whose addresses are too many to be
 * looked at. */
static inline gboolean
child_has_more(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return TRUE;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return TRUE;
#endif
#endif
    return FALSE;
}

/** Nodes of this machine that have room for it: guint. Empty where the kernel knows no nodes. Owned. */
static inline GArray *
nodes_with_room(void)
{
    GArray *nodes = g_array_new(FALSE, FALSE, sizeof(guint));
    if (numa_available() < 0)
        return nodes;
    struct bitmask *allowed = numa_get_mems_allowed();
    for (guint node = 0; (int)node <= numa_max_node(); node++)
        if (numa_bitmask_isbitset(allowed, node) && numa_node_size64((int)node, NULL) > CHILD_BYTES)
            g_array_append_val(nodes, node);
    numa_bitmask_free(allowed);
    return nodes;
}
