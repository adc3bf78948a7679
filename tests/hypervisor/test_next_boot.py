# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is staged of guests that are shut off, and memory of single guest cells: what libvirt takes, and what comes of it."""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from host import open_host, read

HERE = os.path.dirname(os.path.abspath(__file__))
TWO_NODES = os.path.join(HERE, "..", "golden", "many-guests")
CELLS = """<cpu><numa><cell id='0' cpus='0' memory='65536' unit='KiB'/><cell id='1' cpus='1' memory='65536' unit='KiB'/></numa></cpu>
<numatune>{}</numatune>"""
BY_HAND = "<memnode cellid='0' mode='preferred' nodeset='0'/><memnode cellid='1' mode='strict' nodeset='0'/>"


class NextBoot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup)
        cls.host.define("kt-next", "--vcpus", "2", "--memory", "128", "--nic", "none", "--iothreads", "1")

    def setUp(self):
        self.definition = self.host.definition("kt-next")
        self.addCleanup(shutil.rmtree, self.host.state, True)
        self.addCleanup(self.host.define_xml, "kt-next", self.definition)

    def apply(self, text):
        profile = self.host.profile(text)
        result = self.host.tune("apply", profile, "--yes", "--json")
        self.assertEqual((result.code, result.json["refused"]), (0, []), result)
        again = self.host.tune("plan", profile, "--json")
        self.assertEqual((again.code, again.json["actions"]), (0, []), again)

    def roll_back(self, definition):
        result = self.host.tune("rollback", "--yes")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(self.host.definition("kt-next"), definition)

    def test_starts_by_itself(self):
        """Before it runs its threads have their pins, and it boots there."""
        if os.cpu_count() < 2:
            self.skipTest("a CPU of one's own beside one for the host needs two")
        self.host.virsh("autostart", "kt-next")
        self.addCleanup(self.host.virsh, "autostart", "--disable", "kt-next")
        self.host.define_xml("kt-next", self.definition.replace(">2</vcpu>", ">1</vcpu>"))
        definition = self.host.definition("kt-next")
        self.apply("[host]\nhousekeeping = 0\n[domain *]\ncpu.placement = shared-cache\ncpu.exclusive = yes\n"
                   "cpu.emulator = housekeeping\ncpu.iothreads = housekeeping\n")
        pins = dict(re.findall(r"<(\w+pin)\b[^>]*cpuset='(\d+)'", self.host.definition("kt-next")))
        self.assertEqual(pins | {"vcpupin": None}, {"vcpupin": None, "emulatorpin": "0", "iothreadpin": "0"})
        self.assertNotEqual(pins["vcpupin"], "0")

        self.host.boot("kt-next")
        affinity = self.host.affinity("kt-next")
        self.host.power_off("kt-next")
        self.assertEqual(affinity["CPU 0"], {int(pins["vcpupin"])})
        self.assertEqual(affinity["IO iothread1"], {0})
        self.assertEqual(affinity["emulator"], {0})
        self.roll_back(definition)

    def test_cells_bound_by_hand(self):
        """One policy for all takes the place of those of the cells; they come back as they were."""
        self.host.define_xml("kt-next", self.definition.replace("</domain>", CELLS.format(BY_HAND) + "</domain>"))
        definition = self.host.definition("kt-next")
        self.assertEqual(definition.count("<memnode"), 2)
        self.apply("[domain *]\nmemory.numa = 0\n")
        self.assertIn("<memory mode='strict' nodeset='0'/>", self.host.definition("kt-next"))
        self.assertNotIn("<memnode", self.host.definition("kt-next"))
        self.host.boot("kt-next")
        command = read(f"/proc/{self.host.pid('kt-next')}/cmdline")
        self.host.power_off("kt-next")
        self.assertEqual(len(re.findall(r'"policy":"bind"', command)), 2, command)
        self.roll_back(definition)

    def test_cells_on_two_nodes(self):
        """libvirt takes the definition that is staged on a host of two nodes, and changes nothing of it."""
        with tempfile.TemporaryDirectory() as folder:
            command = [self.host.kvm_tune, "plan", os.path.join(TWO_NODES, "profile.conf"), "--capture",
                       os.path.join(TWO_NODES, "capture"), "--xml-dir", os.path.join(folder, "xml")]
            planned = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
            self.assertEqual(planned.returncode, 2, planned)
            staged = read(glob.glob(os.path.join(folder, "xml", "analytics.xml"))[0])
        self.host.define_xml("kt-cells", re.sub("type='kvm'", "type='qemu'", staged).replace(">analytics<", ">kt-cells<")
                             .replace(" mode='host-passthrough'", ""))
        self.addCleanup(self.host.virsh, "undefine", "kt-cells")
        wanted = re.findall(r'<memnode cellid="(\d+)" mode="(\w+)" nodeset="([\d,-]+)"/>', staged)
        self.assertEqual(len(wanted), 2, staged)
        found = re.findall(r"<memnode cellid='(\d+)' mode='(\w+)' nodeset='([\d,-]+)'/>", self.host.definition("kt-cells"))
        self.assertEqual(found, wanted)


if __name__ == "__main__":
    unittest.main(verbosity=2)
