/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/settings_table.h"

#define NOW "now"
#define NO_ACTION "no action by itself"

#define THP_DOC "Linux: Documentation/admin-guide/mm/transhuge.rst"
#define KSM_DOC "Linux: Documentation/admin-guide/mm/ksm.rst"
#define HUGETLB_DOC "Linux: Documentation/admin-guide/mm/hugetlbpage.rst"

/* Limits of the kernel's own variables: unsigned int each. */
#define UINT_MS_USEC (4294967295 * G_GINT64_CONSTANT(1000))
#define UINT_NS_USEC 4294967

const KtSetting kt_host_settings[KT_N_HOST_SETTINGS] = {
    [KT_SETTING_THP_ENABLED] =
        {.id = KT_SETTING_THP_ENABLED,
         .key = "thp.enabled",
         .words = WORDS("always", "madvise", "never"),
         .takes_effect = NOW,
         .default_text = UNTOUCHED,
         .meaning = "Which memory gets transparent huge pages: all (always), what a process asks for "
                    "(madvise), none. QEMU asks for guest RAM, so madvise is enough for guests.",
         .risk = "always touches every process on the host: more memory in use, stalls to compact it.",
         .manuals = "Manuals say always. QEMU asks for huge pages for guest RAM, so madvise gives "
                    "guests the same and leaves every other process alone. Advice to say never "
                    "(databases) is meant for inside the guest: on the host it costs guests up to "
                    "a fifth of their speed.",
         .source = THP_DOC},
    [KT_SETTING_THP_DEFRAG] =
        {.id = KT_SETTING_THP_DEFRAG,
         .key = "thp.defrag",
         .words = WORDS("always", "defer", "defer+madvise", "madvise", "never"),
         .takes_effect = NOW,
         .default_text = UNTOUCHED,
         .meaning = "What a page fault does when no huge page is free: compact memory at once (always; "
                    "madvise: only for memory that asked), leave it to the kernel's threads and take small "
                    "pages (defer; defer+madvise: for memory that didn't ask), or not even that (never).",
         .risk = "always stalls any process at a page fault while memory is reclaimed and compacted.",
         .manuals = "Manuals pair it with enabled: always and always. Then every page fault of "
                    "every process on the host may wait until memory is compacted; with madvise "
                    "only guest memory waits, and gets its huge pages for it.",
         .source = THP_DOC},
    [KT_SETTING_THP_SHMEM] =
        {.id = KT_SETTING_THP_SHMEM,
         .key = "thp.shmem",
         .words = WORDS("always", "within_size", "advise", "never", "deny", "force"),
         .takes_effect = NOW,
         .default_text = UNTOUCHED,
         .meaning =
             "Transparent huge pages for shared memory: guests backed by memfd or shared anonymous memory. "
             "within_size gives them only up to the file's end, advise where it was asked for.",
         .risk = "deny and force override every tmpfs mount of the host; they are for emergencies and tests.",
         .manuals = "Manuals set thp.enabled alone, which doesn't reach shared guest memory "
                    "(memfd, for virtiofs and vhost-user): that follows this setting.",
         .source = THP_DOC},
    [KT_SETTING_KSM_MODE] =
        {.id = KT_SETTING_KSM_MODE,
         .key = "ksm.mode",
         .words = WORDS("off", "unmerge", "on", "auto"),
         .takes_effect = NOW,
         .default_text = UNTOUCHED,
         .meaning =
             "Whether the kernel merges equal pages of guests: off stops and keeps what is merged, unmerge "
             "stops and takes it apart, on runs it, auto lets the daemon govern it by measured profit "
             "(without the daemon: on, with the kernel's advisor where there is one).",
         .risk = "Merging is a side channel between guests of different owners, splits transparent huge "
                 "pages and costs CPU time; unmerge needs free memory for all that was saved.",
         .manuals = "Manuals switch it on and watch pages_shared. What is saved is pages_sharing; "
                    "and on costs CPU time and huge pages, and lets guests find out about each "
                    "other's memory: worth it where memory is short and the guests have one "
                    "owner. echo 0 keeps what is merged, and a reboot forgets the setting.",
         .source = KSM_DOC},
    [KT_SETTING_KSM_PAGES_TO_SCAN] =
        {.id = KT_SETTING_KSM_PAGES_TO_SCAN,
         .key = "ksm.pages-to-scan",
         .kind = KT_VALUE_NUMBER,
         .least = 1,
         .most = G_MAXUINT32,
         .takes_effect = NOW,
         .default_text = UNTOUCHED " (the kernel starts with 100)",
         .meaning = "Pages that ksmd looks at before it sleeps. While the kernel's advisor runs, the "
                    "advisor sets it and refuses others.",
         .risk = "More pages a round find more and cost more CPU time of ksmd.",
         .manuals = "Manuals leave it to ksmtuned, whose process pattern matches no guest of "
                    "libvirt's: it sees no memory in use and never acts. The kernel's own advisor "
                    "(Linux 6.8) or a number does.",
         .source = KSM_DOC},
    [KT_SETTING_KSM_SLEEP] = {.id = KT_SETTING_KSM_SLEEP,
                              .key = "ksm.sleep",
                              .kind = KT_VALUE_TIME,
                              .least = 1000,
                              .most = UINT_MS_USEC,
                              .takes_effect = NOW,
                              .default_text = UNTOUCHED " (the kernel starts with 20ms)",
                              .meaning = "How long ksmd sleeps between two rounds, in whole milliseconds.",
                              .risk =
                                  "Short sleeps cost CPU time, long ones delay what KSM saves by minutes.",
                              .source = KSM_DOC},
    [KT_SETTING_KSM_MAX_CPU] =
        {.id = KT_SETTING_KSM_MAX_CPU,
         .key = "ksm.max-cpu",
         .kind = KT_VALUE_PERCENT,
         .least = 1,
         .most = 100,
         .takes_effect = NOW,
         .default_text = UNTOUCHED " (the kernel's advisor starts with 70%)",
         .meaning = "How much of one CPU ksmd may take at most; ksmd is one thread. Kept by the daemon that "
                    "governs KSM (ksm.mode = auto), and without it by the kernel's advisor (Linux 6.8 and "
                    "later). ksmd takes it only while that pays.",
         .source = KSM_DOC},
    [KT_SETTING_KSM_MERGE_ACROSS_NODES] =
        {.id = KT_SETTING_KSM_MERGE_ACROSS_NODES,
         .key = "ksm.merge-across-nodes",
         .kind = KT_VALUE_BOOL,
         .takes_effect = NOW,
         .default_text = UNTOUCHED " (the kernel starts with yes)",
         .meaning =
             "Whether pages of different NUMA nodes are merged. The kernel takes a change only with no page "
             "merged: all is unmerged first, and merged again after.",
         .risk = "A change needs free memory for all that was saved; yes saves more, but guests then read "
                 "merged pages from another node.",
         .manuals = "Manuals just write the file: the kernel refuses that (EBUSY) while a single "
                    "page is merged.",
         .source = KSM_DOC},
    [KT_SETTING_HUGEPAGES_2M] =
        {.id = KT_SETTING_HUGEPAGES_2M,
         .key = "hugepages.2M",
         .words = WORDS("auto"),
         .kind = KT_VALUE_POOL,
         .takes_effect = NOW,
         .default_text = UNTOUCHED,
         .meaning = "2 MiB huge pages set aside for guests: a count, NODE:COUNT for single nodes, or auto: "
                    "what running guests need at their next boot and autostart ones at theirs. Never fewer "
                    "than are used and reserved.",
         .risk = "What is set aside serves nothing else; the kernel may find fewer than asked, then the "
                 "change is undone.",
         .manuals = "Manuals write one number to nr_hugepages: the kernel spreads it over all "
                    "nodes, also those without such guests, and takes fewer pages than asked "
                    "without an error. Here the pools are sized by node from the guests, read "
                    "back, and undone when they come out too small.",
         .source = HUGETLB_DOC},
    [KT_SETTING_HUGEPAGES_1G] =
        {.id = KT_SETTING_HUGEPAGES_1G,
         .key = "hugepages.1G",
         .words = WORDS("auto"),
         .kind = KT_VALUE_POOL,
         .takes_effect = NOW,
         .default_text = UNTOUCHED,
         .meaning = "1 GiB huge pages set aside for guests, in the same words as hugepages.2M.",
         .risk = "They rarely come once the host has run for a while: memory of that size in one piece is "
                 "best reserved on the kernel's command line.",
         .manuals = "Manuals set them while the host runs, when they are rarely found. What makes "
                    "sure of them is the kernel's command line: hugepagesz=1G hugepages=COUNT.",
         .source = HUGETLB_DOC},
    [KT_SETTING_MEMORY_RESERVE] =
        {.id = KT_SETTING_MEMORY_RESERVE,
         .key = "memory-reserve",
         .kind = KT_VALUE_SIZE,
         .takes_effect = NO_ACTION,
         .default_text = "nothing",
         .meaning = "Memory of each node that pools and placement leave free for the host itself.",
         .risk = "Too little of it, and the host swaps or kills when pools are full.",
         .source = HUGETLB_DOC},
    [KT_SETTING_HOUSEKEEPING] =
        {.id = KT_SETTING_HOUSEKEEPING,
         .key = "housekeeping",
         .words = WORDS("auto", "none"),
         .kind = KT_VALUE_CPUS,
         .takes_effect = NO_ACTION,
         .default_text = "none",
         .meaning =
             "CPUs that exclusive vCPUs stay off, for the host's own work and QEMU's own threads. auto "
             "takes the first core, with all its threads, that guests may use.",
         .risk = "Guests with exclusive CPUs have that many fewer to choose from.",
         .manuals = "Manuals use isolcpus. That takes CPUs from all others until the next boot, "
                    "whether a guest runs there or not, and nothing balances load on them: "
                    "threads whose set has several of them pile up on the first. Pins and "
                    "confined services do the same, take effect at once and can be undone.",
         .source = "Linux: Documentation/admin-guide/kernel-per-CPU-kthreads.rst"},
    [KT_SETTING_SERVICES] =
        {.id = KT_SETTING_SERVICES,
         .key = "services",
         .words = WORDS("housekeeping"),
         .takes_effect = NOW,
         .default_text = UNTOUCHED,
         .meaning = "Confines the host's services and user sessions (system.slice, user.slice) to the "
                    "housekeeping CPUs, so that they don't run beside guests.",
         .risk = "With few housekeeping CPUs backups, builds and logins on the host get slow.",
         .manuals = "Manuals use isolcpus or CPUAffinity= in system.conf, both of which need a "
                    "reboot. AllowedCPUs of the slices takes effect at once and can be undone.",
         .source = "systemd.resource-control(5): AllowedCPUs"},
    [KT_SETTING_NUMA_BALANCING] =
        {.id = KT_SETTING_NUMA_BALANCING,
         .key = "numa-balancing",
         .kind = KT_VALUE_BOOL,
         .takes_effect = NOW,
         .default_text = UNTOUCHED,
         .meaning = "Whether the kernel samples page faults to move memory and threads nearer to each "
                    "other. It helps guests that nobody placed; it only costs those that are.",
         .risk = "yes: extra page faults in every guest; no: memory of guests without placement stays far.",
         .manuals = "Manuals leave it on, or add numad. Once vCPUs and memory have their place it "
                    "has nothing to move, and guests still pay with page faults for being "
                    "sampled.",
         .source = "Linux: Documentation/admin-guide/sysctl/kernel.rst, numa_balancing"},
    [KT_SETTING_HALT_POLL] =
        {.id = KT_SETTING_HALT_POLL,
         .key = "halt-poll",
         .kind = KT_VALUE_TIME,
         .least = 0,
         .most = UINT_NS_USEC,
         .takes_effect = NOW,
         .default_text = UNTOUCHED " (the kernel starts with 200us on x86)",
         .meaning =
             "How long KVM waits awake for new work when a vCPU goes idle, before its thread sleeps; 0us "
             "never. Kernels 5.12 to about 6.1 read it when a guest starts.",
         .risk =
             "Longer polling wakes guests faster, and takes CPU time and power from others while they idle.",
         .manuals = "Guides for low latency boot guests with idle=poll, which takes a whole CPU "
                    "for every idle vCPU for good. Halt polling gives up after this time.",
         .source =
             "Linux: Documentation/virt/kvm/halt-polling.rst; TCP_RR 34 to 26.7us (commit aca6ff29c406)"},
    [KT_SETTING_CONTESTED] =
        {.id = KT_SETTING_CONTESTED,
         .key = "contested",
         .words = WORDS("leave", "take"),
         .takes_effect = NO_ACTION,
         .default_text = "leave",
         .meaning = "What becomes of a knob that another running tuner sets too (ksmtuned, numad, tuned, "
                    "irqbalance, …): leave it to that one, or take it.",
         .risk = "take: both may write in turns; better stop the other one.",
         .manuals = "Manuals run ksmtuned, numad and tuned beside each other and beside virsh: "
                    "each writes over what the others set, and none says so.",
         .source = "each tuner's own manual"},
};
