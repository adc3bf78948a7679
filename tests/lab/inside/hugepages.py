# SPDX-License-Identifier: LGPL-2.1-or-later
"""Huge page pools of two nodes: sized for two guests, used by them at their next boot or at once, undone."""

import re
import unittest

from lab_host import NODES, Scenario, nodes, read, show, write

MIB = {"kt-left": 192, "kt-right": 128}
PROFILE = """[host]
hugepages.2M = auto

[domain *]
memory.backing = hugepages-2M

[domain kt-left]
memory.numa = 0

[domain kt-right]
memory.numa = 1
"""
PAUSED = f"{PROFILE}\n[domain *]\ndisruption = pause\n"


def pool(node, what):
    return int(read(f"{NODES}/node{node}/hugepages/hugepages-2048kB/{what}_hugepages"))


def pools():
    return {node: (pool(node, "nr"), pool(node, "free")) for node in nodes()}


def node_free_kib(node):
    return int(re.search(r"MemFree:\s*(\d+)", read(f"{NODES}/node{node}/meminfo")).group(1))


class HugePages(Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, mib in MIB.items():
            cls.host.define(name, "--vcpus", "1", "--memory", str(mib), "--nic", "none")
        cls.host.boot_all(*MIB)

    def setUp(self):
        self.before = pools()
        self.addCleanup(self.restore)

    def restore(self):
        self.host.tune("rollback", "--all", "--yes")
        for node, (total, _) in self.before.items():
            write(f"{NODES}/node{node}/hugepages/hugepages-2048kB/nr_hugepages", str(total))

    # --- what the kernel says ---

    def ram_mapping(self, name):
        """The lines of smaps of the guest's RAM: the mapping of just its size."""
        mappings = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", read(f"/proc/{self.host.pid(name)}/smaps"), flags=re.MULTILINE)
        parsed = [dict(re.findall(r"^(\w+):\s+(.*?)\s*$", mapping, re.MULTILINE)) for mapping in mappings[1:]]
        return next(one for one in parsed if one["Size"] == f"{MIB[name] * 1024} kB")

    # --- tests ---

    def test_two_nodes(self):
        definitions = {name: self.host.definition(name) for name in MIB}
        self.assertEqual(self.before, {node: (0, 0) for node in nodes()})
        profile = self.host.profile(PROFILE)
        print(self.tune("apply", profile, "--yes").out)
        self.assertEqual(pools(), self.before | {node: (mib // 2, mib // 2) for node, mib in zip(nodes(), MIB.values())})
        show(f"pools, (nr, free) by node: before {self.before}, after apply {pools()}")
        for name in MIB:
            self.host.power_off(name)
        self.host.boot_all(*MIB)
        show(f"the guests run on them: {pools()}")
        for node, name in enumerate(MIB):
            self.check_backed(name, node)
        self.tune("verify", profile)
        # What guests hold can't go; it goes with them.
        for name in MIB:
            self.host.power_off(name)
        self.tune("rollback", "--yes")
        show(f"after power-off and rollback: {pools()}")
        self.assertEqual(pools(), self.before)
        self.assertEqual({name: self.host.definition(name) for name in MIB}, definitions)
        self.host.boot("kt-left")
        self.assertEqual(self.ram_mapping("kt-left")["KernelPageSize"], "4 kB")

    def check_backed(self, name, node):
        ram = self.ram_mapping(name)
        numa = self.host.ram(name, MIB[name])
        show(f"{name}: smaps Size {ram['Size']}, KernelPageSize {ram['KernelPageSize']}, Private_Hugetlb "
             f"{ram['Private_Hugetlb']}, Shared_Hugetlb {ram['Shared_Hugetlb']}; numa_maps {numa} KiB by node")
        self.assertEqual(ram["KernelPageSize"], "2048 kB")
        held = sum(int(ram[key].split()[0]) for key in ("Private_Hugetlb", "Shared_Hugetlb"))
        self.assertEqual(held, MIB[name] * 1024)
        self.assertEqual(set(numa), {node}, f"{name} is on the wrong node")
        self.assertEqual(pool(node, "free"), 0)

    def test_running_guests(self):
        """Onto them and back while they run: what they hold in memory is still there."""
        for name in MIB:
            self.host.ask(name, "fill 16")
        before = self.sums(), {name: self.host.definition(name) for name in MIB}
        pids = {name: self.host.pid(name) for name in MIB}
        profile = self.host.profile(PAUSED)
        print(self.tune("apply", profile, "--yes").out)
        show(f"pools, (nr, free) by node: {pools()}; the guests' sums: {self.sums()}")
        for node, name in enumerate(MIB):
            self.assertNotEqual(self.host.pid(name), pids[name], "it was not resumed from an image")
            self.check_backed(name, node)
        self.assertEqual(self.sums(), before[0])
        self.tune("verify", profile)
        self.tune("rollback", "--yes")
        show(f"after rollback: {pools()}; the guests' sums: {self.sums()}")
        self.assertEqual((self.sums(), {name: self.host.definition(name) for name in MIB}), before)
        self.assertEqual({name: self.ram_mapping(name)["KernelPageSize"] for name in MIB}, dict.fromkeys(MIB, "4 kB"))
        self.assertEqual(pools(), self.before)

    def sums(self):
        return {name: self.host.ask(name, "sum")[0][1]["md5"] for name in MIB}

    def test_a_pool_that_cannot_be_filled(self):
        """More than a node has is refused before anything is taken of it; the other node gets its own."""
        last = nodes()[-1]
        impossible = node_free_kib(last) // 2048 + 64
        profile = self.host.profile(f"[host]\nhugepages.2M = 0:16 {last}:{impossible}\n")
        result = self.tune("apply", profile, "--yes", "--json")
        refused = {one["item"]: one["reason"] for one in result.json["refused"]}
        self.assertEqual(list(refused), [f"node {last}"])
        show(f"{impossible} pages of node {last}: {refused[f'node {last}']}")
        self.assertEqual(pools(), self.before | {0: (16, 16)})
        self.tune("rollback", "--yes")
        show(f"pools after rollback: {pools()}")
        self.assertEqual(pools(), self.before)


if __name__ == "__main__":
    unittest.main()
