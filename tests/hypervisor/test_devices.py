# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks, NICs and the CPU weight of a real guest: what QEMU was started with, what its threads and its cgroup are like."""

import glob
import json
import os
import re
import shutil
import unittest

from host import Skip, cpus, open_host, read

NAME = "kt-devices"
STAGED = """
[domain kt-devices]
disk.cache     = none
disk.io        = native
disk.discard   = unmap
disk.iothreads = auto
cpu.iothreads  = 1
nic.queues     = auto
"""


class Devices(unittest.TestCase):
    """One guest with two vCPUs, a virtio disk and a virtio NIC on a tap device."""

    @classmethod
    def setUpClass(cls):
        if len(os.sched_getaffinity(0)) < 2:
            raise unittest.SkipTest("needs two CPUs")
        cls.host = open_host(cls.addClassCleanup)
        cls.host.define(NAME, "--vcpus", "2", "--nic", "virtio", "--nic-type", "ethernet")
        cls.host.boot(NAME)

    def setUp(self):
        self.host.boot(NAME)
        self.before = self.host.definition(NAME)

    def tearDown(self):
        self.host.tune("rollback", "--all", "--yes")
        shutil.rmtree(self.host.state, ignore_errors=True)
        self.host.virsh("destroy", NAME)

    def tune(self, *arguments, code=0):
        result = self.host.tune(*arguments)
        self.assertEqual(result.code, code, result)
        return result

    # --- what QEMU is like ---

    def command_line(self):
        with open(f"/proc/{self.host.pid(NAME)}/cmdline", encoding="utf-8") as file:
            return file.read().split("\0")

    def options(self, option):
        """All that QEMU was given with this option; its JSON ones understood."""
        words = self.command_line()
        values = [value for word, value in zip(words, words[1:]) if word == option]
        return [json.loads(value) if value.startswith("{") else value for value in values]

    def image(self):
        """The node that has the image's file open."""
        return next(node for node in self.options("-blockdev") if node.get("filename", "").endswith("disk.raw"))

    def device(self, driver):
        return next(device for device in self.options("-device")
                    if isinstance(device, dict) and device["driver"].startswith(driver))

    def iothreads(self):
        """IOThread's number → the CPUs that its thread may run on."""
        found = {}
        for task in glob.glob(f"/proc/{self.host.pid(NAME)}/task/*"):
            name = re.fullmatch(r"IO iothread(\d+)", read(f"{task}/comm"))
            if name:
                status = read(f"{task}/status")
                found[int(name.group(1))] = cpus(re.search(r"Cpus_allowed_list:\s*(\S+)", status).group(1))
        return found

    def picture(self):
        """What all of STAGED is about."""
        image, disk, nic = self.image(), self.device("virtio-blk"), self.device("virtio-net")
        return {"aio": image.get("aio"), "cache": image.get("cache"), "discard": image.get("discard"),
                "iothread": disk.get("iothread"), "iothreads": self.iothreads(),
                "queues": nic.get("mq"), "vectors": nic.get("vectors")}

    def shares(self):
        """What the domain's cgroup holds: cpu.shares (v1) or cpu.weight (v2)."""
        with open(f"/proc/{self.host.pid(NAME)}/cgroup", encoding="utf-8") as file:
            lines = [line.strip().split(":", 2) for line in file]
        for _, controllers, path in lines:
            path = re.sub(r"(/libvirt)?/(emulator|vcpu\d+)$", "", path)
            if "cpu" in controllers.split(","):
                for mount in ("cpu", controllers):
                    if os.path.exists(f"/sys/fs/cgroup/{mount}{path}/cpu.shares"):
                        return int(read(f"/sys/fs/cgroup/{mount}{path}/cpu.shares"))
            if controllers == "" and os.path.exists(f"/sys/fs/cgroup{path}/cpu.weight"):
                return int(read(f"/sys/fs/cgroup{path}/cpu.weight"))
        raise Skip("QEMU is in no cpu cgroup")

    # --- tests ---

    def test_staged(self):
        before = self.picture()
        seen = dict(self.host.ask(NAME, "report"))
        self.assertEqual(seen["nic"]["queues"], "1")
        profile = self.host.profile(STAGED)
        self.tune("apply", profile, "--yes")
        self.assertEqual(self.picture(), before, "nothing but the definition changes before the power cycle")
        pending = self.tune("verify", profile, "--json").json["pending"]
        self.assertEqual({(entry["setting"], entry["item"] and entry["item"].split()[0]) for entry in pending},
                         {("disk.cache", "disk"), ("disk.io", "disk"), ("disk.discard", "disk"),
                          ("disk.iothreads", None), ("disk.iothreads", "disk"), ("nic.queues", "nic")})

        self.host.power_cycle(NAME)
        after = self.picture()
        self.assertEqual(after["aio"], "native")
        self.assertEqual(after["cache"]["direct"], True)
        self.assertEqual(after["discard"], "unmap")
        self.assertEqual(after["iothread"], "iothread1")
        self.assertEqual(after["iothreads"], {1: {1}})
        self.assertTrue(after["queues"])
        self.assertGreater(after["vectors"], 4, "two queue pairs, one control queue, one for changes")
        report = dict(self.host.ask(NAME, "report"))
        self.assertEqual(report["disk"]["marker"], seen["disk"]["marker"])
        self.assertEqual(report["nic"]["queues"], "2")
        verified = self.tune("verify", profile, "--json")
        self.assertEqual(verified.json["pending"], [], verified)
        self.tune("plan", profile)

        self.tune("rollback", "--yes")
        self.assertEqual(self.host.definition(NAME), self.before)
        self.host.power_cycle(NAME)
        self.assertEqual(self.picture(), before)
        self.assertEqual(dict(self.host.ask(NAME, "report"))["nic"]["queues"], "1")

    def test_io_uring(self):
        profile = self.host.profile("[domain kt-devices]\ndisk.io = io_uring\n")
        planned = self.host.tune("plan", profile, "--json")
        if planned.code == 0:
            self.skipTest(planned.json["refused"][0]["reason"])
        self.tune("apply", profile, "--yes")
        self.host.power_cycle(NAME)
        self.assertEqual(self.image().get("aio"), "io_uring")

    def test_native_needs_direct_cache(self):
        profile = self.host.profile("[domain kt-devices]\ndisk.io = native\n")
        refused = self.tune("plan", profile, "--json").json["refused"]
        self.assertEqual([(entry["setting"], entry["item"]) for entry in refused], [("disk.io", "disk vda")])
        self.assertIn("needs cache none or directsync", refused[0]["reason"])

    def test_edit_since_keeps_the_edit(self):
        """An undo that can't define the old text takes our nodes back one by one."""
        self.tune("apply", self.host.profile(STAGED), "--yes")
        self.host.virsh("desc", NAME, "--config", "their own words")
        self.tune("rollback", "--yes")
        definition = self.host.definition(NAME)
        self.assertIn("their own words", definition)
        self.host.virsh("desc", NAME, "--config", "--new-desc", "")
        self.assertEqual(self.host.definition(NAME), self.before)

    def test_weight(self):
        before = self.shares()
        profile = self.host.profile("[domain kt-devices]\ncpu.weight = 250%\n")
        self.tune("apply", profile, "--yes")
        self.assertEqual(self.shares(), round(before * 2.5), "at once")
        self.assertIn(f"<shares>{round(before * 2.5)}</shares>", self.host.definition(NAME))
        self.tune("plan", profile)
        self.assertEqual(self.tune("verify", profile, "--json").json["pending"], [])

        self.host.power_cycle(NAME)
        self.assertEqual(self.shares(), round(before * 2.5), "at the next boot")
        self.tune("plan", profile)
        self.tune("rollback", "--yes")
        self.assertEqual(self.shares(), before)
        self.assertEqual(self.host.definition(NAME), self.before)

    def test_weight_of_somebody_else(self):
        """What somebody set after us stays theirs."""
        profile = self.host.profile("[domain kt-devices]\ncpu.weight = 200%\n")
        before = self.shares()
        self.tune("apply", profile, "--yes")
        self.host.virsh("schedinfo", NAME, "--live", "--set", "cpu_shares=777")
        verified = self.tune("verify", profile, "--json", code=2)
        self.assertEqual([(entry["setting"], entry["from"]) for entry in verified.json["drift"]], [("cpu.weight", "777")])
        result = self.tune("rollback", "--yes", code=3)
        self.assertIn("777", result.out + result.err)
        self.assertEqual(self.shares(), 777)
        self.assertNotEqual(before, 777)

    def test_weight_of_100_percent_is_no_word(self):
        before = self.shares()
        self.tune("apply", self.host.profile("[domain kt-devices]\ncpu.weight = 300%\n"), "--yes")
        self.tune("apply", self.host.profile("[domain kt-devices]\ncpu.weight = 100%\n"), "--yes")
        self.assertEqual(self.shares(), before)
        self.assertEqual(self.host.definition(NAME), self.before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
