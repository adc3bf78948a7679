# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon plans again for a guest whose vCPU waits for its CPU: four minutes, as a user would wait for it."""

import json
import os
import shutil
import subprocess
import unittest

from host import read, wait_for
from test_daemon import Base

OWN = """
[host]
housekeeping = none

[domain kt-one]
cpu.placement = shared-cache
cpu.exclusive = yes
cpu.smt = share
"""

# It takes three minutes that are bad from the first sample on.
PATIENCE = 600


class Load(Base):
    GUESTS = ("kt-one", "kt-two", "kt-idle")

    def thread(self, guest):
        """The thread of its only vCPU."""
        tasks = f"/proc/{self.host.pid(guest)}/task"
        return next(int(tid) for tid in os.listdir(tasks) if read(f"{tasks}/{tid}/comm").startswith("CPU 0/"))

    def place(self, guest):
        return os.sched_getaffinity(self.thread(guest))

    def burn(self, guest):
        self.host.boot(guest)
        self.host.ask(guest, "load 1 3600")

    def load_of_idle(self, *command):
        """What a plan is made with, of the guest that does nothing and was started minutes ago."""
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL)
        return next(domain["load"] for domain in json.loads(done.stdout)["domains"] if domain["name"] == "kt-idle")

    def assert_planned_alike(self, profile):
        """Verbs beside the daemon, and a capture, plan with what it measured, and find nothing to do."""
        capture = os.path.join(self.host.directory, "capture")
        self.addCleanup(shutil.rmtree, capture, True)
        verified = self.host.tune("verify", profile)
        self.assertEqual(verified.code, 0, verified)
        self.assertEqual(self.load_of_idle(*self.host.command("plan", profile)), [0.1])
        self.assertEqual(self.host.tune("capture", capture).code, 0)
        self.assertEqual(self.load_of_idle(self.host.kvm_tune, "plan", profile, "--capture", capture), [0.1])
        shutil.rmtree(capture)

    def test_planned_again(self):
        """Somebody puts another guest onto its CPU, of which libvirt knows nothing: it waits, and is moved away."""
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("there is one CPU")
        self.burn("kt-one")
        self.burn("kt-two")
        self.host.boot("kt-idle")
        profile = self.host.profile(OWN)
        daemon = self.daemon(profile)
        self.assertGreater(self.load_of_idle(*self.host.command("plan", profile))[0], 0.1)
        before = self.place("kt-one")
        self.assertEqual(len(before), 1)
        os.sched_setaffinity(self.thread("kt-two"), before)
        self.assertTrue(wait_for(lambda: self.place("kt-one") != before, PATIENCE), daemon.said())
        said = daemon.said()
        self.assertIn("plans again with the load that was measured: kt-one waits for a CPU", said)
        after = self.place("kt-one")
        self.assertEqual(len(after), 1)
        self.assertEqual(self.place("kt-two"), before)
        load = {guest["name"]: guest for guest in daemon.status()["load"]}
        self.assertEqual(load["kt-one"]["planned_again"], 1)
        self.host.tune("status", "--json").valid("status")
        self.assertNotIn("kt-two:", said)

        self.assert_planned_alike(profile)
        self.assertEqual(daemon.end(), 0)
        self.assert_planned_alike(profile)
        self.daemon(profile)
        self.assertEqual(self.place("kt-one"), after)


if __name__ == "__main__":
    unittest.main()
