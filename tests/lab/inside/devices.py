# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest's emulated NIC and its disk through the host's page cache become virtio and O_DIRECT at its next power cycle, its
NIC also while it runs, and it is still the same machine to the network and to itself."""

import unittest

from lab_host import Scenario, show, wait_for

GUEST = "kt-debian"
OLD = "kt-old"
PROFILE = """[domain *]
nic.model = virtio
disk.cache = none
"""
SWAPPED = f"""[domain {GUEST}]
nic.model = virtio
disruption = replug
"""


class Devices(Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.host.define(GUEST, "--vcpus", "2", "--memory", "256", "--nic", "e1000", "--nic-type", "bridge:br0",
                        "--agent", "yes", "--root", "kt-debian")
        # The same small Linux; but who installed it said that it is a system for which no virtio NIC is known.
        cls.host.define(OLD, "--vcpus", "1", "--memory", "128", "--nic", "e1000", "--nic-type", "bridge:br0",
                        "--os-id", "http://microsoft.com/win/xp")
        cls.host.boot_all(GUEST, OLD)

    def look(self, name):
        """What the guest says of itself, as far as an apply may change it or must not."""
        report = self.host.ask(name, "report")
        nic = next(values for kind, values in report if kind == "nic")
        disk = next(values for kind, values in report if kind == "disk")
        root = next((values for kind, values in report if kind == "root"), {})
        address = next(values for kind, values in self.host.ask(name, "address") if kind == "address")
        direct = self.host.image_is_direct(name)
        show(f"{name} says: nic mac={nic['mac']} driver={nic['driver']} ipv4={address['ipv4']}; disk {disk['dev']} "
             f"write_cache={disk['write_cache']}; root {root or 'in memory'}; QEMU's fdinfo: "
             f"{'O_DIRECT' if direct else 'page cache'}")
        return {"driver": nic["driver"], "direct": direct,
                "same": (nic["mac"], address["ipv4"], disk["dev"], disk["write_cache"], disk["size"], tuple(root.items()))}

    def show_pci(self):
        for line in self.host._tool("guest", "-c", self.host.uri, "ask", GUEST, "run lspci").stdout.splitlines():
            if "Ethernet" in line:
                show(f"{GUEST}# lspci: {line.removeprefix('GUEST out ')}")

    def setUp(self):
        self.assertTrue(wait_for(lambda: "state='connected'" in self.host.virsh("dumpxml", GUEST), 60), "no agent")

    def test_replugged_and_back(self):
        """The guest's own agent says that it can: its NIC is swapped while it runs."""
        before, definition, pid = self.look(GUEST), self.host.definition(GUEST), self.host.pid(GUEST)
        self.show_pci()
        self.assertEqual(before["driver"], "e1000")
        profile = self.host.profile(SWAPPED)
        print(self.tune("apply", profile, "--yes").out)
        after = self.look(GUEST)
        self.show_pci()
        self.assertEqual((after["driver"], after["same"], self.host.pid(GUEST)), ("virtio_net", before["same"], pid))
        self.tune("verify", profile)
        self.tune("rollback", "--yes")
        self.assertEqual((self.look(GUEST), self.host.definition(GUEST), self.host.pid(GUEST)), (before, definition, pid))

    def test_staged_and_back(self):
        definitions = {name: self.host.definition(name) for name in (GUEST, OLD)}
        before = self.look(GUEST)
        self.show_pci()
        self.assertEqual((before["driver"], before["direct"]), ("e1000", False))
        self.assertTrue(before["same"][1], "the guest got no address")
        profile = self.host.profile(PROFILE)
        planned = self.tune("plan", profile, "--json", codes=(2,)).json
        self.check_refusal(planned)
        print(self.tune("apply", profile, "--yes").out)
        # Staged: nothing that runs is touched.
        self.assertEqual(self.look(GUEST), before)
        self.assertIn("model type='e1000'", self.host.definition(OLD))
        self.host.power_cycle(GUEST)
        after = self.look(GUEST)
        self.show_pci()
        self.assertEqual((after["driver"], after["direct"]), ("virtio_net", True))
        self.assertEqual(after["same"], before["same"])
        self.check_disk()
        self.tune("verify", profile)
        self.tune("rollback", "--yes")
        self.host.power_cycle(GUEST)
        self.assertEqual(self.look(GUEST), before)
        self.assertEqual({name: self.host.definition(name) for name in definitions}, definitions)

    def check_refusal(self, planned):
        refused = {(one["target"], one["setting"]): one["reason"] for one in planned["refused"]}
        self.assertEqual(list(refused), [(f"domain:{OLD}", "nic.model")])
        show(f"refused: {refused[f'domain:{OLD}', 'nic.model']}")

    def check_disk(self):
        """What is written past both caches is read again as it was."""
        said = self.host._tool("guest", "-c", self.host.uri, "-t", "120", "ask", GUEST,
                               "run fio --name=t --filename=/fio --size=4M --bs=64k --rw=write --verify=crc32c --end_fsync=1 "
                               "--do_verify=1 --verify_fatal=1 --minimal").stdout
        self.assertNotIn("verify:", said)


if __name__ == "__main__":
    unittest.main()
