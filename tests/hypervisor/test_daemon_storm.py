# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ends without warning while guests come and go: libvirtd, and the daemon itself, again and again. In the end all is as the
profile says, nothing is done twice, and a rollback finds its way back."""

import os
import random
import signal
import subprocess
import threading
import time
import unittest

from host import chosen, read, wait_for
from test_daemon import DEFRAG, PATIENCE, Base, Daemon

LIBVIRTD_KILLS = int(os.environ.get("KT_POINTS", "20"))
DAEMON_KILLS = int(os.environ.get("KT_POINTS", "50"))
SEED = int(os.environ.get("KT_SEED", "8"))
GUESTS = [f"kt-storm-{number}" for number in range(6)]

PROFILE = """
[host]
thp.defrag = {}

[domain kt-storm-*]
cpu.emulator = 0
cpu.weight = 50%
"""


class Guests(threading.Thread):
    """Starts and ends guests until it is told to stop; then all run. libvirtd may be away."""

    def __init__(self, host):
        super().__init__()
        self.host, self.over, self.random = host, threading.Event(), random.Random(SEED)

    def virsh(self, *arguments):
        return subprocess.run(["setsid", "--wait", "virsh", "-c", self.host.uri, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, timeout=PATIENCE)

    def run(self):
        while not self.over.is_set():
            guest = self.random.choice(GUESTS)
            self.virsh(*self.random.choice((("start", "--paused", guest), ("destroy", guest))))
            self.over.wait(0.1)

    def end(self):
        self.over.set()
        self.join()
        for guest in GUESTS:
            if not wait_for(lambda: self.is_there(guest), 4 * PATIENCE):  # pylint: disable=cell-var-from-loop
                raise RuntimeError(f"{guest} doesn't start: {self.virsh('start', '--paused', guest)}")

    def is_there(self, guest):
        """It has a QEMU: a guest that a libvirtd which was killed had begun to start or to end is paused to the next one, too,
        until that gives up looking for its monitor."""
        self.virsh("start", "--paused", guest)
        paused = self.virsh("domstate", guest).stdout.strip() == "paused"
        try:
            return paused and os.path.exists(f"/proc/{self.host.pid(guest)}")
        except FileNotFoundError:
            return False


class Storm(Base):
    GUESTS = GUESTS

    def setUp(self):
        super().setUp()
        print(f"seed {SEED}", flush=True)
        self.before = chosen(read(DEFRAG))
        self.profile = self.host.profile(PROFILE.format("defer" if self.before != "defer" else "madvise"))
        self.random = random.Random(SEED)
        self.guests = Guests(self.host)

    def assert_tuned(self, daemon):
        """As the profile says, by what the kernel says; a plan has nothing left to do."""
        for guest in GUESTS:
            self.assert_pinned(daemon, guest, {0})
        self.assertTrue(wait_for(lambda: self.host.tune("plan", self.profile).code == 0, PATIENCE),
                        self.host.tune("plan", self.profile))

    def assert_goes_back(self):
        self.assertEqual(self.host.tune("rollback", "--all", "--yes").code, 0)
        self.assertEqual(chosen(read(DEFRAG)), self.before)
        for guest in GUESTS:
            self.assertGreater(self.emulator(guest), {0})
            self.assertNotIn("emulatorpin", self.host.definition(guest))

    def test_libvirtd_killed(self):
        daemon = self.daemon(self.profile)
        pid = daemon.process.pid
        before = len(os.listdir(f"/proc/{pid}/fd"))
        self.guests.start()
        for _ in range(LIBVIRTD_KILLS):
            time.sleep(self.random.uniform(0.2, 3))
            self.host.kill_libvirtd()
            self.host.start_libvirtd()
        self.guests.end()
        self.assert_tuned(daemon)
        self.assertIsNone(daemon.process.poll(), daemon.said())
        self.assertLessEqual(len(os.listdir(f"/proc/{pid}/fd")), before)
        self.assertEqual(daemon.end(), 0)
        self.assert_goes_back()

    def test_daemon_killed(self):
        self.guests.start()
        for _ in range(DAEMON_KILLS):
            daemon = Daemon(self.host, self.profile)
            self.addCleanup(daemon.kill)
            time.sleep(self.random.uniform(0.1, 3))
            daemon.end(signal.SIGKILL)
        self.guests.end()
        daemon = self.daemon(self.profile)
        self.assert_tuned(daemon)
        # What was half done is not done again beside itself, nor lost.
        runs = self.host.tune("history", "--json").valid("history")["runs"]
        self.assertTrue(runs)
        self.assertEqual(daemon.end(), 0)
        self.assert_goes_back()


if __name__ == "__main__":
    unittest.main(verbosity=2)
