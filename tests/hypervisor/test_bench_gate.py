# SPDX-License-Identifier: LGPL-2.1-or-later
"""What takes many blocks or many boots to see: `apply --prove` keeps what makes nothing worse and rolls the rest back, and how
long a guest takes to boot."""

import os
import re
import unittest

from host import read, wait_for, write
from test_bench import GREEDY, GUEST, WORSE, Base
from test_daemon import Daemon


class Gate(Base):
    def test_what_is_worse_is_rolled_back(self):
        before = self.set_up_worse()
        result = self.prove(WORSE, "--json")
        self.assertEqual(result.code, 4, result)
        report = result.valid("apply")
        self.assertEqual([(trial["changes"], trial["kept"]) for trial in report["proof"]], [(["cpu"], False)])
        self.assertEqual([finding["figure"] for finding in report["proof"][0]["findings"]
                          if finding["verdict"] == "worse"], ["round-trip"])
        self.assertEqual({action["result"] for action in report["actions"]}, {"undone"})
        self.assertEqual(self.host.picture(GUEST, GREEDY), before)

    def test_what_is_not_worse_is_kept(self):
        """Of several kinds of change the one that hurts is found, and the others stay; a daemon that runs is told."""
        before = self.set_up_worse()
        daemon = self.daemon_with_nothing_to_do()
        result = self.prove(self.neutral + "housekeeping = auto\n" + WORSE.split("housekeeping = auto")[1], "--persist")
        self.assertEqual(result.code, 3, result)
        self.assertRegex(result.said, "cpu rolled back worse, .*round-trip")
        self.assertRegex(result.said, "thp kept")
        rest = daemon.status()["profile"]
        self.assertIn(f"is given what was kept: {rest}", result.said)
        self.assertRegex(read(rest), r"inherit = \S+/test.conf\n(.*\n)*\[domain \*\]\ncpu.placement = keep\n")
        said = len(daemon.said())
        self.assertEqual(self.host.tune("reload").code, 0)
        self.assertTrue(wait_for(lambda: re.search(r"looked \([^)]*profile read again", daemon.said()[said:]), 60),
                        daemon.said())
        self.assertTrue(daemon.has_looked(), daemon.said())
        after = self.host.picture(GUEST, GREEDY)
        shmem = "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
        self.assertNotEqual(after.pop(shmem), before.pop(shmem))
        self.assertEqual(after, before)

    def daemon_with_nothing_to_do(self):
        profile = os.path.join(self.host.directory, "first.conf")
        write(profile, "[host]\nmemory-reserve = 0 MiB\n")
        self.assertEqual(self.host.tune("apply", profile, "--persist", "--yes").code, 0)
        daemon = Daemon(self.host)
        self.addCleanup(daemon.kill)
        self.assertTrue(daemon.has_looked(), daemon.said())
        return daemon

    def test_proven_and_kept(self):
        result = self.prove(self.neutral)
        self.assertEqual(result.code, 0, result)
        self.assertIn("thp kept", result.said)
        self.assertEqual(self.host.tune("verify", self.host.profile(self.neutral)).code, 0)
        self.assertEqual(self.host.tune("rollback", "--yes").code, 0)
        self.assertEqual(self.host.picture(GUEST), self.before)


class Boot(Base):
    def test_boot(self):
        refused = self.host.tune("bench", self.host.profile(self.neutral), "--workload", "boot", "--blocks", "1", "--yes")
        self.assertEqual(refused.code, 1, refused)
        self.assertIn("wants --restart", refused.said)
        result = self.host.tune("bench", self.host.profile(self.neutral), "--workload", "boot", "--blocks", "1", "--yes",
                                "--restart", "--json", timeout=1500)
        self.assertEqual(result.code, 0, result)
        judged = [metric for metric in result.valid("report")["metrics"] if not metric["watched"]]
        self.assertEqual([metric["figure"] for metric in judged], ["duration"])
        self.assertTrue(all(run["value"] > 1 for run in judged[0]["runs"]))
        self.host.boot(GUEST)
        self.assertEqual(self.host.picture(GUEST), self.before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
