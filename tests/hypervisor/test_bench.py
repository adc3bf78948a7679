# SPDX-License-Identifier: LGPL-2.1-or-later
"""Benchmarks of a real guest: what they measure is all there, a bad profile is found, and all end as they began.

How often a benchmark sees what isn't there (a wrong verdict in twenty is allowed) is counted on this kind of machine's noise:
`bench/perf/verdicts simulate`.
"""

import json
import os
import signal
import subprocess
import time
import unittest

from host import HERE, SOURCE, open_host, wait_for

GUEST = "kt-bench"
WORKLOAD = os.path.join(HERE, "ping-pong.conf")

# Another guest gets all CPUs but one for its own: two vCPUs that wait for each other on the one that is left.
GREEDY = "kt-greedy"
WORSE = """
[host]
housekeeping = auto
[domain kt-greedy]
cpu.placement = shared-cache
cpu.exclusive = yes
[domain kt-bench]
cpu.placement = shared-cache
"""
# Changes a value that this workload doesn't feel.
NEUTRAL = """
[host]
thp.shmem = {}
"""


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup)
        if os.cpu_count() < 2:
            raise unittest.SkipTest("the guest's two vCPUs want two CPUs")
        cls.host.define(GUEST, "--vcpus", "2", "--nic", "none", "--agent", "yes")
        cls.host.boot(GUEST)

    def setUp(self):
        self.before = self.host.picture(GUEST)
        shmem = "advise" if self.before["/sys/kernel/mm/transparent_hugepage/shmem_enabled"] != "advise" else "never"
        self.neutral = NEUTRAL.format(shmem)

    def tearDown(self):
        self.host.tune("rollback", "--all", "--yes")

    def arguments(self, profile, blocks, *more):
        return ["bench", self.host.profile(profile), "--workload", WORKLOAD, "--blocks", str(blocks), "--seed", "3",
                "--yes", *more]

    def set_up_worse(self):
        """What WORSE makes worse, and how it was."""
        for vcpu in ("0", "1"):
            self.host.virsh("vcpupin", GUEST, vcpu, vcpu, "--live", "--config")
        # Paused: it holds its CPUs, but nothing is measured on it.
        self.host.define(GREEDY, "--vcpus", str(os.cpu_count() - 1), "--nic", "none")
        self.host.virsh("start", "--paused", GREEDY)
        self.addCleanup(self.host.virsh, "destroy", GREEDY)
        return self.host.picture(GUEST, GREEDY)

    def prove(self, profile, *more):
        # Of so many blocks one that others spoil wholly doesn't decide.
        return self.host.tune("apply", self.host.profile(profile), "--prove", WORKLOAD, "--blocks", "12", "--seed", "3",
                              "--yes", *more, timeout=1200)


class Bench(Base):
    def start(self, profile, blocks):
        return subprocess.Popen(self.host.command(*self.arguments(profile, blocks)), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_for_change(self):
        self.assertTrue(wait_for(lambda: self.host.picture(GUEST) != self.before, 60), "the profile is never applied")

    def test_measures_all(self):
        result = self.host.tune(*self.arguments(self.neutral, 6, "--json"))
        self.assertEqual(result.code, 0, result)
        report = result.valid("report")
        judged = [metric for metric in report["metrics"] if not metric["watched"]]
        self.assertEqual([metric["figure"] for metric in judged], ["round-trip"])
        self.assertNotEqual(judged[0]["verdict"], "too few blocks")
        self.assertEqual(judged[0]["complete_blocks"], 6)
        self.assertEqual(len(judged[0]["runs"]), 24)
        self.assertIn("vcpu-busy", [metric["figure"] for metric in report["metrics"] if metric["watched"]])
        self.assertEqual(self.host.picture(GUEST), self.before)

    def test_by_the_guest_agent(self):
        """As in a guest that is installed: guest-exec runs it, and its output comes back."""
        workload = os.path.join(self.host.directory, "agent.conf")
        with open(os.path.join(SOURCE, "bench", "workloads", "memory.conf"), encoding="utf-8") as file:
            text = file.read()
        with open(workload, "w", encoding="utf-8") as file:
            file.write(text.replace("/usr/local/bin/", "/bin/"))
        arguments = ["bench", self.host.profile(self.neutral), "--workload", workload, "--blocks", "1", "--yes", "--json"]
        result = self.host.tune(*arguments)
        self.assertEqual(result.code, 0, result)
        judged = {metric["figure"]: metric for metric in result.valid("report")["metrics"] if not metric["watched"]}
        self.assertEqual(set(judged), {"latency", "write"})
        self.assertTrue(all(run["value"] > 0 for metric in judged.values() for run in metric["runs"]))
        self.assertEqual(self.host.picture(GUEST), self.before)

    def test_only_some_are_measured(self):
        """Of the guests that are tuned; the profile's other guests are tuned beside them."""
        self.host.define(GREEDY, "--vcpus", "1", "--nic", "none")
        self.host.boot(GREEDY)
        self.addCleanup(self.host.virsh, "destroy", GREEDY)
        self.assertEqual(self.host.tune(*self.arguments(self.neutral, 1, "--measure", "kt-nobody")).code, 1)
        both = "[domain kt-*]\ncpu.weight = 90%\n"
        report = self.host.tune(*self.arguments(both, 1, "--measure", GUEST, "--json")).valid("report")
        self.assertEqual({metric["domain"] for metric in report["metrics"]}, {GUEST})
        self.assertEqual({action["target"] for action in report["about"]["plan"]["actions"]},
                         {f"domain:{GUEST}", f"domain:{GREEDY}"})
        self.assertEqual(report["about"]["measured"], [GUEST])

    def test_too_few_blocks_carry_no_verdict(self):
        result = self.host.tune(*self.arguments(self.neutral, 1))
        self.assertEqual(result.code, 0, result)
        self.assertIn("too few blocks", result.out)

    def test_a_bad_profile_is_found(self):
        before = self.set_up_worse()
        # One block in eight may be spoilt by what else this machine does.
        result = self.host.tune(*self.arguments(WORSE, 8, "--json"))
        self.assertEqual(result.code, 0, result)
        judged = [metric for metric in result.valid("report")["metrics"] if not metric["watched"]]
        self.assertEqual(judged[0]["verdict"], "worse", judged[0])
        self.assertGreater(judged[0]["change"]["value"], 0.5)
        self.assertEqual(self.host.picture(GUEST, GREEDY), before)

    def test_too_few_blocks_prove_nothing(self):
        result = self.prove(self.neutral, "--blocks", "5")
        self.assertEqual(result.code, 1, result)
        self.assertIn("takes --blocks 6 at least", result.said)
        self.assertEqual(self.host.picture(GUEST), self.before)

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number), self.start(self.neutral, 50) as process:
                self.wait_for_change()
                process.send_signal(number)
                out, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 3, out + err)
                self.assertIn("interrupted", err)
                self.assertEqual(self.host.picture(GUEST), self.before)

    def test_killed(self):
        with self.start(self.neutral, 50) as process:
            self.wait_for_change()
            process.kill()
            process.communicate(timeout=60)
        undone = self.host.tune("rollback", "--yes")
        self.assertEqual(undone.code, 0, undone)
        self.assertEqual(self.host.picture(GUEST), self.before)

    def test_next_start_tells_of_the_killed_one(self):
        with self.start(self.neutral, 50) as process:
            self.wait_for_change()
            time.sleep(0.2)
            process.kill()
            process.communicate(timeout=60)
        told = self.host.tune("apply", self.host.profile(self.neutral), "--yes")
        self.assertIn("interrupted with its profile applied", told.err, told)

    def test_reports(self):
        self.assertEqual(self.host.tune(*self.arguments(self.neutral, 1)).code, 0)
        export = os.path.join(self.host.directory, "export.json")
        with open(export, "w", encoding="utf-8") as file:
            file.write(self.host.tune("report", "--json").out)
        again = self.host.tune("report", export, "--json")
        with open(export, encoding="utf-8") as file:
            self.assertEqual(json.load(file), again.valid("report"))
        self.host.tune("report", "--compare", export, export, "--json").valid("report")
        page = os.path.join(self.host.directory, "report.html")
        self.assertEqual(self.host.tune("report", "--html", page).code, 0)
        with open(page, encoding="utf-8") as file:
            html = file.read()
        self.assertIn("round-trip", html)
        self.assertLess(len(html), 1 << 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
