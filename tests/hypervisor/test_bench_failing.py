# SPDX-License-Identifier: LGPL-2.1-or-later
"""Workloads that fail in a benchmark: they are repeated, then given up, and what they say of it is told; what was measured is
shown, and the host ends as it began."""

import json
import os
import signal
import subprocess
import time
import unittest

from host import read, wait_for, write
from test_bench import GUEST, WORKLOAD, Base

SEED = "3"
SHMEM = "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

# With this seed the first blocks have the profile in their middle, so that the calls are (w: the first in an arm, which is
# thrown away): 1w 2 3w 4 5 6w 7, 8 9w 10 11 12w 13. Counts its calls, and fails in those from FIRST on, until AFTER.
FLAKY = """[workload]
where = host
run = sh -c 'echo . >>{count}; n=$(wc -l <{count}); [ $n -lt {first} -o $n -ge {after} ] && echo figure $n && exit; echo no route >&2; exit 7'
[figure figure]
read = line ^figure ([0-9]+)
"""
# Fails while the profile is applied.
HURT = """[workload]
where = host
run = sh -c 'case $(cat {file}) in *"[{value}]"*) echo figure 1;; *) echo too much >&2; exit 1;; esac'
[figure figure]
read = line ^figure ([0-9]+)
"""
IN_GUEST = """[workload]
where = guest-agent
run = /bin/sh -c "{script}"
[figure figure]
read = line ^figure ([0-9]+)
"""
# Takes a power cycle.
STAGED = f"""
[domain {GUEST}]
disk.cache = none
"""
PASSIVE = """[workload]
where = passive
timeout = 10
[figure busy]
read = watched vcpu-busy
"""


class Failing(Base):
    def workload(self, name, text):
        path = os.path.join(self.host.directory, f"{name}.conf")
        write(path, text)
        return path

    def flaky(self, first, after=1000):
        count = os.path.join(self.host.directory, f"{self.id()}.count")
        return self.workload("flaky", FLAKY.format(count=count, first=first, after=after))

    def bench(self, *workloads, blocks=2, more=("--json",)):
        chosen = [word for workload in workloads for word in ("--workload", workload)]
        return self.host.tune("bench", self.host.profile(self.neutral), *chosen, "--blocks", str(blocks), "--seed", SEED,
                              "--yes", *more, timeout=900)

    def assert_as_it_was(self):
        self.assertEqual(self.host.picture(GUEST), self.before)

    def judged(self, report):
        return {metric["workload"]: metric for metric in report["metrics"] if not metric["watched"]}

    def test_fails_once(self):
        result = self.bench(self.flaky(4, 5))
        self.assertEqual(result.code, 0, result)
        report = result.valid("report")
        self.assertEqual([(failure["tries"], failure["given_up"]) for failure in report["failures"]], [(1, False)])
        self.assertIn("no route", report["failures"][0]["message"])
        self.assertEqual(self.judged(report)["flaky"]["complete_blocks"], 2)
        self.assertTrue(any("no route" in remark for remark in report["remarks"]))
        self.assert_as_it_was()

    def test_given_up(self):
        """Of two workloads the other goes on."""
        result = self.bench(self.flaky(7), WORKLOAD)
        self.assertEqual(result.code, 3, result)
        report = result.valid("report")
        self.assertEqual([(failure["workload"], failure["tries"], failure["given_up"]) for failure in report["failures"]],
                         [("flaky", 6, True)])
        self.assertEqual(self.judged(report)["ping-pong"]["complete_blocks"], 2)
        self.assertEqual(self.judged(report)["flaky"]["verdict"], "too few blocks")
        self.assertGreater(len(self.judged(report)["flaky"]["runs"]), 1)
        self.assertIn(f"flaky on {GUEST} was given up", result.err)
        self.assertIn("ended with exit code 7: no route", self.host.tune("report").said)
        self.assert_as_it_was()

    def test_never_runs(self):
        """That is told before anything is changed, with what it says itself."""
        history = self.host.tune("history").out
        for workload, said in ((self.flaky(0), "flaky: sh ended with exit code 7: no route"),
                               (self.workload("guest", IN_GUEST.format(script="echo one; echo no space >&2; exit 5")),
                                f"guest: in {GUEST} it ended with exit code 5: no space"),
                               (self.workload("iperf3", IN_GUEST.format(script="echo '{}'".format(
                                   '{ \\"error\\": \\"unable to connect\\" }'))), "not in what it printed: 'unable to connect'")):
            with self.subTest(said):
                result = self.bench(workload, more=())
                self.assertEqual(result.code, 1, result)
                self.assertIn(said, result.said)
                self.assertEqual(self.host.tune("history").out, history)
                self.assert_as_it_was()

    def test_fails_with_the_profile(self):
        hurt = self.workload("hurt", HURT.format(file=SHMEM, value=self.before[SHMEM]))
        result = self.bench(hurt, WORKLOAD)
        self.assertEqual(result.code, 3, result)
        failure, = result.valid("report")["failures"]
        self.assertEqual((failure["workload"], failure["with"], failure["given_up"]), ("hurt", True, True))
        self.assertIn("the profile may be why", result.said)
        self.assertIn("too much", failure["message"])
        self.assert_as_it_was()

    def test_proves_nothing(self):
        result = self.host.tune("apply", self.host.profile(self.neutral), "--prove", self.flaky(10), "--blocks", "6",
                                "--seed", SEED, "--yes", timeout=900)
        self.assertEqual(result.code, 1, result)
        self.assertIn("nothing is proven: flaky on", result.said)
        self.assert_as_it_was()

    def newest(self):
        """The newest benchmark so far, or nothing."""
        result = self.host.tune("report", "--json")
        return result.json if result.code == 0 else {"benchmark": 0}

    def start(self, *workloads, blocks=1, profile=None, more=()):
        chosen = [word for workload in workloads for word in ("--workload", workload)]
        return subprocess.Popen(self.host.command("bench", self.host.profile(profile or self.neutral), *chosen, "--blocks",
                                                  str(blocks), "--seed", SEED, "--yes", "--json", *more),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def failures_to_the_end(self, process):
        """Of one that measures all the same."""
        out, err = process.communicate(timeout=900)
        self.assertEqual(process.returncode, 0, out + err)
        export = os.path.join(self.host.directory, "export.json")
        write(export, out)
        report = self.host.tune("report", export, "--json").valid("report")
        self.assertTrue(all(metric["complete_blocks"] == 1 for metric in self.judged(report).values()))
        self.assert_as_it_was()
        return report["failures"]

    def wait_for_runs(self, number, before):
        """Until so many are measured in the benchmark after that one."""
        def there():
            report = self.newest()
            return report["benchmark"] > before and len(self.judged(report)["slow"]["runs"]) >= number
        self.assertTrue(wait_for(there, 300), "it measures nothing")

    def test_libvirtd_is_restarted(self):
        before = self.newest()["benchmark"]
        with self.start(self.workload("slow", PASSIVE)) as process:
            self.wait_for_runs(2, before)  # the next one is in the same arm
            self.host.kill_libvirtd()
            self.host.start_libvirtd()
            failures = self.failures_to_the_end(process)
            self.assertGreater(len(failures), 0)
            self.assertFalse(any(failure["given_up"] for failure in failures))

    def test_agent_stops(self):
        """It doesn't answer for as long as it takes to see that, then it does: what it had begun went on, and is waited for."""
        before = self.newest()["benchmark"]
        with self.start(self.workload("slow", IN_GUEST.format(script="sleep 10; echo figure 1"))) as process:
            self.wait_for_runs(2, before)
            self.host.ask(GUEST, "run killall -STOP qemu-ga")
            time.sleep(8)
            self.host.ask(GUEST, "run killall -CONT qemu-ga")
            self.assertEqual(self.failures_to_the_end(process), [])

    def test_interrupted_while_it_waits(self):
        """For the next try: at once."""
        with self.start(self.flaky(4), blocks=2) as process:
            count = os.path.join(self.host.directory, f"{self.id()}.count")
            self.assertTrue(wait_for(lambda: os.path.exists(count) and read(count).count(".") >= 7, 120))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 3, out + err)
            self.assertIn("interrupted", err)
        self.assert_as_it_was()

    def test_interrupted_without_libvirtd(self):
        """While a guest is to power off, which doesn't: neither is waited for, and what is left is named and undone later."""
        self.addCleanup(self.host.boot, GUEST)
        self.host.ask(GUEST, "run killall -STOP dd qemu-ga")  # those who hear the power button
        with self.start(self.workload("slow", PASSIVE), profile=self.neutral + STAGED, more=("--restart",)) as process:
            self.assertTrue(wait_for(lambda: "cache='none'" in self.host.definition(GUEST), 120), "nothing is applied")
            time.sleep(10)  # so long libvirtd waits for the guest's agent
            self.host.kill_libvirtd()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=120)
        self.host.start_libvirtd()
        self.host.virsh("destroy", GUEST)
        self.assertEqual(process.returncode, 3, out + err)
        self.assertIn("'kvm-tune rollback' undoes it", " ".join(err.split()))
        self.assertEqual(self.host.tune("rollback", "--yes").code, 0)
        self.host.boot(GUEST)
        self.assert_as_it_was()

    def test_shut_off_by_somebody_else(self):
        """What its owner has powered off is not powered on."""
        before = self.newest()["benchmark"]
        self.addCleanup(self.host.boot, GUEST)
        with self.start(self.workload("slow", PASSIVE), profile=self.neutral + STAGED, more=("--restart",)) as process:
            self.wait_for_runs(2, before)  # it runs with the profile
            self.host.virsh("destroy", GUEST)
            out, err = process.communicate(timeout=900)
        self.assertEqual(process.returncode, 3, out + err)
        self.assertEqual(self.host.virsh("domstate", GUEST), "shut off")
        failure, = json.loads(out)["failures"]
        self.assertEqual((failure["given_up"], failure["message"]), (True, f"{GUEST} does not run: somebody has destroyed it"))
        self.assertIn(f"{GUEST} is off, which this benchmark has not asked for", " ".join(err.split()))
        self.host.boot(GUEST)
        self.assert_as_it_was()


if __name__ == "__main__":
    unittest.main(verbosity=2)
