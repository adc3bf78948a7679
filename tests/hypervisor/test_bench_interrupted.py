# SPDX-License-Identifier: LGPL-2.1-or-later
"""A benchmark that is interrupted anywhere: host and guest end as they began, or `rollback` is named and does it.

    KT_POINTS=4 KT_SEED=9 tests/hypervisor/run-test KVM-TUNE bench_interrupted

At ten random points, or so many; the seed is printed, and gives the same points again.
"""

import os
import random
import signal
import subprocess
import time
import unittest

from host import HERE, open_host

POINTS = int(os.environ.get("KT_POINTS", "10"))
SEED = int(os.environ.get("KT_SEED", "0")) or random.randrange(1, 1 << 31)
GUEST = "kt-cut"
WORKLOAD = os.path.join(HERE, "ping-pong.conf")
# Something of each kind: a file of /sys, live threads and their weight, the definition.
PROFILE = """
[host]
thp.shmem = {}
[domain kt-cut]
cpu.weight = 50 %
cpu.emulator = 0
disk.cache = none
"""
# Of these 30 seconds most are in runs, some in switching the arms; an arm lasts two or four runs.
LATEST = 30
GOES_ON = 15
BY_ITSELF = 400  # until it ends: a guest that is gone is waited for two minutes


class Interrupted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup)
        cls.host.define(GUEST, "--vcpus", "2", "--nic", "none")
        cls.host.boot(GUEST)
        shmem = cls.host.picture()["/sys/kernel/mm/transparent_hugepage/shmem_enabled"]
        cls.profile = cls.host.profile(PROFILE.format("advise" if shmem != "advise" else "never"))

    def signalled(self, process):
        process.send_signal(signal.SIGINT)

    def killed(self, process):
        process.kill()

    def without_guest(self, _):
        self.host.virsh("destroy", GUEST)

    def without_libvirtd(self, process):
        """Where it was in a run it goes on; else it ends."""
        self.host.kill_libvirtd()
        self.host.start_libvirtd()
        try:
            process.wait(GOES_ON)
        except subprocess.TimeoutExpired:
            self.signalled(process)

    def picture(self):
        """Its weight is in no thread's affinity."""
        return self.host.picture(GUEST), self.host.virsh("schedinfo", GUEST)

    def interrupt(self, way, delay):
        """What kvm-tune said, and whether it was on its own that all is as before."""
        command = self.host.command("bench", self.profile, "--workload", WORKLOAD, "--blocks", "50", "--seed", "5", "--yes")
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            time.sleep(delay)
            self.assertIsNone(process.poll(), "it has ended by itself")
            way(process)
            said = "".join(process.communicate(timeout=BY_ITSELF))
        self.host.boot(GUEST)
        return process.returncode, said

    def check(self, way, delay):
        before = self.picture()
        code, said = self.interrupt(way, delay)
        alone = self.picture() == before
        if way == self.signalled:
            self.assertEqual((code, alone), (3, True), said)
        if not alone and way != self.killed:
            self.assertIn("rollback", said)
        undone = self.host.tune("rollback", "--yes")
        self.assertEqual(undone.code, 0, undone)
        self.assertEqual(self.picture(), before, said)
        return f"exit {code}, {'as it was' if alone else 'rolled back'}"

    def test_anywhere(self):
        chance = random.Random(SEED)
        print(f"KT_SEED={SEED}", flush=True)
        ways = [self.signalled, self.killed, self.without_guest, self.without_libvirtd]
        for number in range(POINTS):
            way, delay = ways[number % len(ways)], chance.uniform(2, LATEST)
            with self.subTest(way=way.__name__, delay=delay):
                print(f"{way.__name__} after {delay:.1f} s: {self.check(way, delay)}", flush=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
