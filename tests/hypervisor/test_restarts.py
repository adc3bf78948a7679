# SPDX-License-Identifier: LGPL-2.1-or-later
"""`disruption = restart` with several guests: so many at once as the profile allows, and the first that doesn't come back
spares those after it."""

import os
import re
import shutil
import subprocess
import time
import unittest

from host import open_host, wait_for

NAMES = [f"kt-many-{number}" for number in range(10)]
VICTIM, OTHERS, SPARED = NAMES[4], [*NAMES[:4], NAMES[5]], NAMES[6:]
PROFILE = """
[domain kt-many-*]
disk.cache       = none
disruption       = restart
restart-parallel = 2
"""


class Restarts(unittest.TestCase):
    """Guests that see no write cache: only a power cycle may give them one."""

    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup)
        for name in NAMES:
            # One is known to be up by its agent, the others by having run for a while.
            own = ("--agent", "yes") if name == VICTIM else ("--memory", "96")
            cls.host.define(name, "--vcpus", "1", "--nic", "none", "--disk-cache", "directsync", *own)

    def setUp(self):
        for name in NAMES:
            self.host.boot(name)
        self.assertTrue(wait_for(lambda: "state='connected'" in self.host.virsh("dumpxml", VICTIM)))
        self.pids = self.running()
        self.before = {name: self.host.definition(name) for name in NAMES}

    def tearDown(self):
        self.host.tune("rollback", "--all", "--yes")
        shutil.rmtree(self.host.state, ignore_errors=True)
        for name in NAMES:
            if self.host.virsh("domstate", name) != "shut off":
                self.host.virsh("destroy", name)

    def running(self):
        """The processes of those that have one."""
        pids = {}
        for name in NAMES:
            try:
                pid = self.host.pid(name)
            except (OSError, ValueError):
                continue
            if os.path.exists(f"/proc/{pid}/exe"):
                pids[name] = pid
        return pids

    def apply(self):
        """The exit code, what was said, and how many were away at each look."""
        command = self.host.command("apply", self.host.profile(PROFILE), "--yes")
        away = []
        with open(os.path.join(self.host.directory, "said"), "w+", encoding="utf-8") as said:
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said) as process:
                while process.poll() is None:
                    away.append(len(NAMES) - len(self.running()))
                    time.sleep(0.02)
            said.seek(0)
            return process.returncode, " ".join(said.read().split()), away

    def cache(self, name, *flags):
        return re.search(r"<driver name='qemu'.* cache='(\w+)'", self.host.virsh("dumpxml", name, *flags)).group(1)

    def break_definition(self, name):
        """From its next boot on the guest's kernel finds no init, and ends."""
        xml = self.before[name].replace("loglevel=3", "rdinit=/nowhere").replace(
            "<on_crash>", "<on_reboot>destroy</on_reboot><on_crash>", 1)
        xml = re.sub(r"<on_reboot>restart</on_reboot>\s*", "", xml)
        self.host.define_xml(name, xml)

    def test_one_that_does_not_come_back(self):
        self.break_definition(VICTIM)
        broken = self.host.definition(VICTIM)
        code, said, away = self.apply()
        self.assertEqual(code, 3, said)
        self.assertIn(f"domain {VICTIM}: it runs again as it did before: it was started and no longer runs", said)
        self.assertIn("another guest was not well after it was disturbed", said)
        self.assertEqual(max(away), 2, "as many as allowed were away, and never more")

        # Those before it, and the one that was away with it, are done; those after it weren't touched.
        pids = self.running()
        self.assertEqual({self.cache(name) for name in OTHERS}, {"none"})
        self.assertEqual({self.cache(name) for name in SPARED}, {"directsync"})
        self.assertEqual({name: pids[name] for name in SPARED}, {name: self.pids[name] for name in SPARED})
        # It runs as it did, and isn't left with a definition of ours that it may not start with.
        self.assertIn(VICTIM, pids)
        self.assertEqual(self.cache(VICTIM), "directsync")
        self.assertEqual(self.host.definition(VICTIM), broken)

        # With its definition mended the next run brings the rest.
        self.host.define_xml(VICTIM, self.before[VICTIM])
        self.host.boot(VICTIM)
        code, said, away = self.apply()
        self.assertEqual(code, 0, said)
        self.assertEqual(max(away), 2)
        self.assertEqual({self.cache(name) for name in NAMES}, {"none"})
        self.assertEqual({name: self.running()[name] for name in OTHERS}, {name: pids[name] for name in OTHERS})
        self.assertEqual(self.host.tune("plan", self.host.profile(PROFILE)).code, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
