#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains with names that a path, a shell, a format, a page, a terminal or a query could take for its own, in a capture; on a
real libvirt: tests/hypervisor/test_names.py."""

import json
import os
import subprocess
import unittest
from xml.sax.saxutils import escape

from case import TESTS, Case, controls

NAMES = ["../../etc", "<script>alert(1)</script>", "-rf", "%s%n%d", "with spaces", " around ", "'; DROP TABLE runs; --", "$(reboot)`id`",
         "𝕶𝖛𝖒😀", "red\u009b31m\u202edne", "*", "db[1]", "a" * 300, "..", ".", "x.inactive", "two\nlines"]
PROFILE = "[domain *]\ncpu.placement = spread\ndisk.cache = writeback\n"
DOMAIN = ("<domain type='test'><name>{}</name><memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os>"
          "<devices><disk type='file' device='disk'><source file='/x'/><target dev='vda'/></disk></devices></domain>")


class Names(Case):
    def setUp(self):
        super().setUp()
        self.profile = self.write("p.conf", PROFILE)

    def capture(self, names):
        """A capture that somebody sent, by file names of their own."""
        folder = self.path("sent")
        os.makedirs(os.path.join(folder, "domains"))
        with open(os.path.join(TESTS, "golden", "two-sockets", "capture", "topology.xml"), "rb") as file:
            self.write("sent/topology.xml", file.read())
        for i, name in enumerate(names):
            self.write(f"sent/domains/d{i}.xml", DOMAIN.format(escape(name)))
        return folder

    def check_text(self, result):
        self.assertIn(result.returncode, (0, 2), result.err)
        self.assertEqual(controls(result.out + result.err), [])

    def views(self, where):
        """Every view of what can be looked at."""
        for verb in (["status"], ["status", "-q"], ["check"], ["recommend"], ["plan", "-v", self.profile], ["verify", self.profile]):
            with self.subTest(verb):
                self.check_text(self.tune(*verb, *where))
        for verb in (["status"], ["check"], ["recommend"], ["plan", self.profile], ["verify", self.profile]):
            with self.subTest(verb, json=True):
                result = self.tune(*verb, *where, "--json")
                self.assertIn(result.returncode, (0, 2), result.err)
                document = json.loads(result.out)
                if "domains" in document and verb[0] != "recommend":
                    self.assertEqual({domain["name"] for domain in document["domains"]}, self.names)

    def test_views_of_a_capture(self):
        self.names = set(NAMES)
        self.views(["--capture", self.capture(NAMES)])

    def test_recommended_profile_is_right(self):
        capture = self.capture(NAMES[:-1])
        profile = self.write("r.conf", self.tune("recommend", "--capture", capture).out)
        result = self.tune("plan", profile, "--capture", capture)
        self.assertIn(result.returncode, (0, 2), result.err)

    def test_warnings(self):
        """Names in what is said on stderr."""
        profile = self.write("w.conf", '[domain "two\x1b[31m"]\ncpu.placement = numa\n')
        result = self.tune("plan", profile, "--capture", self.capture(NAMES))
        self.assertIn("two\\x1b[31m", result.err)
        self.assertEqual(controls(result.err), [])

    def test_no_such_domain(self):
        self.fails("status", "\x1b[2J", "--capture", self.capture(NAMES), says=["\\x1b[2J"])
        self.fails("plan", self.profile, "--domain", "\x1b[2J", "--capture", self.path("sent"), says=["\\x1b[2J"])

    def test_written_definitions(self):
        result = self.tune("plan", self.profile, "--xml-dir", self.path("out"), "--capture", self.capture(NAMES))
        self.assertEqual(result.returncode, 2, result.err)
        self.assertEqual(sorted(os.listdir(self.path("out"))), sorted(f"d{i}.xml" for i in range(len(NAMES))))

    def test_completion(self):
        """What bash offers is quoted: nothing of a name is run, and one name is one word."""
        capture = self.capture(NAMES)
        script = """
          source conf/completions/kvm-tune.bash
          kvm-tune() { "$KVM_TUNE" "$@"; }
          COMP_WORDS=(kvm-tune status --capture "$1" ''); COMP_CWORD=4
          _kvm_tune
          for word in "${COMPREPLY[@]}"; do eval "set -- $word"; echo "$# $1"; done
        """
        result = subprocess.run(["bash", "-c", script, "bash", capture], cwd=os.path.dirname(TESTS), capture_output=True, text=True,
                                check=True, timeout=60, env=os.environ | {"LC_ALL": "C.UTF-8"})
        lines = result.stdout.splitlines()
        self.assertEqual(result.stderr, "")
        self.assertEqual(len(lines), len(NAMES))
        self.assertTrue(all(line.startswith("1 ") for line in lines), lines)
        self.assertIn("1 $(reboot)`id`", lines)
        self.assertEqual(controls("".join(lines)), [])


if __name__ == "__main__":
    unittest.main()
