#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Captures, and definitions of domains, that are broken, contradict themselves, or are meant to do harm."""

import glob
import json
import os
import resource
import shutil
import unittest

from case import LIGHT, Case

DOMAIN = b"<domain type='kvm'><name>x</name><memory>1048576</memory><vcpu>2</vcpu>%s</domain>"
BOMB = b"<!DOCTYPE d [<!ENTITY a0 'aaaaaaaaaa'>" + b"".join(
    b"<!ENTITY a%d '%s'>" % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 12)) + b"]>"


def limited():
    """Address space is no measure under the sanitizers; CPU time is."""
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))


class Capture(Case):
    def setUp(self):
        super().setUp()
        self.capture = self.copy_capture()
        self.n_domains = len(glob.glob(self.path("capture", "domains", "*.stats.json")))
        self.profile = self.write("light.conf", LIGHT)

    def put(self, path, text):
        self.write(os.path.join("capture", path), text)

    def edit(self, path, **fields):
        with open(self.path("capture", path), encoding="utf-8") as file:
            document = json.load(file)
        self.put(path, json.dumps(document | fields))

    def truncate(self, path):
        file = self.path("capture", path)
        os.truncate(file, os.path.getsize(file) // 2)

    def special(self, path, make):
        """Another kind of file in that place."""
        path = self.path("capture", path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.remove(path)
        make(path)

    def bad(self, *says):
        for verb in (["status"], ["plan", self.profile]):
            self.fails(*verb, "--capture", self.capture, says=says, before=limited)

    def good(self):
        """It is taken as it is. Gives the plan."""
        for verb in (["status"], ["check"]):
            result = self.tune(*verb, "--capture", self.capture, before=limited)
            self.assertIn(result.returncode, (0, 2), result.err)
        result = self.tune("plan", self.profile, "--capture", self.capture, "--json", before=limited)
        self.assertIn(result.returncode, (0, 2), result.err)
        self.assertEqual(result.err, "")
        return json.loads(result.out)


class Topology(Capture):
    def test_missing(self):
        os.remove(self.path("capture", "topology.xml"))
        self.bad("capture/topology.xml: No such file")

    def test_truncated(self):
        self.truncate("topology.xml")
        self.bad("capture/topology.xml: line ")

    def test_empty(self):
        self.put("topology.xml", b"")
        self.bad("capture/topology.xml: ")

    def test_other_xml(self):
        self.put("topology.xml", DOMAIN % b"")
        self.bad("capture/topology.xml: line 1: wanted hwloc's <topology")

    def test_nul(self):
        self.put("topology.xml", b"<topology/>\0")
        self.bad("capture/topology.xml: wanted text, found a NUL byte at 11")

    def test_directory(self):
        self.special("topology.xml", os.mkdir)
        self.bad("capture/topology.xml: Is a directory")

    def test_fifo(self):
        self.special("topology.xml", os.mkfifo)
        self.bad("capture/topology.xml: wanted a file, found a FIFO or a device")

    def hostile(self, declared, used):
        """A topology that is right but for what is declared before it and used in it."""
        with open(self.path("capture", "topology.xml"), "rb") as file:
            text = file.read()
        start = text.index(b"<topology")
        name = text.index(b"<object ", start)
        self.put("topology.xml", declared + text[start:name] + used + text[name:])

    def test_billion_laughs(self):
        self.hostile(BOMB, b"<info name='x' value='&a11;'/>")
        result = self.tune("status", "--capture", self.capture, before=limited)
        self.assertIn(result.returncode, (0, 1), result.err)

    def test_external_entity_is_not_opened(self):
        """A FIFO: whoever opens it hangs."""
        os.mkfifo(self.path("trap"))
        self.hostile(b"<!DOCTYPE topology SYSTEM 'file://%s' [<!ENTITY e SYSTEM 'file://%s'><!ENTITY %% p SYSTEM 'file://%s'> %%p;]>"
                     % ((self.path("trap").encode(),) * 3), b"&e;")
        result = self.tune("status", "--capture", self.capture, before=limited, timeout=30)
        self.assertIn(result.returncode, (0, 1), result.err)


class HostFile(Capture):
    def test_missing_is_no_error(self):
        os.remove(self.path("capture", "host.json"))
        self.good()

    def test_truncated(self):
        self.truncate("host.json")
        self.bad("capture/host.json: 5:5: premature end of input")

    def test_wrong_type(self):
        self.put("host.json", "[]")
        self.bad("capture/host.json: wanted an object")

    def test_wrong_type_of_a_field(self):
        self.edit("host.json", uri=5)
        self.bad("capture/host.json: Expected string, got integer")

    def test_wrong_o_direct(self):
        self.edit("host.json", o_direct={"/x": "yes"})
        self.bad("capture/host.json: o_direct: wanted true or false for /x")

    def test_number_beyond_64_bits(self):
        self.put("host.json", '{"page_kib": 99999999999999999999}')
        self.bad("capture/host.json: 1:33: too big integer")

    def test_numbers_out_of_range(self):
        for page_kib in (-4, 0, 1 << 62):
            with self.subTest(page_kib):
                self.edit("host.json", page_kib=page_kib)
                self.bad("capture/host.json: wanted objects", "page_kib")

    def test_key_twice(self):
        self.put("host.json", '{"uri": "a", "uri": "b"}')
        self.bad("duplicate object key")

    def test_deep(self):
        self.put("host.json", "[" * 100000)
        self.bad("maximum parsing depth reached")

    def test_bad_utf8(self):
        self.put("host.json", b'{"uri": "\xff"}')
        self.bad("unable to decode byte 0xff")

    def test_fifo(self):
        self.special("host.json", os.mkfifo)
        self.bad("capture/host.json: wanted a file, found a FIFO or a device")


class Definition(Capture):
    def bad_xml(self, text, *says):
        self.put("domains/x.xml", text)
        self.bad("capture/domains/x.xml: ", *says)

    def test_no_domains_at_all(self):
        shutil.rmtree(self.path("capture", "domains"))
        self.assertEqual(self.good()["domains"], [])

    def test_empty(self):
        self.bad_xml(b"", "Document is empty")

    def test_text(self):
        self.bad_xml(b"hello", "Start tag expected")

    def test_binary(self):
        self.bad_xml(bytes(range(256)) * 10)

    def test_nul(self):
        self.bad_xml(DOMAIN % b"" + b"\0<x/>", "found a NUL byte")

    def test_truncated(self):
        self.bad_xml((DOMAIN % b"")[:50], "line 1")

    def test_no_domain(self):
        self.bad_xml(b"<network><name>n</name></network>", "wanted a <domain>, found <network>")

    def test_no_name(self):
        self.bad_xml(b"<domain/>", "it has no <name>")

    def test_billion_laughs(self):
        self.bad_xml(BOMB + DOMAIN % b"<title>&a11;</title>", "a document type (DOCTYPE) is not accepted")

    def test_external_entity(self):
        os.mkfifo(self.path("trap"))
        declared = f"<!DOCTYPE d SYSTEM 'file://{self.path('trap')}' [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>".encode()
        self.bad_xml(declared + DOMAIN % b"<title>&e;</title>", "a document type (DOCTYPE) is not accepted")

    def test_network_entity(self):
        self.bad_xml(b"<!DOCTYPE d SYSTEM 'http://127.0.0.1:9/x.dtd'>" + DOMAIN % b"", "DOCTYPE")

    def test_xinclude_stays_unread(self):
        self.put("domains/x.xml", DOMAIN % b"<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file:///etc/passwd'"
                 b" parse='text'/>")
        self.assertNotIn("root:", json.dumps(self.good()))

    def test_deep(self):
        self.bad_xml(b"<domain>" + b"<a>" * 100000 + b"</a>" * 100000 + b"</domain>", "Excessive depth")

    def test_ten_mebibytes_of_disks(self):
        devices = b"".join(b"<disk type='file' device='disk'><source file='/a'/><target dev='vd%d'/></disk>" % i for i in range(130000))
        self.bad_xml(DOMAIN % (b"<devices>" + devices + b"</devices>"), "it has 130000 disks, at most 4096 are looked at")

    def test_ten_mebibytes_of_nics(self):
        devices = b"<interface type='network'><mac address='52:54:00:00:00:01'/><model type='e1000'/></interface>" * 110000
        self.bad_xml(DOMAIN % (b"<devices>" + devices + b"</devices>"), "it has 110000 NICs, at most 4096 are looked at")

    def test_ten_mebibytes_of_other_devices(self):
        self.put("domains/x.xml", DOMAIN % (b"<devices>" + b"<serial type='pty'><target port='0'/></serial>" * 220000 + b"</devices>"))
        self.assertEqual(len(self.good()["domains"]), self.n_domains + 1)

    def test_too_long(self):
        self.bad_xml(DOMAIN % (b" " * (17 << 20)), "File too large")

    def test_numbers_out_of_range(self):
        self.put("domains/x.xml", b"<domain><name>x</name><vcpu>4000000000</vcpu><memory unit='EiB'>99999999</memory></domain>")
        self.good()

    def test_special_files(self):
        for make, says in ((os.mkfifo, "wanted a file, found a FIFO"), (os.mkdir, "Is a directory")):
            with self.subTest(says):
                self.special("domains/x.xml", make)
                self.bad("capture/domains/x.xml: " + says)
                (os.rmdir if make is os.mkdir else os.remove)(self.path("capture", "domains", "x.xml"))

    def test_links_that_lead_outside(self):
        for target in ("/etc/passwd", "../../../../../../../etc/passwd", "/dev/zero", "/proc/self/environ"):
            with self.subTest(target):
                self.special("domains/x.xml", lambda path, to=target: os.symlink(to, path))
                self.bad("capture/domains/x.xml: it is listed, but can't be opened")

    def test_one_name_twice(self):
        shutil.copy(self.path("capture", "domains", "db-1.xml"), self.path("capture", "domains", "copy.xml"))
        self.bad("capture/domains/db-1.xml: copy.xml holds a domain named 'db-1' too")

    def test_one_uuid_twice(self):
        """Copied definitions have it; domains are told apart by name."""
        with open(self.path("capture", "domains", "db-1.xml"), encoding="utf-8") as file:
            self.put("domains/copy.xml", file.read().replace("<name>db-1", "<name>copy"))
        names = [domain["name"] for domain in self.good()["domains"]]
        self.assertIn("copy", names)
        self.assertIn("db-1", names)

    def test_inactive_of_another(self):
        self.put("domains/db-1.inactive.xml", DOMAIN % b"")
        self.bad("capture/domains/db-1.inactive.xml: wanted the domain 'db-1' of db-1.xml, found 'x'")

    def test_inactive_truncated(self):
        self.truncate("domains/db-1.inactive.xml")
        self.bad("capture/domains/db-1.inactive.xml: ")

    def test_inactive_without_live(self):
        os.remove(self.path("capture", "domains", "db-1.xml"))
        self.assertIn("db-1", [domain["name"] for domain in self.good()["domains"]])


class Statistics(Capture):
    FILE = "domains/db-1.stats.json"

    def bad_stats(self, says, **fields):
        self.edit(self.FILE, **fields)
        self.bad(f"capture/{self.FILE}: {says}")

    def test_of_no_domain(self):
        self.put("domains/ghost.stats.json", '{"state": "running"}')
        self.assertEqual(len(self.good()["domains"]), self.n_domains)

    def test_truncated(self):
        self.truncate(self.FILE)
        self.bad(f"capture/{self.FILE}: 3:7: premature end of input")

    def test_wrong_type(self):
        self.put(self.FILE, "[]")
        self.bad(f"capture/{self.FILE}: wanted an object")

    def test_wrong_state(self):
        self.bad_stats("state: wanted 'running', 'paused' or 'shut off', found 'dancing'", state="dancing")

    def test_wrong_pid(self):
        self.bad_stats("Expected integer, got string", pid="x")

    def test_vcpus_of_another_domain(self):
        for number in (77, -1):
            with self.subTest(number):
                self.bad_stats(f"vcpus: the definition has no vCPU {number}", vcpus=[{"id": number}])

    def test_iothreads_of_another_domain(self):
        self.bad_stats("iothreads: the definition has no IOThread 99", iothreads=[{"id": 99}])

    def test_vcpus_no_list(self):
        self.bad_stats("vcpus: wanted a list", vcpus={})

    def test_load_below_nothing(self):
        self.bad_stats("recent_load: wanted no less than 0", recent_load=-0.5)

    def test_affinity_no_list(self):
        self.bad_stats("affinity: 'x' is not a list", vcpus=[{"id": 0, "affinity": "x"}])

    def test_affinity_beyond_64_bits(self):
        self.bad_stats("affinity: '0-99999999999' is not a list", vcpus=[{"id": 0, "affinity": "0-99999999999"}])

    def test_affinity_beyond_the_topology(self):
        """As the kernel does: what isn't there doesn't count."""
        self.edit(self.FILE, vcpus=[{"id": 0, "affinity": "2,900"}, {"id": 1, "affinity": "900-901"}])
        domain = next(domain for domain in self.good()["domains"] if domain["name"] == "db-1")
        self.assertEqual(domain["before"][:2], ["2", "0-31"])

    def test_time_no_number(self):
        self.bad_stats("vcpus: Expected integer, got real", vcpus=[{"id": 0, "time_ns": 1.5}])

    def test_memory_on_no_node(self):
        for node in ("9", "x", "-1"):
            with self.subTest(node):
                self.bad_stats(f"memory_kib: '{node}' is no node of the topology", memory_kib={node: 1})

    def test_memory_out_of_range(self):
        for kib in (-1, (1 << 63) - 1):
            with self.subTest(kib):
                self.bad_stats("memory_kib: '0' is no node of the topology, or has no number of KiB", memory_kib={"0": kib})

    def test_shut_off_with_threads(self):
        self.edit(self.FILE, state="shut off")
        domain = next(domain for domain in self.good()["domains"] if domain["name"] == "db-1")
        self.assertFalse(domain["running"])


class Files(Capture):
    KSM = "sys/kernel/mm/ksm"

    def test_garbage(self):
        self.put(f"{self.KSM}/run", "banana\n")
        self.bad(f"capture/{self.KSM}/run: wanted a number, found 'banana'")

    def test_beyond_64_bits(self):
        self.put(f"{self.KSM}/pages_to_scan", "99999999999999999999\n")
        self.bad("pages_to_scan: wanted a number, found '99999999999999999999'")

    def test_list_backwards(self):
        self.put("sys/devices/system/cpu/isolated", "5-2,9999999\n")
        self.bad("isolated: '5-2,9999999' is not a list")

    def test_no_meminfo(self):
        self.put("sys/devices/system/node/node0/meminfo", "Node 0 MemTotal: lots kB\n")
        self.bad("meminfo: no number of kB after 'MemTotal:'")

    def test_directory(self):
        self.special(f"{self.KSM}/run", lambda path: os.makedirs(path))
        self.bad(f"capture/{self.KSM}/run: Is a directory")

    def test_fifo(self):
        self.special(f"{self.KSM}/run", os.mkfifo)
        self.bad(f"capture/{self.KSM}/run: wanted a file, found a FIFO or a device")

    def test_huge(self):
        self.put(f"{self.KSM}/run", "")
        os.truncate(self.path("capture", self.KSM, "run"), 1 << 40)
        self.bad(f"capture/{self.KSM}/run: File too large")

    def test_links_that_lead_outside_lead_nowhere(self):
        self.special(f"{self.KSM}/run", lambda path: os.symlink("../" * 12 + "proc/self/environ", path))
        self.good()

    def test_escape_codes(self):
        self.put("sys/kernel/mm/transparent_hugepage/enabled", "always [\x1b]0;title\x07\x1b[31mred] never\n")
        self.good()
        for verb in ("status", "check"):
            self.assertNotIn("\x1b", self.tune(verb, "--capture", self.capture).out)


if __name__ == "__main__":
    unittest.main()
