/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/kernel.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "probes/cpu_list.h"

#define MEMORY_PRESSURE_FILE "proc/pressure/memory"
#define HALT_POLL_FILE "sys/module/kvm/parameters/halt_poll_ns"

/** A file, and where its content goes. */
typedef struct {
    const char *path;
    gsize offset; /* in KtKernel */
} KernelFile;

/* In the order of preference where two go to the same place: a host has one of the two modules. */
static const KernelFile texts[] = {
    {"proc/sys/kernel/osrelease", offsetof(KtKernel, release)},
    {"proc/cmdline", offsetof(KtKernel, command_line)},
    {"sys/module/kvm_intel/parameters/nested", offsetof(KtKernel, nested)},
    {"sys/module/kvm_amd/parameters/nested", offsetof(KtKernel, nested)},
};

static const KernelFile numbers[] = {
    {KT_NUMA_BALANCING, offsetof(KtKernel, numa_balancing)},
    {HALT_POLL_FILE, offsetof(KtKernel, halt_poll_ns)},
    {"proc/sys/net/ipv4/ip_forward", offsetof(KtKernel, ip_forward)},
    {"proc/sys/kernel/io_uring_disabled", offsetof(KtKernel, io_uring_disabled)},
};

static const KernelFile lists[] = {
    {"sys/devices/system/cpu/isolated", offsetof(KtKernel, isolated)},
    {"sys/devices/system/cpu/nohz_full", offsetof(KtKernel, nohz_full)},
};

static const KernelFile pressures[] = {
    {"proc/pressure/cpu", offsetof(KtKernel, cpu)},
    {MEMORY_PRESSURE_FILE, offsetof(KtKernel, memory)},
    {"proc/pressure/io", offsetof(KtKernel, io)},
};

static const struct {
    const KernelFile *files;
    gsize n;
} all_files[] = {
    {texts, G_N_ELEMENTS(texts)},
    {numbers, G_N_ELEMENTS(numbers)},
    {lists, G_N_ELEMENTS(lists)},
    {pressures, G_N_ELEMENTS(pressures)},
};

static const KtPressure not_told = {-1, -1, -1, -1};

char *
kt_boot_id(const KtRoot *root)
{
    char *id = NULL;
    return kt_root_read(root, "proc/sys/kernel/random/boot_id", &id, NULL) && id ? g_strstrip(id) : NULL;
}

KtKernel *
kt_kernel_new(void)
{
    KtKernel *kernel = g_new0(KtKernel, 1);
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        G_STRUCT_MEMBER(gint64, kernel, numbers[i].offset) = KT_ABSENT;
    for (gsize i = 0; i < G_N_ELEMENTS(pressures); i++)
        G_STRUCT_MEMBER(KtPressure, kernel, pressures[i].offset) = not_told;
    return kernel;
}

void
kt_kernel_free(KtKernel *kernel)
{
    if (!kernel)
        return;
    g_free(kernel->release);
    g_free(kernel->command_line);
    g_free(kernel->nested);
    kt_cpuset_free(kernel->isolated);
    kt_cpuset_free(kernel->nohz_full);
    g_free(kernel);
}

/* Takes one line of a pressure file: "some avg10=0.12 avg60=0.05 avg300=0.00 total=4711". */
static void
take_line(const char *line, KtPressure *pressure)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    bool some = g_strcmp0(*words, "some") == 0;
    if (!some && g_strcmp0(*words, "full") != 0)
        return;
    for (char **word = words + 1; *word; word++) {
        if (g_str_has_prefix(*word, "avg10="))
            *(some ? &pressure->some_avg10 : &pressure->full_avg10) = g_ascii_strtod(*word + 6, NULL);
        if (g_str_has_prefix(*word, "avg60="))
            *(some ? &pressure->some_avg60 : &pressure->full_avg60) = g_ascii_strtod(*word + 6, NULL);
    }
}

static bool
read_pressure(const KtRoot *root, const char *path, KtPressure *pressure, GError **error)
{
    g_autofree char *text = NULL;
    if (!kt_root_read(root, path, &text, error))
        return false;
    if (!text)
        return true;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        take_line(*line, pressure);
    if (*text && pressure->some_avg10 < 0) {
        g_autofree char *shown = kt_root_describe(root, path);
        g_set_error(error, KT_ERROR, KT_ERROR_PARSE, "%s: wanted 'some avg10=…', found '%s'", shown, text);
        return false;
    }
    return true;
}

bool
kt_memory_pressure_read(const KtRoot *root, KtPressure *ret_pressure, GError **error)
{
    KtPressure pressure = not_told;
    if (!read_pressure(root, MEMORY_PRESSURE_FILE, &pressure, error))
        return false;
    *ret_pressure = pressure;
    return true;
}

static bool
read_texts(KtKernel *kernel, const KtRoot *root, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        char **text = &G_STRUCT_MEMBER(char *, kernel, texts[i].offset);
        if (!*text && !kt_root_read(root, texts[i].path, text, error))
            return false;
    }
    return true;
}

static bool
read_numbers(KtKernel *kernel, const KtRoot *root, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        gint64 *number = &G_STRUCT_MEMBER(gint64, kernel, numbers[i].offset);
        if (!kt_root_read_number(root, numbers[i].path, number, error))
            return false;
    }
    return true;
}

KtKernel *
kt_kernel_read(const KtRoot *root, GError **error)
{
    g_autoptr(KtKernel) kernel = kt_kernel_new();
    if (!read_texts(kernel, root, error) || !read_numbers(kernel, root, error))
        return NULL;
    kernel->halt_poll_fixed = kernel->halt_poll_ns != KT_ABSENT && !kt_root_is_writable(root, HALT_POLL_FILE);
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        KtCpuset **set = &G_STRUCT_MEMBER(KtCpuset *, kernel, lists[i].offset);
        if (!kt_cpu_list_read(root, lists[i].path, set, error))
            return NULL;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(pressures); i++) {
        KtPressure *pressure = &G_STRUCT_MEMBER(KtPressure, kernel, pressures[i].offset);
        if (!read_pressure(root, pressures[i].path, pressure, error))
            return NULL;
    }
    return g_steal_pointer(&kernel);
}

void
kt_kernel_add_files(const KtRoot *root, GPtrArray *paths)
{
    (void)root;
    for (gsize i = 0; i < G_N_ELEMENTS(all_files); i++) {
        for (gsize j = 0; j < all_files[i].n; j++)
            g_ptr_array_add(paths, g_strdup(all_files[i].files[j].path));
    }
}
