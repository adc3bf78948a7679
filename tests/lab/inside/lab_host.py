# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the scenarios use inside a lab: the host of tests/hypervisor, but with the libvirtd that systemd runs, and
kvm-tune as it is installed."""

import glob
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, "/lab/hypervisor")
# pylint: disable=wrong-import-position,unused-import
from host import KSM, Host, chosen, cpus, host_values, put_back, read, wait_for, write

GUEST = "/var/lib/kvm-tune-lab"
# While a scenario is being written: its guests stay, and its next run takes them up as they are.
KEEP = "KT_LAB_KEEP" in os.environ
# The root file system of the Debian guest.
DEBIAN = "/dev/vdb"
IMAGES = "/var/lib/libvirt/images"
# How often a guest is started that says nothing.
STARTS = 3
STATE = "/var/lib/kvm-tune"
NODES = "/sys/devices/system/node"


def show(*words):
    """Evidence: what somebody reads who asks how this is known."""
    print("   ", *words, flush=True)


def command(*words, check=True, seconds=180):
    result = subprocess.run(words, capture_output=True, text=True, check=False, timeout=seconds, stdin=subprocess.DEVNULL)
    if check and result.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout.strip()


def nodes():
    return sorted(int(re.search(r"\d+$", path).group()) for path in glob.glob(f"{NODES}/node[0-9]*"))


def node_cpus(node):
    return cpus(read(f"{NODES}/node{node}/cpulist"))


def node_of(cpu):
    return next(node for node in nodes() if cpu in node_cpus(node))


def shared_cache(cpu):
    """The CPUs that share the last level of cache with this one, from the kernel."""
    return frozenset(cpus(read(f"/sys/devices/system/cpu/cpu{cpu}/cache/index3/shared_cpu_list")))


def listed(numbers):
    return ",".join(map(str, sorted(numbers)))


def threads_named(prefix):
    """Every thread of this host with such a name: (pid, name)."""
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            name = read(path)
        except OSError:
            continue
        if name.startswith(prefix):
            yield int(path.split("/")[2]), name


def allowed(path):
    return cpus(re.search(r"Cpus_allowed_list:\s*(\S+)", read(f"{path}/status")).group(1))


class LabHost(Host):
    """This lab. Domains are named kt-…; all of them go at the end, and at the beginning, but where @clear is False."""

    def __init__(self, clear=True):  # pylint: disable=super-init-not-called
        self.directory, self.state, self.uri = IMAGES, STATE, "qemu:///system"
        self.kvm_tune = "kvm-tune"
        self.saved = host_values()
        if clear:
            self.clear()

    def close(self):
        self.clear()
        put_back(self.saved)

    def clear(self):
        if KEEP:
            self.tune("rollback", "--all", "--yes")
            return
        for name in self.virsh("list", "--all", "--name").split():
            self._tool_virsh("destroy", name, check=False)
            self._tool_virsh("undefine", "--managed-save", name)
        shutil.rmtree(STATE, ignore_errors=True)

    # --- what runs the domains ---

    @staticmethod
    def _tool_virsh(*arguments, check=True):
        return command("virsh", "--quiet", "-c", "qemu:///system", *arguments, check=check)

    def _hypervisor(self, verb, *arguments, check=True):
        raise NotImplementedError("systemd runs the lab's libvirtd")

    def virsh(self, *arguments):
        return self._tool_virsh(*arguments)

    def define(self, name, *options, transient=False, directory=IMAGES):
        """@directory: where its disk is, in one of its own."""
        if KEEP and self._tool_virsh("domstate", name, check=False):
            return
        image = os.path.join(directory, name, "disk.raw")
        os.makedirs(os.path.dirname(image), exist_ok=True)
        # Where QEMU makes its socket, as the user that libvirt runs it as.
        shutil.chown(os.path.dirname(image), "libvirt-qemu")
        command("cp", "--sparse=always", DEBIAN if "--root" in options else f"{GUEST}/disk.raw", image)
        xml = self._tool("domain-xml", name, "--type", "kvm", "--machine", "pc", "--guest", GUEST, "--image", image,
                         *options).stdout
        self.define_xml(name, xml, transient)

    def define_xml(self, name, xml, transient=False):
        path = os.path.join(IMAGES, f"{name}.xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(xml)
        self.virsh("create" if transient else "define", path)

    def boot_all(self, *names):
        """At once: each waits for its turn on the machine's few CPUs anyway."""
        started = [name for name in names if self.virsh("domstate", name) != "running"]
        for name in started:
            self.virsh("start", name)
        for name in names:
            self.wait_booted(name, starts=STARTS if name in started else 1)

    @property
    def control(self):
        return "/run/kvm-tune/control"

    def wait_ready(self, name):
        self._tool("guest", "-c", self.uri, "-t", "300", "wait-ready", name, timeout=330)

    def wait_booted(self, name, starts):
        """One that says nothing at all after its start gets another one: under QEMU 7.2's SVM one now and then hangs at its
        boot."""
        for _ in range(starts - 1):
            try:
                return self.wait_ready(name)
            except RuntimeError as error:
                if "heard: []" not in str(error):
                    raise
            show(f"{name} said nothing after its start, its CPUs are at {self.instructions(name)}: started anew")
            self.virsh("destroy", name)
            self.virsh("start", name)
        return self.wait_ready(name)

    def instructions(self, name):
        """Where each of the guest's CPUs is, and whether it halts."""
        registers = self._tool_virsh("qemu-monitor-command", name, "--hmp", "info registers -a", check=False)
        return re.findall(r"\b(?:RIP|EIP|HLT)=\w+", registers)

    def boot(self, name):
        self.boot_all(name)

    # --- what the kernel says ---

    def pid(self, name):
        return int(read(f"/run/libvirt/qemu/{name}.pid"))

    def scope(self, name):
        """The directory of the domain's cgroup: the scope that machined made for it."""
        path = re.search(r"^0::(.*?\.scope)", read(f"/proc/{self.pid(name)}/cgroup"), re.MULTILINE).group(1)
        return f"/sys/fs/cgroup{path}/libvirt"

    def cgroup_cpus(self, name, group):
        return cpus(read(f"{self.scope(name)}/{group}/cpuset.cpus"))

    def vhost_threads(self, name):
        """The kernel's workers for the domain's NICs: thread → affinity."""
        return {pid: allowed(f"/proc/{pid}") for pid, comm in threads_named("vhost-")
                if comm == f"vhost-{self.pid(name)}"}

    def vcpu_sets(self, name):
        threads = {key: value for key, value in self.affinity(name).items() if key.startswith("CPU ")}
        return [threads[key] for key in sorted(threads)]

    def iothread_sets(self, name):
        return [value for key, value in self.affinity(name).items() if key.startswith("IO iothread")]

    def ram(self, name, mib):
        """Node → KiB of the guest's RAM, from numa_maps: the biggest mapping is it."""
        largest = {}
        for line in read(f"/proc/{self.pid(name)}/numa_maps").splitlines():
            size = int(re.search(r"kernelpagesize_kB=(\d+)", line).group(1)) if "kernelpagesize_kB" in line else 4
            found = {int(node): int(pages) * size for node, pages in re.findall(r"\bN(\d+)=(\d+)", line)}
            if sum(found.values()) > sum(largest.values()):
                largest = found
        if sum(largest.values()) > mib * 1024:
            raise RuntimeError(f"{name}: a mapping of {largest} KiB is not its {mib} MiB of RAM")
        return largest

    def move_memory(self, name, node):
        """All of the guest's to this node, where it stays. What is in use at the moment doesn't move: once more, then."""
        write("/proc/sys/kernel/numa_balancing", "0")

        def moved():
            command("migratepages", str(self.pid(name)), "all", str(node))
            anonymous = [line for line in read(f"/proc/{self.pid(name)}/numa_maps").splitlines() if " anon=" in line]
            pages = [(int(where), int(count)) for line in anonymous for where, count in re.findall(r"\bN(\d+)=(\d+)", line)]
            return sum(count for where, count in pages if where != node) * 100 < sum(count for _, count in pages)

        if not wait_for(moved, 60):
            raise RuntimeError(f"{name}: its memory doesn't move to node {node}")

    # --- kvm-tune, as installed ---

    def profile(self, text):
        path = "/root/test.conf"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def command(self, *arguments):
        return [self.kvm_tune, *arguments]


class Scenario(unittest.TestCase):
    """A scenario: one lab, its domains gone afterwards."""

    @classmethod
    def setUpClass(cls):
        cls.host = LabHost()
        cls.addClassCleanup(cls.host.close)

    def tune(self, *arguments, codes=(0,), timeout=180):
        """Runs kvm-tune, which must end with one of these exit codes."""
        result = self.host.tune(*arguments, timeout=timeout)
        self.assertIn(result.code, codes, result)
        return result
