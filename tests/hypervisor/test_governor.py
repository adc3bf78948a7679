# SPDX-License-Identifier: LGPL-2.1-or-later
"""The KSM governor of the daemon: this kernel's KSM, real guests, what /sys holds and rollback gives back."""

import json
import os
import random
import signal
import time
import unittest

from host import HOST_FILES, KSM, chosen, host_values, put_back, read, wait_for, write
from test_daemon import Base

# How long a loaded machine may take for what is done in a moment, and for two guests to boot and be compared.
PATIENCE = 60
BOOT_PATIENCE = 600

MERGED = ("kt-merge-1", "kt-merge-2")

AUTO = "[host]\nksm.mode = auto\nksm.max-cpu = 40%\n"


class Governor(Base):
    """Begins with knobs that are nobody's default: all of them must come back. Its guests have names of their own: a
    process that isn't the only one of its name and UUID on this machine is no guest's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for guest in MERGED:
            cls.host.define(guest, "--vcpus", "1", "--nic", "none")

    def setUp(self):
        super().setUp()
        if not os.path.exists(f"{KSM}/run"):
            self.skipTest("this kernel has no KSM")
        self.addCleanup(put_back, host_values())
        write(f"{KSM}/run", "2")
        if os.path.exists(f"{KSM}/advisor_mode"):
            write(f"{KSM}/advisor_mode", "none")
        for name, value in {"pages_to_scan": "123", "sleep_millisecs": "33", "run": "0"}.items():
            write(f"{KSM}/{name}", value)
        self.before = self.knobs()

    @staticmethod
    def knobs():
        return {path: chosen(read(path)) for path in HOST_FILES if path.startswith(KSM) and os.path.exists(path)}

    def governor(self, daemon):
        status = daemon.status()
        return status["governor"] if status else {"state": None}

    def assert_state(self, daemon, state):
        self.assertTrue(wait_for(lambda: self.governor(daemon)["state"] == state, PATIENCE),
                        (self.governor(daemon), daemon.said()))

    def assert_rolled_back(self):
        undone = self.host.tune("rollback", "--all", "--yes")
        self.assertEqual(undone.code, 0, undone)
        self.assertEqual(self.knobs(), self.before)

    def test_governs(self):
        """Two guests of one kind are compared, KSM rests; while it lasts nothing is left to plan, in the end the
        kernel's advisor goes on, and rollback gives back every knob."""
        nosharepages = "<memoryBacking><nosharepages/></memoryBacking><memory "
        xml = self.host.definition("kt-merge-2").replace("<memory ", nosharepages, 1)
        for guest in MERGED:
            self.host.virsh("start", guest)
        profile = self.host.profile(AUTO)
        daemon = self.daemon(profile)
        self.assert_state(daemon, "active")
        self.assertEqual(read(f"{KSM}/run"), "1")
        self.assertTrue(wait_for(self.both_merge, BOOT_PATIENCE), (self.governor(daemon), daemon.said()))
        self.assertTrue(wait_for(lambda: self.governor(daemon)["pace"] == "rest", BOOT_PATIENCE), daemon.said())
        governor = self.governor(daemon)
        self.assertGreater(governor["sweeps"], 0)
        self.assertGreater(governor["ksmd_seconds"], 0)
        guests = {guest["name"]: guest for guest in governor["guests"]}
        self.assertEqual({name: guest["obstacle"] for name, guest in guests.items()}, dict.fromkeys(MERGED))
        self.assertGreater(guests["kt-merge-1"]["merged_mib"], 0)

        plan = self.host.tune("plan", profile, "--json")
        self.assertEqual(plan.valid("plan")["actions"], [])
        self.assertIn("sweeps", daemon.said())

        self.host.virsh("destroy", "kt-merge-2")
        self.host.define_xml("kt-merge-2", xml)
        self.host.virsh("start", "--paused", "kt-merge-2")
        self.assertTrue(wait_for(lambda: "nosharepages" in json.dumps(self.governor(daemon)), PATIENCE), daemon.said())
        said = self.host.tune("status").said
        self.assertIn("; ksmd takes", said)
        self.assertIn("kt-merge-2: nothing merged: ", said)

        self.assertEqual(daemon.end(), 0, daemon.said())
        if os.path.exists(f"{KSM}/advisor_mode"):
            self.assertEqual(chosen(read(f"{KSM}/advisor_mode")), "scan-time")
            self.assertEqual(read(f"{KSM}/advisor_max_cpu"), "40")
        self.assertEqual(read(f"{KSM}/run"), "1")
        self.assert_rolled_back()

    def both_merge(self):
        return all(int(read(f"/proc/{self.host.pid(guest)}/ksm_merging_pages")) > 0 for guest in MERGED)

    def test_somebody_sets_a_knob(self):
        """It is theirs, and all of KSM is left alone; after the daemon's end too."""
        daemon = self.daemon(self.host.profile(AUTO))
        self.assert_state(daemon, "active")
        write(f"{KSM}/sleep_millisecs", "77")
        self.host.virsh("start", "--paused", "kt-merge-1")
        self.assert_state(daemon, "left")
        self.assertIn("sleep_millisecs", self.governor(daemon)["reason"])
        self.assertEqual(daemon.end(), 0, daemon.said())
        self.assertEqual(read(f"{KSM}/sleep_millisecs"), "77")
        self.assertEqual(self.host.tune("rollback", "--all", "--yes").code, 3)
        self.assertEqual(self.knobs(), self.before | {f"{KSM}/sleep_millisecs": "77"})

    def test_released(self):
        """`release --host` has it govern again; what somebody had set is what rollback gives back then."""
        daemon = self.daemon(self.host.profile(AUTO))
        self.assert_state(daemon, "active")
        self.assertEqual(self.host.tune("release", "--host").code, 1)
        write(f"{KSM}/sleep_millisecs", "77")
        self.host.virsh("start", "--paused", "kt-merge-1")
        self.assert_state(daemon, "left")
        released = self.host.tune("release", "--host", "--json").valid("release")["released"]
        self.assertEqual([(mark["target"], mark["setting"]) for mark in released], [("host", "ksm.mode")])
        self.assert_state(daemon, "active")
        self.assertTrue(wait_for(lambda: read(f"{KSM}/sleep_millisecs") != "77", PATIENCE), self.governor(daemon))
        self.assertEqual(daemon.end(), 0, daemon.said())
        undone = self.host.tune("rollback", "--yes")
        self.assertEqual(undone.code, 0, undone)
        self.assertEqual(read(f"{KSM}/sleep_millisecs"), "77")

    def test_rolled_back_while_it_governs(self):
        daemon = self.daemon(self.host.profile(AUTO))
        self.assert_state(daemon, "active")
        self.assert_rolled_back()
        self.host.virsh("start", "--paused", "kt-merge-1")
        self.assert_state(daemon, "left")
        self.assertEqual(self.knobs(), self.before)
        self.assertEqual(daemon.end(), 0, daemon.said())
        self.assertEqual(self.knobs(), self.before)

    def test_killed(self):
        """Killed at any point, the next daemon goes on with the same run, and rollback gives back every knob."""
        self.host.virsh("start", "kt-merge-1")
        profile = self.host.profile(AUTO)
        for _ in range(10):
            daemon = self.daemon(profile)
            time.sleep(random.uniform(0, 0.5))
            daemon.end(signal.SIGKILL)
        self.assert_rolled_back()


if __name__ == "__main__":
    unittest.main()
