# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `disruption` allows: a real guest is paused, has its NIC swapped, is restarted; and what goes wrong on the way."""

import os
import shutil
import signal
import subprocess
import time
import unittest
import xml.etree.ElementTree

from host import open_host, wait_for

NAME = "kt-ways"
PAUSED = """
[domain kt-ways]
disk.cache     = none
disk.io        = native
disk.discard   = unmap
disk.iothreads = 1
cpu.iothreads  = 0
memory.ksm     = no
disruption     = pause
"""
SWAPPED = """
[domain kt-ways]
nic.model    = virtio
guest.virtio = assume
disruption   = replug
"""


class Ways(unittest.TestCase):
    """A guest that is running at the beginning of each test."""

    NAME = NAME
    OPTIONS = ("--nic", "e1000", "--nic-type", "ethernet")

    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup)
        cls.host.define(cls.NAME, *cls.OPTIONS)

    def setUp(self):
        self.host.boot(self.NAME)
        self.before = self.host.definition(self.NAME)
        self.live = self.host.virsh("dumpxml", self.NAME)
        self.pid = self.host.pid(self.NAME)

    def tearDown(self):
        self.host.tune("rollback", "--all", "--yes")
        shutil.rmtree(self.host.state, ignore_errors=True)
        if self.state() != "shut off":
            self.host.virsh("destroy", self.NAME)
        if self.has_image():
            self.host.virsh("managedsave-remove", self.NAME)

    def tune(self, *arguments, code=0):
        result = self.host.tune(*arguments)
        self.assertEqual(result.code, code, result)
        return result

    def state(self):
        return self.host.virsh("domstate", self.NAME).strip()

    def driver(self):
        """The attributes of the disk's <driver> as the guest runs."""
        line = next(line for line in self.host.virsh("dumpxml", self.NAME).splitlines() if "<driver name='qemu'" in line)
        return set(line.strip().strip("</>").split()[1:])

    def model(self, *flags):
        return next(line.split("'")[1] for line in self.host.virsh("dumpxml", self.NAME, *flags).splitlines()
                    if "<model type='" in line and "e1000" in line or "<model type='virtio'" in line)

    def has_image(self):
        return "yes" in next(line for line in self.host.virsh("dominfo", self.NAME).splitlines() if "Managed save" in line)

    def image(self):
        return next(line.split("'")[1] for line in self.live.splitlines() if "<source file=" in line)


class Pause(Ways):
    """Saved, edited, resumed."""

    def assert_same_guest(self):
        """It went on where it was: a boot would have said so on its console."""
        self.assertEqual(self.state(), "running")
        self.assertFalse(self.has_image())
        self.host.ask(NAME, "ping")

    def test_there_and_back(self):
        self.host.ask(NAME, "write 150")
        plan = self.tune("plan", self.host.profile(PAUSED), "--json", code=2).json
        self.assertEqual({action["when"] for action in plan["actions"]}, {"pause", "next-boot"})
        self.assertGreater(plan["domains"][0]["pause_seconds"], 0)

        self.tune("apply", self.host.profile(PAUSED), "--yes")
        self.assert_same_guest()
        self.assertNotEqual(self.host.pid(NAME), self.pid, "it is in a process of its own now")
        self.assertLessEqual({"cache='none'", "io='native'", "discard='unmap'", "iothread='1'"}, self.driver())
        self.assertTrue(self.host.image_is_direct(NAME))
        self.assertIn("<nosharepages/>", self.host.virsh("dumpxml", NAME))
        verified = self.tune("verify", self.host.profile(PAUSED), "--json")
        self.assertEqual(verified.json["pending"], [])
        self.assertIn(("check", {"lost": "0"}), self.host.ask(NAME, "check 150"), "no write was lost on the way")

        self.tune("rollback", "--yes")
        self.assert_same_guest()
        self.assertEqual(self.host.definition(NAME), self.before)
        self.assertEqual(self.driver(), {"name='qemu'", "type='raw'"})
        self.assertFalse(self.host.image_is_direct(NAME))
        self.assertNotIn("nosharepages", self.host.virsh("dumpxml", NAME))

    def test_flushes_reach_the_host_after_it(self):
        self.tune("apply", self.host.profile(PAUSED), "--yes")
        pid = self.host.pid(NAME)
        with subprocess.Popen(["strace", "-f", "-c", "-e", "trace=fdatasync,fsync,io_submit", "-o", "/dev/stdout", "-p",
                               str(pid)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as strace:
            time.sleep(2)
            for _ in range(5):
                self.host.ask(NAME, "fsync vda")
            strace.send_signal(signal.SIGINT)
            counts = {line.split()[-1]: int(line.split()[3]) for line in strace.communicate()[0].splitlines()
                      if line.split() and line.split()[-1] in ("fdatasync", "fsync")}
        self.assertGreaterEqual(sum(counts.values()), 5, counts)

    def test_paused_guest_stays_paused(self):
        self.host.virsh("suspend", NAME)
        self.tune("apply", self.host.profile(PAUSED), "--yes")
        self.assertEqual(self.state(), "paused")
        self.assertIn("cache='none'", self.driver())
        self.host.virsh("resume", NAME)
        self.assert_same_guest()

    def test_no_write_cache_then_one(self):
        """The arrow that loses data is never taken, neither forth nor back."""
        sync = "[domain kt-ways]\ndisk.cache = writethrough\ndisruption = pause\n"
        direct = "[domain kt-ways]\ndisk.cache = none\ndisruption = pause\n"
        self.tune("apply", self.host.profile(sync), "--yes")
        self.assertIn("cache='writethrough'", self.driver())
        pid = self.host.pid(NAME)

        refused = self.tune("apply", self.host.profile(direct), "--yes", "--json").json["refused"]
        self.assertEqual([entry["item"] for entry in refused], ["disk vda"])
        self.assertIn("cache='writethrough'", self.driver())

        back = self.tune("rollback", "--all", "--yes")
        self.assertIn("pending power cycle", str(back))
        self.assertEqual(self.host.pid(NAME), pid, "it wasn't disturbed for what can't go back")
        self.assertIn("cache='writethrough'", self.driver())
        self.assertEqual(self.host.definition(NAME), self.before)

    def test_killed_while_the_guest_is_away(self):
        """kill -9 with the guest saved: rollback resumes it as it was, and nothing is lost."""
        self.host.ask(NAME, "write 100")
        command = self.host.command("apply", self.host.profile(PAUSED), "--yes")
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True) as process:
            self.assertTrue(wait_for(lambda: not os.path.exists(f"/proc/{self.pid}"), seconds=60))
            process.kill()
        self.assertTrue(wait_for(lambda: self.state() == "shut off"), "killed before it was resumed; libvirt ends the save")
        self.assertTrue(wait_for(self.has_image))

        said = self.tune("history")
        self.assertIn("unfinished", str(said))
        self.tune("rollback", "--yes")
        self.assert_same_guest()
        self.assertEqual(self.driver(), {"name='qemu'", "type='raw'"})
        self.assertEqual(self.host.definition(NAME), self.before)
        self.assertIn(("check", {"lost": "0"}), self.host.ask(NAME, "check 100"))

    def test_image_that_cannot_be_resumed_is_kept(self):
        """The disk's file is away when the guest is to come back: neither the edited nor the old image starts."""
        command = self.host.command("apply", self.host.profile(PAUSED), "--yes")
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True) as process:
            while os.path.exists(f"/proc/{self.pid}") and process.poll() is None:
                time.sleep(0.005)
            os.rename(self.image(), self.image() + ".away")
            said = process.communicate()[0]
            os.rename(self.image() + ".away", self.image())
        self.assertEqual(process.returncode, 3, said)
        self.assertIn(f"virsh start {NAME}", " ".join(said.split()))
        self.assertEqual(self.state(), "shut off")
        self.assertTrue(self.has_image())
        self.tune("rollback", "--yes")
        self.assert_same_guest()
        self.assertEqual(self.driver(), {"name='qemu'", "type='raw'"})

    def test_save_that_fails_leaves_it_running(self):
        """The disk's file is away: libvirt can't save. The guest runs on, with what it has."""
        os.rename(self.image(), self.image() + ".away")
        try:
            result = self.host.tune("apply", self.host.profile(PAUSED), "--yes")
        finally:
            os.rename(self.image() + ".away", self.image())
        self.assertEqual(result.code, 3, result)
        self.assertIn("it runs on", str(result))
        self.assert_same_guest()
        self.assertEqual(self.host.pid(NAME), self.pid)
        self.tune("rollback", "--yes")
        self.assertEqual(self.host.definition(NAME), self.before)

    def test_longer_than_allowed(self):
        refused = self.tune("plan", self.host.profile(PAUSED + "max-pause = 100ms\n"), "--json", code=2).json["refused"]
        self.assertEqual([entry["setting"] for entry in refused], ["disruption"])
        self.tune("apply", self.host.profile(PAUSED + "max-pause = 100ms\n"), "--yes")
        self.assertEqual(self.host.pid(NAME), self.pid)


class Arrows(Ways):
    """Every way from one cache mode to another, each on a disk of its own, in one pause."""

    OPTIONS = ("--nic", "none")
    MODES = (None, "writeback", "none", "unsafe", "writethrough", "directsync")
    # Safety rule 5: a guest that saw no write cache has stopped flushing.
    WITHOUT = ("writethrough", "directsync")
    BLOCKS = 20

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        arrows = [(old, new) for old in cls.MODES for new in cls.MODES[1:] if old != new]
        cls.arrows = {f"sd{chr(ord('a') + index)}": arrow for index, arrow in enumerate(arrows)}
        disks = "<controller type='scsi' model='virtio-scsi'/>"
        for target, (old, _) in cls.arrows.items():
            image = os.path.join(cls.host.directory, NAME, f"{target}.raw")
            with open(image, "wb") as file:
                file.truncate(8 << 20)
            cache = f" cache='{old}'" if old else ""
            disks += (f"<disk type='file' device='disk'><driver name='qemu' type='raw'{cache}/><source file='{image}'/>"
                      f"<target dev='{target}' bus='scsi'/></disk>")
        cls.host.define_xml(NAME, cls.host.definition(NAME).replace("</devices>", f"{disks}</devices>"))

    def caches(self):
        """What each disk has as the guest runs."""
        devices = xml.etree.ElementTree.fromstring(self.host.virsh("dumpxml", NAME)).findall("./devices/disk")
        return {disk.find("target").get("dev"): disk.find("driver").get("cache") for disk in devices}

    def test_all(self):
        forbidden = {target for target, (old, new) in self.arrows.items()
                     if old in self.WITHOUT and new not in self.WITHOUT}
        self.assertEqual((len(self.arrows), len(forbidden)), (25, 6))
        wishes = "".join(f"disk.cache[{target}] = {new}\n" for target, (_, new) in self.arrows.items())
        for target in self.arrows:
            self.host.ask(NAME, f"write {self.BLOCKS} {target}")
        result = self.tune("apply", self.host.profile(f"[domain {NAME}]\ndisruption = pause\n{wishes}"), "--yes", "--json").json
        self.assertNotEqual(self.host.pid(NAME), self.pid)
        self.assertEqual({entry["item"] for entry in result["refused"]}, {f"disk {target}" for target in forbidden})

        caches = self.caches()
        for target, (old, new) in self.arrows.items():
            with self.subTest(old=old, new=new):
                now = old if target in forbidden else new
                self.assertEqual(caches[target], now)
                self.assertEqual(self.host.image_is_direct(NAME, f"{target}.raw"), now in ("none", "directsync"))
                lost = self.host.ask(NAME, f"check {self.BLOCKS} {target}", seconds=300)
                self.assertIn(("check", {"lost": "0"}), lost)


class TransientPause(Ways):
    """A domain without a definition of its own: libvirt forgets it once it is saved, its image is kvm-tune's."""

    OPTIONS = ("--nic", "none")

    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup)

    def setUp(self):
        self.host.define(self.NAME, *self.OPTIONS, transient=True)
        self.host.boot(self.NAME)
        self.live = self.host.virsh("dumpxml", self.NAME)
        self.pid = self.host.pid(self.NAME)

    def tearDown(self):
        if self.NAME in self.host.virsh("list", "--name").split():
            self.host.virsh("destroy", self.NAME)
        shutil.rmtree(self.host.state, ignore_errors=True)

    def images(self):
        return [name for name in os.listdir(self.host.state) if name.startswith("saved-")]

    def apply_and_kill(self):
        """kill -9 with the guest saved."""
        command = self.host.command("apply", self.host.profile(PAUSED), "--yes")
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True) as process:
            self.assertTrue(wait_for(lambda: not os.path.exists(f"/proc/{self.pid}/exe"), seconds=60))
            process.kill()
        self.assertEqual(len(self.images()), 1)

    def assert_same_guest(self, blocks):
        self.assertEqual(self.state(), "running")
        self.assertIn("Persistent:     no", self.host.virsh("dominfo", NAME))
        self.assertIn(("check", {"lost": "0"}), self.host.ask(NAME, f"check {blocks}"))
        self.assertEqual(self.images(), [])

    def test_there_and_back(self):
        self.host.ask(NAME, "write 100")
        plan = self.tune("plan", self.host.profile(PAUSED), "--json", code=2).json
        self.assertEqual({action["when"] for action in plan["actions"]}, {"pause"})
        self.tune("apply", self.host.profile(PAUSED), "--yes")
        self.assert_same_guest(100)
        self.assertNotEqual(self.host.pid(NAME), self.pid)
        self.assertLessEqual({"cache='none'", "io='native'", "discard='unmap'", "iothread='1'"}, self.driver())
        self.assertTrue(self.host.image_is_direct(NAME))
        self.tune("plan", self.host.profile(PAUSED))
        self.tune("rollback", "--yes")
        self.assert_same_guest(100)
        self.assertEqual(self.driver(), {"name='qemu'", "type='raw'"})

    def test_killed_while_the_guest_is_away(self):
        self.host.ask(NAME, "write 100")
        self.apply_and_kill()
        self.tune("rollback", "--yes")
        self.assert_same_guest(100)
        self.assertEqual(self.driver(), {"name='qemu'", "type='raw'"})

    def test_has_run_since(self):
        """Somebody booted it again: its image would destroy what was written since, now and when it is off again."""
        self.apply_and_kill()
        self.host.create_again(NAME)
        self.host.boot(NAME)
        refused = self.tune("rollback", "--yes", code=3)
        self.assertIn("its saved image is not resumed", refused.said)
        written = dict(self.host.ask(NAME, "fsync vda"))["fsync"]["text"]
        self.host.virsh("destroy", NAME)
        refused = self.tune("rollback", "--yes", code=3)
        self.assertIn("its disk vda was written to since", refused.said)
        self.assertNotIn(NAME, self.host.virsh("list", "--all", "--name").split())
        self.assertEqual(len(self.images()), 1, "it is kept")
        with open(self.image(), "rb") as disk:
            disk.seek(1 << 20)
            self.assertIn(written.encode(), disk.read(4096))


class Replug(Ways):
    """The NIC is swapped while the guest runs."""

    def nic(self):
        return dict(self.host.ask(NAME, "report"))["nic"]

    def test_there_and_back(self):
        mac = self.nic()["mac"]
        self.assertEqual(self.nic()["driver"], "e1000")
        self.tune("apply", self.host.profile(SWAPPED), "--yes")
        self.assertEqual(self.host.pid(NAME), self.pid)
        self.assertEqual((self.nic()["driver"], self.nic()["mac"]), ("virtio_net", mac))
        self.assertEqual(self.tune("verify", self.host.profile(SWAPPED), "--json").json["pending"], [])
        self.tune("rollback", "--yes")
        self.assertEqual((self.nic()["driver"], self.nic()["mac"]), ("e1000", mac))
        self.assertEqual(self.host.definition(NAME), self.before)

    def test_with_a_pause(self):
        """Both ways in one run, and both back."""
        both = SWAPPED + "disk.cache = none\n"
        self.tune("apply", self.host.profile(both), "--yes")
        self.assertEqual(self.nic()["driver"], "virtio_net")
        self.assertIn("cache='none'", self.driver())
        self.tune("rollback", "--yes")
        self.assertEqual(self.nic()["driver"], "e1000")
        self.assertEqual(self.driver(), {"name='qemu'", "type='raw'"})


class ReplugWithoutDriver(Ways):
    """A guest that can't drive virtio, whatever the profile assumes."""

    OPTIONS = ("--nic", "e1000", "--nic-type", "ethernet", "--without", "virtio_net")

    def test_old_nic_is_back(self):
        result = self.host.tune("apply", self.host.profile(SWAPPED), "--yes")
        self.assertEqual(result.code, 3, result)
        self.assertIn("its old NIC is back", str(result))
        self.assertTrue(wait_for(lambda: dict(self.host.ask(NAME, "report")).get("nic", {}).get("driver") == "e1000"))
        self.assertEqual(self.model(), "e1000")
        self.tune("rollback", "--yes")
        self.assertEqual(self.host.definition(NAME), self.before)


class Restart(Ways):
    """Shut down and started."""

    PROFILE = "[domain kt-ways]\ndisk.cache = writethrough\nnic.model = virtio\nguest.virtio = assume\ndisruption = restart\n"
    OPTIONS = ("--nic", "e1000", "--disk-cache", "directsync")

    def test_all_at_once(self):
        self.tune("apply", self.host.profile(self.PROFILE), "--yes")
        self.assertNotEqual(self.host.pid(NAME), self.pid)
        self.assertIn("cache='writethrough'", self.driver())
        self.assertEqual(self.model(), "virtio")
        pid = self.host.pid(NAME)
        self.tune("rollback", "--yes")
        self.assertEqual(self.host.pid(NAME), pid, "a rollback restarts nobody")
        self.assertEqual(self.host.definition(NAME), self.before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
