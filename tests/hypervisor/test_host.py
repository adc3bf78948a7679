# SPDX-License-Identifier: LGPL-2.1-or-later
"""Host settings on this machine's own kernel: each value is read back from /sys, /proc or the cgroup, and put back."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import unittest

from host import KSM, chosen, host_values, may_write, open_host, put_back, read, wait_for, write
from killing import TRACED, killer

NUMA_BALANCING = "/proc/sys/kernel/numa_balancing"
HALT_POLL = "/sys/module/kvm/parameters/halt_poll_ns"
CPUSET = "/sys/fs/cgroup/cpuset"

# Holds 4096 pages that are all alike and says whether they still are when it is asked to.
TWINS = """
import mmap, sys
page = bytes(range(256)) * 16
memory = mmap.mmap(-1, 4096 * len(page), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
memory.madvise(mmap.MADV_MERGEABLE)
memory.write(page * 4096)
print("ready", flush=True)
sys.stdin.readline()
print(memory[:] == page * 4096, flush=True)
"""


class HostSettings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup)

    def setUp(self):
        self.addCleanup(put_back, host_values())
        self.addCleanup(shutil.rmtree, self.host.state, True)
        self.addCleanup(self.host.tune, "rollback", "--all", "--yes")

    def need(self, *paths):
        for path in paths:
            if not may_write(path):
                self.skipTest(f"this kernel lets nobody write {path}")

    def ksm(self, name):
        return chosen(read(f"{KSM}/{name}"))

    def apply(self, text):
        """Applies the profile; a second plan and verify find nothing to do."""
        profile = self.host.profile(text)
        applied = self.host.tune("apply", profile, "--yes", "--json")
        self.assertEqual(applied.code, 0, applied)
        self.assertEqual(self.host.tune("plan", profile).code, 0)
        self.assertEqual(self.host.tune("verify", profile).code, 0)
        return applied.json

    def roll_back(self, before):
        undone = self.host.tune("rollback", "--yes")
        self.assertEqual(undone.code, 0, undone)
        self.assertEqual(host_values(), before)

    def refusal(self, text, setting):
        planned = self.host.tune("plan", self.host.profile(text), "--json")
        self.assertEqual(planned.code, 0, planned)
        return next(refused["reason"] for refused in planned.json["refused"] if refused["setting"] == setting)


class Knobs(HostSettings):
    def test_ksm_parameters(self):
        self.need(f"{KSM}/pages_to_scan", f"{KSM}/sleep_millisecs")
        write(f"{KSM}/run", "0")
        before = host_values()
        self.apply("[host]\nksm.mode = on\nksm.pages-to-scan = 444\nksm.sleep = 55ms\n")
        self.assertEqual((self.ksm("pages_to_scan"), self.ksm("sleep_millisecs"), self.ksm("run")), ("444", "55", "1"))
        self.roll_back(before)

    def test_numa_balancing(self):
        self.need(NUMA_BALANCING)
        before = host_values()
        self.apply(f"[host]\nnuma-balancing = {'yes' if read(NUMA_BALANCING) == '0' else 'no'}\n")
        self.assertEqual(read(NUMA_BALANCING), "1" if before[NUMA_BALANCING] == "0" else "0")
        self.roll_back(before)

    def test_halt_poll(self):
        if not os.path.exists(HALT_POLL):
            self.assertIn("this kernel has no halt polling", self.refusal("[host]\nhalt-poll = 77us\n", "halt-poll"))
        elif not may_write(HALT_POLL):
            with self.assertRaises(PermissionError):
                write(HALT_POLL, "77000")
            self.assertIn("kvm.halt_poll_ns=", self.refusal("[host]\nhalt-poll = 77us\n", "halt-poll"))
        else:
            before = host_values()
            self.apply("[host]\nhalt-poll = 77us\n")
            self.assertEqual(read(HALT_POLL), "77000")
            self.roll_back(before)


class Advisor(HostSettings):
    def setUp(self):
        super().setUp()
        self.need(f"{KSM}/advisor_mode", f"{KSM}/advisor_max_cpu")

    def test_auto(self):
        """Pages to scan aren't drift while the advisor sets them, and come back although the kernel forgets them."""
        write(f"{KSM}/run", "0")
        write(f"{KSM}/advisor_mode", "none")
        write(f"{KSM}/pages_to_scan", "321")
        before = host_values()
        self.apply("[host]\nksm.mode = auto\nksm.max-cpu = 35%\n")
        self.assertEqual((self.ksm("advisor_mode"), self.ksm("advisor_max_cpu"), self.ksm("run")),
                         ("scan-time", "35", "1"))
        self.assertNotEqual(self.ksm("pages_to_scan"), "321")
        with self.assertRaises(OSError):
            write(f"{KSM}/pages_to_scan", "321")
        self.roll_back(before)
        self.assertEqual(self.ksm("pages_to_scan"), "321")

    def test_pages_to_scan_instead(self):
        write(f"{KSM}/run", "1")
        write(f"{KSM}/advisor_mode", "scan-time")
        before = host_values()
        self.assertIn("ksm.mode = on", self.refusal("[host]\nksm.pages-to-scan = 777\n", "ksm.pages-to-scan"))
        self.apply("[host]\nksm.mode = on\nksm.pages-to-scan = 777\n")
        self.assertEqual((self.ksm("advisor_mode"), self.ksm("pages_to_scan")), ("none", "777"))
        self.roll_back(before)
        self.assertEqual(self.ksm("advisor_mode"), "scan-time")

    def test_max_cpu_needs_advisor(self):
        write(f"{KSM}/advisor_mode", "none")
        self.assertIn("it is off", self.refusal("[host]\nksm.max-cpu = 35%\n", "ksm.max-cpu"))


class MergeAcrossNodes(HostSettings):
    def setUp(self):
        super().setUp()
        self.need(f"{KSM}/merge_across_nodes")
        self.wanted = "no" if self.ksm("merge_across_nodes") == "1" else "yes"
        self.text = f"[host]\nksm.merge-across-nodes = {self.wanted}\n"
        self.number = "1" if self.wanted == "yes" else "0"

    @contextlib.contextmanager
    def twins(self):
        """A process with merged pages, whose content is looked at again at the end."""
        write(f"{KSM}/pages_to_scan", "20000")
        write(f"{KSM}/sleep_millisecs", "5")
        write(f"{KSM}/run", "1")
        before = int(self.ksm("pages_sharing"))
        with subprocess.Popen([sys.executable, "-c", TWINS], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            try:
                self.assertTrue(wait_for(lambda: int(self.ksm("pages_sharing")) > before + 1000), "nothing is merged")
                yield
                self.assertEqual(process.communicate("\n")[0], "True\n")
            finally:
                process.kill()

    def test_with_merged_pages(self):
        with self.twins():
            before = host_values()
            with self.assertRaises(OSError):
                write(f"{KSM}/merge_across_nodes", self.number)
            self.apply(self.text)
            self.assertEqual((self.ksm("merge_across_nodes"), self.ksm("run")), (self.number, "1"))
            self.assertTrue(wait_for(lambda: int(self.ksm("pages_sharing")) > 1000), "nothing is merged anew")
            self.roll_back(before)

    def test_unmerge(self):
        with self.twins():
            before = host_values()
            self.apply("[host]\nksm.mode = unmerge\n")
            self.assertEqual((self.ksm("run"), self.ksm("pages_shared")), ("2", "0"))
            self.roll_back(before)
            self.assertTrue(wait_for(lambda: int(self.ksm("pages_sharing")) > 1000), "nothing is merged anew")

    def test_killed_at_each_write(self):
        """In `run` 2 and back, in merge_across_nodes once: of apply, then of its rollback."""
        if not shutil.which("strace"):
            self.skipTest("strace isn't installed")
        profile = self.host.profile(self.text)
        write(f"{KSM}/run", "0")
        before = host_values()
        kills = [("run", 1), ("merge_across_nodes", 1), ("run", 2)]
        for file, number in kills:
            with self.subTest(verb="apply", file=file, number=number):
                self.kill(["apply", profile, "--yes"], file, number)
                self.roll_back(before)
        for file, number in kills:
            with self.subTest(verb="rollback", file=file, number=number):
                self.apply(self.text)
                self.kill(["rollback", "--yes"], file, number)
                self.roll_back(before)

    def kill(self, command, file, number):
        result = self.host.tune(*command, before=killer("write", number, f"{KSM}/{file}"), environment=TRACED)
        self.assertIn(result.code, (-9, 137), result)


class Services(HostSettings):
    PROFILE = "[host]\nhousekeeping = 0\nservices = housekeeping\n"

    def groups(self):
        """cpuset groups as services have them, a process in each; only where nobody has any."""
        if not os.path.exists(f"{CPUSET}/cpuset.cpus") or read("/proc/1/comm") == "systemd":
            self.skipTest("needs a cpuset hierarchy of cgroup version 1 without systemd")
        processes = {}
        for name in ("system.slice", "user.slice"):
            group = f"{CPUSET}/{name}"
            os.mkdir(group)
            self.addCleanup(os.rmdir, group)
            for file in ("cpuset.cpus", "cpuset.mems"):
                write(f"{group}/{file}", read(f"{CPUSET}/{file}"))
            process = subprocess.Popen(["sleep", "600"])
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            write(f"{group}/cgroup.procs", str(process.pid))
            processes[name] = process.pid
        return processes

    def seen(self, processes):
        """Group → its CPUs, and those of its process."""
        return {name: (read(f"{CPUSET}/{name}/cpuset.cpus"),
                       re.search(r"Cpus_allowed_list:\s*(\S+)", read(f"/proc/{pid}/status")).group(1))
                for name, pid in processes.items()}

    def test_confined(self):
        processes = self.groups()
        before = self.seen(processes)
        self.apply(self.PROFILE)
        self.assertEqual(self.seen(processes), {name: ("0", "0") for name in processes})
        self.roll_back(host_values())
        self.assertEqual(self.seen(processes), before)

    def test_none_there(self):
        if glob_services():
            self.skipTest("this host has groups of services")
        self.assertIn("no group of services", self.refusal(self.PROFILE, "services"))


def glob_services():
    roots = ("/sys/fs/cgroup", CPUSET, "/sys/fs/cgroup/unified")
    return [root for root in roots if os.path.exists(f"{root}/system.slice")]


class Contested(HostSettings):
    def setUp(self):
        super().setUp()
        write(f"{KSM}/run", "0")
        program = os.path.join(self.host.directory, "ksmtuned")
        shutil.copy(shutil.which("sleep"), program)
        self.rival = subprocess.Popen([program, "600"])
        self.addCleanup(self.rival.wait)
        self.addCleanup(self.rival.kill)
        self.assertTrue(wait_for(lambda: read(f"/proc/{self.rival.pid}/comm") == "ksmtuned"))

    def test_left(self):
        reason = self.refusal("[host]\nksm.mode = on\n", "ksm.mode")
        self.assertIn(f"ksmtuned, which runs (pid {self.rival.pid})", reason)
        self.assertIn("contested = take", reason)
        self.assertEqual(self.ksm("run"), "0")

    def test_taken(self):
        before = host_values()
        applied = self.apply("[host]\nksm.mode = on\ncontested = take\n")
        self.assertIn("taken from ksmtuned", applied["actions"][0]["reason"])
        self.assertEqual(self.ksm("run"), "1")
        self.roll_back(before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
