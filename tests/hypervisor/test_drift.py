# SPDX-License-Identifier: LGPL-2.1-or-later
"""What somebody changes while the daemon runs is kept; what a machine reset is put right."""

import contextlib
import os
import re
import sqlite3
import unittest

from host import chosen, read, wait_for, write
from test_daemon import DEFRAG, PATIENCE, PINNED, Base


# Both of this machine's CPUs are as good for its only vCPU.
OWN = """
[host]
housekeeping = none
[domain kt-one]
cpu.placement = shared-cache
cpu.exclusive = yes
"""


class Drift(Base):
    def kept(self, text=PINNED):
        """A daemon that has tuned kt-one, and recorded it."""
        daemon = self.daemon(self.host.profile(text))
        self.start("kt-one")
        self.assert_pinned(daemon, "kt-one", {0})
        self.look(daemon)
        return daemon

    def look(self, daemon):
        """One whole look that begins after this call."""
        def looks():
            return len(re.findall(r"looked \([^)]*profile read again", daemon.said()))
        number = looks()
        daemon.ask("reload")
        self.assertTrue(wait_for(lambda: looks() > number, PATIENCE), daemon.said())

    def manual(self, *names):
        marks = self.host.tune("status", *names, "--json").valid("status")["manual"]
        return [(mark["target"], mark["setting"], mark["item"], mark["left"], mark["found"], mark["cause"]) for mark in marks]

    def release(self, *arguments):
        released = self.host.tune("release", *arguments)
        self.assertEqual(released.code, 0, released)
        return released

    def test_pinned_by_hand(self):
        """Kept over two looks, shown, given back."""
        daemon = self.kept()
        definition = self.host.definition("kt-one")
        self.host.virsh("emulatorpin", "kt-one", "1", "--live")
        self.look(daemon)
        self.look(daemon)
        self.assertEqual(self.emulator("kt-one"), {1}, daemon.said())
        self.assertEqual(self.host.definition("kt-one"), definition)
        mark = ("domain:kt-one", "cpu.emulator", "emulator", "0", "1", "changed")
        self.assertEqual(self.manual(), [mark])
        self.assertEqual(self.manual("kt-two"), [])
        self.assertEqual(daemon.status()["last"]["manual"], 1)
        said = self.host.tune("status").said
        self.assertIn("kt-one: cpu.emulator emulator: changed from '0' to '1'", said)
        self.assertIn("keeps ", said)
        self.assertEqual(daemon.said().count("is manual from now on"), 1)

        self.assertIn("kt-one: cpu.emulator emulator: given back", self.release("kt-one").said)
        self.assert_pinned(daemon, "kt-one", {0})
        self.assertEqual(self.manual(), [])
        self.host.virsh("emulatorpin", "kt-one", "1", "--live")
        self.look(daemon)
        self.assertEqual(self.manual(), [mark])

    def test_placed_by_hand(self):
        """A vCPU of its own: the domain's whole placement is manual, and another guest is placed beside it."""
        daemon = self.daemon(self.host.profile("""
[host]
housekeeping = 0
[domain kt-one]
cpu.placement = shared-cache
cpu.exclusive = yes
"""))
        self.start("kt-one")
        self.assertTrue(wait_for(lambda: self.host.affinity("kt-one")["CPU 0"] == {1}, PATIENCE), daemon.said())
        self.host.virsh("vcpupin", "kt-one", "0", "0", "--live")
        self.look(daemon)
        self.look(daemon)
        self.assertEqual(self.host.affinity("kt-one")["CPU 0"], {0}, daemon.said())
        self.assertEqual(self.manual(), [("domain:kt-one", "cpu.placement", "vcpu 0", "1", "0", "changed")])
        self.assertEqual(daemon.status()["last"]["refused"], 0)

    def own(self):
        """A daemon that has given kt-one a CPU of its own; this CPU and another one, as texts, and the definition then."""
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("there is one CPU")
        daemon = self.daemon(self.host.profile(OWN))
        self.start("kt-one")
        self.assertTrue(wait_for(lambda: len(self.host.affinity("kt-one")["CPU 0"]) == 1, PATIENCE), daemon.said())
        self.look(daemon)
        cpu = min(self.host.affinity("kt-one")["CPU 0"])
        other = min(os.sched_getaffinity(0) - {cpu})
        definition = self.host.definition("kt-one")
        self.assertIn(f"<vcpupin vcpu='0' cpuset='{cpu}'/>", definition)
        return daemon, str(cpu), str(other), definition

    def assert_vcpu_is_manual(self, daemon, left, found):
        """Over two looks."""
        for _ in range(2):
            self.look(daemon)
            self.assertEqual(self.manual(), [("domain:kt-one", "cpu.placement", "vcpu 0", left, found, "changed")], daemon.said())
        self.assertIn(f"kt-one: cpu.placement vcpu 0: changed from '{left}' to '{found}'", self.host.tune("status").said)
        self.assertEqual(daemon.said().count("is manual from now on"), 1)

    def assert_given_back(self, daemon):
        """It is placed by the profile again, wherever that is: as it runs it is defined."""
        self.assertIn("kt-one: cpu.placement vcpu 0: given back", self.release("kt-one").said)

        def agrees():
            cpu = min(self.host.affinity("kt-one")["CPU 0"])
            return f"<vcpupin vcpu='0' cpuset='{cpu}'/>" in self.host.definition("kt-one")
        self.assertTrue(wait_for(agrees, PATIENCE), daemon.said())
        self.look(daemon)
        self.assertEqual(self.manual(), [], daemon.said())

    def test_pinned_where_it_is_as_good(self):
        """For this run of the guest: the plan has nothing against that CPU, and yet it isn't written into the definition."""
        daemon, cpu, other, definition = self.own()
        self.host.virsh("vcpupin", "kt-one", "0", other, "--live")
        self.assert_vcpu_is_manual(daemon, cpu, other)
        self.assertEqual(self.host.affinity("kt-one")["CPU 0"], {int(other)})
        self.assertEqual(self.host.definition("kt-one"), definition)
        self.assert_given_back(daemon)
        self.assert_kept_anew(daemon)

    def assert_kept_anew(self, daemon):
        """Who pins it once more, after it was given back where it ran, pins it anew."""
        cpu = min(self.host.affinity("kt-one")["CPU 0"])
        other = min(os.sched_getaffinity(0) - {cpu})
        definition = self.host.definition("kt-one")
        self.host.virsh("vcpupin", "kt-one", "0", str(other), "--live")
        self.look(daemon)
        self.assertEqual(self.manual(), [("domain:kt-one", "cpu.placement", "vcpu 0", str(cpu), str(other), "changed")],
                         daemon.said())
        self.assertEqual(self.host.affinity("kt-one")["CPU 0"], {other})
        self.assertEqual(self.host.definition("kt-one"), definition)

    def test_pinned_after_a_start(self):
        """Of a guest that was off since it was tuned: its definition has pinned it then, nobody's run."""
        daemon, cpu, other, definition = self.own()
        self.host.virsh("destroy", "kt-one")
        self.start("kt-one")
        self.look(daemon)
        self.assertEqual(self.manual(), [], daemon.said())
        self.host.virsh("vcpupin", "kt-one", "0", other, "--live")
        self.assert_vcpu_is_manual(daemon, cpu, other)
        self.assertEqual(self.host.affinity("kt-one")["CPU 0"], {int(other)})
        self.assertEqual(self.host.definition("kt-one"), definition)
        self.assert_given_back(daemon)

    def test_pinned_at_the_next_start(self):
        """The definition stays as he made it, and the guest where it is until then."""
        daemon, cpu, other, _ = self.own()
        self.host.virsh("vcpupin", "kt-one", "0", other, "--config")
        definition = self.host.definition("kt-one")
        self.assert_vcpu_is_manual(daemon, cpu, other)
        self.assertEqual(self.host.definition("kt-one"), definition)
        self.assertEqual(self.host.affinity("kt-one")["CPU 0"], {int(cpu)})
        self.host.virsh("destroy", "kt-one")
        self.start("kt-one")
        self.look(daemon)
        self.assertEqual(self.host.affinity("kt-one")["CPU 0"], {int(other)}, daemon.said())
        self.assertEqual(self.host.definition("kt-one"), definition)
        self.assert_given_back(daemon)

    def test_pinned_for_good(self):
        """Now and at the next start: there is nothing that a plan would change, and it is his all the same."""
        daemon, cpu, other, _ = self.own()
        self.host.virsh("vcpupin", "kt-one", "0", other, "--live", "--config")
        definition = self.host.definition("kt-one")
        self.assert_vcpu_is_manual(daemon, cpu, other)
        self.assertEqual(self.host.affinity("kt-one")["CPU 0"], {int(other)})
        self.assertEqual(self.host.definition("kt-one"), definition)
        self.assert_given_back(daemon)
        self.assert_kept_anew(daemon)

    def test_pinned_while_no_daemon_runs(self):
        """To a CPU that is as good: nothing else tells of it than where it runs."""
        daemon, cpu, other, definition = self.own()
        daemon.end()
        self.host.virsh("vcpupin", "kt-one", "0", other, "--live")
        daemon = self.daemon(self.host.profile(OWN))
        self.assert_vcpu_is_manual(daemon, cpu, other)
        self.assertEqual(self.host.definition("kt-one"), definition)

    def test_pinned_while_it_cannot_look(self):
        """Of a guest that was off since it was tuned: that somebody did something to it isn't forgotten."""
        daemon, cpu, other, definition = self.own()
        self.host.virsh("destroy", "kt-one")
        self.start("kt-one")
        self.look(daemon)
        os.chmod(self.host.state, 0o777)
        self.host.virsh("vcpupin", "kt-one", "0", other, "--live")
        self.assertTrue(daemon.has_looked("failed"), daemon.said())
        os.chmod(self.host.state, 0o700)
        self.assertTrue(wait_for(lambda: len(self.manual()) == 1, PATIENCE), daemon.said())
        self.assert_vcpu_is_manual(daemon, cpu, other)
        self.assertEqual(self.host.definition("kt-one"), definition)

    def test_iothread_pinned_by_hand(self):
        self.host.define_xml("kt-one", self.definitions["kt-one"].replace("</vcpu>", "</vcpu><iothreads>1</iothreads>"))
        daemon = self.daemon(self.host.profile("[domain kt-one]\ncpu.iothreads = 0\n"))

        def is_on(cpu):
            return wait_for(lambda: self.host.affinity("kt-one").get("IO iothread1") == {cpu}, PATIENCE)
        self.start("kt-one")
        self.assertTrue(is_on(0), daemon.said())
        self.look(daemon)
        definition = self.host.definition("kt-one")
        self.host.virsh("iothreadpin", "kt-one", "1", "1", "--live")
        self.look(daemon)
        self.look(daemon)
        self.assertTrue(is_on(1), daemon.said())
        self.assertEqual(self.host.definition("kt-one"), definition)
        self.assertEqual(self.manual(), [("domain:kt-one", "cpu.iothreads", "iothread 1", "0", "1", "changed")])
        self.release("kt-one")
        self.assertTrue(is_on(0), daemon.said())

    def test_defined_by_hand(self):
        """What was staged and is no longer so in another definition stays as it is there."""
        daemon = self.daemon(self.host.profile("[domain kt-one]\ndisk.cache = none\n"))
        self.assertTrue(wait_for(lambda: "cache='none'" in self.host.definition("kt-one"), PATIENCE), daemon.said())
        self.host.define_xml("kt-one", self.definitions["kt-one"])
        self.look(daemon)
        self.look(daemon)
        self.assertNotIn("cache='none'", self.host.definition("kt-one"), daemon.said())
        self.assertEqual([mark[:3] for mark in self.manual()], [("domain:kt-one", "disk.cache", "disk vda")])
        self.release("kt-one", "--json").valid("release")
        self.assertTrue(wait_for(lambda: "cache='none'" in self.host.definition("kt-one"), PATIENCE), daemon.said())

    def test_rolled_back(self):
        """What the daemon did and somebody took back isn't done again, nor when the guest is started anew."""
        daemon = self.kept()
        self.assertEqual(self.host.tune("rollback", "--yes").code, 0)
        self.look(daemon)
        self.look(daemon)
        self.assertNotEqual(self.emulator("kt-one"), {0}, daemon.said())
        self.assertEqual({mark[5] for mark in self.manual()}, {"rolled-back"})
        self.host.virsh("destroy", "kt-one")
        self.start("kt-one")
        self.look(daemon)
        self.assertNotEqual(self.emulator("kt-one"), {0}, daemon.said())
        self.release("kt-one")
        self.assert_pinned(daemon, "kt-one", {0})

    def test_applied_by_hand(self):
        """The newest word counts: apply sets it, says so, and the daemon keeps it again."""
        daemon = self.kept()
        self.host.virsh("emulatorpin", "kt-one", "1", "--live")
        self.look(daemon)
        applied = self.host.tune("apply", self.host.profile(PINNED), "--yes")
        self.assertEqual(applied.code, 0, applied)
        self.assertIn("kt-one: cpu.emulator emulator was changed by hand", applied.said)
        self.assertNotIn("the daemon keeps the profile", applied.said)
        self.assertEqual(self.emulator("kt-one"), {0})
        self.assertEqual(self.manual(), [])

    def test_other_profile_by_hand(self):
        """Its word isn't the daemon's: apply says so before, and the daemon sets it back."""
        daemon = self.kept()
        other = os.path.join(self.host.directory, "other.conf")
        write(other, PINNED.replace("= 0", "= 1"))
        applied = self.host.tune("apply", other, "--yes")
        self.assertEqual(applied.code, 0, applied)
        self.assertIn(f"the daemon keeps the profile {daemon.status()['profile']}, and sets back", applied.said)
        self.assert_pinned(daemon, "kt-one", {0})

    def test_host(self):
        defrag, other = [word for word in ("defer", "madvise", "never") if word != chosen(read(DEFRAG))][:2]
        daemon = self.daemon(self.host.profile(f"[host]\nthp.defrag = {defrag}\n"))
        self.assertEqual(chosen(read(DEFRAG)), defrag)
        write(DEFRAG, other)
        self.look(daemon)
        self.look(daemon)
        self.assertEqual(chosen(read(DEFRAG)), other, daemon.said())
        self.assertEqual(self.manual(), [("host", "thp.defrag", None, defrag, other, "changed")])
        self.release("--host")
        self.assertTrue(wait_for(lambda: chosen(read(DEFRAG)) == defrag, PATIENCE), daemon.said())

    def test_reset_behind_libvirts_back(self):
        """libvirt says still what it was: nobody who means it does so."""
        daemon = self.kept()
        write(self.host.cgroup_cpus_file("kt-one", "emulator"), "1")
        self.assertEqual(self.emulator("kt-one"), {1})
        self.look(daemon)
        self.assertEqual(self.emulator("kt-one"), {0}, daemon.said())
        self.assertEqual(self.manual(), [])

    def test_started_anew(self):
        """A pin dies with its process, and so does who made it."""
        daemon = self.kept()
        self.host.define_xml("kt-one", self.host.definition("kt-one"))
        self.host.virsh("destroy", "kt-one")
        self.start("kt-one")
        self.assert_pinned(daemon, "kt-one", {0})
        self.assertEqual(self.manual(), [])

    def test_undefined(self):
        """Nothing of a guest is shown once libvirt knows it no more; who is defined anew within a day finds it as it was."""
        daemon = self.kept()
        definition = self.host.definition("kt-one")
        self.host.virsh("emulatorpin", "kt-one", "1", "--live")
        self.look(daemon)
        self.host.virsh("destroy", "kt-one")
        self.look(daemon)
        self.assertEqual(len(self.manual()), 1)

        self.host.virsh("undefine", "kt-one")
        self.assertTrue(wait_for(lambda: self.manual() == [], PATIENCE), daemon.said())
        self.assertEqual(daemon.status()["last"]["manual"], 0)
        self.host.define_xml("kt-one", definition)
        self.assertTrue(wait_for(lambda: len(self.manual()) == 1, PATIENCE), daemon.said())

        self.host.virsh("undefine", "kt-one")
        self.assertTrue(wait_for(lambda: self.manual() == [], PATIENCE), daemon.said())
        with contextlib.closing(sqlite3.connect(os.path.join(self.host.state, "state.db"))) as state, state:
            state.execute("UPDATE manual SET gone_usec = gone_usec - 86400000000")
        self.look(daemon)
        self.host.define_xml("kt-one", definition)
        self.look(daemon)
        self.assertEqual(self.manual(), [], daemon.said())

    def test_nothing_to_release(self):
        told = self.host.tune("release", "kt-on")
        self.assertEqual(told.code, 1, told)
        self.assertIn("nothing of domain 'kt-on' is manual", told.said)
        self.assertEqual(self.host.tune("release", "--host").code, 1)
        self.assertEqual(self.host.tune("release").code, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
