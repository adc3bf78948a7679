# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirtd restarted, gone or stopped in the middle, QEMU stopped: kvm-tune says so within a time limit, and what it
knows stays right."""

import contextlib
import os
import signal
import subprocess
import time
import unittest

from host import chosen, read
from killing import TRACED
from test_moves import DEFRAG, GUEST, Moves, setUpModule  # pylint: disable=unused-import

# What kvm-tune may take to find out that libvirtd says nothing: KT_OPEN_SECONDS, and the same by keepalive, and a loaded
# machine.
LIMIT = 45


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def limit(test, seconds):
    begin = time.monotonic()
    yield
    test.assertLess(time.monotonic() - begin, seconds)


class Libvirtd(Moves):
    def assert_untouched(self):
        """The run is told as failed, with nothing left of it; the next one does it all."""
        self.assertEqual(self.host.picture(GUEST), self.before)
        self.assertEqual(self.host.tune("rollback", "--yes").said, "nothing to undo")
        self.apply()
        self.roll_back()
        self.assertEqual(self.host.picture(GUEST), self.before)

    def test_restarted_between_plan_and_apply(self):
        def restart():
            self.host.kill_libvirtd()
            self.host.start_libvirtd()
        result = self.apply_while(restart, 1)
        self.assertIn(f"domain {GUEST}: cannot be looked up", result.said)
        self.assert_untouched()

    def test_gone_for_good(self):
        result = self.apply_while(self.host.kill_libvirtd, 1)
        try:
            self.assertIn(f"domain {GUEST}: cannot be looked up", result.said)
            self.assertEqual(chosen(read(DEFRAG)), self.before[DEFRAG])
            told = self.host.tune("plan", self.profile)
            self.assertEqual(told.code, 1, told)
            self.assertIn("systemctl start libvirtd", told.said)
            self.assertEqual(self.host.tune("history").code, 0)
        finally:
            self.host.start_libvirtd()
        self.assert_untouched()

    def test_hangs_between_plan_and_apply(self):
        with contextlib.ExitStack() as stack, limit(self, 2 * LIMIT):
            self.apply_while(lambda: stack.enter_context(stopped(self.host.libvirtd())), 1)
        self.assert_untouched()

    def test_hangs_from_the_beginning(self):
        with stopped(self.host.libvirtd()), limit(self, LIMIT):
            result = self.host.tune("apply", self.profile, "--yes")
        self.assertEqual(result.code, 1, result)
        self.assertIn("has said nothing for 20 s", result.said)
        self.assert_untouched()

    def test_gone_in_the_middle(self):
        """After the definition was changed: that stays in the journal, and the next rollback puts it back."""
        slow = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
                "inject=fdatasync:delay_enter=300ms"]
        command = self.host.command("apply", self.profile, "--yes")
        with subprocess.Popen([*slow, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=os.environ | TRACED) as process:
            path = os.path.join(self.host.directory, "etc", "qemu", f"{GUEST}.xml")
            while "cache='none'" not in read(path) and process.poll() is None:
                time.sleep(0.02)
            self.host.kill_libvirtd()
            said = process.communicate(timeout=120)[0]
        self.host.start_libvirtd()
        self.assertEqual(process.returncode, 3, said)
        self.assertIn("could not be undone", " ".join(said.split()))
        self.assertEqual(chosen(read(DEFRAG)), self.before[DEFRAG])
        self.roll_back()
        self.assert_untouched()


class Qemu(Moves):
    """The other guest is never held up by it."""

    @classmethod
    def setUpClass(cls):
        cls.host.define("kt-stopped", "--vcpus", "1", "--nic", "none")
        cls.host.virsh("start", "--paused", "kt-stopped")

    def setUp(self):
        super().setUp()
        stop = stopped(self.host.pid("kt-stopped"))
        stop.__enter__()  # pylint: disable=unnecessary-dunder-call
        self.addCleanup(stop.__exit__, None, None, None)

    @contextlib.contextmanager
    def somebody_waits(self):
        """As when another tool's question is already with the stopped QEMU: libvirt lets nobody else ask."""
        virsh = ["setsid", "--wait", "virsh", "-c", self.host.uri, "domstats", "--balloon", "kt-stopped"]
        with subprocess.Popen(virsh, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True) as process:
            time.sleep(1)
            self.assertIsNone(process.poll())
            try:
                yield
            finally:
                os.killpg(process.pid, signal.SIGKILL)

    def test_looking_does_not_wait(self):
        with self.somebody_waits():
            for verb in (["status"], ["plan", self.profile], ["check"]):
                with self.subTest(verb=verb[0]), limit(self, 15):
                    self.assertIn(self.host.tune(*verb).code, (0, 2))

    def test_others_are_done(self):
        with self.somebody_waits(), limit(self, 30):
            self.apply()
        self.roll_back()
        self.assertEqual(self.host.picture(GUEST), self.before)

    def test_hangs_with_a_job(self):
        """Only the step asks about a backup, and a QEMU that has one is asked itself: it may never answer."""
        os.kill(self.host.pid("kt-stopped"), signal.SIGCONT)
        directory = os.path.join(self.host.directory, "kt-stopped")
        description = os.path.join(directory, "backup.xml")
        with open(description, "w", encoding="utf-8") as file:
            file.write(f"""<domainbackup mode='pull'><server transport='unix' socket='{directory}/backup.sock'/>
                <disks><disk name='vda' type='file'><scratch file='{directory}/scratch.qcow2'/></disk></disks></domainbackup>""")
        self.host.virsh("backup-begin", "kt-stopped", description)
        self.addCleanup(self.host.virsh, "domjobabort", "kt-stopped")
        self.profile = self.host.profile("[domain kt-stopped]\ndisk.cache = none\ndisk.discard = unmap\n")
        with stopped(self.host.pid("kt-stopped")), limit(self, 40):
            result = self.apply(3)
        self.assertIn("its QEMU has not answered for 10 s", " ".join(result.said.split()))
        self.assertNotIn("cache='none'", self.host.definition("kt-stopped"))

    def test_its_own_changes(self):
        """Its disk is left, since nobody knows what is at work on it, and with it the rest of this guest."""
        self.profile = self.host.profile(f"""
[domain kt-stopped]
cpu.emulator = 0
disk.cache = none
[domain {GUEST}]
disk.cache = none
""")
        with self.somebody_waits(), limit(self, 90):
            result = self.apply(3)
            self.assertIn("disk vda: whether a block job is at work on it can't be told", result.said)
            self.assertIn("depends on an earlier change of this domain, which was not made", result.said)
            self.assertIn("cache='none'", self.host.definition(GUEST))
            self.assertNotIn("cache='none'", self.host.definition("kt-stopped"))
            self.roll_back()
        self.assertEqual(self.host.picture(GUEST), self.before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
