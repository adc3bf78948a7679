# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host refuses: the kernel a value, the state directory its place, the system its rights. Each time it is said what
and why, the exit code is the right one, nothing is half done and nothing is lost.

strace lets the built program's own calls fail: no hooks in the product."""

import errno
import os
import shutil
import sqlite3
import subprocess
import unittest

from host import Result, chosen, open_host, put_back, read
from killing import TRACED

KSM = "/sys/kernel/mm/ksm/run"
DEFRAG = "/sys/kernel/mm/transparent_hugepage/defrag"
GUEST = "kt-refuses"
NOBODY = 65534


class Refuses(unittest.TestCase):
    host = None

    def setUp(self):
        self.addCleanup(put_back, {path: chosen(read(path)) for path in (KSM, DEFRAG)})
        self.addCleanup(shutil.rmtree, self.host.state, True)
        self.before = self.picture()
        self.defrag = "defer" if self.before[DEFRAG] != "defer" else "madvise"
        self.profile = self.host.profile(f"""
[host]
thp.defrag = {self.defrag}
ksm.mode = {'on' if self.before[KSM] == '0' else 'off'}
[domain {GUEST}]
disk.cache = none
""")

    def picture(self):
        return {KSM: chosen(read(KSM)), DEFRAG: chosen(read(DEFRAG)), GUEST: self.host.definition(GUEST)}

    def run_verb(self, code, *arguments, **how):
        result = self.host.tune(*arguments, **how)
        self.assertEqual(result.code, code, result)
        return result

    def assert_as_before(self):
        self.assertEqual(self.picture(), self.before)

    def assert_works(self):
        self.run_verb(0, "apply", self.profile, "--yes")
        self.run_verb(0, "verify", self.profile)
        self.run_verb(0, "rollback", "--yes")
        self.assert_as_before()


def setUpModule():  # pylint: disable=invalid-name
    if not shutil.which("strace"):
        raise unittest.SkipTest("strace isn't installed")
    Refuses.host = open_host(unittest.addModuleCleanup)
    Refuses.host.define(GUEST, "--vcpus", "1", "--nic", "none")
    # libvirt orders some devices anew when what it wrote is defined once more.
    Refuses.host.define_xml(GUEST, Refuses.host.definition(GUEST))


class Kernel(Refuses):
    def apply_refused(self, path, injection):
        strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", path, "-e", "trace=write", "-e",
                  f"inject=write:{injection}:when=1"]
        result = self.run_verb(1, "apply", self.profile, "--yes", before=strace, environment=TRACED)
        self.assertIn(path, result.said)
        self.assert_as_before()
        self.run_verb(0, "rollback", "--yes")
        return result.said

    def test_errors(self):
        for name in ("EINVAL", "EBUSY", "ENOMEM", "EROFS", "EPERM"):
            for path in (DEFRAG, KSM):
                with self.subTest(error=name, path=path):
                    self.assertIn(os.strerror(getattr(errno, name)), self.apply_refused(path, f"error={name}"))
                    shutil.rmtree(self.host.state, ignore_errors=True)
        self.assert_works()

    def test_short_write(self):
        said = self.apply_refused(DEFRAG, "retval=1")
        self.assertIn(f"only 1 of the {len(self.defrag)} bytes of '{self.defrag}' were taken", said)

    def test_write_that_does_nothing(self):
        """The kernel says that all went well, and holds another value: reading back tells."""
        said = self.apply_refused(DEFRAG, f"retval={len(self.defrag)}")
        self.assertIn(f"wanted '{self.defrag}', found '{self.before[DEFRAG]}'", said)

    def test_undo_refused(self):
        """What can't be put back stays in the journal, the rest goes back, and the next rollback goes on."""
        self.run_verb(0, "apply", self.profile, "--yes")
        strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", DEFRAG, "-e", "trace=write", "-e",
                  "inject=write:error=EBUSY"]
        result = self.run_verb(3, "rollback", "--yes", before=strace, environment=TRACED)
        self.assertIn(os.strerror(errno.EBUSY), result.said)
        self.assertEqual(self.picture(), self.before | {DEFRAG: self.defrag})
        self.run_verb(0, "rollback", "--yes")
        self.assert_as_before()


class StateDirectory(Refuses):
    def mount(self, *options):
        os.makedirs(self.host.state, mode=0o700, exist_ok=True)
        subprocess.run(["mount", *options, self.host.state], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.host.state], check=True)

    def test_full(self):
        """From nothing at all to enough: wherever it runs out, all is as before."""
        self.mount("-t", "tmpfs", "-o", "size=4k,mode=0700", "none")
        codes = []
        for kib in range(4, 200, 12):
            subprocess.run(["mount", "-o", f"remount,size={kib}k", self.host.state], check=True)
            with self.subTest(kib=kib):
                result = self.host.tune("apply", self.profile, "--yes")
                codes.append(result.code)
                if result.code == 0:
                    self.assertNotEqual(self.picture(), self.before)
                    break
                self.assertEqual(result.code, 1, result)
                self.assertRegex(result.said, "full|No space left")
                self.assert_as_before()
        self.assertEqual(codes[-1], 0)
        self.assertGreater(len(codes), 3)
        result = self.host.tune("rollback", "--all", "--yes")
        if result.code != 0:
            self.assertRegex(result.said, "full|No space left")
            subprocess.run(["mount", "-o", "remount,size=2m", self.host.state], check=True)
            self.run_verb(0, "rollback", "--all", "--yes")
        self.assert_as_before()

    def test_read_only(self):
        self.run_verb(0, "apply", self.profile, "--yes")
        after = self.picture()
        self.mount("--bind", self.host.state)
        subprocess.run(["mount", "-o", "remount,bind,ro", self.host.state], check=True)
        for verb in (["rollback", "--yes"], ["apply", self.profile, "--yes"]):
            result = self.run_verb(4, *verb)
            self.assertIn(self.host.state, result.err)
            self.assertIn(os.strerror(errno.EROFS), result.err)
        self.assertEqual(self.picture(), after)
        self.run_verb(0, "history")
        self.run_verb(0, "verify", self.profile)
        subprocess.run(["mount", "-o", "remount,bind,rw", self.host.state], check=True)
        self.run_verb(0, "rollback", "--yes")
        self.assert_as_before()

    def test_not_ours(self):
        os.mkdir(self.host.state, 0o700)
        os.chown(self.host.state, NOBODY, NOBODY)
        self.assertIn(f"belongs to user {NOBODY}", self.run_verb(4, "apply", self.profile, "--yes").err)
        os.chown(self.host.state, 0, 0)
        os.chmod(self.host.state, 0o770)
        self.assertIn("chmod go-w", self.run_verb(4, "apply", self.profile, "--yes").err)
        self.assert_as_before()


class Database(Refuses):
    def setUp(self):
        super().setUp()
        self.run_verb(0, "apply", self.profile, "--yes")
        self.after = self.picture()
        self.path = os.path.join(self.host.state, "state.db")
        with open(self.path, "rb") as file:
            self.content = file.read()

    def put(self, content):
        with open(self.path, "wb") as file:
            file.write(content)

    def assert_refused(self, *words):
        """By what would change something; put back it works as if nothing had been."""
        for verb in (["rollback", "--yes"], ["apply", self.profile, "--yes"]):
            result = self.run_verb(1, *verb)
            for word in (self.path, *words):
                self.assertIn(word, result.err)
        self.assertEqual(self.picture(), self.after)

    def tearDown(self):
        self.put(self.content)
        self.run_verb(0, "rollback", "--yes")
        self.assert_as_before()

    def test_newer_schema(self):
        with sqlite3.connect(self.path) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
        self.assert_refused("version 99", "a newer kvm-tune wrote it")
        self.assertIn("version 99", self.run_verb(1, "history").err)

    def test_older_schema(self):
        """An empty file is version 0: what every database begins as."""
        self.put(b"")
        self.run_verb(0, "history")
        self.assertEqual(os.path.getsize(self.path), 0)
        self.assertIn("nothing to undo", self.run_verb(0, "rollback", "--yes").said)
        self.assertEqual(self.picture(), self.after)

    def test_corrupted(self):
        page = int.from_bytes(self.content[16:18], "big")
        half = len(self.content) // page // 2 * page
        for name, content in (("no database", b"x" * len(self.content)),
                              ("header", b"\0" * 100 + self.content[100:]),
                              ("pages", self.content[:page] + b"\xff" * (len(self.content) - page)),
                              ("cut off", self.content[:half])):
            with self.subTest(damage=name):
                self.put(content)
                self.assert_refused("damaged", f"mv '{self.path}'")


class Rights(Refuses):
    def as_nobody(self, code, *arguments):
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *self.host.command(*arguments)]
        # Which lines it runs is root's to write down.
        uncounted = os.environ | {"LLVM_PROFILE_FILE": "/dev/null"}
        result = Result(subprocess.run(command, capture_output=True, text=True, check=False, timeout=180, env=uncounted,
                                       stdin=subprocess.DEVNULL))
        self.assertEqual(result.code, code, result)
        return result

    def test_not_root(self):
        os.chmod(self.host.directory, 0o755)
        self.addCleanup(os.chmod, self.host.directory, 0o700)
        result = self.as_nobody(4, "apply", self.profile, "--yes")
        self.assertIn("Permission denied", result.err)
        # With a place of their own for the journal it is libvirt that lets nobody in.
        os.mkdir(self.host.state, 0o700)
        os.chown(self.host.state, NOBODY, NOBODY)
        result = self.as_nobody(4, "apply", self.profile, "--yes")
        self.assertIn("libvirt", result.err)
        self.assert_as_before()

    def test_no_hypervisor(self):
        uri = f"qemu+unix:///system?socket={self.host.directory}/nobody"
        for verb in (["apply", self.profile, "--yes"], ["plan", self.profile]):
            result = self.run_verb(1, *verb, "-c", uri)
            self.assertIn("systemctl start libvirtd", result.err)
        told = self.run_verb(2, "check", "--json", "-c", uri)
        self.assertEqual([finding["state"] for finding in told.json["findings"] if finding["name"] == "libvirt"], ["bad"])
        self.assert_as_before()

    def test_emulation_only(self):
        """Without KVM all works; check says what it costs."""
        if "type='qemu'" not in self.host.definition(GUEST):
            self.skipTest("guests run under KVM here")
        self.host.virsh("start", "--paused", GUEST)
        self.addCleanup(self.host.virsh, "destroy", GUEST)
        findings = self.host.tune("check", "--json").json["findings"]
        found = next(finding for finding in findings if finding["name"] == "emulated guests")
        self.assertEqual((found["state"], found["found"]), ("warn", GUEST))
        self.assert_works()


if __name__ == "__main__":
    unittest.main(verbosity=2)
