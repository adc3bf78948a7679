/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/guest/load.h"

#define BLOCK_BYTES 4096
#define FILE_BYTES (16 << 20)
#define N_BLOCKS (FILE_BYTES / BLOCK_BYTES)
#define LOAD_NS 500000000
#define MOST_CALLS 100000

static double calls_usec[MOST_CALLS];

static int
fill(int fd, void *block)
{
    for (int i = 0; i < N_BLOCKS; i++)
        if (pwrite(fd, block, BLOCK_BYTES, (off_t)i * BLOCK_BYTES) != BLOCK_BYTES)
            return -1;
    return fsync(fd);
}

static int
one_call(int fd, void *block, off_t place, int writes)
{
    if (!writes)
        return pread(fd, block, BLOCK_BYTES, place) == BLOCK_BYTES ? 0 : -1;
    return pwrite(fd, block, BLOCK_BYTES, place) == BLOCK_BYTES ? fdatasync(fd) : -1;
}

static int
measure(int fd, void *block, int writes, const char *name)
{
    int n = 0;
    for (int64_t begin = load_now_ns(); n < MOST_CALLS && load_now_ns() - begin < LOAD_NS; n++) {
        off_t place = (off_t)(random() % N_BLOCKS) * BLOCK_BYTES;
        int64_t before = load_now_ns();
        if (one_call(fd, block, place, writes) != 0)
            return load_fail(name);
        calls_usec[n] = (double)(load_now_ns() - before) / 1000;
    }
    load_print_quantiles(name, calls_usec, n);
    return 0;
}

int
load_disk(char **arguments)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/kvm-tune-load.XXXXXX", arguments[0]) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return load_fail(arguments[0]);
    }
    /* Past the guest's page cache, where its file system lets it. */
    int fd = mkostemp(path, O_DIRECT);
    if (fd < 0 && errno == EINVAL)
        fd = mkostemp(path, 0);
    void *block = aligned_alloc(BLOCK_BYTES, BLOCK_BYTES);
    if (fd < 0 || block == NULL)
        return load_fail(path);
    unlink(path);
    memset(block, 0x5a, BLOCK_BYTES);
    int code = fill(fd, block) != 0 ? load_fail(path) : 0;
    if (code == 0)
        code = measure(fd, block, 0, "read_usec");
    if (code == 0)
        code = measure(fd, block, 1, "write_usec");
    free(block);
    close(fd);
    return code;
}
