#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Profiles that are none: each is told with place and both values, by plan, verify, apply and profile check."""

import os
import unittest

from case import CAPTURE, Case


class Profile(Case):
    def bad(self, text, *says, place=None, count=1):
        """This profile has @count errors; the first is at @place (line, column), and its text has @says."""
        path = self.write("bad.conf", text)
        return self.bad_file(path, *says, place=place, count=count)

    def bad_file(self, path, *says, place=None, count=1):
        for verb in (["plan", path, "--capture", CAPTURE], ["profile", "check", path],
                     ["apply", path, "--yes", "-c", "test:///default"]):
            errors = self.fails(*verb, says=says)
            self.assertEqual(len(errors), count, errors)
            if place:
                self.assertEqual((errors[0]["line"], errors[0]["column"]), place)
                self.assertEqual(errors[0]["file"], path)
        return errors

    def test_unknown_key(self):
        errors = self.bad("[host]\nthp.enabeld = always\n", "bad.conf:2:1: [host] has no setting 'thp.enabeld'",
                          "did you mean 'thp.enabled'?", "    ^", place=(2, 1))
        self.assertEqual(errors[0]["suggestion"], "thp.enabled")

    def test_unknown_section(self):
        self.bad("[hots]\n", "'hots' is no section", "did you mean 'host'?", place=(1, 2))

    def test_unknown_value(self):
        self.bad("[host]\nthp.enabled = alway\n", "'alway' is none of its values", "did you mean 'always'?", place=(2, 15))

    def test_key_of_another_section(self):
        self.bad("[host]\ncpu.placement = numa\n", "'cpu.placement' is a domain setting, this is [host]", place=(2, 1))

    def test_bad_number(self):
        self.bad("[host]\nksm.pages-to-scan = 12x\n", "'x' after the number", place=(2, 23))

    def test_negative_number(self):
        self.bad("[host]\nksm.pages-to-scan = -5\n", "-5 is out of range: 1 to 4294967295", place=(2, 21))

    def test_number_beyond_64_bits(self):
        self.bad("[host]\nksm.pages-to-scan = 99999999999999999999999\n", "99999999999999999999999 is too great",
                 place=(2, 21))

    def test_unknown_unit(self):
        self.bad("[host]\nksm.sleep = 20 parsecs\n", "'parsecs' is no unit of it: us, ms, s", place=(2, 16))

    def test_missing_unit(self):
        self.bad("[host]\nksm.sleep = 20\n", "'20' has no unit: us, ms, s", place=(2, 15))

    def test_percent_over_100(self):
        self.bad("[host]\nksm.max-cpu = 150%\n", "150% is out of range: 1% to 100%", place=(2, 15))

    def test_cpus_beyond_64_bits(self):
        self.bad("[host]\nhousekeeping = 0-99999999999999999999\n", "'0-99999999999999999999' is not a list",
                 "16384 or more", place=(2, 16))

    def test_cpus_backwards(self):
        self.bad("[host]\nhousekeeping = 5-2\n", "'5-2' is not a list", "backwards", place=(2, 16))

    def test_cpus_beyond_the_host(self):
        """Right as a profile, which may be for several hosts; here it is refused with both values."""
        path = self.write("far.conf", "[host]\nhousekeeping = 900\n[domain *]\nmemory.numa = 77\n")
        result = self.tune("plan", path, "--capture", CAPTURE)
        self.assertEqual(result.returncode, 0)
        self.assertIn("this host has no CPU 900: online are 0-31 (far.conf:2)", " ".join(result.out.split()))
        self.assertIn("this host has no memory node 77: its nodes with memory are 0-1", " ".join(result.out.split()))

    def test_duplicate_key(self):
        self.bad("[host]\nthp.enabled = always\nthp.enabled = never\n", "'thp.enabled' again", "line 2 has it", place=(3, 1))

    def test_key_before_any_section(self):
        self.bad("thp.enabled = always\n", "'thp.enabled' stands before any section", place=(1, 1))

    def test_header_without_end(self):
        self.bad("[host\nthp.enabled = always\n", "this '[' has no ']'", place=(1, 1))

    def test_cycle(self):
        self.write("b.conf", "[profile]\ninherit = a\n")
        errors = self.bad_file(self.write("a.conf", "[profile]\ninherit = b\n"), "a cycle: ", "a.conf inherits ")
        self.assertEqual(errors[0]["line"], 2)

    def test_cycle_of_one(self):
        self.bad("[profile]\ninherit = ./bad.conf\n", "a cycle: ", place=(2, 11))

    def test_missing_file(self):
        self.bad_file(self.path("none.conf"), "there is no file", "none.conf")

    def test_missing_name(self):
        self.fails("plan", "balancd", "--capture", CAPTURE, says=["there is no profile 'balancd'", "did you mean 'balanced'?"])

    def test_missing_inherited(self):
        self.bad("[profile]\ninherit = balancd\n", "did you mean 'balanced'?", place=(2, 11))

    def test_empty_name(self):
        self.fails("plan", "", "--capture", CAPTURE, says=["a profile's name or path is missing"])

    def test_line_of_a_mebibyte(self):
        self.bad(b"[host]\n#" + b"a" * (1 << 20), "is longer than a profile may be: 1 MiB")

    def test_line_too_long(self):
        errors = self.bad(b"[host]\nx = " + b"a" * 900000, "bad.conf:2: a line of 900004 bytes: at most 64 KiB are read")
        self.assertLess(len(str(errors)), 1000)

    def test_bad_utf8(self):
        self.bad(b"[host]\nthp.enabled = \xe9t\xe9\n", "the byte 0xe9 is no UTF-8", "\\xe9t\\xe9", place=(2, 15))

    def test_nul(self):
        self.bad(b"[host]\nthp.en\0abled = always\n", "a NUL byte: this is no text in UTF-8", place=(2, 7))

    def test_utf16(self):
        self.bad("[host]\nthp.enabled = always\n".encode("utf-16"), "binary, or UTF-16")

    def test_binary_has_one_error(self):
        with open("/bin/true", "rb") as file:
            self.bad(file.read(), "a NUL byte: this is no text in UTF-8, but binary")

    def test_crlf(self):
        self.bad("[host]\r\nthp.enabled = always\r\nthp.enabeld = never\r\n", place=(3, 1))
        path = self.write("good.conf", "[host]\r\nthp.enabled = always\r\n")
        self.assertEqual(self.tune("profile", "check", path).returncode, 0)

    def test_bom(self):
        self.bad(b"\xef\xbb\xbf[host]\nthp.enabeld = always\n", place=(2, 1))
        path = self.write("good.conf", b"\xef\xbb\xbf[host]\nthp.enabled = always\n")
        self.assertEqual(self.tune("profile", "check", path).returncode, 0)

    def test_empty(self):
        path = self.write("empty.conf", "")
        result = self.tune("plan", path, "--capture", CAPTURE)
        self.assertEqual((result.returncode, result.err), (0, ""))
        self.assertIn("nothing to change", result.out)

    def test_escape_codes(self):
        self.bad("[host]\nthp.enabled = \x1b[31mred\n", "'\\x1b[31mred' is none of its values", place=(2, 15))

    def test_formats(self):
        self.bad("[host]\n%s%n = %s\n", "[host] has no setting '%s%n'", place=(2, 1))

    def test_all_errors_are_told(self):
        self.bad("x = 1\n[hots]\n[host]\nksm.sleep = 1\nksm.mode = perhaps\n", count=4)

    def test_many_errors_take_no_time(self):
        path = self.write("many.conf", "[host]\n" + "".join(f"x{i} = 1\n" for i in range(40000)))
        self.assertEqual(self.tune("profile", "check", path, timeout=300).returncode, 1)

    def test_directory(self):
        os.mkdir(self.path("d.conf"))
        self.bad_file(self.path("d.conf"), "is a directory, not a regular file")

    def test_fifo(self):
        os.mkfifo(self.path("f.conf"))
        self.bad_file(self.path("f.conf"), "is a FIFO, not a regular file")

    def test_device(self):
        os.symlink("/dev/zero", self.path("zero.conf"))
        self.bad_file(self.path("zero.conf"), "is a device, not a regular file")

    def test_link_to_itself(self):
        os.symlink("loop.conf", self.path("loop.conf"))
        self.bad_file(self.path("loop.conf"), "Too many levels of symbolic links")

    def test_huge(self):
        os.truncate(self.write("huge.conf", ""), 1 << 40)
        self.bad_file(self.path("huge.conf"), "is longer than a profile may be: 1 MiB")


if __name__ == "__main__":
    unittest.main()
