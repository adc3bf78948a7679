# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many small real guests: a process, threads and a cgroup each, and paused no CPU."""

import re


def define_guests(host, count, vcpus):
    """Defines them; their names. They share one image, which none may write, and have no console of their own."""
    names = [f"kt-bench-{index}" for index in range(count)]
    host.define(names[0], "--type", "qemu", "--vcpus", str(vcpus), "--memory", "32")
    template = re.sub(r"<(serial|console) .*?</\1>", "", host.definition(names[0]), flags=re.DOTALL)
    template = template.replace("<target dev='vda' bus='virtio'/>", "<target dev='vda' bus='virtio'/><readonly/>")
    for index, name in enumerate(names):
        xml = template.replace(f"{names[0]}<", f"{name}<")
        if index > 0:
            xml = re.sub(r"<uuid>.*?</uuid>", f"<uuid>00000000-0000-4000-8000-{index:012x}</uuid>", xml)
        host.define_xml(name, xml)
    return names


def start_guests(host, names):
    for name in names:
        host.virsh("start", "--paused", name)
