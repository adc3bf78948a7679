# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 at every durable write of apply and of rollback, on a real guest: rollback restores, and apply completes.

strace kills the built program itself, on entering the Nth call of a kind: no hooks in the product."""

import os
import shutil
import unittest

from host import Host, Skip, read

KVM_TUNE = os.environ["KVM_TUNE"]
KSM = "/sys/kernel/mm/ksm/run"
DEFRAG = "/sys/kernel/mm/transparent_hugepage/defrag"
# strace and the leak checker both want to be the tracer.
TRACED = {"ASAN_OPTIONS": "detect_leaks=0"}


def killer(call, number, path=None):
    where = ["-P", path] if path else []
    return ["strace", "-f", "-qq", "-o", "/dev/null", *where, "-e", f"trace={call}",
            "-e", f"inject={call}:signal=KILL:when={number}"]


class Killed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("strace"):
            raise unittest.SkipTest("strace isn't installed")
        try:
            cls.host = Host(KVM_TUNE)
        except Skip as reason:
            raise unittest.SkipTest(str(reason)) from None
        cls.addClassCleanup(cls.host.close)
        cls.host.define("kt-victim", "--vcpus", "1", "--nic", "e1000")
        cls.host.boot("kt-victim")

    def setUp(self):
        self.before = self.host.picture("kt-victim")
        defrag = "defer" if self.before[DEFRAG] != "defer" else "madvise"
        self.profile = self.host.profile(f"""
[host]
thp.defrag = {defrag}
ksm.mode = {'on' if read(KSM) == '0' else 'off'}
housekeeping = auto
[domain kt-victim]
cpu.placement = shared-cache
cpu.exclusive = yes
cpu.emulator = housekeeping
disk.cache = none
nic.model = virtio
guest.virtio = assume
""")

    def tearDown(self):
        self.host.tune("rollback", "--all", "--yes")
        shutil.rmtree(self.host.state, ignore_errors=True)

    def kill_everywhere(self, verb, call, path=None, prepare=lambda: None):
        """Kills at the 1st, 2nd, … call, until there is none left. Returns how often."""
        for number in range(1, 200):
            shutil.rmtree(self.host.state, ignore_errors=True)
            prepare()
            result = self.host.tune(*verb, before=killer(call, number, path), environment=TRACED)
            if result.code == 0:
                self.host.tune("rollback", "--all", "--yes")
                return number - 1
            with self.subTest(verb=verb[0], call=call, number=number):
                self.assertIn(result.code, (-9, 137), result)
                self.recover()
        raise RuntimeError("does not end")

    def recover(self):
        undone = self.host.tune("rollback", "--all", "--yes")
        self.assertEqual(undone.code, 0, undone)
        self.assertEqual(self.host.picture("kt-victim"), self.before)
        again = self.host.tune("rollback", "--all", "--yes")
        self.assertEqual(again.code, 0, again)
        applied = self.host.tune("apply", self.profile, "--yes")
        self.assertEqual(applied.code, 0, applied)
        self.assertEqual(self.host.tune("verify", self.profile).code, 0)
        undone = self.host.tune("rollback", "--all", "--yes")
        self.assertEqual(undone.code, 0, undone)
        self.assertEqual(self.host.picture("kt-victim"), self.before)

    def test_apply_at_each_durable_write(self):
        # A run, and for each of the four steps (two files, a define, the pins) a begin and an end.
        self.assertGreaterEqual(self.kill_everywhere(["apply", self.profile, "--yes"], "fdatasync"), 8)

    def test_apply_at_each_host_write(self):
        self.assertEqual(self.kill_everywhere(["apply", self.profile, "--yes"], "write", KSM), 1)
        self.assertEqual(self.kill_everywhere(["apply", self.profile, "--yes"], "write", DEFRAG), 1)

    def test_rollback_at_each_durable_write(self):
        def prepare():
            applied = self.host.tune("apply", self.profile, "--yes")
            self.assertEqual(applied.code, 0, applied)
        self.assertGreaterEqual(self.kill_everywhere(["rollback", "--yes"], "fdatasync", prepare=prepare), 8)

    def test_interrupted_run_is_told(self):
        self.host.tune("apply", self.profile, "--yes", before=killer("write", 1, KSM), environment=TRACED)
        told = self.host.tune("history")
        self.assertIn("interrupted", told.out + told.err, told)


if __name__ == "__main__":
    unittest.main(verbosity=2)
