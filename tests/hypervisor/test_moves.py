# SPDX-License-Identifier: LGPL-2.1-or-later
"""The world moves while kvm-tune is at work: domains, their CPUs, values, CPUs of the host, a second kvm-tune.

kvm-tune asks before it does anything: what happens "between plan and apply" happens while it waits for the answer."""

import contextlib
import glob
import os
import shutil
import unittest

from host import chosen, open_host, put_back, read, write

DEFRAG = "/sys/kernel/mm/transparent_hugepage/defrag"
CPU1 = "/sys/devices/system/cpu/cpu1/online"
GUEST = "kt-moves"


class Moves(unittest.TestCase):
    """One guest, that a test may do anything to: it is defined and started anew."""

    host = None
    xml = None

    def setUp(self):
        self.addCleanup(put_back, {DEFRAG: chosen(read(DEFRAG))})
        self.addCleanup(shutil.rmtree, self.host.state, True)
        self.host.define_xml(GUEST, self.xml)
        self.start()
        self.before = self.host.picture(GUEST)
        defrag = "defer" if self.before[DEFRAG] != "defer" else "madvise"
        self.defrag = defrag
        self.profile = self.host.profile(f"""
[host]
thp.defrag = {defrag}
[domain {GUEST}]
cpu.emulator = 0
cpu.weight = 150%
disk.cache = none
""")

    def start(self):
        """Paused: nothing here needs what is in the guest, only its QEMU."""
        if self.host.virsh("domstate", GUEST) == "shut off":
            self.host.virsh("start", "--paused", GUEST)

    def stop(self):
        self.host.virsh("destroy", GUEST)

    def tearDown(self):
        self.host.tune("rollback", "--all", "--yes")
        self.assertEqual(chosen(read(DEFRAG)), self.before[DEFRAG])

    def apply(self, code=0):
        result = self.host.tune("apply", self.profile, "--yes")
        self.assertEqual(result.code, code, result)
        return result

    def apply_while(self, meanwhile, code):
        result = self.host.tune_asked("apply", self.profile, meanwhile=meanwhile)
        self.assertEqual(result.code, code, result)
        return result

    def roll_back(self, code=0):
        result = self.host.tune("rollback", "--yes")
        self.assertEqual(result.code, code, result)
        return result

    def results(self, run="1"):
        """Setting and when it takes effect → what became of it, as the journal has it."""
        return {(action["setting"], action["when"]): action["result"]
                for action in self.host.tune("history", run, "--json").json["actions"]}


def setUpModule():  # pylint: disable=invalid-name
    Moves.host = open_host(unittest.addModuleCleanup)
    Moves.host.define(GUEST, "--vcpus", "2", "--nic", "none")
    Moves.xml = Moves.host.virsh("dumpxml", "--inactive", GUEST).replace(
        "<vcpu placement='static'>2</vcpu>", "<vcpu placement='static' current='1'>2</vcpu>")


class BetweenPlanAndApply(Moves):
    def test_answered_no(self):
        result = self.host.tune_asked("apply", self.profile, meanwhile=lambda: None, answer="n")
        self.assertEqual(result.code, 4, result)
        self.assertEqual(self.host.picture(GUEST), self.before)

    def test_domain_gone(self):
        def remove():
            self.stop()
            self.host.virsh("undefine", GUEST)
        result = self.apply_while(remove, 3)
        self.assertIn("has no persistent definition any more", result.said)
        self.assertEqual(chosen(read(DEFRAG)), self.defrag)
        self.roll_back()

    def test_domain_shut_off(self):
        result = self.apply_while(self.stop, 3)
        self.assertIn("does not run any more", result.said)
        self.assertIn("cache='none'", self.host.definition(GUEST))
        self.roll_back()
        self.assertEqual(self.host.definition(GUEST), self.before[GUEST][0])

    def test_domain_started_anew(self):
        def restart():
            self.stop()
            self.start()
        result = self.apply_while(restart, 3)
        self.assertIn("was started anew", result.said)
        self.assertEqual(self.host.affinity(GUEST)["emulator"], self.before[GUEST][1]["emulator"])
        self.roll_back()
        self.assertEqual(self.host.picture(GUEST), self.before)

    def test_domain_started(self):
        """What a shut-off domain gets is for its next start, whenever that is."""
        self.stop()
        self.apply_while(self.start, 0)
        self.assertIn("cache='none'", self.host.definition(GUEST))
        self.roll_back()
        self.assertEqual(self.host.definition(GUEST), self.before[GUEST][0])

    def test_domain_renamed(self):
        self.stop()
        with open(os.path.join(self.host.directory, "domains"), "a", encoding="utf-8") as noted:
            noted.write("kt-moved\n")
        self.addCleanup(self.host.virsh, "domrename", "kt-moved", GUEST)
        self.apply_while(lambda: self.host.virsh("domrename", GUEST, "kt-moved"), 0)
        self.assertIn("cache='none'", self.host.definition("kt-moved"))
        self.roll_back()
        self.assertNotIn("cache=", self.host.definition("kt-moved"))

    def test_vcpu_plugged_in(self):
        """The plan didn't know it: the next one places it."""
        self.profile = self.host.profile(f"[domain {GUEST}]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n")
        self.host.virsh("setvcpus", GUEST, "1", "--live")
        self.apply_while(lambda: self.host.virsh("setvcpus", GUEST, "2", "--live"), 0)
        self.assertEqual(self.host.tune("verify", self.profile).code, 2)
        self.roll_back()
        self.assertEqual(self.host.definition(GUEST), self.before[GUEST][0])

    def test_value_changed(self):
        theirs = next(word for word in ("never", "always", "defer+madvise")
                      if word not in (self.before[DEFRAG], self.defrag))
        result = self.apply_while(lambda: write(DEFRAG, theirs), 3)
        self.assertIn(f"expected '{self.before[DEFRAG]}', found '{theirs}'", result.said)
        self.assertEqual(chosen(read(DEFRAG)), theirs)
        self.assertEqual(self.results()["thp.defrag", "now"], "conflict")
        self.roll_back()
        self.assertEqual(chosen(read(DEFRAG)), theirs)
        write(DEFRAG, self.before[DEFRAG])

    def test_affinity_changed(self):
        self.apply_while(lambda: self.host.virsh("emulatorpin", GUEST, "1", "--live"), 3)
        self.assertEqual(self.host.affinity(GUEST)["emulator"], {1})
        self.roll_back()
        self.assertEqual(self.host.affinity(GUEST)["emulator"], {1})

    def test_definition_changed(self):
        """Somebody's other value of ours is a conflict; what else they changed isn't touched."""
        theirs = self.host.definition(GUEST).replace("type='raw'", "type='raw' cache='writeback'", 1)
        result = self.apply_while(lambda: self.host.define_xml(GUEST, theirs), 3)
        self.assertIn("found 'writeback'", result.said)
        self.assertIn("cache='writeback'", self.host.definition(GUEST))


class BetweenApplyAndRollback(Moves):
    def setUp(self):
        super().setUp()
        self.apply()

    def test_value_changed(self):
        theirs = next(word for word in ("never", "always", "defer+madvise")
                      if word not in (self.before[DEFRAG], self.defrag))
        write(DEFRAG, theirs)
        result = self.roll_back(3)
        self.assertIn(f"found '{theirs}'", result.said)
        self.assertEqual(chosen(read(DEFRAG)), theirs)
        self.assertEqual(self.host.definition(GUEST), self.before[GUEST][0])
        write(DEFRAG, self.before[DEFRAG])

    def test_affinity_changed(self):
        self.host.virsh("emulatorpin", GUEST, "1", "--live")
        self.roll_back(3)
        self.assertEqual(self.host.affinity(GUEST)["emulator"], {1})

    def test_domain_gone(self):
        self.stop()
        self.host.virsh("undefine", GUEST)
        self.roll_back()
        self.assertEqual(self.host.tune("rollback", "--yes").said, "nothing to undo")

    def test_domain_started_anew(self):
        """What was only in the old process went with it; what the definition brought is put back in the definition."""
        self.stop()
        self.start()
        self.roll_back()
        self.assertEqual(self.host.definition(GUEST), self.before[GUEST][0])


class CpusOffline(Moves):
    def setUp(self):
        super().setUp()
        if not os.path.exists(CPU1) or read("/sys/devices/system/cpu/online") != "0-1":
            self.skipTest("needs a machine of two CPUs, one of which can go offline")
        self.addCleanup(self.back_online, {path: read(path) for path in self.cpusets()})

    @staticmethod
    def cpusets():
        return sorted(glob.glob("/sys/fs/cgroup/cpuset/**/cpuset.cpus", recursive=True), key=lambda path: path.count("/"))

    @staticmethod
    def back_online(sets):
        """On cgroup version 1 a group loses an offline CPU for good."""
        write(CPU1, "1")
        for path, value in sets.items():
            if os.path.exists(path) and value and read(path) != value:
                with contextlib.suppress(OSError):  # the root's can't be written, and comes back by itself
                    write(path, value)

    def test_between_plan_and_apply(self):
        self.profile = self.host.profile(f"[domain {GUEST}]\ncpu.emulator = 1\n")
        result = self.apply_while(lambda: write(CPU1, "0"), 1)
        self.assertIn("cannot be pinned to '1'", result.said)
        self.assertEqual(self.host.definition(GUEST), self.before[GUEST][0])
        self.assertEqual(self.host.affinity(GUEST)["emulator"] & {0}, {0})

    def test_between_apply_and_rollback(self):
        self.apply()
        write(CPU1, "0")
        self.roll_back()
        self.assertEqual(self.host.definition(GUEST), self.before[GUEST][0])
        self.assertEqual(chosen(read(DEFRAG)), self.before[DEFRAG])


class TwoAtOnce(Moves):
    def test_second_is_refused(self):
        def second():
            for verb in (["apply", self.profile, "--yes"], ["rollback", "--yes"]):
                refused = self.host.tune(*verb)
                self.assertEqual(refused.code, 4, refused)
                self.assertRegex(refused.err, r"held by kvm-tune apply, pid \d+, since \d{4}-")
            self.assertEqual(self.host.tune("plan", self.profile).code, 2)
            self.assertEqual(self.host.tune("history").code, 0)
        self.apply_while(second, 0)
        self.roll_back()
        self.assertEqual(self.host.picture(GUEST), self.before)


class Migrated(Moves):
    """To a second libvirtd on this machine."""

    def setUp(self):
        super().setUp()
        self.other = f"{self.host.directory}-to"
        self.addCleanup(shutil.rmtree, self.other, True)
        self.tool("start")
        self.addCleanup(self.tool, "stop")
        with open(os.path.join(self.other, "domains"), "w", encoding="utf-8") as noted:
            noted.write(f"{GUEST}\n")

    def tool(self, verb, *arguments):
        return self.host._tool("hypervisor", verb, self.other, *arguments).stdout.strip()  # pylint: disable=protected-access

    def migrate(self):
        self.host.virsh("resume", GUEST)
        self.host.virsh("migrate", "--live", "--unsafe", "--persistent", "--undefinesource", GUEST, self.tool("uri"),
                        "tcp://127.0.0.1")

    def test_away(self):
        result = self.apply_while(self.migrate, 3)
        self.assertIn("has no persistent definition any more", result.said)
        self.assertNotIn("cache='none'", self.tool("virsh", "dumpxml", "--inactive", GUEST))
        self.roll_back()


if __name__ == "__main__":
    unittest.main(verbosity=2)
