/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/settings_table.h"

#define PINS "now and next-boot"
#define BOOT_OR_PAUSE "next-boot, or pause"
#define BOOT_OR_REPLUG "next-boot, or replug"
#define NO_ACTION "no action by itself"

#define LIBVIRT_DOC "https://libvirt.org/formatdomain.html"

const KtSetting kt_domain_settings[KT_N_DOMAIN_SETTINGS] = {
    /* NOLINTNEXTLINE(misc-redundant-expression): 0, but by the same rule as all others. */
    [KT_SETTING_CPU_PLACEMENT - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_CPU_PLACEMENT,
         .scope = KT_SCOPE_DOMAIN,
         .key = "cpu.placement",
         .words = WORDS("none", "shared-cache", "numa", "spread"),
         .takes_effect = PINS,
         .default_text = UNTOUCHED ", and the domain is an obstacle to others",
         .meaning = "Where vCPUs may run: within CPUs that share an L3 cache (shared-cache), on whole NUMA "
                    "nodes (numa), over as many L3 caches as there are (spread); none removes pins. A guest "
                    "that is shut off and starts by itself gets CPUs for its next boot; others share these "
                    "until the next apply, unless the daemon runs.",
         .risk = "A pinned vCPU can't use a CPU that idles elsewhere.",
         .manuals = "Manuals type in CPU numbers: vCPU 0 on 0, 1 on 1. Numbers don't tell which "
                    "CPUs share a cache (0 and 1 are threads of one core here, cores of two "
                    "sockets there), and the next guest gets the same ones. Here all guests are "
                    "placed together on the host's real caches.",
         .source = LIBVIRT_DOC "#cpu-tuning; caches: haproxy issue 1616; nodes: CERN 2015"},
    [KT_SETTING_CPU_EXCLUSIVE - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_CPU_EXCLUSIVE,
         .scope = KT_SCOPE_DOMAIN,
         .key = "cpu.exclusive",
         .kind = KT_VALUE_BOOL,
         .takes_effect = PINS,
         .default_text = "no",
         .meaning =
             "yes gives each vCPU one CPU that no other placed vCPU may use, no gives the domain's vCPUs "
             "one common set. Needs cpu.placement.",
         .risk = "CPUs that the guest doesn't use idle; without room it is refused, never oversubscribed.",
         .manuals = "Manuals pin each vCPU to one CPU and call it dedicated. A pin keeps that "
                    "vCPU there; it keeps nobody else away. yes moves the other placed guests "
                    "off, and says so where one that isn't placed may still run there.",
         .source = LIBVIRT_DOC "#cpu-tuning"},
    [KT_SETTING_CPU_SMT - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_CPU_SMT,
         .scope = KT_SCOPE_DOMAIN,
         .key = "cpu.smt",
         .words = WORDS("auto", "share", "isolate"),
         .takes_effect = PINS,
         .default_text = "auto",
         .meaning =
             "What runs on the other threads of an exclusive vCPU's core: whatever must when no whole core "
             "is free (auto), vCPUs of the same domain gladly (share), nothing (isolate). Needs "
             "cpu.placement.",
         .risk =
             "isolate leaves siblings empty that others could use; with share a busy sibling slows its vCPU.",
         .manuals =
             "Manuals put the two vCPUs of a guest on the two threads of one core, because they share "
             "its L2 cache. They share its execution units too: two busy threads get little more than "
             "half a core each. Whole cores come first as long as there are any (4 vCPUs on 4 cores of "
             "one L3 cost 8, on 2 cores with both threads 54); share gives the manuals' rule.",
         .source = "40 to 75 % of throughput lost where siblings are forced (xapi PR 6763)"},
    [KT_SETTING_CPU_KIND - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_CPU_KIND,
         .scope = KT_SCOPE_DOMAIN,
         .key = "cpu.kind",
         .words = WORDS("auto", "fast", "efficient", "any"),
         .takes_effect = PINS,
         .default_text = "auto",
         .meaning =
             "Which kind of core, on hosts with several: auto wants fast ones for exclusive vCPUs and any "
             "for others. Needs cpu.placement.",
         .source = "hwloc: CPU kinds"},
    [KT_SETTING_CPU_EMULATOR - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_CPU_EMULATOR,
         .scope = KT_SCOPE_DOMAIN,
         .key = "cpu.emulator",
         .words = WORDS("auto", "housekeeping", "near"),
         .kind = KT_VALUE_CPUS,
         .takes_effect = PINS,
         .default_text = UNTOUCHED,
         .meaning =
             "Where QEMU's main thread runs; its vhost workers follow. housekeeping: on those CPUs; near: "
             "close to the vCPUs, off exclusive ones; auto: housekeeping for exclusive vCPUs if there is "
             "any, else near.",
         .risk = "On the vCPUs' own CPUs it takes their time whenever a device is emulated.",
         .manuals = "Manuals pin vCPUs and forget QEMU itself, which then runs, with the vhost "
                    "workers that follow it, on the CPUs that were meant for vCPUs.",
         .source = LIBVIRT_DOC "#cpu-tuning (emulatorpin)"},
    [KT_SETTING_CPU_IOTHREADS - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_CPU_IOTHREADS,
         .scope = KT_SCOPE_DOMAIN,
         .key = "cpu.iothreads",
         .words = WORDS("auto", "housekeeping", "near"),
         .kind = KT_VALUE_CPUS,
         .takes_effect = PINS,
         .default_text = UNTOUCHED,
         .meaning = "Where the domain's IOThreads run, in the same words as cpu.emulator. A domain without "
                    "IOThreads has nothing to pin.",
         .risk = "On the vCPUs' own CPUs they take their time at every request.",
         .source = LIBVIRT_DOC "#cpu-tuning (iothreadpin)"},
    [KT_SETTING_CPU_WEIGHT - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_CPU_WEIGHT,
         .scope = KT_SCOPE_DOMAIN,
         .key = "cpu.weight",
         .kind = KT_VALUE_PERCENT,
         .least = 1,
         .most = 10000,
         .takes_effect = PINS,
         .default_text = UNTOUCHED " (the hypervisor starts with 100%)",
         .meaning = "The domain's part of CPU time where domains compete, in percent of what each gets by "
                    "default: 1024 shares on cgroup v1, weight 100 on v2.",
         .risk = "Takes from the others; without competition it changes nothing.",
         .manuals = "Manuals give raw shares: 2048 for twice the default. That is so on cgroup v1 "
                    "only; on v2 the default is 100, and 2048 is twenty times as much. Percent "
                    "means the same on both.",
         .source = LIBVIRT_DOC "#cpu-tuning (shares)"},
    [KT_SETTING_PRIORITY - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_PRIORITY,
         .scope = KT_SCOPE_DOMAIN,
         .key = "priority",
         .kind = KT_VALUE_NUMBER,
         .least = -1000,
         .most = 1000,
         .takes_effect = NO_ACTION,
         .default_text = "0",
         .meaning = "Who goes first when there isn't room for all exclusive domains: the greater number.",
         .source = "kvm-tune's placement"},
    [KT_SETTING_MOVE_THRESHOLD - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_MOVE_THRESHOLD,
         .scope = KT_SCOPE_DOMAIN,
         .key = "move-threshold",
         .kind = KT_VALUE_NUMBER,
         .takes_effect = NO_ACTION,
         .default_text = "0: the cost of moving counts anyway",
         .meaning = "By how many points of cost a new place must be better before a running domain is moved.",
         .risk = "High: the domain stays where it was put; low: it moves, with cold caches, for little.",
         .source =
             "measured, 24 guests that come and go on 256 CPUs: with 0 a change moves 5.4 others, with 2 "
             "4.1 at 0.4 % more cost, with 10 1.9 at 3 % more"},
    [KT_SETTING_MEMORY_NUMA - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_MEMORY_NUMA,
         .scope = KT_SCOPE_DOMAIN,
         .key = "memory.numa",
         .words = WORDS("follow-cpu", "strict", "interleave"),
         .kind = KT_VALUE_NODES,
         .takes_effect =
             BOOT_OR_PAUSE ", of single guest cells restart; pages move now where the mode allows it",
         .default_text = UNTOUCHED,
         .meaning =
             "Which nodes guest memory comes from: those of the vCPUs, preferred (follow-cpu) or only those "
             "(strict), all in turns (interleave), or the nodes listed. Of a guest with cells whose vCPUs are on "
             "different nodes, each cell's memory goes to the nodes of that cell's, from the next boot on.",
         .risk = "strict: no memory left on the node means that the guest doesn't start or is killed.",
         .manuals = "Manuals say strict. When the node is full such a guest doesn't start, or is "
                    "killed, while the next node has memory; preferred, which follow-cpu stages, "
                    "takes near memory as long as there is some.",
         .source = LIBVIRT_DOC "#numa-node-tuning"},
    [KT_SETTING_MEMORY_BACKING - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_MEMORY_BACKING,
         .scope = KT_SCOPE_DOMAIN,
         .key = "memory.backing",
         .words = WORDS("default", "hugepages-2M", "hugepages-1G"),
         .takes_effect = BOOT_OR_PAUSE,
         .default_text = UNTOUCHED,
         .meaning = "What guest RAM is made of: ordinary pages, or huge pages out of the host's pools.",
         .risk = "Without free pages in the pool the guest doesn't start; such memory is neither swapped, "
                 "ballooned nor merged by KSM.",
         .manuals = "Manuals back every guest from hugetlbfs pools. Transparent huge pages give "
                    "most guests nearly as much, and their memory can still be swapped, ballooned "
                    "and shared with other guests: pools are for those that must not miss one "
                    "page.",
         .source = LIBVIRT_DOC "#memory-backing"},
    [KT_SETTING_MEMORY_KSM - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_MEMORY_KSM,
         .scope = KT_SCOPE_DOMAIN,
         .key = "memory.ksm",
         .kind = KT_VALUE_BOOL,
         .takes_effect = BOOT_OR_PAUSE,
         .default_text = UNTOUCHED " (yes, unless the definition has nosharepages)",
         .meaning = "Whether KSM may merge this domain's memory; no stages <nosharepages/>.",
         .risk = "yes between guests of different owners is a side channel; no saves nothing.",
         .manuals = "Manuals know KSM on or off for the whole host. Guests of one owner may share "
                    "while another's stay out.",
         .source = LIBVIRT_DOC "#memory-backing (nosharepages)"},
    [KT_SETTING_DISK_CACHE - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_DISK_CACHE,
         .scope = KT_SCOPE_DOMAIN,
         .key = "disk.cache",
         .item = KT_ITEM_DISK,
         .words = WORDS("default", "none", "writethrough", "writeback", "directsync", "unsafe", "auto"),
         .takes_effect = BOOT_OR_PAUSE,
         .default_text = UNTOUCHED,
         .meaning =
             "How the host caches the disk: none goes past the host's page cache (needs O_DIRECT), "
             "writeback uses it, writethrough and directsync write before they answer; auto: none where the "
             "image's directory takes O_DIRECT.",
         .risk = "unsafe ignores flushes and loses data when the host fails; modes other than none and "
                 "directsync can stand in the way of live migration.",
         .manuals = "Manuals call writeback fast and none safe. Both pass on the guest's flushes, "
                    "so both are as safe as the guest is. writeback is faster while the host's "
                    "page cache has room, then it stalls; it holds in the host's memory what the "
                    "guest has cached already, and can stand in the way of live migration. none "
                    "has neither trouble. unsafe, which manuals name for speed, loses data.",
         .source = LIBVIRT_DOC "#hard-drives-floppy-disks-cdroms (driver cache)"},
    [KT_SETTING_DISK_IO -
        KT_N_HOST_SETTINGS] = {.id = KT_SETTING_DISK_IO,
                               .scope = KT_SCOPE_DOMAIN,
                               .key = "disk.io",
                               .item = KT_ITEM_DISK,
                               .words = WORDS("threads", "native", "io_uring", "auto"),
                               .takes_effect = BOOT_OR_PAUSE,
                               .default_text = UNTOUCHED,
                               .meaning =
                                   "How QEMU hands requests to the kernel: its own threads, Linux AIO "
                                   "(native, only with cache none or directsync) or io_uring (QEMU 5.0, "
                                   "libvirt 6.3).",
                               .risk = "io_uring keeps the guest from moving to a host without it.",
                               .manuals = "Manuals say native with none. On an image that isn't "
                                          "fully allocated a write that needs new blocks holds up "
                                          "the thread that hands it in, and all other requests of "
                                          "the guest with it: there threads or io_uring are better. "
                                          "auto looks at the image.",
                               .source = LIBVIRT_DOC "#hard-drives-floppy-disks-cdroms (driver io)"},
    [KT_SETTING_DISK_DISCARD - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_DISK_DISCARD,
         .scope = KT_SCOPE_DOMAIN,
         .key = "disk.discard",
         .item = KT_ITEM_DISK,
         .words = WORDS("unmap", "ignore", "auto"),
         .takes_effect = BOOT_OR_PAUSE,
         .default_text = UNTOUCHED,
         .meaning = "Whether the guest's discards (fstrim) give space back to the host: unmap or ignore.",
         .risk = "unmap makes a preallocated image sparse: space that was set aside may be gone later.",
         .source = LIBVIRT_DOC "#hard-drives-floppy-disks-cdroms (driver discard)"},
    [KT_SETTING_DISK_IOTHREADS - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_DISK_IOTHREADS,
         .scope = KT_SCOPE_DOMAIN,
         .key = "disk.iothreads",
         .item = KT_ITEM_DISK,
         .words = WORDS("auto"),
         .kind = KT_VALUE_NUMBER,
         .least = 0,
         .most = 256,
         .takes_effect = BOOT_OR_PAUSE,
         .default_text = UNTOUCHED,
         .meaning =
             "How many IOThreads serve the virtio disks, which are dealt out to them; missing ones are added to the "
             "definition, none is taken away. 0 leaves disks to QEMU's main thread. auto: one a disk, at most 4 and "
             "one a vCPU. Where single disks ask for other numbers, the greatest counts.",
         .risk = "Threads beyond what the disks need take CPU time from vCPUs.",
         .source = LIBVIRT_DOC "#iothreads-allocation; twice and more in a micro benchmark (Red Hat, 2025)"},
    [KT_SETTING_NIC_MODEL - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_NIC_MODEL,
         .scope = KT_SCOPE_DOMAIN,
         .key = "nic.model",
         .item = KT_ITEM_NIC,
         .words = WORDS("virtio"),
         .takes_effect = BOOT_OR_REPLUG,
         .default_text = UNTOUCHED,
         .meaning =
             "The NIC that the guest sees: virtio instead of an emulated card, where the guest is known to "
             "drive it (guest.virtio).",
         .risk =
             "A guest without the driver loses its network; even with it this is a new device to the guest.",
         .manuals = "Manuals change the model and restart the guest. One without the driver, such "
                    "as Windows as it comes, is then off the net: here something must prove that "
                    "the guest drives it.",
         .source = LIBVIRT_DOC "#network-interfaces"},
    [KT_SETTING_NIC_QUEUES - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_NIC_QUEUES,
         .scope = KT_SCOPE_DOMAIN,
         .key = "nic.queues",
         .item = KT_ITEM_NIC,
         .words = WORDS("auto"),
         .kind = KT_VALUE_NUMBER,
         .least = 1,
         .most = 256,
         .takes_effect = BOOT_OR_REPLUG,
         .default_text = UNTOUCHED,
         .meaning =
             "Queue pairs of a virtio NIC, at most one a vCPU; about 8 are worth having. The guest may need "
             "ethtool -L to use them.",
         .risk = "Each queue is a vhost thread on the host.",
         .manuals = "Manuals give as many queues as vCPUs. Beyond about 8 little is gained, each "
                    "takes a thread on the host, and some guests use just one until ethtool -L "
                    "says more.",
         .source = LIBVIRT_DOC "#network-interfaces (driver queues); 2 to 13 Gbit/s (cozystack issue 2801)"},
    [KT_SETTING_GUEST_VIRTIO -
        KT_N_HOST_SETTINGS] = {.id = KT_SETTING_GUEST_VIRTIO,
                               .scope = KT_SCOPE_DOMAIN,
                               .key = "guest.virtio",
                               .words = WORDS("detect", "assume", "never"),
                               .takes_effect = NO_ACTION,
                               .default_text = "detect",
                               .meaning = "Whether the guest can drive a virtio NIC: found out from its "
                                          "NICs, agent and OS (detect), taken for granted, or denied. "
                                          "Guards nic.model.",
                               .risk = "assume on a guest without the driver costs it its network.",
                               .manuals = "A virtio disk, balloon or random number device is "
                                          "often taken as a proof. It proves nothing about the "
                                          "NIC's driver: Windows installs each on its own.",
                               .source = "libosinfo; QEMU guest agent"},
    [KT_SETTING_DISRUPTION - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_DISRUPTION,
         .scope = KT_SCOPE_DOMAIN,
         .key = "disruption",
         .words = WORDS("none", "pause", "replug", "restart"),
         .takes_effect = NO_ACTION,
         .default_text = "none",
         .meaning =
             "The most that may be done to a running guest: nothing that it notices; a pause (it is saved, the "
             "definition in its image edited, and resumed); unplugging a NIC and plugging it in anew as well; a "
             "restart as well. Each change takes the least of these ways that brings it, and one pause or "
             "restart brings all of a guest's.",
         .risk = "pause: connections may time out; replug: the guest sees a new device; restart: it is away.",
         .source = LIBVIRT_DOC},
    [KT_SETTING_MAX_PAUSE - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_MAX_PAUSE,
         .scope = KT_SCOPE_DOMAIN,
         .key = "max-pause",
         .kind = KT_VALUE_TIME,
         .takes_effect = NO_ACTION,
         .default_text = "no limit",
         .meaning =
             "The longest time that a guest may be expected to stand still when it is saved and resumed; "
             "longer pauses are refused, whatever disruption allows.",
         .source = "kvm-tune's own estimate from memory and disk speed"},
    [KT_SETTING_RESTART_WINDOW - KT_N_HOST_SETTINGS] =
        {.id = KT_SETTING_RESTART_WINDOW,
         .scope = KT_SCOPE_DOMAIN,
         .key = "restart-window",
         .kind = KT_VALUE_WINDOW,
         .takes_effect = NO_ACTION,
         .default_text = "any time",
         .meaning = "When the domain may be restarted, as DAY HH:MM-HH:MM in the host's local time. "
                    "The daemon keeps it, and disturbs the domain in no other way outside of it either; "
                    "apply doesn't restart a domain that has one.",
         .source = "host's local time"},
    [KT_SETTING_RESTART_PARALLEL -
        KT_N_HOST_SETTINGS] = {.id = KT_SETTING_RESTART_PARALLEL,
                               .scope = KT_SCOPE_DOMAIN,
                               .key = "restart-parallel",
                               .kind = KT_VALUE_NUMBER,
                               .least = 1,
                               .most = 1000,
                               .takes_effect = NO_ACTION,
                               .default_text = "1",
                               .meaning = "How many domains may be away at once when several are restarted.",
                               .source = "the smallest number of all that are restarted counts"},
};
