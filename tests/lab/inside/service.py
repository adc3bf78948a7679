# SPDX-License-Identifier: LGPL-2.1-or-later
"""kvm-tune's service as systemd runs it.

    service.py                follows guests, reads its profile again, outlives libvirtd and a stall, leaves the tuning in
                              place when it stops
    service.py enable         for the host to be booted again with it
    service.py booted         after that: guests and the host's settings are tuned"""

import os
import re
import signal
import sys
import unittest

from lab_host import KSM, LabHost, Scenario, chosen, command, read, show, wait_for

UNIT = "kvm-tune.service"
GUEST = "kt-a"
DEFRAG = "/sys/kernel/mm/transparent_hugepage/defrag"
PROFILE = """[host]
thp.defrag = defer
ksm.mode = on
housekeeping = 0

[domain kt-*]
cpu.emulator = housekeeping
"""
# Its own would take minutes to find out.
SOON = "[Service]\nWatchdogSec=30\n"
DROP_IN = f"/run/systemd/system/{UNIT}.d"
# Until the daemon has done what an event brings, on a slow and busy machine.
PATIENCE = 180


def unit(name):
    return command("systemctl", "show", "--value", "--property", name, UNIT)


def settings():
    return {"defrag": chosen(read(DEFRAG)), "KSM": read(f"{KSM}/run")}


def define(host):
    command("systemctl", "daemon-reload")
    host.define(GUEST, "--vcpus", "1", "--memory", "128", "--nic", "none")
    return host.profile(PROFILE)


def tuned(host):
    return host.affinity(GUEST)["emulator"] == {0}


class Service(Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.makedirs(DROP_IN, exist_ok=True)
        with open(f"{DROP_IN}/lab.conf", "w", encoding="ascii") as file:
            file.write(SOON)
        cls.path = define(cls.host)
        cls.addClassCleanup(command, "systemctl", "stop", UNIT)

    def test_security(self):
        said = command("systemd-analyze", "security", "--no-pager", UNIT)
        exposure = float(re.search(r"Overall exposure level.*?(\d+\.\d)", said).group(1))
        show(said.splitlines()[-1])
        self.assertLessEqual(exposure, 3.0)

    def test_a_host_without_a_profile(self):
        """Nobody has named one: it says so, and isn't started again and again."""
        self.assertNotEqual(command("sh", "-c", f"systemctl start {UNIT} || echo failed"), "")
        self.assertEqual((unit("ActiveState"), unit("NRestarts")), ("failed", "0"))
        command("systemctl", "reset-failed", UNIT)

    def test_its_life(self):
        before = settings()
        self.tune("apply", "--persist", self.path, "--yes")
        self.tune("rollback", "--yes")
        command("systemctl", "start", UNIT)
        self.assertEqual((unit("ActiveState"), unit("Type")), ("active", "notify"))
        self.assertTrue(wait_for(lambda: settings() == {"defrag": "defer", "KSM": "1"}, PATIENCE), settings())
        show(f"{unit('Type')}, process {unit('MainPID')}: {unit('StatusText')}; {settings()}, before {before}")
        self.new_guest_is_tuned("started")
        self.reload()
        self.libvirtd_restarted()
        self.stalled()
        command("systemctl", "stop", UNIT)
        self.assertEqual((unit("ActiveState"), unit("Result")), ("inactive", "success"))
        self.assertTrue(tuned(self.host))
        show(f"stopped: {settings()}, emulator of {GUEST} on {self.host.affinity(GUEST)['emulator']}")
        self.tune("rollback", "--all", "--yes")
        self.assertEqual((settings(), tuned(self.host)), (before, False))

    # --- parts of its life ---

    def new_guest_is_tuned(self, when):
        if self.host.virsh("domstate", GUEST) == "running":
            self.host.virsh("destroy", GUEST)
        self.host.virsh("start", GUEST)
        self.assertTrue(wait_for(lambda: tuned(self.host), PATIENCE), self.journal())
        show(f"{when}: emulator of a guest that has just started on {self.host.affinity(GUEST)['emulator']}")

    def reload(self):
        pid = unit("MainPID")
        self.host.profile(PROFILE.replace("defer", "never"))
        command("systemctl", "reload", UNIT)
        self.assertTrue(wait_for(lambda: settings()["defrag"] == "never", PATIENCE), self.journal())
        self.host.profile(PROFILE.replace("defer", "nonsense"))
        said = command("sh", "-c", f"systemctl reload {UNIT} || journalctl --unit {UNIT} --no-pager --lines 5 --output cat")
        self.assertIn("nonsense", said)
        self.assertEqual((unit("ActiveState"), unit("MainPID"), settings()["defrag"]), ("active", pid, "never"))
        show(f"a bad profile: {said.splitlines()[0]}; the same process {pid}, still {settings()}")
        self.host.profile(PROFILE)
        command("systemctl", "reload", UNIT)
        self.assertTrue(wait_for(lambda: settings()["defrag"] == "defer", PATIENCE), self.journal())

    def libvirtd_restarted(self):
        pid = unit("MainPID")
        command("systemctl", "restart", "libvirtd")
        self.assertTrue(wait_for(lambda: "running" in self.host._tool_virsh("domstate", GUEST, check=False), PATIENCE))
        self.new_guest_is_tuned("after libvirtd was restarted")
        self.assertEqual((unit("MainPID"), unit("NRestarts")), (pid, "0"))

    def stalled(self):
        """Stopped, it tells the watchdog nothing; systemd ends it and starts another."""
        pid = unit("MainPID")
        os.kill(int(pid), signal.SIGSTOP)
        self.assertTrue(wait_for(lambda: unit("NRestarts") == "1" and unit("ActiveState") == "active", PATIENCE), self.journal())
        self.assertNotEqual(unit("MainPID"), pid)
        self.assertIn("Watchdog timeout", self.journal())
        self.new_guest_is_tuned(f"process {pid} stood still, {unit('MainPID')} follows it")

    @staticmethod
    def journal():
        return command("journalctl", "--unit", UNIT, "--no-pager", "--lines", "40")


def enable():
    host = LabHost()
    path = define(host)
    print(host.tune("apply", "--persist", path, "--yes"))
    command("systemctl", "enable", "--now", UNIT)
    host.virsh("autostart", GUEST)
    host.boot(GUEST)


class Booted(unittest.TestCase):
    def test_tuned_again(self):
        host = LabHost(clear=False)
        self.addCleanup(host.clear)
        self.addCleanup(host.tune, "rollback", "--all", "--yes")
        self.addCleanup(command, "systemctl", "disable", "--now", UNIT)
        self.assertTrue(wait_for(lambda: host.virsh("domstate", GUEST) == "running" and tuned(host), PATIENCE))
        self.assertTrue(wait_for(lambda: settings() == {"defrag": "defer", "KSM": "1"}, PATIENCE), settings())
        show(f"up {read('/proc/uptime').split()[0]} s: {settings()}, emulator of {GUEST} on {host.affinity(GUEST)['emulator']}; "
             f"{unit('StatusText')}")
        self.assertEqual(unit("ActiveState"), "active")


if __name__ == "__main__":
    if sys.argv[1:2] == ["enable"]:
        enable()
    else:
        unittest.main(argv=["service.py", "-v", "Booted" if sys.argv[1:2] == ["booted"] else "Service"])
