# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a capture what its host would look like after a plan was carried out: files of /sys and /proc, definitions, affinities."""

import json
import os
import shutil

import host_files

THP = "sys/kernel/mm/transparent_hugepage"
KSM = "sys/kernel/mm/ksm"
YES = {"yes": "1", "no": "0"}
PAGES = {"hugepages.2M": 2048, "hugepages.1G": 1048576}


def read(capture, path):
    with open(os.path.join(capture, path), encoding="utf-8") as file:
        return file.read().strip()


def choose(path):
    """Puts the kernel's brackets around another word."""
    def carry_out(capture, action):
        words = read(capture, path).replace("[", "").replace("]", "").split()
        assert action["to"] in words, f"{path} has no '{action['to']}'"
        host_files.write_file(capture, path, " ".join(f"[{word}]" if word == action["to"] else word for word in words))
    return carry_out


def number(path, of):
    return lambda capture, action: host_files.write_file(capture, path, of(action["to"]))


def fill_pool(capture, action):
    """What the kernel does with a number for one node: its free pages and the host's numbers follow."""
    size = f"hugepages/hugepages-{PAGES[action['setting']]}kB"
    node = action["item"].split()[1]
    more = int(action["to"]) - int(action["from"])
    for folder in (f"sys/devices/system/node/node{node}/{size}", f"sys/kernel/mm/{size}"):
        for name in ("nr_hugepages", "free_hugepages"):
            host_files.write_file(capture, f"{folder}/{name}", int(read(capture, f"{folder}/{name}")) + more)


def confine(capture, action):
    for name in ("cpuset.cpus", "cpuset.cpus.effective"):
        host_files.write_file(capture, f"sys/fs/cgroup/{action['item']}/{name}", action["to"])


def set_ksm(capture, action):
    host_files.write_file(capture, f"{KSM}/run", {"off": "0", "on": "1", "unmerge": "2"}[action["to"]])
    if action["to"] == "unmerge":
        for name in ("pages_shared", "pages_sharing"):
            host_files.write_file(capture, f"{KSM}/{name}", 0)


HOST = {
    "thp.enabled": choose(f"{THP}/enabled"),
    "thp.defrag": choose(f"{THP}/defrag"),
    "thp.shmem": choose(f"{THP}/shmem_enabled"),
    "ksm.mode": set_ksm,
    "ksm.pages-to-scan": number(f"{KSM}/pages_to_scan", str),
    "ksm.sleep": number(f"{KSM}/sleep_millisecs", lambda time: time.removesuffix("ms")),
    "ksm.merge-across-nodes": number(f"{KSM}/merge_across_nodes", YES.get),
    "hugepages.2M": fill_pool,
    "hugepages.1G": fill_pool,
    "services": confine,
    "numa-balancing": number("proc/sys/kernel/numa_balancing", YES.get),
    "halt-poll": number("sys/module/kvm/parameters/halt_poll_ns", lambda time: int(time.removesuffix("us")) * 1000),
}


def carry_out(capture, definitions, planned):
    """@definitions: what plan --xml-dir wrote."""
    for name in os.listdir(definitions):
        label = name.removesuffix(".xml")
        inactive = os.path.join(capture, "domains", f"{label}.inactive.xml")
        target = inactive if os.path.exists(inactive) else os.path.join(capture, "domains", name)
        shutil.copyfile(os.path.join(definitions, name), target)
    for action in planned["actions"]:
        if action["target"] == "host":
            HOST[action["setting"]](capture, action)
    for domain in planned["domains"]:
        if domain["running"]:
            set_live(capture, domain["name"], [action for action in planned["actions"] if action["when"] == "now"
                                               and action["target"] == f"domain:{domain['name']}"])
            write_stats(capture, domain)


def live_cputune(actions):
    """What libvirt's live definition has of what was set on the running domain."""
    lines = [f"<shares>{action['to']}</shares>" for action in actions if action["setting"] == "cpu.weight"]
    for kind, number_in in (("vcpu", " vcpu='{}'"), ("emulator", ""), ("iothread", " iothread='{}'")):
        pins = [action for action in actions if action["item"] and action["item"].split()[0] == kind and action["to"]]
        lines += [f"<{kind}pin{number_in.format(pin['item'].split()[-1])} cpuset='{pin['to']}'/>" for pin in pins]
    return "".join(f"    {line}\n" for line in lines)


def set_live(capture, name, actions):
    path = f"domains/{name}.xml"
    text = read(capture, path)
    cputune = live_cputune(actions)
    assert "<cputune>" not in text, f"{path}: wanted none to set values in"
    if cputune:
        host_files.write_file(capture, path, text.replace("</vcpu>\n", f"</vcpu>\n  <cputune>\n{cputune}  </cputune>\n", 1))


def write_stats(capture, domain):
    placement = domain["placement"]
    vcpus = [{"id": i, "online": cpus is not None, "affinity": cpus or ""} for i, cpus in enumerate(placement["vcpus"])]
    iothreads = [{"id": int(i), "affinity": cpus} for i, cpus in placement["iothreads"].items()]
    path = f"domains/{domain['name']}.stats.json"
    stats = json.loads(read(capture, path))
    stats |= {"vcpus": vcpus, "emulator": {"affinity": placement["emulator"]}, "iothreads": iothreads}
    host_files.write_file(capture, path, json.dumps(stats))
