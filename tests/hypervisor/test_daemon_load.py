# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon plans again for a guest whose vCPU waits for its CPU: four minutes, as a user would wait for it."""

import os
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
    def thread(self, guest):
        """The thread of its only vCPU."""
        tasks = f"/proc/{self.host.pid(guest)}/task"
        return next(int(tid) for tid in os.listdir(tasks) if read(f"{tasks}/{tid}/comm").startswith("CPU 0/"))

    def place(self, guest):
        return os.sched_getaffinity(self.thread(guest))

    def burn(self, guest):
        self.host.boot(guest)
        self.host.ask(guest, "load 1 3600")

    def test_planned_again(self):
        """Somebody puts another guest onto its CPU, of which libvirt knows nothing: it waits, and is moved away."""
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("there is one CPU")
        self.burn("kt-one")
        self.burn("kt-two")
        daemon = self.daemon(self.host.profile(OWN))
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


if __name__ == "__main__":
    unittest.main()
