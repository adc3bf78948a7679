# SPDX-License-Identifier: LGPL-2.1-or-later
"""profile → plan → apply → verify → rollback on real guests; each outcome is read from the kernel, QEMU, libvirt or the
guest itself."""

import os
import re
import shutil
import unittest

from host import chosen, cpus, open_host, read

THP = "/sys/kernel/mm/transparent_hugepage/enabled"
KSM = "/sys/kernel/mm/ksm/run"
LINUX = "http://debian.org/debian/11"


def another(path, words):
    """A word that is not the chosen one."""
    return next(word for word in words if word != chosen(read(path)))


class WholeWay(unittest.TestCase):
    """One host with two guests: "own" (one vCPU, badly tuned) and "rest" (two vCPUs)."""

    @classmethod
    def setUpClass(cls):
        if len(os.sched_getaffinity(0)) < 2:
            raise unittest.SkipTest("needs two CPUs")
        cls.host = open_host(cls.addClassCleanup)
        cls.host.define("kt-own", "--vcpus", "1", "--nic", "e1000", "--os-id", LINUX)
        cls.host.define("kt-rest", "--vcpus", "2", "--nic", "virtio", "--iothreads", "1")
        cls.host.boot("kt-own")
        cls.host.boot("kt-rest")

    def setUp(self):
        self.before = self.host.picture("kt-own", "kt-rest")
        self.thp = another(THP, ["always", "madvise"])
        self.profile = self.host.profile(f"""
[host]
thp.enabled = {self.thp}
ksm.mode = {'on' if read(KSM) == '0' else 'off'}
housekeeping = auto

[domain kt-*]
cpu.placement = shared-cache
cpu.emulator = auto
cpu.iothreads = auto

[domain kt-own]
cpu.exclusive = yes
disk.cache = none
nic.model = virtio
""")

    def tearDown(self):
        self.host.tune("rollback", "--all", "--yes")
        shutil.rmtree(self.host.state, ignore_errors=True)

    def apply(self):
        result = self.host.tune("apply", self.profile, "--yes")
        self.assertEqual(result.code, 0, result)

    def assert_as_before(self):
        self.assertEqual(self.host.picture("kt-own", "kt-rest"), self.before)

    def test_plan_changes_nothing(self):
        result = self.host.tune("plan", self.profile)
        self.assertEqual(result.code, 2, result)
        self.assert_as_before()
        self.assertFalse(os.path.exists(self.host.state))

    def test_host_settings(self):
        ksm = read(KSM)
        self.apply()
        self.assertEqual(chosen(read(THP)), self.thp)
        self.assertEqual(read(KSM), "1" if ksm == "0" else "0")
        self.assertEqual(self.host.tune("rollback", "--yes").code, 0)
        self.assert_as_before()

    def test_pins(self):
        planned = {domain["name"]: domain["placement"] for domain in self.host.tune("plan", self.profile, "--json").json["domains"]}
        own_cpu = cpus(planned["kt-own"]["vcpus"][0])
        self.assertEqual(len(own_cpu), 1)
        self.apply()
        own, rest = self.host.affinity("kt-own"), self.host.affinity("kt-rest")
        self.assertEqual(own["CPU 0"], own_cpu)
        for thread, allowed in list(rest.items()) + [("emulator", own["emulator"])]:
            self.assertFalse(allowed & own_cpu, f"{thread} may run on the exclusive CPU")
        self.assertEqual(self.host.cgroup_cpus("kt-own", "vcpu0"), own_cpu)
        self.assertEqual(self.host.cgroup_cpus("kt-rest", "vcpu1"), rest["CPU 1"])
        self.assertEqual(self.host.cgroup_cpus("kt-own", "emulator"), own["emulator"])
        for definition in (self.host.virsh("dumpxml", "kt-own"), self.host.definition("kt-own")):
            self.assertEqual(cpus(re.search(r"<vcpupin vcpu='0' cpuset='([^']*)'", definition).group(1)), own_cpu)
        self.assertEqual(self.host.tune("rollback", "--yes").code, 0)
        self.assert_as_before()

    def test_staged_devices(self):
        report = dict(self.host.ask("kt-own", "report"))
        self.assertEqual(report["nic"]["driver"], "e1000")
        self.assertFalse(self.host.image_is_direct("kt-own"))
        self.apply()
        pending = {entry["setting"] for entry in self.host.tune("verify", self.profile, "--json").json["pending"]}
        self.assertEqual(pending, {"disk.cache", "nic.model"})
        self.host.power_cycle("kt-own")
        after = dict(self.host.ask("kt-own", "report"))
        self.assertEqual(after["nic"]["driver"], "virtio_net")
        self.assertEqual(after["nic"]["mac"], report["nic"]["mac"])
        self.assertEqual(after["disk"]["marker"], report["disk"]["marker"])
        self.assertTrue(self.host.image_is_direct("kt-own"))
        verified = self.host.tune("verify", self.profile, "--json")
        self.assertEqual((verified.code, verified.json["pending"]), (0, []), verified)
        self.assertEqual(self.host.tune("rollback", "--yes").code, 0)
        # Affinities and definitions are back at once, devices with the next power cycle.
        self.assert_as_before()
        self.host.power_cycle("kt-own")
        self.assert_as_before()
        self.assertEqual(dict(self.host.ask("kt-own", "report"))["nic"]["driver"], "e1000")
        self.assertFalse(self.host.image_is_direct("kt-own"))

    def test_second_apply_is_empty(self):
        self.apply()
        self.assertEqual(self.host.tune("plan", self.profile).code, 0)
        self.assertEqual(self.host.tune("verify", self.profile).code, 0)
        runs = len(self.host.tune("history", "--json").json["runs"])
        self.apply()
        self.assertEqual(len(self.host.tune("history", "--json").json["runs"]), runs)

    def test_drift_is_named(self):
        self.apply()
        self.host.virsh("vcpupin", "kt-own", "0", "0-1", "--live")
        verified = self.host.tune("verify", self.profile, "--json")
        self.assertEqual(verified.code, 2, verified)
        drift = verified.json["drift"]
        self.assertEqual([(entry["target"], entry["item"], entry["from"]) for entry in drift], [("domain:kt-own", "vcpu 0", "0-1")])

    def test_own_change_survives_rollback(self):
        """What somebody else set after apply is not touched: exit 3, named, everything else undone."""
        self.apply()
        theirs = another(THP, ["always", "madvise", "never"])
        if theirs == self.before[THP]:
            theirs = "never"
        with open(THP, "w", encoding="utf-8") as file:
            file.write(theirs)
        result = self.host.tune("rollback", "--yes")
        self.assertEqual(result.code, 3, result)
        self.assertIn(theirs, result.out + result.err)
        self.assertEqual(chosen(read(THP)), theirs)
        with open(THP, "w", encoding="utf-8") as file:
            file.write(self.before[THP])
        self.assert_as_before()

    def test_edited_definition_keeps_the_edit(self):
        self.apply()
        self.host.virsh("desc", "kt-own", "--config", "their own words")
        self.assertEqual(self.host.tune("rollback", "--yes").code, 0)
        definition = self.host.definition("kt-own")
        self.assertIn("their own words", definition)
        without = re.sub(r"\s*<description>.*?</description>", "", definition)
        self.assertEqual(without, self.before["kt-own"][0])
        self.host.virsh("desc", "kt-own", "--config", "--new-desc", "")

    def test_json_is_as_the_schemas_say(self):
        applied = self.host.tune("apply", self.profile, "--yes", "--json").valid("apply")
        self.assertEqual({action["result"] for action in applied["actions"]}, {"done"})
        for verb in ("check", "status", "recommend"):
            self.host.tune(verb, "--json").valid(verb)
        self.host.tune("verify", self.profile, "--json").valid("verify")
        self.assertIsNone(self.host.tune("apply", self.profile, "--yes", "--json").valid("apply")["run"])
        self.assertEqual(len(self.host.tune("history", "--json").valid("history")["runs"]), 1)
        self.host.tune("history", "1", "--json").valid("history")
        undone = self.host.tune("rollback", "--yes", "--json").valid("rollback")
        self.assertEqual(undone["run"], 2)
        self.assertIsNone(self.host.tune("rollback", "--yes", "--json").valid("rollback")["run"])
        self.host.tune("apply", "no-such-profile", "--yes", "--json").valid("errors")

    def test_what_is_recommended_is_not_refused(self):
        profile = self.host.profile(self.host.tune("recommend").out)
        planned = self.host.tune("plan", profile, "--json").valid("plan")
        self.assertEqual(planned["refused"], [])
        self.assert_as_before()

    def test_lock(self):
        os.makedirs(self.host.state, mode=0o700)
        lock = os.path.join(self.host.state, "lock")
        result = self.host.tune("apply", self.profile, "--yes", before=["flock", lock])
        self.assertEqual(result.code, 4, result)
        self.assert_as_before()

    def test_no_terminal_and_no_yes(self):
        result = self.host.tune("apply", self.profile)
        self.assertEqual(result.code, 4, result)
        self.assert_as_before()


if __name__ == "__main__":
    unittest.main(verbosity=2)
