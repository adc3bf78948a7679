# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong on the way when a guest is disturbed: libvirtd killed, QEMU killed, no room for the image, a start that
is refused, an agent that says nothing. After each the guest runs with old or new settings, or `rollback` brings it back,
and its disk has all that it had flushed. (kvm-tune itself killed: test_ways, test_killed.)"""

import os
import re
import signal
import subprocess
import time
import unittest

from host import wait_for
from test_ways import PAUSED, SWAPPED, Ways

NAME = "kt-faults"
# From a disk without a write cache to one with: only a power cycle may.
DISK = "[domain kt-faults]\ndisk.cache = none\ndisruption = restart\n"


def named(profile):
    return profile.replace("kt-ways", NAME)


class Faults(Ways):
    """Something happens to the guest of a test while it is disturbed."""

    NAME = NAME

    def setUp(self):
        super().setUp()
        self.flushed = dict(self.host.ask(NAME, "fsync vda"))["fsync"]["text"]

    def save_file(self):
        return os.path.join(self.host.directory, "lib", "qemu", "save", f"{NAME}.save")

    def has_ended(self):
        return not os.path.exists(f"/proc/{self.pid}/exe")

    def comes_back(self):
        """It has a new process, and that is QEMU already: before, it is still a part of libvirtd."""
        try:
            pid = self.host.pid(NAME)
            return pid != self.pid and "qemu" in os.readlink(f"/proc/{pid}/exe")
        except (OSError, ValueError):
            return False

    def apply_until(self, condition, action, profile=named(PAUSED)):
        """Applies, does `action` as soon as `condition` holds; what was said, and the exit code."""
        command = self.host.command("apply", self.host.profile(profile), "--yes")
        with open(os.path.join(self.host.directory, "said"), "w+", encoding="utf-8") as said:
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said) as process:
                while not condition():
                    self.assertIsNone(process.poll(), "it ended before that could happen")
                    time.sleep(0.001)
                action()
                process.wait(timeout=300)
            said.seek(0)
            return " ".join(said.read().split()), process.returncode

    def cache(self):
        found = re.search(r"<driver name='qemu'.* cache='(\w+)'", self.host.virsh("dumpxml", NAME))
        return found.group(1) if found else None

    def assert_well(self, caches=(None, "none")):
        """It runs, with all old or all new settings, answers, and what it flushed is on its disk."""
        self.assertEqual(self.state(), "running")
        self.assertIn(self.cache(), caches)
        self.host.boot(NAME)
        with open(self.image(), "rb") as disk:
            disk.seek(1 << 20)
            self.assertIn(self.flushed.encode(), disk.read(4096))

    def assert_mended(self):
        """One command brings it back, and all is as it was."""
        result = self.host.tune("rollback", "--yes")
        self.assertEqual(result.code, 0, result)
        self.assert_well(caches=(None,))
        self.assertEqual(self.host.definition(NAME), self.before)
        self.assertFalse(self.has_image())

    def kill_qemu(self):
        os.kill(self.host.pid(NAME), signal.SIGKILL)


class PauseFaults(Faults):
    def saving(self):
        """The image is being written, the guest is still in its process."""
        return os.path.exists(self.save_file())

    def test_libvirtd_killed_while_saving(self):
        said, code = self.apply_until(self.saving, self.host.kill_libvirtd)
        self.host.start_libvirtd()
        self.assertIn(code, (1, 3), said)
        self.assert_mended()

    def test_libvirtd_killed_while_the_guest_is_away(self):
        said, code = self.apply_until(self.has_ended, self.host.kill_libvirtd)
        self.host.start_libvirtd()
        self.assertIn(code, (1, 3), said)
        self.assert_mended()

    def test_libvirtd_killed_while_it_comes_back(self):
        said, code = self.apply_until(self.comes_back, self.host.kill_libvirtd)
        self.host.start_libvirtd()
        self.assertIn(code, (0, 1, 3), said)
        # libvirt looks a while for the QEMU that it was starting.
        self.assertTrue(wait_for(lambda: "starting" not in self.host.virsh("domstate", "--reason", NAME), seconds=300))
        self.assert_mended()

    def test_qemu_killed_while_saving(self):
        """As when it crashes at any other time: the guest is powered off. It isn't resumed from half an image."""
        said, code = self.apply_until(self.saving, self.kill_qemu)
        self.assertEqual(code, 3, said)
        self.assertFalse(self.has_image())
        self.assertIn(f"virsh start {NAME}", said)
        self.host.virsh("start", NAME)
        self.assert_well()
        self.assert_mended()

    def test_qemu_killed_while_it_comes_back(self):
        """It is resumed as it was, in a third process."""
        said, code = self.apply_until(self.comes_back, self.kill_qemu)
        self.assertEqual(code, 3, said)
        self.assertIn("it runs again as it was", said)
        self.assert_mended()

    def test_no_room_for_the_image(self):
        """The file system of the images is too small for this one: the guest runs on."""
        path = "/var/lib/libvirt/qemu/save"
        enter = ["nsenter", "--mount", "--target", str(self.host.libvirtd())]
        subprocess.run([*enter, "mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path], check=True)
        self.addCleanup(subprocess.run, [*enter, "umount", path], check=True)
        result = self.host.tune("apply", self.host.profile(named(PAUSED)), "--yes")
        self.assertEqual(result.code, 3, result)
        self.assertIn("it runs on", result.said)
        self.assertEqual(self.host.pid(NAME), self.pid)
        self.assert_well(caches=(None,))
        # Who sees that directory refuses before the guest stands still at all.
        result = self.host.tune("apply", self.host.profile(named(PAUSED)), "--yes", before=enter)
        self.assertEqual(result.code, 3, result)
        self.assertRegex(result.said, r"its image needs up to \d+ MiB in /var/lib/libvirt/qemu/save, where 8 MiB are free")
        self.assertEqual(self.host.pid(NAME), self.pid)
        self.assert_mended()


class RefusedFaults(Faults):
    """A QEMU that refuses what the guest is to have: it starts only with the old settings."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        emulator = os.path.join(cls.host.directory, "qemu")
        with open(emulator, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\ncase \"$*\" in *'\"direct\":true'*) echo refused >&2; exit 1 ;; esac\n"
                       "exec /usr/bin/qemu-system-x86_64 \"$@\"\n")
        os.chmod(emulator, 0o755)
        cls.host.define_xml(NAME, cls.host.definition(NAME).replace("/usr/bin/qemu-system-x86_64", emulator))

    def test_resume_refused(self):
        self.host.ask(NAME, "write 50")
        result = self.host.tune("apply", self.host.profile(named(PAUSED)), "--yes")
        self.assertEqual(result.code, 3, result)
        self.assertIn("it runs again as it was", result.said)
        self.assert_well(caches=(None,))
        self.assertEqual(self.host.definition(NAME), self.before, "what it doesn't start with isn't left staged")
        self.assertIn(("check", {"lost": "0"}), self.host.ask(NAME, "check 50"))
        self.assertFalse(self.has_image())

    def test_start_refused(self):
        self.host.define_xml(NAME, self.before.replace("<driver name='qemu' type='raw'/>",
                                                       "<driver name='qemu' type='raw' cache='writethrough'/>"))
        self.host.power_cycle(NAME)
        self.flushed = dict(self.host.ask(NAME, "fsync vda"))["fsync"]["text"]
        self.addCleanup(self.host.define_xml, NAME, self.before)
        before = self.host.definition(NAME)
        result = self.host.tune("apply", self.host.profile(DISK), "--yes")
        self.assertEqual(result.code, 3, result)
        self.assertIn("it runs again as it did before", result.said)
        self.assert_well(caches=("writethrough",))
        self.assertEqual(self.host.definition(NAME), before)


class ReplugFaults(Faults):
    """The NIC is out, or the new one is in and the guest makes no use of it yet."""

    OPTIONS = ("--nic", "e1000", "--nic-type", "ethernet", "--without", "virtio_net")

    def taps(self):
        return {line.split("'")[1] for line in self.live.splitlines() if "<target dev='vnet" in line}

    def unplugged(self):
        return not any(os.path.exists(f"/sys/class/net/{tap}") for tap in self.taps())

    def plugged(self):
        return "model type='virtio'" in self.host.virsh("dumpxml", NAME)

    def assert_old_nic(self):
        self.assertTrue(wait_for(lambda: dict(self.host.ask(NAME, "report")).get("nic", {}).get("driver") == "e1000"))
        self.assertEqual(self.model(), "e1000")

    def test_libvirtd_killed_without_a_nic(self):
        said, code = self.apply_until(self.unplugged, self.host.kill_libvirtd, named(SWAPPED))
        self.host.start_libvirtd()
        self.assertIn(code, (1, 3), said)
        result = self.host.tune("rollback", "--yes")
        self.assertEqual(result.code, 0, result)
        if self.state() == "shut off":
            # A libvirtd that finds a guest with a tap missing ends it.
            self.assertIn(f"'virsh start {NAME}' boots it", result.said)
            self.host.virsh("start", NAME)
        self.assert_well(caches=(None,))
        self.assertEqual(self.host.definition(NAME), self.before)
        self.assert_old_nic()

    def test_libvirtd_killed_with_the_new_nic(self):
        said, code = self.apply_until(self.plugged, self.host.kill_libvirtd, named(SWAPPED))
        self.host.start_libvirtd()
        self.assertIn(code, (1, 3), said)
        self.assert_mended()
        self.assert_old_nic()

    def test_qemu_killed(self):
        said, code = self.apply_until(self.plugged, self.kill_qemu, named(SWAPPED))
        self.assertEqual(code, 3, said)
        self.assertEqual(self.host.definition(NAME), self.before)
        self.host.virsh("start", NAME)
        self.assert_well()
        self.assert_old_nic()


class LateFaults(Faults):
    """A guest that doesn't react when it is asked to let go of a NIC, and loses it with its next reboot."""

    OPTIONS = ("--nic", "e1000e", "--nic-type", "ethernet")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        xml = cls.host.definition(NAME)
        cls.host.define_xml(NAME, xml.replace("loglevel=3", "loglevel=3 acpiphp.disable=1 pcie_ports=compat"))

    def nic(self):
        return "<interface " in self.host.virsh("dumpxml", NAME)

    def test_nic_given_up_later(self):
        result = self.host.tune("apply", self.host.profile(named(SWAPPED)), "--yes")
        self.assertEqual(result.code, 3, result)
        self.assertIn("did not let go of NIC", result.said)
        self.assertTrue(self.nic())
        self.assertEqual(self.host.definition(NAME), self.before, "nothing of it stays staged")
        result = self.host.tune("rollback", "--yes")
        self.assertEqual(result.code, 3, result)
        self.assertIn("may still do so", result.said)

        # QEMU ends what is under way when the machine is reset.
        self.host.ask(NAME, "reboot")
        self.assertTrue(wait_for(lambda: not self.nic()))
        self.host.boot(NAME)
        self.assertIn("could not put back domain kt-faults", self.host.tune("status").said)
        # This guest notices no new device either, but at its next boot it has it.
        self.host.tune("rollback", "--yes")
        self.assertTrue(self.nic())
        self.host.ask(NAME, "reboot")
        self.host.boot(NAME)
        self.assertEqual(dict(self.host.ask(NAME, "report"))["nic"]["driver"], "e1000e")
        self.assert_mended()


class RestartFaults(Faults):
    OPTIONS = ("--nic", "none", "--disk-cache", "directsync")

    def test_libvirtd_killed_while_it_is_off(self):
        said, code = self.apply_until(self.has_ended, self.host.kill_libvirtd, DISK)
        self.host.start_libvirtd()
        self.assertIn(code, (1, 3), said)
        result = self.host.tune("rollback", "--yes")
        self.assertEqual(result.code, 0, result)
        self.assert_well(caches=("directsync", "none"))
        self.assertEqual(self.host.definition(NAME), self.before)

    def test_qemu_killed_while_it_starts(self):
        said, code = self.apply_until(self.comes_back, lambda: time.sleep(1) or self.kill_qemu(), DISK)
        self.assertEqual(code, 3, said)
        self.assertIn("it runs again as it did before", said)
        self.assert_well(caches=("directsync",))
        self.assertEqual(self.host.definition(NAME), self.before)


class AgentFaults(Faults):
    """An agent that is connected and says nothing."""

    OPTIONS = ("--nic", "none", "--disk-cache", "directsync", "--agent", "yes")

    def setUp(self):
        super().setUp()
        self.assertTrue(wait_for(lambda: "state='connected'" in self.host.virsh("dumpxml", NAME)))
        self.host.ask(NAME, "run killall -STOP qemu-ga")

    def test_pause(self):
        self.tune("apply", self.host.profile(named("[domain kt-ways]\ndisk.io = threads\ndisruption = pause\n")), "--yes")
        self.assert_well(caches=("directsync",))

    def test_restart(self):
        self.tune("apply", self.host.profile(DISK), "--yes")
        self.assert_well(caches=("none",))


if __name__ == "__main__":
    unittest.main(verbosity=2)
