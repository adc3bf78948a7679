#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a capture of a given topology with a mixed set of domains on it.

    tests/mixed_domains.py TOPOLOGY.xml DIRECTORY

Sizes follow the host: about three quarters of its CPUs are given away. There are small and big guests, one with two guest
cells, one on huge pages, one with threads, a passed-through device, a shut-off and a transient one, and one with old devices.
"""

import os
import shutil
import sys
import xml.etree.ElementTree

DOMAIN = """<domain type='kvm'{id}>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='KiB'>{memory}</memory>
  <currentMemory unit='KiB'>{memory}</currentMemory>
{backing}  <vcpu placement='static'>{vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <boot dev='hd'/>
  </os>
{cpu}  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'{cache}/>
      <source file='/var/lib/libvirt/images/{name}.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:{high:02x}:{low:02x}:01'/>
      <source network='default'/>
      <model type='{nic}'/>
    </interface>
{devices}  </devices>
</domain>
"""

HOSTDEV = """    <hostdev mode='subsystem' type='pci' managed='yes'>
      <source>
        <address domain='0x{0}' bus='0x{1}' slot='0x{2}' function='0x{3}'/>
      </source>
    </hostdev>
"""


def online_cpus(topology):
    root = xml.etree.ElementTree.parse(topology).getroot()
    return sum(1 for node in root.iter("object") if node.get("type") == "PU")


def pci_device(topology):
    """The address of some PCI device of this host, as its four numbers, or None."""
    root = xml.etree.ElementTree.parse(topology).getroot()
    for node in root.iter("object"):
        if node.get("type") == "PCIDev":
            domain, bus, rest = node.get("pci_busid").split(":")
            slot, function = rest.split(".")
            return domain, bus, slot, function
    return None


def two_cells(vcpus, memory):
    half = vcpus // 2
    return (
        "  <cpu mode='host-passthrough'>\n    <numa>\n"
        f"      <cell id='0' cpus='0-{half - 1}' memory='{memory // 2}' unit='KiB'/>\n"
        f"      <cell id='1' cpus='{half}-{vcpus - 1}' memory='{memory // 2}' unit='KiB'/>\n"
        "    </numa>\n  </cpu>\n"
    )


def threads(vcpus):
    return (
        "  <cpu mode='host-passthrough'>\n"
        f"    <topology sockets='1' dies='1' cores='{vcpus // 2}' threads='2'/>\n  </cpu>\n"
    )


def mixed_set(cpus, device):
    """Dictionaries that differ from the defaults in `add`."""
    big = max(2, min(64, cpus // 4 // 2 * 2))
    middle = max(1, min(8, cpus // 8))
    domains = [
        {"name": "db-1", "vcpus": middle},
        {"name": "db-2", "vcpus": middle, "nic": "e1000"},
        {"name": "big", "vcpus": big, "cpu": two_cells(big, 8 << 20), "memory": 8 << 20},
        {"name": "web-1", "vcpus": max(1, middle // 2)},
        {"name": "web-2", "vcpus": 1, "cache": " cache='writeback'"},
        {"name": "huge", "vcpus": 2, "backing": "  <memoryBacking>\n    <hugepages/>\n  </memoryBacking>\n"},
        {"name": "off", "vcpus": 2, "state": "shut off", "nic": "rtl8139"},
        {"name": "passing", "vcpus": 1, "state": "transient"},
    ]
    if cpus >= 8:
        domains.append({"name": "smt", "vcpus": 4, "cpu": threads(4)})
    if device:
        domains.append({"name": "card", "vcpus": 2, "devices": HOSTDEV.format(*device)})
    return domains


def add(directory, index, name, vcpus, state="running", **differing):
    words = {"memory": 1 << 20, "backing": "", "cpu": "", "cache": "", "nic": "virtio", "devices": "", "id": ""}
    words |= {"name": name, "vcpus": vcpus, "index": index} | differing
    words |= {"high": index >> 8, "low": index & 255}
    words["uuid"] = f"00000000-0000-4000-8000-{index:012x}"
    stats = {"running": "running", "transient": "running", "shut off": "shut off"}[state]
    domains = os.path.join(directory, "domains")
    if state == "transient":
        words["id"] = f" id='{index}'"
    with open(os.path.join(domains, f"{name}.xml"), "w", encoding="utf-8") as file:
        file.write(DOMAIN.format(**words))
    if state == "running":
        with open(os.path.join(domains, f"{name}.inactive.xml"), "w", encoding="utf-8") as file:
            file.write(DOMAIN.format(**words))
    with open(os.path.join(domains, f"{name}.stats.json"), "w", encoding="utf-8") as file:
        file.write(f'{{"state": "{stats}"}}\n')


def make_host(topology, directory):
    """The capture of a host without domains."""
    os.makedirs(os.path.join(directory, "domains"))
    shutil.copyfile(topology, os.path.join(directory, "topology.xml"))
    with open(os.path.join(directory, "host.json"), "w", encoding="utf-8") as file:
        file.write('{"uri": "qemu:///system", "libvirt": "9.0.0", "qemu": "7.2.0",'
                   ' "o_direct": {"/var/lib/libvirt/images": true}}\n')
    for path, text in {"kernel/mm/transparent_hugepage/enabled": "[always] madvise never",
                       "kernel/mm/transparent_hugepage/defrag": "always defer defer+madvise [madvise] never",
                       "kernel/mm/ksm/run": "0"}.items():
        path = os.path.join(directory, "sys", path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")


def make(topology, directory):
    make_host(topology, directory)
    for index, domain in enumerate(mixed_set(online_cpus(topology), pci_device(topology)), start=1):
        add(directory, index, **domain)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    make(sys.argv[1], sys.argv[2])
