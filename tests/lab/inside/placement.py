# SPDX-License-Identifier: LGPL-2.1-or-later
"""Six domains of different sizes find their places: where the kernel lets each thread run, where each page is."""

import unittest

from lab_host import Scenario, listed, node_cpus, node_of, nodes, read, shared_cache, show

# Name: vCPUs, MiB, NICs with a vhost worker, IOThreads, whether its CPUs are its own.
DOMAINS = {
    "kt-one": (1, 128, 1, 0, True),
    "kt-two": (2, 128, 1, 1, True),
    "kt-three": (3, 128, 0, 0, False),
    "kt-four": (4, 160, 1, 2, False),
    "kt-pair": (2, 128, 0, 0, False),
    "kt-tiny": (1, 128, 0, 0, False),
}
PROFILE = """[host]
housekeeping = 0

[domain *]
cpu.placement = shared-cache
cpu.emulator = housekeeping
cpu.iothreads = auto
memory.numa = follow-cpu

[domain kt-one kt-two]
cpu.exclusive = yes
"""


class Placement(Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, (vcpus, mib, nics, iothreads, _) in DOMAINS.items():
            nic = ["--nic", "virtio", "--nic-type", "bridge:br0"] if nics else ["--nic", "none"]
            cls.host.define(name, "--vcpus", str(vcpus), "--memory", str(mib), *nic,
                            *(["--iothreads", str(iothreads)] if iothreads else []))
        cls.host.boot_all(*DOMAINS)
        # Whatever node the kernel took pages from: what must move is seen only where they are on the wrong one.
        for name in DOMAINS:
            cls.host.move_memory(name, nodes()[-1])

    def picture_of(self, name):
        return (self.host.affinity(name), self.host.vhost_threads(name), set(self.host.ram(name, DOMAINS[name][1])),
                self.host.definition(name))

    def test_placed_and_back(self):
        self.assertGreaterEqual(len(nodes()), 2)
        before = {name: self.picture_of(name) for name in DOMAINS}
        weights = {name: read(f"{self.host.scope(name)}/cpu.weight") for name in DOMAINS}
        profile = self.host.profile(PROFILE)
        print(self.tune("apply", profile, "--yes").out)
        print(self.tune("status").out)
        self.show_threads()
        self.check_vcpus()
        self.check_helpers()
        self.check_groups()
        self.check_memory()
        self.assertEqual({name: read(f"{self.host.scope(name)}/cpu.weight") for name in DOMAINS}, weights)
        self.tune("verify", profile)
        self.tune("rollback", "--yes")
        self.check_back(before)

    # --- what must be ---

    def check_vcpus(self):
        own = [cpu for name, spec in DOMAINS.items() if spec[4] for cpus_ in self.host.vcpu_sets(name) for cpu in cpus_]
        self.assertEqual(len(own), sum(spec[0] for spec in DOMAINS.values() if spec[4]))
        self.assertEqual(len(set(own)), len(own), "two exclusive vCPUs share a CPU")
        self.assertNotIn(0, own, "an exclusive vCPU runs on the housekeeping CPU")
        for name, spec in DOMAINS.items():
            sets = self.host.vcpu_sets(name)
            self.assertEqual(len(sets), spec[0])
            union = set().union(*sets)
            self.assertEqual(len({shared_cache(cpu) for cpu in union}), 1, f"{name} is spread over caches: {sets}")
            if not spec[4]:
                self.assertEqual(union & set(own), set(), f"{name} may run on CPUs that others own")
                self.assertTrue(all(one == union for one in sets), sets)

    def check_helpers(self):
        own = {cpu for name, spec in DOMAINS.items() if spec[4] for one in self.host.vcpu_sets(name) for cpu in one}
        for name, (_, _, nics, iothreads, _) in DOMAINS.items():
            self.assertEqual(self.host.affinity(name)["emulator"], {0}, name)
            vhost = self.host.vhost_threads(name)
            self.assertEqual(len(vhost), nics, f"{name}: vhost workers {vhost}")
            self.assertTrue(all(one == {0} for one in vhost.values()), f"{name}: vhost workers {vhost}")
            threads = self.host.iothread_sets(name)
            self.assertEqual(len(threads), iothreads)
            for one in threads:
                self.assertEqual(one & own, set(), f"{name}: an IOThread runs on CPUs that vCPUs own")

    def check_groups(self):
        for name in DOMAINS:
            for number, one in enumerate(self.host.vcpu_sets(name)):
                self.assertEqual(self.host.cgroup_cpus(name, f"vcpu{number}"), one, f"{name} vCPU {number}")
            self.assertEqual(self.host.cgroup_cpus(name, "emulator"), {0}, name)

    def check_memory(self):
        for name, (_, mib, *_) in DOMAINS.items():
            home = {node_of(cpu) for one in self.host.vcpu_sets(name) for cpu in one}
            self.assertEqual(set(self.host.ram(name, mib)), home, f"{name}: vCPUs on nodes {home}")

    def check_back(self, before):
        for name in DOMAINS:
            affinity, vhost, ram, definition = self.picture_of(name)
            self.assertEqual(affinity, before[name][0], f"{name}: threads")
            self.assertEqual(vhost, before[name][1], f"{name}: vhost workers")
            self.assertEqual(ram, before[name][2], f"{name}: nodes of its RAM")
            self.assertEqual(definition, before[name][3], f"{name}: definition")
        show("after rollback: threads, vhost workers, nodes of RAM and definitions of all six as before")

    # --- evidence ---

    def show_threads(self):
        for node in nodes():
            show(f"node {node}: CPUs {listed(node_cpus(node))}")
        for name, (_, mib, *_) in DOMAINS.items():
            pid = self.host.pid(name)
            show(f"{name}, QEMU {pid}, {self.host.scope(name).removeprefix('/sys/fs/cgroup')}")
            for thread, where in sorted(self.host.affinity(name).items()):
                show(f"  {thread:14} Cpus_allowed_list {listed(where)}")
            for worker, where in self.host.vhost_threads(name).items():
                show(f"  vhost-{pid} ({worker}) Cpus_allowed_list {listed(where)}")
            show(f"  numa_maps: {self.host.ram(name, mib)} KiB by node")


if __name__ == "__main__":
    unittest.main()
