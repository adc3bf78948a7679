# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 anywhere in apply and in rollback, on a real guest, for every kind of step: the next start tells what was half
done, rollback restores, and apply completes.

What a power loss leaves of the files is tests/unit/agent/exec/power_loss.c."""

import contextlib
import os
import re
import shutil
import sqlite3
import unittest

import killing
from host import KSM, SOURCE, open_host, read, unmerge, write

RUN = f"{KSM}/run"
DEFRAG = "/sys/kernel/mm/transparent_hugepage/defrag"
CPUSET = "/sys/fs/cgroup/cpuset"
# Steps that can't be had on a machine of one memory node, and those that disturb a guest
# (test_killed_ways.py).
ELSEWHERE = {"pages", "pause", "replug", "restart"}


def step_kinds():
    """The kinds of the step table, by the names that the journal has for them."""
    with open(f"{SOURCE}/agent/exec/step.c", encoding="utf-8") as file:
        kinds = re.findall(r"\[KT_STEP_(\w+)\] = &", file.read())
    return {kind.lower().replace("_", "-") for kind in kinds}


class Killed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("strace"):
            raise unittest.SkipTest("strace isn't installed")
        cls.host = open_host(cls.addClassCleanup)
        cls.host.define("kt-victim", "--vcpus", "1", "--nic", "e1000")
        cls.host.boot("kt-victim")
        cls.reachable = step_kinds() - ELSEWHERE
        if not cls.make_services():
            cls.reachable -= {"services"}

    @classmethod
    def make_services(cls):
        """A cpuset group as host services have them; only where nobody has any. Whether there is one."""
        group = f"{CPUSET}/system.slice"
        if not os.path.exists(f"{CPUSET}/cpuset.cpus") or os.path.exists(group) or read("/proc/1/comm") == "systemd":
            return False
        os.mkdir(group)
        cls.addClassCleanup(os.rmdir, group)
        for file in ("cpuset.mems", "cpuset.cpus"):
            write(f"{group}/{file}", read(f"{CPUSET}/{file}"))
        return True

    def setUp(self):
        self.parts = set()
        # KSM's procedure has three writes; nothing is to be merged anew meanwhile.
        unmerge()
        write(RUN, "0")
        self.before = self.picture()
        defrag = "defer" if self.before[DEFRAG] != "defer" else "madvise"
        merge = "no" if self.before[f"{KSM}/merge_across_nodes"] == "1" else "yes"
        services = "services = housekeeping" if "services" in self.reachable else ""
        self.profile = self.host.profile(f"""
[host]
thp.defrag = {defrag}
ksm.merge-across-nodes = {merge}
housekeeping = 0
{services}
[domain kt-victim]
cpu.emulator = 0
cpu.weight = 150%
disk.cache = none
nic.model = virtio
guest.virtio = assume
""")

    def tearDown(self):
        self.forget()

    def forget(self):
        """What one place has left, if it failed, must not be the next one's beginning."""
        self.host.tune("rollback", "--all", "--yes")
        shutil.rmtree(self.host.state, ignore_errors=True)

    def picture(self):
        picture = self.host.picture("kt-victim")
        picture["weight"] = self.host.virsh("schedinfo", "kt-victim", "--live")
        if "services" in self.reachable:
            picture["services"] = read(f"{CPUSET}/system.slice/cpuset.cpus")
        return picture

    def where_to_kill(self, verb):
        """Each write into the kernel. Of a commit's five syncs, and of the questions and orders to libvirt, not each one
        in each step, but each place in some step: 3 and 5 have no common factor, and no step has 2 or 4 calls."""
        calls = killing.calls(self.host, verb)
        syncs = [call for call in calls if call[0] == "fdatasync"]
        messages = [call for call in calls if call[0] == "write" and "socket:" in call[2]]
        effects = [call for call in calls if call[0] != "fdatasync" and call[2].startswith(("/sys/", "/proc/sys/"))]
        self.assertGreaterEqual(len(syncs), 5 * 2 * len(self.reachable))
        self.assertGreaterEqual(len(messages), 10)
        self.assertGreaterEqual(len(effects), 4)
        return syncs[::3] + messages[::2] + effects

    def begun(self):
        """The kinds of steps that were begun and not ended, from the journal itself; each is told in words."""
        told = self.host.tune("history")
        self.assertEqual(told.code, 0, told)
        with contextlib.closing(sqlite3.connect(f"file:{self.host.state}/state.db", uri=True)) as journal:
            if not journal.execute("PRAGMA user_version").fetchone()[0]:
                return set()
            unfinished = journal.execute("SELECT count(*) FROM runs WHERE finished_usec = 0").fetchone()[0]
            kinds = {kind for kind, in journal.execute(
                "SELECT kind FROM steps JOIN runs ON runs.id = run WHERE result = 'begun' AND finished_usec = 0")}
        if kinds:
            self.assertGreater(unfinished, 0)
            self.assertIn("interrupted", told.out + told.err)
        if "ksm-merge" in kinds:
            self.parts |= self.told_parts()
        return kinds

    def told_parts(self):
        """The parts of KSM's procedure that were begun and not done; `history RUN` tells each."""
        with contextlib.closing(sqlite3.connect(f"file:{self.host.state}/state.db", uri=True)) as journal:
            parts = journal.execute("SELECT run, name FROM parts JOIN steps USING (run, seq) "
                                    "WHERE result = 'begun' AND NOT done").fetchall()
        for run, name in parts:
            told = " ".join(self.host.tune("history", str(run)).out.split())
            self.assertIn(f"its part '{name}' was begun and is not done", told)
        return {name for _, name in parts}

    def kill(self, verb, call, number):
        result = self.host.tune(*verb, before=killing.killer(call, number), environment=killing.TRACED)
        self.assertIn(result.code, (-9, 137), result)
        return self.begun()

    def must(self, *verb):
        result = self.host.tune(*verb)
        self.assertEqual(result.code, 0, result)

    def test_apply(self):
        apply = ["apply", self.profile, "--yes"]
        places = self.where_to_kill(apply)
        self.must("rollback", "--all", "--yes")
        seen = set()
        for turn, (call, number, file) in enumerate(places):
            with self.subTest(call=call, number=number, file=file):
                self.forget()
                seen |= self.kill(apply, call, number)
                if turn % 4 == 0:
                    self.must(*apply)
                    self.must("verify", self.profile)
                self.must("rollback", "--all", "--yes")
                self.assertEqual(self.picture(), self.before)
        self.assertEqual(seen, self.reachable, "a kind of step was never killed while it was done")
        self.assertEqual(self.parts, {"unmerge", "write", "resume"})

    def test_rollback(self):
        apply = ["apply", self.profile, "--yes"]
        self.must(*apply)
        places = self.where_to_kill(["rollback", "--yes"])
        seen = set()
        for call, number, file in places:
            with self.subTest(call=call, number=number, file=file):
                self.forget()
                self.must(*apply)
                seen |= self.kill(["rollback", "--yes"], call, number)
                self.must("rollback", "--all", "--yes")
                self.assertEqual(self.picture(), self.before)
        self.assertEqual(seen, self.reachable, "a kind of step was never killed while it was undone")
        self.assertEqual(self.parts, {"unmerge", "write", "resume"})

    def test_table_is_known(self):
        """What can't be had on this machine is named; no kind is forgotten."""
        self.assertLessEqual(ELSEWHERE, step_kinds())
        self.assertLessEqual({"sysfs", "define", "pin", "weight", "ksm-merge", "services"}, step_kinds())


if __name__ == "__main__":
    unittest.main(verbosity=2)
