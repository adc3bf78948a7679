# SPDX-License-Identifier: LGPL-2.1-or-later
"""What only a real guest, QEMU and libvirt can tell: the agent in the guest, backing chains, block jobs, snapshots, and what
libvirt says of a migration."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from host import open_host

KVM_TUNE = os.environ["KVM_TUNE"]


class Agent(unittest.TestCase):
    """A guest with an e1000 NIC, no OS in its metadata, and Debian's own QEMU guest agent."""

    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup)
        try:
            cls.host.define("kt-agent", "--nic", "e1000", "--agent", "yes")
        except RuntimeError as error:
            if "exit 77" in str(error):
                raise unittest.SkipTest(str(error)) from None
            raise
        cls.host.boot("kt-agent")
        deadline = time.monotonic() + 60
        while "state='connected'" not in cls.host.virsh("dumpxml", "kt-agent"):
            if time.monotonic() > deadline:
                raise RuntimeError("the agent does not open its channel")
            time.sleep(0.2)

    def setUp(self):
        self.profile = self.host.profile("[domain kt-agent]\nnic.model = virtio\n")

    def test_its_word_is_evidence(self):
        plan = self.host.tune("plan", self.profile, "--json")
        self.assertEqual(plan.code, 2, plan)
        self.assertEqual([(a["setting"], a["from"], a["to"]) for a in plan.json["actions"]], [("nic.model", "e1000", "virtio")])
        reason = plan.json["actions"][0]["reason"]
        told = self.host.virsh("guestinfo", "kt-agent", "--os")
        release = re.search(r"kernel-release\s*: (\S+)", told).group(1)
        self.assertIn("its agent says", reason)
        self.assertIn(release, reason)

    def test_asking_leaves_no_mark(self):
        """libvirt taints a domain to whose agent others spoke past it."""
        before = self.marks()
        self.host.tune("plan", self.profile)
        self.assertEqual(self.marks(), before)
        self.assertNotIn("guest agent", before)

    def marks(self):
        """What libvirt holds against the domain; the rest of dominfo, its CPU time, moves by itself."""
        return re.search(r"^Messages:(.*)", self.host.virsh("dominfo", "kt-agent"), re.MULTILINE | re.DOTALL).group(1)

    def test_guard_goes_first(self):
        never = self.host.profile("[domain kt-agent]\nnic.model = virtio\nguest.virtio = never\n")
        plan = self.host.tune("plan", never, "--json").json
        self.assertEqual(plan["actions"], [])
        self.assertIn("guest.virtio = never", plan["refused"][0]["reason"])

    def test_a_paused_guest_is_not_waited_for(self):
        self.host.virsh("suspend", "kt-agent")
        self.addCleanup(self.host.virsh, "resume", "kt-agent")
        began = time.monotonic()
        plan = self.host.tune("plan", self.profile, "--json").json
        self.assertLess(time.monotonic() - began, 4)
        self.assertEqual(plan["actions"], [])
        self.assertIn("agent", plan["refused"][0]["reason"])

    def test_a_capture_keeps_its_word(self):
        live = self.host.tune("plan", self.profile, "--json").json
        capture = os.path.join(self.host.directory, "agent-capture")
        self.assertEqual(self.host.tune("capture", capture).code, 0)
        again = subprocess.run([KVM_TUNE, "plan", self.profile, "--capture", capture, "--json"], capture_output=True, text=True,
                               check=False, timeout=60)
        self.assertEqual(json.loads(again.stdout)["actions"], live["actions"])


class Chain(unittest.TestCase):
    """A running guest whose qcow2 image has the disk that guest-image made below it."""

    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup)
        cls.host.define("kt-chain", "--nic", "none")
        cls.base = os.path.join(cls.host.directory, "kt-chain", "disk.raw")
        cls.top = os.path.join(cls.host.directory, "kt-chain", "top.qcow2")
        # With something in it, so that a pull takes its time.
        with open(cls.base, "r+b") as disk:
            disk.seek(1024 * 1024)
            disk.write(os.urandom(48 * 1024 * 1024))
        cls.host.boot("kt-chain")
        cls.host.define("kt-plain", "--nic", "none")
        cls.host.virsh("start", "--paused", "kt-plain")
        cls.host.virsh("snapshot-create-as", "kt-chain", "--disk-only", "--no-metadata", "--diskspec",
                       f"vda,snapshot=external,file={cls.top}")

    def setUp(self):
        self.profile = self.host.profile("[domain kt-chain]\ndisk.cache = none\n")
        shutil.rmtree(self.host.state, ignore_errors=True)

    def plan(self):
        return self.host.tune("plan", self.profile, "--json").json

    def image(self):
        status = self.host.tune("status", "--json", "kt-chain").json
        return next(disk["image"] for disk in status["domains"][0]["disks"] if disk["target"] == "vda")

    def assert_libvirt_refuses(self, words):
        """libvirt judges a migration before it looks at the destination: the guest's own host will do."""
        with self.assertRaisesRegex(RuntimeError, words):
            self.host.virsh("migrate", "--live", "kt-chain", self.host.uri)

    def test_chain_is_seen(self):
        image = self.image()
        self.assertEqual(image["format"], "qcow2")
        self.assertEqual(image["chain"], [self.base])
        self.assertEqual(image["reach"], "local")
        self.assertEqual(image["allocation"], "sparse")

    def test_block_job_forbids_changes(self):
        self.assertEqual([a["setting"] for a in self.plan()["actions"]], ["disk.cache"])
        self.host.virsh("blockpull", "kt-chain", "vda", "--bandwidth", "1")
        try:
            # A pull doesn't show in the definition.
            self.assertNotIn("<mirror", self.host.virsh("dumpxml", "kt-chain"))
            plan = self.plan()
            self.assertEqual(plan["actions"], [])
            self.assertIn("block job", plan["refused"][0]["reason"])
            migration = next(d for d in plan["domains"] if d["name"] == "kt-chain")["migration"]
            self.assertTrue(any("block job" in reason["reason"] for reason in migration), migration)
            self.assert_libvirt_refuses("active block job")
            capture = os.path.join(self.host.directory, "job-capture")
            self.assertEqual(self.host.tune("capture", capture).code, 0)
            again = subprocess.run([KVM_TUNE, "plan", self.profile, "--capture", capture, "--json"], capture_output=True,
                                   text=True, check=False, timeout=60)
            self.assertEqual(json.loads(again.stdout)["refused"], plan["refused"])
        finally:
            self.host.virsh("blockjob", "kt-chain", "vda", "--abort")
        self.assertEqual([a["setting"] for a in self.plan()["actions"]], ["disk.cache"])

    def test_a_backup_is_found_by_the_step(self):
        """Planning would need a call a disk to see it."""
        directory = os.path.join(self.host.directory, "kt-plain")
        description = os.path.join(directory, "backup.xml")
        with open(description, "w", encoding="utf-8") as file:
            file.write(f"""<domainbackup mode='pull'><server transport='unix' socket='{directory}/backup.sock'/>
                <disks><disk name='vda' type='file'><scratch file='{directory}/scratch.qcow2'/></disk></disks></domainbackup>""")
        profile = self.host.profile("[domain kt-plain]\ndisk.cache = none\n")
        before = self.host.definition("kt-plain")
        # A pull backup lasts until it is ended.
        self.host.virsh("backup-begin", "kt-plain", description)
        try:
            result = self.host.tune("apply", profile, "--yes", "--json")
        finally:
            self.host.virsh("domjobabort", "kt-plain")
        self.assertEqual(result.code, 3, result)
        self.assertEqual([(a["setting"], a["result"]) for a in result.json["actions"]], [("disk.cache", "conflict")])
        self.assertIn("disk vda: a block job is at work", result.json["actions"][0]["detail"])
        self.assertEqual(self.host.definition("kt-plain"), before)
        again = self.host.tune("apply", profile, "--yes")
        self.assertEqual(again.code, 0, again)
        self.assertEqual(self.host.tune("rollback", "--yes").code, 0)

    def test_an_image_with_nothing_below_is_not_asked(self):
        """Pulls and commits need an image below: planning asks only where there is one."""
        with tempfile.NamedTemporaryFile() as log:
            environment = os.environ | {"LIBVIRT_LOG_OUTPUTS": f"1:file:{log.name}", "LIBVIRT_LOG_FILTERS": "1:rpc"}
            calls = {}
            for name in ("kt-chain", "kt-plain"):
                profile = self.host.profile(f"[domain {name}]\ndisk.cache = none\n")
                log.truncate(0)
                subprocess.run(self.host.command("plan", profile), env=environment, check=False, timeout=60, capture_output=True)
                with open(log.name, encoding="utf-8", errors="replace") as file:
                    calls[name] = sum(1 for line in file if "RPC_CLIENT_MSG_TX_QUEUE" in line)
        # One list of handles, one question about the one disk.
        self.assertEqual(calls["kt-chain"] - calls["kt-plain"], 2, calls)

    def test_snapshots_stop_a_migration(self):
        domain = self.host.tune("status", "--json", "kt-chain").json["domains"][0]
        self.assertFalse(any("snapshots" in reason["reason"] for reason in domain["migration"]), domain)
        self.host.virsh("snapshot-create-as", "kt-chain", "one", "--disk-only", "--diskspec",
                        f"vda,snapshot=external,file={self.top}.one")
        try:
            domain = self.host.tune("status", "--json", "kt-chain").json["domains"][0]
            self.assertTrue(domain["snapshots"])
            self.assertFalse(domain["migratable"])
            self.assertTrue(any(reason["weight"] == "stops" and "snapshots" in reason["reason"]
                                for reason in domain["migration"]), domain)
            self.assert_libvirt_refuses("snapshots")
        finally:
            self.host.virsh("snapshot-delete", "kt-chain", "one", "--metadata")
            self.host.virsh("blockcommit", "kt-chain", "vda", "--active", "--pivot", "--top", f"{self.top}.one", "--base",
                            self.top)

    def test_local_storage_stops_a_migration(self):
        text = self.host.tune("status", "kt-chain").out
        self.assertIn("storage of this host alone", " ".join(text.split()))
        self.assert_libvirt_refuses("without shared storage")


if __name__ == "__main__":
    unittest.main(verbosity=2)
