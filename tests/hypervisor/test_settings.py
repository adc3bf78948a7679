# SPDX-License-Identifier: LGPL-2.1-or-later
"""Settings that no other module sets, on this machine's kernel and two real guests of one vCPU each."""

import os
import re
import shutil
import unittest

from host import chosen, cpus, host_values, may_write, open_host, put_back, read

THP = "/sys/kernel/mm/transparent_hugepage"
GUESTS = ("kt-one", "kt-two")


class Settings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if len(os.sched_getaffinity(0)) < 2:
            raise unittest.SkipTest("needs two CPUs")
        cls.host = open_host(cls.addClassCleanup)
        for guest in GUESTS:
            cls.host.define(guest, "--vcpus", "1", "--nic", "none")
            cls.host.boot(guest)

    def setUp(self):
        self.addCleanup(put_back, host_values())
        self.addCleanup(shutil.rmtree, self.host.state, True)
        self.addCleanup(self.host.tune, "rollback", "--all", "--yes")
        self.before = self.host.picture(*GUESTS)

    def apply(self, text):
        """Applies the profile; nothing of it is left to do. What was refused."""
        profile = self.host.profile(text)
        applied = self.host.tune("apply", profile, "--yes", "--json")
        self.assertEqual(applied.code, 0, applied)
        self.assertEqual(self.host.tune("plan", profile).code, 0)
        return applied.json["refused"]

    def roll_back(self):
        undone = self.host.tune("rollback", "--yes")
        self.assertEqual(undone.code, 0, undone)
        self.assertEqual(self.host.picture(*GUESTS), self.before)

    def another(self, file, words):
        path = f"{THP}/{file}"
        if not may_write(path):
            self.skipTest(f"this kernel lets nobody write {path}")
        return next(word for word in words if word != chosen(read(path)))

    def test_thp_defrag_and_shmem(self):
        defrag = self.another("defrag", ["defer", "defer+madvise"])
        shmem = self.another("shmem_enabled", ["advise", "within_size"])
        self.apply(f"[host]\nthp.defrag = {defrag}\nthp.shmem = {shmem}\n")
        self.assertEqual((chosen(read(f"{THP}/defrag")), chosen(read(f"{THP}/shmem_enabled"))), (defrag, shmem))
        self.roll_back()

    def test_placement_none(self):
        """What is pinned floats again, at once and at the next boot."""
        everywhere = self.host.affinity("kt-one")["CPU 0"]
        self.host.virsh("vcpupin", "kt-one", "0", "1", "--live", "--config")
        self.addCleanup(self.host.virsh, "vcpupin", "kt-one", "0", "0-1", "--live", "--config")
        self.before = self.host.picture(*GUESTS)
        self.assertEqual(self.host.affinity("kt-one")["CPU 0"], {1})
        self.apply("[domain kt-one]\ncpu.placement = none\n")
        self.assertEqual(self.host.affinity("kt-one")["CPU 0"], everywhere)
        self.assertNotIn("vcpupin", self.host.definition("kt-one"))
        self.roll_back()

    def test_emulator_list(self):
        self.apply("[domain kt-one]\ncpu.emulator = 1\n")
        self.assertEqual(self.host.affinity("kt-one")["emulator"], {1})
        self.assertEqual(self.host.cgroup_cpus("kt-one", "emulator"), {1})
        self.assertIn("<emulatorpin cpuset='1'/>", self.host.definition("kt-one"))
        self.roll_back()

    def test_priority(self):
        """There is room for one CPU of one's own: the greater number has it."""
        for first, second in (GUESTS, GUESTS[::-1]):
            with self.subTest(first=first):
                refused = self.apply("[host]\nhousekeeping = 0\n[domain *]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n"
                                     f"[domain {first}]\npriority = 5\n")
                self.assertEqual({entry["target"] for entry in refused}, {f"domain:{second}"})
                own = self.host.affinity(first)["CPU 0"]
                self.assertEqual(len(own), 1)
                pin = re.search(r"<vcpupin vcpu='0' cpuset='([^']*)'", self.host.definition(first)).group(1)
                self.assertEqual(cpus(pin), own)
                self.roll_back()


if __name__ == "__main__":
    unittest.main(verbosity=2)
