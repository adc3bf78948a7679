/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agent/view/status.h"
#include "agent/view/view.h"
#include "probes/capture.h"
#include "tests/fuzz/scratch.h"
#include "tuners/tuner.h"

/** A small host with guests of every kind, and what the verbs make of a snapshot. */

#define HOST_XML                                                                                             \
    "<domain type='kvm'><name>db-1</name><uuid>11111111-2222-3333-4444-555555555555</uuid>"                  \
    "<title>the database</title><memory unit='KiB'>1048576</memory><vcpu>2</vcpu><iothreads>1</iothreads>"   \
    "<cputune><vcpupin vcpu='0' cpuset='1'/></cputune><os><type arch='x86_64'>hvm</type></os>"               \
    "<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/d/a.qcow2'/>" \
    "<target dev='vda' bus='virtio'/></disk><interface type='network'><mac address='52:54:00:00:00:01'/>"    \
    "<source network='default'/><model type='e1000'/></interface></devices></domain>"

#define HOST_STATS                                                                                           \
    "{\"state\":\"running\",\"pid\":7,\"process\":\"7:1\",\"vcpus\":[{\"id\":0,\"online\":true,"             \
    "\"affinity\":\"0-3\",\"time_ns\":1,\"delay_ns\":2},{\"id\":1}],\"emulator\":{\"affinity\":\"0-7\"},"    \
    "\"iothreads\":[{\"id\":1,\"affinity\":\"2\"}],\"memory_kib\":{\"0\":1048576}}"

#define HOST_JSON                                                                                            \
    "{\"uri\":\"qemu:///system\",\"libvirt\":\"9.0.0\",\"qemu\":\"7.2.0\",\"o_direct\":{\"/d\":true},"       \
    "\"taken_usec\":1600000000000000,\"images\":{\"/d/a.qcow2\":{\"format\":\"qcow2\",\"virtual_bytes\":1}}}"

#define HOST_PROFILE                                                                                         \
    "[profile]\nsummary = all\n[host]\nthp.enabled = madvise\nthp.defrag = defer\nthp.shmem = advise\n"      \
    "ksm.mode = auto\nksm.pages-to-scan = 200\nksm.sleep = 20 ms\nksm.max-cpu = 10%\n"                       \
    "ksm.merge-across-nodes = no\nhugepages.2M = auto\nhugepages.1G = 0:1\nmemory-reserve = 1 GiB\n"         \
    "housekeeping = auto\nservices = housekeeping\nnuma-balancing = no\nhalt-poll = 200 us\n"                \
    "[domain *]\ncpu.placement = shared-cache\ncpu.emulator = housekeeping\ncpu.iothreads = near\n"          \
    "cpu.weight = 200%\nmemory.numa = follow-cpu\nmemory.ksm = no\ndisk.cache = none\ndisk.io = auto\n"      \
    "disk.discard = unmap\ndisk.iothreads = auto\nnic.model = virtio\nnic.queues = auto\n"                   \
    "[domain db-*]\ncpu.exclusive = yes\ncpu.smt = isolate\nmemory.backing = hugepages-2M\n"

/** The host's topology as hwloc's XML. Owned. */
static inline char *
host_topology_xml(void)
{
    hwloc_topology_t topology;
    char *buffer;
    int length;
    hwloc_topology_init(&topology);
    hwloc_topology_set_synthetic(topology, "pack:2 [numa(memory=4294967296)] l3:1 core:2 pu:2");
    hwloc_topology_load(topology);
    g_assert_cmpint(hwloc_topology_export_xmlbuffer(topology, &buffer, &length, 0), ==, 0);
    char *xml = g_strdup(buffer);
    hwloc_free_xmlbuffer(topology, buffer);
    hwloc_topology_destroy(topology);
    return xml;
}

/** Writes the whole host as a capture into the scratch directory. */
static inline void
host_write_capture(const char *topology)
{
    static const struct {
        const char *path, *text;
    } files[] = {
        {"host.json", HOST_JSON},
        {"domains/db-1.xml", HOST_XML},
        {"domains/db-1.stats.json", HOST_STATS},
        {"sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
        {"sys/kernel/mm/transparent_hugepage/defrag", "always defer defer+madvise [madvise] never\n"},
        {"sys/kernel/mm/ksm/run", "0\n"},
        {"sys/kernel/mm/ksm/pages_to_scan", "100\n"},
        {"sys/kernel/mm/ksm/sleep_millisecs", "20\n"},
        {"sys/kernel/mm/ksm/merge_across_nodes", "1\n"},
    };
    scratch_write("topology.xml", topology, strlen(topology));
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
        scratch_write(files[i].path, files[i].text, strlen(files[i].text));
}

/** JSON on one object, in UTF-8. */
static inline void
host_check_json(const char *json)
{
    g_assert_true(g_utf8_validate(json, -1, NULL));
    g_assert_true(g_str_has_prefix(json, "{") && g_str_has_suffix(json, "}\n"));
}

/** Plans for @snapshot and shows the plan and the status, as people and programs see them. */
static inline void
host_plan_and_show(const KtSnapshot *snapshot, const KtProfile *profile)
{
    static const KtStyle style = {.width = 80};
    g_autoptr(KtDesired) desired = kt_desired_resolve(profile, snapshot, NULL);
    g_autoptr(KtPlan) plan = kt_plan_make(snapshot, desired);
    g_autoptr(GString) out = g_string_new(NULL);
    kt_view_plan(out, &style, plan, "fuzz");
    kt_view_status(out, &style, snapshot, NULL, NULL);
    g_assert_true(g_utf8_validate(out->str, -1, NULL));
    g_autofree char *plan_json = kt_view_plan_json(plan);
    g_autofree char *status_json = kt_view_status_json(snapshot, NULL, NULL, true, NULL);
    host_check_json(plan_json);
    host_check_json(status_json);
}

/** The profile with all settings. */
static inline KtProfile *
host_profile(void)
{
    g_autoptr(GPtrArray) diagnostics = kt_diagnostics_new();
    KtProfile *profile = kt_profile_parse("fuzz", HOST_PROFILE, diagnostics);
    for (guint i = 0; i < diagnostics->len; i++)
        fprintf(stderr, "%s", kt_diagnostic_format(diagnostics->pdata[i]));
    g_assert_nonnull(profile);
    return profile;
}
