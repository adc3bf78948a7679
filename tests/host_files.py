# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of /sys and /proc that a Linux host of today has, for captures made of a topology alone: systemd, cgroup v2, THP,
KSM with its advisor, pools of huge pages on each node, and a kernel that takes every setting."""

import os
import xml.etree.ElementTree

KSM = {"run": 0, "pages_to_scan": 100, "sleep_millisecs": 20, "merge_across_nodes": 1, "pages_shared": 0, "pages_sharing": 0,
       "pages_unshared": 0, "pages_volatile": 0, "full_scans": 0, "advisor_mode": "[none] scan-time", "advisor_max_cpu": 70}
PAGES_KIB = (2048, 1048576)
MOUNTS = """cgroup2 /sys/fs/cgroup cgroup2 rw 0 0
hugetlbfs /dev/hugepages hugetlbfs rw,pagesize=2M 0 0
hugetlbfs /dev/hugepages1G hugetlbfs rw,pagesize=1024M 0 0
"""


def objects(topology, kind):
    return [node for node in xml.etree.ElementTree.parse(topology).getroot().iter("object") if node.get("type") == kind]


def nodes_of(topology):
    """Number of a memory node → its KiB."""
    return {int(node.get("os_index")): int(node.get("local_memory", 0)) // 1024 for node in objects(topology, "NUMANode")}


def kernel_list(numbers):
    """"0-3,8"."""
    ranges = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in ranges)


def pool(pages, kinds):
    return {f"{kind}_hugepages": pages if kind in ("nr", "free") else 0 for kind in kinds}


def files_of(topology):
    """Path below the root → text."""
    nodes = nodes_of(topology)
    cpus = kernel_list(int(node.get("os_index")) for node in objects(topology, "PU"))
    files = {"proc/1/comm": "systemd", "proc/mounts": MOUNTS, "proc/meminfo": "Hugepagesize:       2048 kB",
             "proc/sys/kernel/osrelease": "6.12.0", "proc/sys/kernel/numa_balancing": 1,
             "sys/module/kvm/parameters/halt_poll_ns": 200000,
             "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory hugetlb pids",
             "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never",
             "sys/kernel/mm/transparent_hugepage/defrag": "always defer defer+madvise [madvise] never",
             "sys/kernel/mm/transparent_hugepage/shmem_enabled": "always within_size advise [never] deny force"}
    files |= {f"sys/kernel/mm/ksm/{name}": value for name, value in KSM.items()}
    for group in ("", "machine.slice/", "system.slice/", "user.slice/"):
        files[f"sys/fs/cgroup/{group}cpuset.cpus.effective"] = cpus
    for page_kib in PAGES_KIB:
        size = f"hugepages/hugepages-{page_kib}kB"
        files |= {f"sys/kernel/mm/{size}/{name}": value for name, value in pool(0, ("nr", "free", "resv", "surplus")).items()}
        for node in nodes:
            files |= {f"sys/devices/system/node/node{node}/{size}/{name}": value
                      for name, value in pool(0, ("nr", "free", "surplus")).items()}
    for node, kib in nodes.items():
        amounts = f"Node {node} MemTotal: {kib} kB\nNode {node} MemFree: {kib * 7 // 8} kB"
        files[f"sys/devices/system/node/node{node}/meminfo"] = amounts
    return files


def write(directory, topology):
    """Writes them below @directory, a capture."""
    for path, value in files_of(topology).items():
        write_file(directory, path, value)


def write_file(directory, path, value):
    path = os.path.join(directory, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{value}".rstrip("\n") + "\n")
