#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Command lines that mean nothing."""

import os
import unittest

from case import CAPTURE, Case


class CommandLine(Case):
    def test_no_verb(self):
        self.fails(says=["which verb?"])

    def test_wrong_verb(self):
        self.fails("plna", "x", says=["there is no verb 'plna'; did you mean 'plan'?"])

    def test_verb_like_nothing(self):
        self.fails("\x1b[2J", says=["there is no verb '\\x1b[2J'; kvm-tune --help lists them"])

    def test_wrong_option(self):
        self.fails("status", "--cature", CAPTURE, says=["there is no option '--cature'; did you mean '--capture'?"])

    def test_wrong_option_with_value(self):
        self.fails("status", "--colour=never", says=["there is no option '--colour'; did you mean '--color'?"])

    def test_option_like_nothing(self):
        self.fails("status", "--nonsense", says=["--nonsense", "kvm-tune --help lists the options"])

    def test_wrong_value_of_an_option(self):
        self.fails("status", "--color", "blue", says=["'blue' is not auto, always or never"])

    def test_option_of_another_verb(self):
        self.fails("plan", "balanced", "--yes", says=["plan takes no --yes"])

    def test_missing_argument(self):
        self.fails("plan", says=["usage: kvm-tune plan PROFILE"])

    def test_missing_value_of_an_option(self):
        result = self.tune("status", "--capture", CAPTURE, "-c")
        self.assertEqual(result.returncode, 1, result.err)

    def test_too_many_arguments(self):
        self.fails("plan", "a", "b", says=["'b' is too much; usage: kvm-tune plan PROFILE"])

    def test_capture_and_verbs_that_write(self):
        for verb in (["apply", "balanced"], ["rollback"], ["capture", self.path("new")]):
            with self.subTest(verb):
                self.fails(*verb, "--capture", CAPTURE, says=[f"{verb[0]} takes no --capture"])

    def test_capture_and_connect(self):
        self.fails("plan", "balanced", "--capture", CAPTURE, "-c", "test:///default", says=["exclude each other"])

    def test_connect_to_rubbish(self):
        for uri in ("rubbish", ":///", "qemu+nonsense:///", "%s", "test:///no/such.xml", "\x1b[31m:///"):
            with self.subTest(uri):
                self.fails("plan", "balanced", "-c", uri, says=["libvirt at", "doesn't answer"])

    def test_capture_that_is_none(self):
        for place, says in (("/dev/null", "Not a directory"), (self.path("none"), "No such file"), (self.directory, "topology.xml")):
            with self.subTest(place):
                self.fails("status", "--capture", place, says=[place, says])

    def test_state_directory_that_is_none(self):
        self.write("file", "")
        for place, code in (("/dev/null", 4), (self.path("file"), 4), (self.path("no", "parent"), 1), ("/proc/self/x", 1)):
            with self.subTest(place):
                self.state = place
                result = self.tune("apply", "balanced", "--yes", "-c", "test:///default")
                self.assertEqual(result.returncode, code, result.err)
                self.assertIn(place, result.err)
                self.assertFalse(os.path.exists(self.path("no")))

    def test_runs_that_are_none(self):
        for verb in ("history", "rollback"):
            for run in ("x", "0", "99999999999999999999", "1;DROP TABLE runs", ""):
                with self.subTest(verb=verb, run=run):
                    result = self.tune(verb, run)
                    self.assertEqual(result.returncode, 1, result.err)
                    self.assertIn(f"'{run}' is no run", result.err)

    def test_wrong_setting(self):
        self.fails("explain", "disk.cahce", says=["there is no setting 'disk.cahce'; did you mean 'disk.cache'?"])

    def test_wrong_word_of_profile(self):
        self.fails("profile", "lst", says=["did you mean 'list'?"])

    def test_domain_that_no_glob_matches(self):
        self.fails("plan", "balanced", "--capture", CAPTURE, "--domain", "db-11", says=["--domain db-11", "did you mean 'db-1'?"])


if __name__ == "__main__":
    unittest.main()
