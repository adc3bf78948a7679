# SPDX-License-Identifier: LGPL-2.1-or-later
"""Six guests start and stop in random order under the daemon: after each step threads and memory are where it has said, the
seats are legal by what the kernel says, and hardly anybody else was moved.

KT_LAB_STEPS: how many steps (default 12). KT_LAB_SEED: which."""

import os
import random
import re
import time
import unittest

from lab_host import Scenario, cpus, listed, node_of, read, shared_cache, show, wait_for, write
from placement import DOMAINS, PROFILE
from test_daemon import Daemon

STEPS = int(os.environ.get("KT_LAB_STEPS", "12"))
SEED = int(os.environ.get("KT_LAB_SEED", "6"))
# Of the others, by one guest that starts or stops.
MOST_MOVED = 2
# How often a stopped guest is chosen while there is one: the host is rather full than empty.
STARTS = 0.6
# Until the daemon has done what an event brings, on a slow and busy machine.
PATIENCE = 300
# Its own changes are events to it, too: it has done all that a step brings once it has looked at nothing for so long.
QUIET_SECONDS = 2
# A few pages are anywhere: up to 1/32 of all that QEMU has (kt_qemu_memory_counts()), which is more than the guest's RAM
# that is looked at here, for a small guest by a half.
ELSEWHERE = 1 / 20
# What one guest that comes or goes makes the daemon look for; anything else may move anybody.
EVENTS = {"started", "resumed", "stopped", "shut down", "tuned", "defined", "memory moved"}
# Less of its memory than this a guest has while it begins to boot.
BOOTING_KIB = 16 * 1024


class Said:
    """Where the journal says that each thread is; what is staged counts from a guest's next start on."""

    def __init__(self, tune):
        self.tune, self.run = tune, 0
        self.live, self.staged = ({name: {} for name in DOMAINS} for _ in range(2))

    def started(self, name):
        self.live[name] = dict(self.staged[name])

    def read(self):
        runs = [run["run"] for run in self.tune("history", "--json").json["runs"]]
        for run in sorted(run for run in runs if run > self.run):
            for action in self.tune("history", str(run), "--json").json["actions"]:
                self._take(action)
            self.run = run

    def _take(self, action):
        name, setting, item = action["target"].removeprefix("domain:"), action["setting"], action["item"]
        if not setting.startswith("cpu.") or not item or action["result"] != "done":
            return
        kind, _, number = item.partition(" ")
        thread = {"vcpu": f"CPU {number}", "iothread": f"IO iothread{number}", "emulator": "emulator"}[kind]
        (self.live if action["when"] == "now" else self.staged)[name][thread] = cpus(action["to"])


class Churn(Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # It would move memory behind the daemon's back.
        write("/proc/sys/kernel/numa_balancing", "0")
        for name, (vcpus, mib, _, iothreads, _) in DOMAINS.items():
            cls.host.define(name, "--vcpus", str(vcpus), "--memory", str(mib), "--nic", "none",
                            *(["--iothreads", str(iothreads)] if iothreads else []))
        cls.everywhere = cpus(read("/sys/fs/cgroup/cpuset.cpus.effective"))

    def setUp(self):
        self.definitions = {name: self.host.definition(name) for name in DOMAINS}
        self.running = set()
        self.said = Said(self.tune)
        self.daemon = Daemon(self.host, self.host.profile(PROFILE))
        self.addCleanup(self.daemon.kill)
        self.assertTrue(wait_for(lambda: self.looks(0), PATIENCE), self.daemon.said())

    def test_guests_come_and_go(self):
        chance = random.Random(SEED)
        show(f"seed {SEED}, {STEPS} steps")
        order = chance.sample(sorted(DOMAINS), len(DOMAINS))
        began, bounded = time.monotonic(), 0
        for number in range(1, STEPS + 1):
            stopped = sorted(set(DOMAINS) - self.running)
            starts = stopped and (not self.running or chance.random() < STARTS)
            name = order.pop() if order else chance.choice(stopped if starts else sorted(self.running))
            bounded += self.step(number, name)
        show(f"{STEPS} steps in {time.monotonic() - began:.0f} s, {bounded} of them without another reason to look")
        self.assertGreater(2 * bounded, STEPS)
        self.daemon.end()
        self.tune("rollback", "--all", "--yes")
        self.assertEqual({name: self.host.definition(name) for name in DOMAINS}, self.definitions)

    # --- one step ---

    def step(self, number, name):
        """Starts or stops a guest; whether nothing else gave the daemon a reason to look."""
        starts = name not in self.running
        others = self.running - {name}
        before, mark, began = self.seats(others), len(self.daemon.said()), time.monotonic()
        self.host.virsh("start" if starts else "destroy", name)
        if starts:
            self.said.started(name)
        self.running ^= {name}
        done = time.monotonic()
        self.settle(mark, "started" if starts else "stopped")
        self.assertTrue(wait_for(self.memory_is_there, PATIENCE), self.describe_memory())
        self.settle(mark, "")
        after = self.seats(others)
        moved = sorted(other for other in others if before[other] != after[other])
        alone = all(set(why.partition(";")[0].split(", ")) <= EVENTS for why in self.looks(mark))
        show(f"{number}: {'starts' if starts else 'stops '} {name:8} {len(self.running)} run; moved: {' '.join(moved) or '-':17} "
             f"{done - began:.0f} s libvirt, {time.monotonic() - done:.0f} s the daemon")
        if alone:
            self.assertLessEqual(len(moved), MOST_MOVED, self.daemon.said()[mark:])
        else:
            show(f"   not for this guest alone: {'; '.join(self.looks(mark))}")
        self.check()
        return alone

    def looks(self, mark):
        """Why the daemon has looked since, each time."""
        return re.findall(r"looked \((.*?)\): done", self.daemon.said()[mark:])

    def settle(self, mark, event):
        """Until it has looked because of that, and has nothing more to do."""
        self.assertTrue(wait_for(lambda: any(event in why for why in self.looks(mark)), PATIENCE), self.daemon.said()[mark:])
        seen, since = None, 0

        def quiet():
            nonlocal seen, since
            time.sleep(0.3)
            status = self.daemon.status()
            now = (len(self.looks(mark)), status is None or status["busy"])
            if now != seen or now[1]:
                seen, since = now, time.monotonic()
            return time.monotonic() - since > QUIET_SECONDS

        self.assertTrue(wait_for(quiet, PATIENCE), self.daemon.said()[mark:])

    def seats(self, names):
        """Who moves has other CPUs of his own, or another set of caches. What others leave free joins a set: no move."""
        found = {}
        for name in names:
            sets = self.host.vcpu_sets(name)
            found[name] = sets if DOMAINS[name][4] else {shared_cache(cpu) for one in sets for cpu in one}
        return found

    # --- what must be ---

    def check(self):
        self.said.read()
        for name in sorted(self.running):
            for thread, where in self.host.affinity(name).items():
                self.assertEqual(where, self.said.live[name].get(thread, self.everywhere), f"{name}: {thread}")
        own = [cpu for name in self.running if DOMAINS[name][4] for one in self.host.vcpu_sets(name) for cpu in one]
        self.assertEqual(len(own), sum(DOMAINS[name][0] for name in self.running if DOMAINS[name][4]))
        self.assertEqual(len(set(own)), len(own), "two exclusive vCPUs share a CPU")
        self.assertNotIn(0, own, "an exclusive vCPU runs on the housekeeping CPU")
        for name in self.running:
            if not DOMAINS[name][4]:
                self.check_shared(name, set(own))

    def check_shared(self, name, own):
        sets = self.host.vcpu_sets(name)
        self.assertTrue(all(one == sets[0] for one in sets), f"{name}: {sets}")
        whole = set().union(*(shared_cache(cpu) for cpu in sets[0]))
        self.assertEqual(sets[0], whole - own, f"{name}: caches less {listed(own)}")

    def home(self, name):
        return {node_of(cpu) for one in self.host.vcpu_sets(name) for cpu in one}

    def memory_is_there(self):
        """Of those whose CPUs are on one node: elsewhere it has no reason to go."""
        for name in self.running:
            home, ram = self.home(name), self.host.ram(name, DOMAINS[name][1])
            total = sum(ram.values())
            if len(home) == 1 and (total < BOOTING_KIB or ram.get(*home, 0) < total * (1 - ELSEWHERE)):
                return False
        return True

    def describe_memory(self):
        where = {name: (self.home(name), self.host.ram(name, DOMAINS[name][1])) for name in sorted(self.running)}
        return f"nodes of vCPUs, KiB by node: {where}; following: {(self.daemon.status() or {}).get('following')}"


if __name__ == "__main__":
    unittest.main()
