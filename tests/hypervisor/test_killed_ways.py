# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 while a guest is paused, has its NIC swapped, or is restarted: the next start tells what was half done,
rollback brings the guest back as it was, and apply completes.

Of the orders to libvirt in the step only some are tried, and all of them with KT_SLOW=1."""

import itertools
import os
import shutil
import unittest

import killing
from host import open_host, wait_for

NAME = "kt-killed"
# Of the places in a step that are tried without KT_SLOW.
PLACES = 4


def step_places(calls):
    """Where the last step can be killed: before its record is durable, at each order or question to libvirt, and when it is
    to be recorded as done."""
    groups = [list(group) for _, group in itertools.groupby(calls, key=lambda call: call[0])]
    last = max(i for i, group in enumerate(groups) if group[0][0] == "fdatasync")
    orders = [call for call in groups[last - 1] if "socket:" in call[2]]
    begun, ended = groups[last - 2], groups[last]
    if not os.environ.get("KT_SLOW"):
        orders = orders[::max(1, len(orders) // PLACES)]
    return [begun[-1], *orders, ended[0]]


class KilledWay(unittest.TestCase):
    """A guest that runs; what it has, before and after."""

    OPTIONS = ("--nic", "e1000", "--nic-type", "ethernet")

    @classmethod
    def setUpClass(cls):
        if not shutil.which("strace"):
            raise unittest.SkipTest("strace isn't installed")
        cls.host = open_host(cls.addClassCleanup)
        cls.host.define(NAME, *cls.OPTIONS)

    def setUp(self):
        self.host.boot(NAME)
        self.definition = self.host.definition(NAME)
        self.devices = self.live()

    def live(self):
        """What of the running guest is changed here: the lines of its disk's driver and of its NIC."""
        return [line.strip() for line in self.host.virsh("dumpxml", NAME).splitlines()
                if "<driver name='qemu'" in line or "<model type='e1000" in line or "<model type='virtio'" in line]

    def has_image(self):
        return "yes" in next(line for line in self.host.virsh("dominfo", NAME).splitlines() if "Managed save" in line)

    def must(self, *verb):
        result = self.host.tune(*verb)
        self.assertEqual(result.code, 0, result)
        return result

    def kill(self, verb, place):
        """Whether it was killed: how often it asks depends on how quick the guest is."""
        result = self.host.tune(*verb, before=killing.killer(*place[:2]), environment=killing.TRACED)
        self.assertIn(result.code, (-9, 137, 0), result)
        return result.code != 0

    def is_as_before(self):
        self.assertEqual(self.host.virsh("domstate", NAME), "running")
        self.assertFalse(self.has_image())
        self.assertEqual(self.host.definition(NAME), self.definition)
        self.host.ask(NAME, "ping")

    def forget(self):
        self.host.tune("rollback", "--all", "--yes")
        shutil.rmtree(self.host.state, ignore_errors=True)
        self.host.boot(NAME)

    def at_each_place(self, text, settle):
        """Kills apply at the places of its last step; settle() checks the running guest, and readies it for the next."""
        apply = ["apply", self.host.profile(text), "--yes"]
        places = step_places(killing.calls(self.host, apply))
        self.must("rollback", "--yes")
        settle()
        killed = 0
        for turn, place in enumerate(places):
            with self.subTest(place=place):
                self.forget()
                if self.kill(apply, place):
                    killed += 1
                    told = self.host.tune("history")
                    self.assertIn("interrupted", told.out + told.err)
                if turn == len(places) // 2:
                    self.must(*apply)
                    self.must("verify", self.host.profile(text))
                self.must("rollback", "--all", "--yes")
                self.is_as_before()
                settle()
        self.assertGreater(killed, len(places) // 2)


class Pause(KilledWay):
    """Saved, edited, resumed."""

    def settle(self):
        self.assertEqual(self.live(), self.devices)

    def test_killed(self):
        self.host.ask(NAME, "write 100")
        self.at_each_place(f"[domain {NAME}]\ndisk.cache = none\ndisruption = pause\n", self.settle)
        self.assertIn(("check", {"lost": "0"}), self.host.ask(NAME, "check 100"), "it is the same boot, and lost nothing")


class Replug(KilledWay):
    """A NIC out, another in."""

    def settle(self):
        self.assertTrue(wait_for(lambda: self.live() == self.devices), self.live())

    def test_killed(self):
        self.at_each_place(f"[domain {NAME}]\nnic.model = virtio\nguest.virtio = assume\ndisruption = replug\n", self.settle)


class Restart(KilledWay):
    """Shut down and started."""

    def settle(self):
        """What it was restarted with it keeps until its next power cycle."""
        if self.live() != self.devices:
            self.host.power_cycle(NAME)
        self.assertEqual(self.live(), self.devices)

    def test_killed(self):
        self.at_each_place(f"[domain {NAME}]\ndisk.cache = writethrough\ndisruption = restart\n", self.settle)


if __name__ == "__main__":
    unittest.main(verbosity=2)
