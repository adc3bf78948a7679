# SPDX-License-Identifier: LGPL-2.1-or-later
"""A capture of a live host holds what the probes saw: a plan from it is the plan of the host, and its files say what
the kernel says. A hypervisor that isn't on this machine is planned with its own CPUs."""

import glob
import json
import os
import shutil
import sqlite3
import subprocess
import unittest

from host import KSM, Result, chosen, open_host, read

KVM_TUNE = os.environ["KVM_TUNE"]
EVERYTHING = """
[host]
thp.enabled = always
thp.defrag = defer
ksm.mode = on
ksm.pages-to-scan = 333
ksm.sleep = 33ms
ksm.max-cpu = 33%
ksm.merge-across-nodes = no
hugepages.2M = 3
numa-balancing = yes
halt-poll = 33us
services = housekeeping
housekeeping = 0

[domain *]
cpu.placement = shared-cache
cpu.emulator = auto
cpu.iothreads = near
cpu.weight = 200%
memory.numa = follow-cpu
memory.ksm = no
disk.cache = none
disk.io = auto
nic.model = virtio
"""
# What changes by itself between the two looks: what is compared needn't be the same in these.
MOVING = ("load", "memory_share")


def steady(plan):
    for domain in plan["domains"]:
        for key in MOVING:
            domain.pop(key, None)
    for key in ("cost", "cost_before"):
        plan.pop(key, None)
    return plan


class Capture(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup)
        cls.host.define("kt-cap-on", "--vcpus", "2", "--nic", "e1000", "--iothreads", "1")
        cls.host.define("kt-cap-off", "--vcpus", "1", "--nic", "virtio")
        cls.host.boot("kt-cap-on")

    def setUp(self):
        self.capture = os.path.join(self.host.directory, "capture")
        self.addCleanup(shutil.rmtree, self.capture, True)

    def run_at(self, where, *arguments):
        """kvm-tune at a place of its own: --capture DIR, -c URI."""
        return Result(subprocess.run([KVM_TUNE, *arguments, *where], capture_output=True, text=True, check=False,
                                     timeout=180, stdin=subprocess.DEVNULL))

    def plans(self, where, profile):
        """The plan of what runs there, and the capture's."""
        live = self.run_at(where, "plan", profile, "--json")
        self.assertIn(live.code, (0, 2), live)
        captured = self.run_at(["--capture", self.capture], "plan", profile, "--json")
        self.assertEqual(captured.code, live.code, captured)
        return steady(live.json), steady(captured.json)

    def take(self, where=None):
        taken = self.run_at(where or ["-c", self.host.uri], "capture", self.capture)
        self.assertEqual(taken.code, 0, taken)

    def test_same_plan(self):
        self.take()
        for profile in [self.host.profile(EVERYTHING), "balanced", "latency", "throughput", "density"]:
            with self.subTest(profile=os.path.basename(profile)):
                live, captured = self.plans(["-c", self.host.uri], profile)
                self.assertEqual(captured, live)

    def load_of(self, where, profile):
        plan = self.run_at(where, "plan", profile, "--json").json
        return next(domain["load"] for domain in plan["domains"] if domain["name"] == "kt-cap-on")

    def test_measured_load(self):
        """What a daemon has measured counts for verbs beside it, and in a capture; not for another run of the guest."""
        self.addCleanup(shutil.rmtree, self.host.state, True)
        profile = self.host.profile("[domain kt-cap-on]\ncpu.placement = shared-cache\n")
        self.assertEqual(self.host.tune("apply", profile, "--yes").code, 0)
        self.take()
        with open(f"{self.capture}/domains/kt-cap-on.stats.json", encoding="utf-8") as file:
            process = json.load(file)["process"]
        uuid = self.host.virsh("domuuid", "kt-cap-on")
        here = ["-c", self.host.uri, "--state-dir", self.host.state]
        for of, load in ((process, [0.3, 0.3]), ("1:1", None)):
            with sqlite3.connect(f"{self.host.state}/state.db") as journal:
                journal.execute("INSERT OR REPLACE INTO loads VALUES (?, ?, 2, 310000)", (uuid, of))
            journal.close()
            shutil.rmtree(self.capture)
            self.take(here)
            measured = self.load_of(here, profile)
            self.assertEqual(measured == [0.3, 0.3], load is not None, measured)
            self.assertEqual(self.load_of(["--capture", self.capture], profile), measured)

    def test_files_say_what_the_kernel_says(self):
        self.take()
        for path in [f"{KSM}/sleep_millisecs", "/sys/kernel/mm/transparent_hugepage/enabled", "/proc/cmdline",
                     "/proc/sys/kernel/osrelease", "/proc/sys/kernel/numa_balancing",
                     *glob.glob("/sys/kernel/mm/hugepages/*/nr_hugepages"),
                     *glob.glob("/sys/devices/system/node/node*/hugepages/*/nr_hugepages"),
                     *glob.glob("/sys/fs/cgroup/cpuset/machine/cpuset.cpus")]:
            if os.path.exists(path):
                self.assertEqual(chosen(read(self.capture + path)), chosen(read(path)), path)

    def test_only_what_probes_read(self):
        """Not the places where this host keeps its data, nor its processes."""
        self.take()
        types = {line.split()[2] for line in read(self.capture + "/proc/mounts").splitlines()}
        self.assertLessEqual(types, {"cgroup", "cgroup2", "hugetlbfs"})
        processes = {read(path) for path in glob.glob(self.capture + "/proc/[0-9]*/comm")}
        processes.discard(read("/proc/1/comm"))
        self.assertLessEqual(processes, {"ksmtuned", "momd", "numad", "tuned", "irqbalance", "nova-compute", "virt-handler"})

    def test_remote_host(self):
        """libvirt's test driver has two nodes of eight CPUs, whatever this machine has."""
        there = ["-c", "test:///default"]
        self.take(there)
        live, captured = self.plans(there, self.host.profile(EVERYTHING))
        self.assertEqual(captured, live)
        self.assertEqual((live["host"]["cpus"], live["host"]["numa_nodes"]), (16, 2))
        touched = [action for action in live["actions"] if action["target"] == "host"]
        self.assertEqual(touched, [], json.dumps(touched))
        refused = {refusal["setting"]: refusal["reason"] for refusal in live["refused"] if refusal["target"] == "host"}
        self.assertIn("another host", refused["ksm.mode"])
        self.assertFalse(os.path.exists(self.capture + "/sys/kernel/mm/ksm"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
