# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains with odd names and with secrets on a real libvirt: in every view, in captures, in the journal, and back."""

import json
import os
import shutil
import unicodedata
import unittest

from host import open_host

# libvirt itself refuses names with '/' or a line break, and those of only spaces.
NAMES = ["-rf", "%s%n", "with spaces", "<script>", "'; DROP TABLE runs; --", "$(reboot)", "𝕶𝖛𝖒", "red\u009b31m\u202e", "*", "db[1]",
         "...", "x.inactive", "with_spaces"]
DOMAIN = """<domain type='qemu'><name>{}</name><memory>65536</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices><graphics type='vnc' port='-1' autoport='yes' passwd='hunter2'/></devices></domain>"""
PROFILE = "[domain *]\nmemory.ksm = no\n"


def controls(text):
    return [c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup)
        for i, name in enumerate(NAMES):
            cls.host.define_xml(f"kt-name-{i}", DOMAIN.format(name.replace("<", "&lt;")))
        cls.profile = os.path.join(cls.host.directory, "p.conf")
        with open(cls.profile, "w", encoding="utf-8") as file:
            file.write(PROFILE)

    def definitions(self):
        return {name: self.host.virsh("dumpxml", "--security-info", "--inactive", "--domain", name) for name in NAMES}

    def tune(self, *arguments, code=0):
        result = self.host.tune(*arguments)
        self.assertEqual(result.code, code, result)
        # JSON is for programs: there a name is as it is.
        self.assertEqual(controls(result.err if "--json" in arguments else result.out + result.err), [])
        return result

    def test_views(self):
        for verb in (["status"], ["recommend"], ["explain"]):
            self.tune(*verb)
        document = self.tune("plan", self.profile, "--json", code=2).json
        self.assertEqual({domain["name"] for domain in document["domains"]}, set(NAMES))

    def test_there_and_back(self):
        """Applied, told of, rolled back; the passwords too are as they were."""
        before = self.definitions()
        self.tune("apply", self.profile, "--yes")
        run = str(self.tune("history", "--json").json["runs"][0]["run"])
        self.tune("history", run)
        told = json.dumps(self.tune("history", run, "--json").json)
        for name in NAMES:
            self.assertIn(json.dumps(name)[1:-1], told)
        self.assertTrue(all("nosharepages" in xml for xml in self.definitions().values()))
        self.tune("rollback", "--yes")
        self.assertEqual(self.definitions(), before)

    def test_capture(self):
        """A file of its own for each, no password in any, and the same plan from it."""
        capture = os.path.join(self.host.directory, "capture")
        self.addCleanup(shutil.rmtree, capture, True)
        self.tune("capture", capture)
        files = os.listdir(os.path.join(capture, "domains"))
        self.assertEqual(len([file for file in files if file.endswith(".stats.json")]), len(NAMES))
        for file in files:
            self.assertRegex(file, r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")
            with open(os.path.join(capture, "domains", file), encoding="utf-8") as opened:
                self.assertNotIn("hunter2", opened.read())
        out = os.path.join(self.host.directory, "xml")
        self.addCleanup(shutil.rmtree, out, True)
        self.tune("plan", self.profile, "--xml-dir", out, code=2)
        self.assertEqual(len(os.listdir(out)), len(NAMES))


if __name__ == "__main__":
    unittest.main()
