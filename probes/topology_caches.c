/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "probes/cpu_list.h"
#include "probes/topology_parts.h"

/* Caches of a CPU are numbered from 0 on without a gap. No kernel shows more. */
#define MOST_CACHES 10

/** The walk over what the kernel tells of L3 caches. Documentation/ABI/testing/sysfs-devices-system-cpu */
typedef struct {
    KtTopology *topology;
    const KtRoot *root;
    const gint *hwloc; /* hwloc's L3 of each PU */
    guint usual;       /* the number that the L3 had last: mostly all CPUs number alike */
    GArray *bytes;     /* guint64: size of each L3 by its number, also of those that are no longer in use */
    GString *taken;    /* the sets that hwloc saw otherwise, for the note */
} Walk;

/* The path of a file of one cache; it is noted as one that was read. Borrowed. */
static const char *
cache_file(const Walk *walk, guint cpu, guint index, const char *name)
{
    char *path = g_strdup_printf("sys/devices/system/cpu/cpu%u/cache/index%u/%s", cpu, index, name);
    g_ptr_array_add(walk->topology->files, path);
    return path;
}

static bool
read_level(const Walk *walk, guint cpu, guint index, gint64 *ret_level, GError **error)
{
    return kt_root_read_number(walk->root, cache_file(walk, cpu, index, "level"), ret_level, error);
}

/* Finds which of the CPU's caches is the L3; *@ret_index is MOST_CACHES where it has none. */
static bool
find_l3(Walk *walk, guint cpu, guint *ret_index, GError **error)
{
    gint64 level;
    if (!read_level(walk, cpu, walk->usual, &level, error))
        return false;
    *ret_index = level == 3 ? walk->usual : MOST_CACHES;
    if (level == KT_ABSENT && walk->usual == 0)
        return true;
    for (guint i = 0; i < MOST_CACHES && *ret_index == MOST_CACHES; i++) {
        if (!read_level(walk, cpu, i, &level, error))
            return false;
        if (level == KT_ABSENT)
            break;
        if (level == 3)
            walk->usual = *ret_index = i;
    }
    return true;
}

/* The size as sysfs has it, "16384K"; 0 where it doesn't tell. */
static bool
read_bytes(const Walk *walk, guint cpu, guint index, guint64 *ret_bytes, GError **error)
{
    g_autofree char *text = NULL;
    if (!kt_root_read(walk->root, cache_file(walk, cpu, index, "size"), &text, error))
        return false;
    char *unit = NULL;
    guint64 number = text ? g_ascii_strtoull(text, &unit, 10) : 0;
    *ret_bytes = unit && *unit == 'K' && number <= G_MAXUINT32 ? number * 1024 : 0;
    return true;
}

/* Whether the CPUs of this L3 are just those that hwloc has with @pu. */
static bool
is_known(const Walk *walk, const KtPu *pu, const KtCpuset *cpus)
{
    gint l3 = walk->hwloc[pu - walk->topology->pus];
    for (guint i = 0; l3 >= 0 && i < walk->topology->n_pus; i++) {
        if ((walk->hwloc[i] == l3) != (hwloc_bitmap_isset(cpus, walk->topology->pus[i].os) != 0))
            return false;
    }
    return l3 >= 0;
}

static void
take_l3(Walk *walk, const KtCpuset *cpus, guint64 bytes)
{
    for (guint i = 0; i < walk->topology->n_pus; i++) {
        KtPu *pu = &walk->topology->pus[i];
        if (hwloc_bitmap_isset(cpus, pu->os))
            pu->l3 = (gint)walk->bytes->len;
    }
    g_array_append_val(walk->bytes, bytes);
    g_autofree char *list = kt_cpuset_format(cpus);
    g_string_append_printf(walk->taken, "%s%s", walk->taken->len ? "; " : "", list);
}

/* Looks at the L3 of one CPU, and adds those that share it to @seen. */
static bool
check_cpu(Walk *walk, const KtPu *pu, KtCpuset *seen, GError **error)
{
    guint index;
    if (!find_l3(walk, pu->os, &index, error))
        return false;
    if (index == MOST_CACHES)
        return true;
    g_autoptr(KtCpuset) cpus = NULL;
    if (!kt_cpu_list_read(walk->root, cache_file(walk, pu->os, index, "shared_cpu_list"), &cpus, error))
        return false;
    if (!cpus || !hwloc_bitmap_isset(cpus, pu->os))
        return true;
    hwloc_bitmap_and(cpus, cpus, walk->topology->online);
    hwloc_bitmap_or(seen, seen, cpus);
    guint64 bytes;
    if (!read_bytes(walk, pu->os, index, &bytes, error))
        return false;
    if (!is_known(walk, pu, cpus))
        take_l3(walk, cpus, bytes);
    return true;
}

/* Gives the L3s that are in use numbers from 0 on, in the order of their first CPUs. */
static void
number_again(KtTopology *topology, const GArray *bytes)
{
    g_autofree gint *numbers = g_new(gint, bytes->len + 1);
    for (guint i = 0; i < bytes->len; i++)
        numbers[i] = -1;
    topology->n_l3 = 0;
    g_free(topology->l3_bytes);
    topology->l3_bytes = g_new0(guint64, bytes->len + 1);
    for (guint i = 0; i < topology->n_pus; i++) {
        KtPu *pu = &topology->pus[i];
        if (pu->l3 < 0)
            continue;
        if (numbers[pu->l3] < 0) {
            numbers[pu->l3] = (gint)topology->n_l3++;
            topology->l3_bytes[numbers[pu->l3]] = g_array_index(bytes, guint64, pu->l3);
        }
        pu->l3 = numbers[pu->l3];
    }
}

bool
kt_topology_check_l3(KtTopology *topology, const KtRoot *root, GError **error)
{
    g_autoptr(GArray) bytes = g_array_new(FALSE, TRUE, sizeof(guint64));
    g_array_append_vals(bytes, topology->l3_bytes, topology->n_l3);
    g_autoptr(GString) taken = g_string_new(NULL);
    g_autoptr(KtCpuset) seen = hwloc_bitmap_alloc();
    g_autofree gint *hwloc = g_new(gint, topology->n_pus);
    for (guint i = 0; i < topology->n_pus; i++)
        hwloc[i] = topology->pus[i].l3;
    Walk walk = {.topology = topology, .root = root, .hwloc = hwloc, .bytes = bytes, .taken = taken};
    for (guint i = 0; i < topology->n_pus; i++) {
        const KtPu *pu = &topology->pus[i];
        if (!hwloc_bitmap_isset(seen, pu->os) && !check_cpu(&walk, pu, seen, error))
            return false;
    }
    if (!taken->len)
        return true;
    number_again(topology, bytes);
    topology->note = g_strdup_printf(
        "the kernel has other L3 caches than hwloc, and its own are taken: CPUs %s (/sys/devices/system/cpu/"
        "cpu*/cache)",
        taken->str);
    return true;
}
