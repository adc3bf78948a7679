# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory settings on real guests: what libvirt staged, what QEMU was started with, what the kernel says of its pages."""

import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from host import open_host, read, write

NODE = "/sys/devices/system/node/node0"
POOL = f"{NODE}/hugepages/hugepages-2048kB"
MIB = 128
PAGES = MIB // 2


def node_meminfo(key):
    """KiB."""
    return int(re.search(rf"{key}:\s*(\d+)", read(f"{NODE}/meminfo")).group(1))


class Pool:
    """The pool of 2 MiB pages of node 0, put back as it was."""

    def __init__(self):
        self.before = self.total()

    @staticmethod
    def total():
        return int(read(f"{POOL}/nr_hugepages"))

    @staticmethod
    def used():
        return Pool.total() - int(read(f"{POOL}/free_hugepages"))

    def put_back(self):
        write(f"{POOL}/nr_hugepages", str(self.before))


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(POOL):
            raise unittest.SkipTest("this kernel has no 2 MiB pages on node 0")
        cls.mount_hugetlbfs()
        cls.host = open_host(cls.addClassCleanup)
        cls.host.define("kt-memory", "--vcpus", "1", "--memory", str(MIB), "--nic", "none")
        cls.host.boot("kt-memory")

    @classmethod
    def mount_hugetlbfs(cls):
        """libvirtd finds what is mounted when it starts, kvm-tune what is mounted now."""
        directory = tempfile.mkdtemp(prefix="kt-huge-", dir="/tmp")
        cls.addClassCleanup(os.rmdir, directory)
        command = ["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", directory]
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            raise unittest.SkipTest(f"no hugetlbfs: {mounted.stderr.strip()}")
        cls.addClassCleanup(subprocess.run, ["umount", directory], check=True)

    def setUp(self):
        self.pool = Pool()
        self.definition = self.host.definition("kt-memory")
        self.addCleanup(self.pool.put_back)
        self.addCleanup(shutil.rmtree, self.host.state, True)
        self.addCleanup(self.host.tune, "rollback", "--all", "--yes")

    # --- what the kernel says ---

    def ram(self):
        """The mapping of the guest's RAM: the lines of smaps as a dictionary."""
        with open(f"/proc/{self.host.pid('kt-memory')}/smaps", encoding="utf-8") as file:
            mappings = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", file.read(), flags=re.MULTILINE)
        parsed = [dict(re.findall(r"^(\w+):\s+(.*?)\s*$", mapping, re.MULTILINE)) for mapping in mappings[1:]]
        return next(mapping for mapping in parsed if mapping["Size"] == f"{MIB * 1024} kB")

    def command_line(self):
        return read(f"/proc/{self.host.pid('kt-memory')}/cmdline").replace("\0", " ")

    # --- kvm-tune ---

    def apply(self, text):
        profile = self.host.profile(text)
        result = self.host.tune("apply", profile, "--yes", "--json")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.json["refused"], [], result)
        again = self.host.tune("plan", profile)
        self.assertEqual(again.code, 0, again)
        return profile

    def pending(self, profile):
        verified = self.host.tune("verify", profile, "--json")
        self.assertEqual(verified.code, 0, verified)
        return {entry["setting"]: (entry["live"], entry["staged"]) for entry in verified.json["pending"]}

    def roll_back(self):
        result = self.host.tune("rollback", "--yes")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(self.host.definition("kt-memory"), self.definition)

    def refused(self, text):
        """Setting → reason of what a plan refuses; it does nothing of it."""
        planned = self.host.tune("plan", self.host.profile(text), "--json")
        self.assertEqual((planned.code, planned.json["actions"]), (0, []), planned)
        return {entry["setting"]: entry["reason"] for entry in planned.json["refused"]}

    # --- tests ---

    def test_backing_with_its_pool(self):
        used = Pool.used()
        profile = self.apply("[host]\nhugepages.2M = auto\n[domain *]\nmemory.backing = hugepages-2M\n")
        self.assertEqual(Pool.total(), used + PAGES)
        self.assertIn("<page size='2048' unit='KiB'/>", self.host.definition("kt-memory"))
        self.assertEqual(list(self.pending(profile)), ["memory.backing"])
        self.assertEqual(self.ram()["KernelPageSize"], "4 kB")

        self.host.power_cycle("kt-memory")
        ram = self.ram()
        self.assertEqual(ram["KernelPageSize"], "2048 kB")
        self.assertIn(f"{MIB * 1024} kB", (ram["Private_Hugetlb"], ram["Shared_Hugetlb"]))
        self.assertEqual(Pool.used(), used + PAGES)
        self.assertEqual(self.pending(profile), {})
        self.assertEqual(self.host.tune("plan", profile).code, 0)

        # The guest keeps its pages until it is powered off; then they go, nobody asks for them any more.
        self.roll_back()
        self.assertEqual(Pool.used(), used + PAGES)
        self.host.power_cycle("kt-memory")
        self.assertEqual(self.ram()["KernelPageSize"], "4 kB")
        self.assertEqual(Pool.total(), self.pool.before)

    PAUSED = "[host]\nhugepages.2M = auto\n[domain *]\nmemory.backing = hugepages-2M\ndisruption = pause\n"

    def assert_on(self, page):
        """The same guest, on pages of that size: what it had in memory is still there."""
        self.assertEqual(self.ram()["KernelPageSize"], page)
        self.assertIn(("sum", {"md5": self.sum}), self.host.ask("kt-memory", "sum"))

    def fill(self):
        self.host.ask("kt-memory", "fill 8")
        self.sum = dict(self.host.ask("kt-memory", "sum"))["sum"]["md5"]

    def benchmark(self):
        """How long the guest takes for its memory, printed: under emulation it isn't what pages decide."""
        start = time.monotonic()
        for _ in range(3):
            self.host.ask("kt-memory", "sum")
        return f"{time.monotonic() - start:.2f} s"

    def test_backing_of_a_running_guest(self):
        """Onto huge pages and back without a boot."""
        self.fill()
        used, pid = Pool.used(), self.host.pid("kt-memory")
        self.assert_on("4 kB")
        before = self.benchmark()
        profile = self.apply(self.PAUSED)
        self.assertNotEqual(self.host.pid("kt-memory"), pid)
        self.assert_on("2048 kB")
        self.assertIn(f"{MIB * 1024} kB", (self.ram()["Private_Hugetlb"], self.ram()["Shared_Hugetlb"]))
        self.assertEqual((Pool.total(), Pool.used()), (used + PAGES, used + PAGES))
        self.assertEqual(self.pending(profile), {})
        print(f"3 sums of 8 MiB: {before} on 4 KiB pages, {self.benchmark()} on 2 MiB pages")

        self.roll_back()
        self.assert_on("4 kB")
        self.assertEqual((Pool.total(), Pool.used()), (self.pool.before, used))

    def test_pages_are_held_while_it_is_away(self):
        """Nobody else gets them between the look at them and the guest's return."""
        write(f"{POOL}/nr_hugepages", str(Pool.used() + PAGES))
        pid, free = self.host.pid("kt-memory"), set()
        command = self.host.command("apply", self.host.profile(self.PAUSED), "--yes")
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True) as process:
            while os.path.exists(f"/proc/{pid}") and process.poll() is None:
                free.add(Pool.total() - Pool.used())
                time.sleep(0.005)
            said = process.communicate()[0]
        self.assertEqual(process.returncode, 0, said)
        self.assertEqual((min(free), max(free)), (0, PAGES), "free while the guest still ran on its old pages")
        self.assertEqual(Pool.used(), Pool.total())

    def test_pages_gone_before_it_is_saved(self):
        """Somebody took them after the plan was made: then the guest isn't touched."""
        write(f"{POOL}/nr_hugepages", str(Pool.used() + PAGES))
        pid = self.host.pid("kt-memory")
        profile = self.host.profile("[domain *]\nmemory.backing = hugepages-2M\ndisruption = pause\n")
        result = self.host.tune_asked("apply", profile, meanwhile=self.pool.put_back)
        self.assertEqual(result.code, 3, result)
        self.assertIn(f"it needs {PAGES} huge pages of 2048 KiB", result.said)
        self.assertEqual(self.host.pid("kt-memory"), pid)
        self.assertEqual(self.ram()["KernelPageSize"], "4 kB")

    def test_pool_count(self):
        wanted = self.pool.before + 8
        self.apply(f"[host]\nhugepages.2M = 0:{wanted}\n")
        self.assertEqual(Pool.total(), wanted)
        self.roll_back()
        self.assertEqual(Pool.total(), self.pool.before)

    def test_pool_that_does_not_fit(self):
        free = node_meminfo("MemFree") // 1024
        reasons = self.refused(f"[host]\nhugepages.2M = 0:{free}\n")
        self.assertRegex(reasons["hugepages.2M"], rf"{(free - self.pool.before) * 2} MiB of node 0 are needed, \d+ MiB are free")
        reasons = self.refused(f"[host]\nmemory-reserve = {free}MiB\nhugepages.2M = 0:{self.pool.before + 64}\n")
        self.assertIn("128 MiB of node 0 are needed", reasons["hugepages.2M"])
        self.assertEqual(Pool.total(), self.pool.before)

    def test_partial_pool(self):
        """1 GiB in one piece is rare once a host has run: the kernel takes fewer pages than asked without a word. Then
        both numbers are named and what came goes back."""
        file = f"{NODE}/hugepages/hugepages-1048576kB/nr_hugepages"
        if not os.path.exists(file):
            self.skipTest("this kernel has no 1 GiB pages")
        before = read(file)
        self.addCleanup(write, file, before)
        wanted = int(before) + node_meminfo("MemFree") // 1024 // 1024
        result = self.host.tune("apply", self.host.profile(f"[host]\nhugepages.1G = 0:{wanted}\n"), "--yes")
        if result.code == 0:
            self.assertEqual(read(file), str(wanted))
            return
        self.assertEqual(result.code, 1, result)
        self.assertRegex(result.out, rf"wanted '{wanted}', found '\d+'")
        self.assertEqual(read(file), before)

    def test_backing_needs_a_pool(self):
        reasons = self.refused("[domain *]\nmemory.backing = hugepages-2M\n")
        self.assertIn("say hugepages.2M = auto", reasons["memory.backing"])

    def test_nosharepages(self):
        self.assertIn("mg", self.ram()["VmFlags"].split())
        profile = self.apply("[domain *]\nmemory.ksm = no\n")
        self.assertIn("<nosharepages/>", self.host.definition("kt-memory"))
        self.assertEqual(self.pending(profile), {"memory.ksm": (None, "no")})
        self.host.power_cycle("kt-memory")
        self.assertIn("mem-merge=off", self.command_line())
        self.assertNotIn("mg", self.ram()["VmFlags"].split())
        self.roll_back()
        self.host.power_cycle("kt-memory")
        self.assertIn("mg", self.ram()["VmFlags"].split())

    def test_numatune(self):
        profile = self.apply("[domain *]\nmemory.numa = 0\n")
        self.assertRegex(self.host.definition("kt-memory"), r"<memory mode='strict' nodeset='0'/>")
        self.assertEqual(self.host.virsh("numatune", "kt-memory", "--config").split()[-1], "0")
        self.assertEqual(self.pending(profile), {"memory.numa": (None, "strict 0")})
        self.host.power_cycle("kt-memory")
        self.assertIn("policy=bind", re.sub(r"[\"']policy[\"']:[\"']", "policy=", self.command_line()))
        self.assertEqual(self.pending(profile), {})
        self.roll_back()
        self.host.power_cycle("kt-memory")
        self.assertNotIn("bind", self.command_line())

    def test_absent_node(self):
        reasons = self.refused("[host]\nhugepages.2M = 77:1\n[domain *]\nmemory.numa = 77\n")
        self.assertIn("no memory node 77", reasons["memory.numa"])
        self.assertIn("no memory node 77", reasons["hugepages.2M"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
