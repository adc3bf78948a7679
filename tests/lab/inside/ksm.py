# SPDX-License-Identifier: LGPL-2.1-or-later
"""Equal guests share their pages, take them apart again, and the kernel's rule about merging across nodes is kept."""

import contextlib
import mmap
import re
import time
import unittest

from lab_host import KSM, NODES, Scenario, nodes, read, show, wait_for, write

GUESTS = ("kt-a", "kt-b", "kt-c")
# What each guest fills with the same bytes: of this, two thirds are superfluous.
EQUAL_MIB = 32
PAGE_KIB = 4
# What the kernel keeps free for itself, and what is enough of it in a lab.
MIN_FREE = "/proc/sys/vm/min_free_kbytes"
MIN_FREE_KIB = 8192
ANONYMOUS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
# So that some tens of MiB don't take ksmd minutes.
QUICK = "ksm.pages-to-scan = 20000\nksm.sleep = 10ms\n"


def ksm(name):
    return int(read(f"{KSM}/{name}"))


def sharing():
    return ksm("pages_sharing")


def free_mib():
    return sum(int(re.search(r"MemFree:\s*(\d+)", read(f"{NODES}/node{node}/meminfo")).group(1)) for node in nodes()) // 1024


class Ksm(Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Seen on Linux 6.1: a page that NUMA balancing has marked, and nobody has used since, is neither merged nor taken
        # apart. Off before they boot, so that none is.
        write("/proc/sys/kernel/numa_balancing", "0")
        for name in GUESTS:
            cls.host.define(name, "--vcpus", "1", "--memory", "128", "--nic", "none")
        cls.host.boot_all(*GUESTS)
        for name in GUESTS:
            cls.host.ask(name, f"fill {EQUAL_MIB}", seconds=300)

    def setUp(self):
        self.before = {name: ksm(name) for name in ("run", "pages_to_scan", "sleep_millisecs", "merge_across_nodes")}
        self.addCleanup(self.host.tune, "rollback", "--all", "--yes")

    def apply(self, text, codes=(0,)):
        result = self.tune("apply", self.host.profile(f"[host]\n{text}"), "--yes", codes=codes)
        print(result)
        return result

    def assert_merged(self, seconds=240):
        """Waits until 60 % of what the guests were filled with is saved. No two of those pages are equal in one guest: each
        is a shared page of its own, which the many empty ones aren't, however often they are saved."""
        began = time.monotonic()
        shared = EQUAL_MIB * 1024 // PAGE_KIB * 60 // 100
        wanted = (shared, shared * (len(GUESTS) - 1))
        merged = wait_for(lambda: ksm("pages_shared") >= wanted[0] and sharing() >= wanted[1], seconds)
        show(f"pages_shared {ksm('pages_shared')}, pages_sharing {sharing()} after {time.monotonic() - began:.0f} s, wanted {wanted}")
        self.assertTrue(merged)

    def test_merges_and_takes_apart(self):
        free = free_mib()
        self.apply(f"ksm.mode = on\n{QUICK}")
        self.assert_merged()
        show(f"free memory {free} MiB before, {free_mib()} MiB with {sharing() * PAGE_KIB // 1024} MiB merged")
        self.check_contents()
        self.check_across_nodes()
        self.check_refusal()
        self.apply("ksm.mode = unmerge\n")
        self.assertTrue(wait_for(lambda: sharing() == 0, 120), f"{sharing()} pages stay merged")
        show(f"unmerge: run {ksm('run')}, pages_shared {ksm('pages_shared')}, pages_sharing {sharing()}")
        self.check_contents()
        self.tune("rollback", "--all", "--yes")
        self.assertEqual({name: ksm(name) for name in self.before}, self.before)

    def check_across_nodes(self):
        """The kernel takes another value only while nothing is merged."""
        now = ksm("merge_across_nodes")
        with self.assertRaises(OSError):
            write(f"{KSM}/merge_across_nodes", str(1 - now))
        show(f"merge_across_nodes {now}: with {sharing()} pages merged the kernel refuses another value")
        self.apply(f"ksm.mode = on\n{QUICK}ksm.merge-across-nodes = {'no' if now else 'yes'}\n")
        self.assertEqual((ksm("merge_across_nodes"), ksm("run")), (1 - now, 1))
        show(f"merge_across_nodes {ksm('merge_across_nodes')}, run {ksm('run')}, guests as before")
        self.check_contents()
        self.tune("rollback", "--yes")
        self.assertEqual((ksm("merge_across_nodes"), ksm("run")), (now, 1))
        self.assert_merged()

    def check_refusal(self):
        """With half as much free memory as the merged pages need."""
        with self.memory_taken(sharing() * PAGE_KIB // 1024 // 2):
            result = self.apply("ksm.mode = unmerge\n", codes=(0, 4))
            self.assertIn("unmerging needs", result.out)
            self.assertEqual(ksm("run"), 1)
            self.assertGreater(sharing(), 0)
            show(f"unmerge with {free_mib()} MiB free: refused, run stays {ksm('run')}")

    @staticmethod
    @contextlib.contextmanager
    def memory_taken(left):
        """But for @left MiB. Ordinary pages: of huge ones the kernel gives as many as it finds in one piece. Several times,
        as it drops what it has cached meanwhile; what it keeps for itself would be more than @left."""
        kept = read(MIN_FREE)
        write(MIN_FREE, str(MIN_FREE_KIB))
        try:
            with contextlib.ExitStack() as taken:
                while (more := free_mib() - left) > 0:
                    taken.enter_context(mmap.mmap(-1, more << 20, flags=ANONYMOUS))
                yield
        finally:
            write(MIN_FREE, kept)

    def check_contents(self):
        """No guest lost a byte of what is merged and taken apart under it."""
        sums = {self.host.ask(name, "sum", seconds=180)[0][1]["md5"] for name in GUESTS}
        self.assertEqual(len(sums), 1, sums)


if __name__ == "__main__":
    unittest.main()
