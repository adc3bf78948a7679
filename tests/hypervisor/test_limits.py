# SPDX-License-Identifier: LGPL-2.1-or-later
"""apply and rollback with 64 MiB of memory and 64 descriptors; with less it says why not, and nothing is half done."""

import contextlib
import os
import subprocess
import unittest

from host import KSM, SOURCE, open_host, read

MEMORY_MIB = 64
DESCRIPTORS = 64
GROUP = "kt-limits"


def release_build():
    """The program as it is installed: sanitizers need more memory than all the rest."""
    subprocess.run([os.path.join(SOURCE, "tests", "build"), "release", "kvm-tune"], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(SOURCE, "build", "release", "kvm-tune")


@contextlib.contextmanager
def memory_group(mib):
    """A cgroup of so much memory, version 1 or 2; None where this machine lets nobody make one."""
    for parent, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        group = f"{parent}/{GROUP}-{os.getpid()}"
        try:
            os.mkdir(group)
        except OSError:
            continue
        try:
            with open(f"{group}/{limit}", "w", encoding="utf-8") as file:
                file.write(str(mib << 20))
            yield group
            return
        except OSError:
            continue
        finally:
            os.rmdir(group)
    yield None


def limited(descriptors=DESCRIPTORS, mib=MEMORY_MIB, group=None):
    """The programs that set the limits and become what follows them."""
    command = ["prlimit", f"--nofile={descriptors}", f"--data={mib << 20}"]
    if group:
        command = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', group, *command]
    return command


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup, release_build())
        cls.host.define("kt-small", "--vcpus", "1", "--nic", "e1000")
        cls.host.boot("kt-small")

    def setUp(self):
        self.before = self.host.picture("kt-small")
        self.addCleanup(self.host.tune, "rollback", "--all", "--yes")
        self.profile = self.host.profile(f"""
[host]
ksm.mode = {'on' if read(f'{KSM}/run') == '0' else 'off'}
housekeeping = auto
[domain kt-small]
cpu.placement = shared-cache
cpu.exclusive = yes
cpu.emulator = housekeeping
disk.cache = none
nic.model = virtio
guest.virtio = detect
""")

    def nothing_is_half_done(self):
        """Nothing was changed, and nothing waits to be undone."""
        undone = self.host.tune("rollback", "--all", "--yes")
        self.assertEqual(undone.code, 0, undone)
        self.assertEqual(self.host.picture("kt-small"), self.before)

    def test_enough(self):
        with memory_group(MEMORY_MIB) as group:
            applied = self.host.tune("apply", self.profile, "--yes", before=limited(group=group))
            self.assertEqual(applied.code, 0, applied)
            self.assertNotEqual(self.host.picture("kt-small"), self.before)
            undone = self.host.tune("rollback", "--yes", before=limited(group=group))
            self.assertEqual(undone.code, 0, undone)
        self.assertEqual(self.host.picture("kt-small"), self.before)

    def test_ever_fewer_descriptors(self):
        """Where they are too few the message says so, and the host is as it was."""
        refused = 0
        for descriptors in range(4, 40):
            with self.subTest(descriptors=descriptors):
                applied = self.host.tune("apply", self.profile, "--yes", before=limited(descriptors=descriptors))
                if applied.code != 0:
                    refused += 1
                    self.assertEqual(applied.code, 1, applied)
                    self.assertIn("open files", applied.err + applied.out, applied)
                self.nothing_is_half_done()
        self.assertGreater(refused, 0)

    def test_ever_less_memory(self):
        """Out of memory a program ends where it is: what it left is undone by the next."""
        ended = 0
        for mib in (1, 2, 3, 4, 6, 8, 12, 16):
            with self.subTest(mib=mib):
                applied = self.host.tune("apply", self.profile, "--yes", before=limited(mib=mib))
                if applied.code != 0:
                    ended += 1
                    self.assertRegex(applied.err + applied.out, "(?i)alloc|memory|map |creating thread", applied)
                self.nothing_is_half_done()
        self.assertGreater(ended, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
