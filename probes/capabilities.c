/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probes/capabilities.h"

#include "base/error.h"
#include "base/xml_tree.h"
#include "probes/pools.h"

#define MOST_BYTES (16 * 1024 * 1024)
#define MOST_CELLS 1024
#define MOST_ID 65535

static void
free_part(gpointer data)
{
    KtPart *part = data;
    kt_cpuset_free(part->cpus);
    g_free(part);
}

void
kt_capabilities_free(KtCapabilities *capabilities)
{
    if (!capabilities)
        return;
    g_ptr_array_unref(capabilities->parts);
    g_ptr_array_unref(capabilities->cells);
    g_array_unref(capabilities->pools);
    g_array_unref(capabilities->distances);
    kt_cpuset_free(capabilities->online);
    g_free(capabilities);
}

static KtCapabilities *
new_capabilities(void)
{
    KtCapabilities *capabilities = g_new0(KtCapabilities, 1);
    capabilities->parts = g_ptr_array_new_with_free_func(free_part);
    capabilities->cells = g_ptr_array_new();
    capabilities->pools = g_array_new(FALSE, TRUE, sizeof(KtPool));
    capabilities->distances = g_array_new(FALSE, TRUE, sizeof(guint));
    capabilities->online = hwloc_bitmap_alloc();
    return capabilities;
}

/* The part of that kind and key, made where it isn't there yet. */
static KtPart *
part_of(KtCapabilities *capabilities, KtPartKind kind, guint64 key, guint os)
{
    for (guint i = 0; i < capabilities->parts->len; i++) {
        KtPart *part = g_ptr_array_index(capabilities->parts, i);
        if (part->kind == kind && part->key == key)
            return part;
    }
    KtPart *part = g_new0(KtPart, 1);
    part->kind = kind;
    part->key = key;
    part->os = os;
    part->cpus = hwloc_bitmap_alloc();
    g_ptr_array_add(capabilities->parts, part);
    return part;
}

/* <cpu id='0' socket_id='0' die_id='0' core_id='0' siblings='0,4'/>; one that is offline has its id only. */
static void
take_cpu(KtCapabilities *capabilities, const xmlNode *node, KtPart *cell)
{
    guint cpu, socket, core, die = 0;
    g_autofree char *siblings = kt_xml_attr(node, "siblings");
    g_autoptr(KtCpuset) threads = siblings ? kt_cpuset_parse(siblings, false, NULL) : NULL;
    if (!threads || !kt_xml_attr_number(node, "id", KT_CPUSET_MAX - 1, &cpu) ||
        !kt_xml_attr_number(node, "socket_id", MOST_ID, &socket) ||
        !kt_xml_attr_number(node, "core_id", MOST_ID, &core) || !hwloc_bitmap_isset(threads, cpu) ||
        hwloc_bitmap_isset(capabilities->online, cpu))
        return;
    kt_xml_attr_number(node, "die_id", MOST_ID, &die);
    KtPart *const owners[] = {
        cell,
        part_of(capabilities, KT_PART_PACKAGE, socket, socket),
        part_of(capabilities, KT_PART_DIE, (guint64)socket << 16 | die, die),
        part_of(capabilities, KT_PART_CORE, (guint64)hwloc_bitmap_first(threads), core),
        part_of(capabilities, KT_PART_PU, cpu, cpu),
    };
    for (gsize i = 0; i < G_N_ELEMENTS(owners); i++)
        hwloc_bitmap_set(owners[i]->cpus, cpu);
    hwloc_bitmap_set(capabilities->online, cpu);
}

/* The <pages unit='KiB' size='2048'>16</pages> of a cell. */
static void
take_pools(KtCapabilities *capabilities, const xmlNode *cell, guint os)
{
    for (const xmlNode *node = cell->children; node; node = node->next) {
        guint kib;
        g_autofree char *count = kt_xml_is_element(node, "pages") ? kt_xml_text(node) : NULL;
        if (!count || !kt_xml_attr_number(node, "size", G_MAXINT, &kib) || kib == 0)
            continue;
        KtPool pool = {.node = os, .page_kib = kib, .free = KT_ABSENT, .surplus = KT_ABSENT};
        if (g_ascii_string_to_signed(count, 10, 0, G_MAXINT64, &pool.total, NULL))
            g_array_append_val(capabilities->pools, pool);
    }
}

/* <cell id='0'> with its <memory unit='KiB'> and <cpus>. */
static void
take_cell(KtCapabilities *capabilities, const xmlNode *node)
{
    guint os;
    if (!kt_xml_attr_number(node, "id", KT_CPUSET_MAX - 1, &os) || capabilities->cells->len == MOST_CELLS)
        return;
    KtPart *cell = part_of(capabilities, KT_PART_CELL, os, os);
    g_autofree char *kib = kt_xml_text(kt_xml_child(node, "memory"));
    cell->bytes = kib ? g_ascii_strtoull(kib, NULL, 10) * 1024 : 0;
    g_ptr_array_add(capabilities->cells, cell);
    take_pools(capabilities, node, os);
    g_autoptr(GPtrArray) cpus = kt_xml_grandchildren(node, "cpus", "cpu");
    for (guint i = 0; i < cpus->len; i++)
        take_cpu(capabilities, g_ptr_array_index(cpus, i), cell);
}

/* The elements @name in @group in @parent; none where @parent isn't there. */
static GPtrArray *
elements(const xmlNode *parent, const char *group, const char *name)
{
    return parent ? kt_xml_grandchildren(parent, group, name) : g_ptr_array_new();
}

/* The rows of <distances><sibling id='0' value='10'/>; all of them or nothing. */
static void
take_distances(KtCapabilities *capabilities, const GPtrArray *cells)
{
    for (guint i = 0; i < cells->len; i++) {
        g_autoptr(GPtrArray) siblings =
            kt_xml_grandchildren(g_ptr_array_index(cells, i), "distances", "sibling");
        bool whole = siblings->len == cells->len;
        for (guint j = 0; whole && j < siblings->len; j++) {
            guint os, value;
            const KtPart *cell = g_ptr_array_index(capabilities->cells, j);
            const xmlNode *sibling = g_ptr_array_index(siblings, j);
            whole = kt_xml_attr_number(sibling, "id", KT_CPUSET_MAX, &os) && os == cell->os &&
                    kt_xml_attr_number(sibling, "value", 255, &value);
            if (whole)
                g_array_append_val(capabilities->distances, value);
        }
        if (!whole) {
            g_array_set_size(capabilities->distances, 0);
            return;
        }
    }
}

/* <bank id='0' level='3' size='16' unit='MiB' cpus='0-7'/> */
static void
take_bank(KtCapabilities *capabilities, const xmlNode *node, guint number)
{
    guint level, size;
    g_autofree char *list = kt_xml_attr(node, "cpus");
    g_autofree char *unit = kt_xml_attr(node, "unit");
    g_autoptr(KtCpuset) cpus = list ? kt_cpuset_parse(list, false, NULL) : NULL;
    if (!cpus || !kt_xml_attr_number(node, "level", 9, &level) || level != 3)
        return;
    hwloc_bitmap_and(cpus, cpus, capabilities->online);
    if (hwloc_bitmap_iszero(cpus))
        return;
    KtPart *cache = part_of(capabilities, KT_PART_L3, number, number);
    hwloc_bitmap_copy(cache->cpus, cpus);
    guint shift = g_strcmp0(unit, "MiB") == 0 ? 20 : g_strcmp0(unit, "KiB") == 0 ? 10 : 0;
    cache->bytes = kt_xml_attr_number(node, "size", G_MAXINT, &size) ? (guint64)size << shift : 0;
}

static void
take_host(KtCapabilities *capabilities, const xmlNode *host)
{
    g_autoptr(GPtrArray) cells = elements(kt_xml_child(host, "topology"), "cells", "cell");
    for (guint i = 0; i < cells->len; i++)
        take_cell(capabilities, g_ptr_array_index(cells, i));
    if (capabilities->cells->len == cells->len)
        take_distances(capabilities, cells);
    g_autoptr(GPtrArray) banks = elements(host, "cache", "bank");
    for (guint i = 0; i < banks->len; i++)
        take_bank(capabilities, g_ptr_array_index(banks, i), i);
    hwloc_bitmap_copy(part_of(capabilities, KT_PART_MACHINE, 0, 0)->cpus, capabilities->online);
}

KtCapabilities *
kt_capabilities_parse(const char *xml, GError **error)
{
    g_autoptr(xmlDoc) doc = kt_xml_parse(xml, MOST_BYTES, error);
    if (!doc)
        return NULL;
    g_autoptr(KtCapabilities) capabilities = new_capabilities();
    take_host(capabilities, kt_xml_child(xmlDocGetRootElement(doc), "host"));
    if (hwloc_bitmap_iszero(capabilities->online)) {
        g_set_error(error, KT_ERROR, KT_ERROR_UNSUPPORTED, "libvirt doesn't tell the CPUs of its host");
        return NULL;
    }
    return g_steal_pointer(&capabilities);
}
