# SPDX-License-Identifier: LGPL-2.1-or-later
"""What else goes wrong on a host while kvm-tune works there: rollback mends it each time.

    faults.py                 libvirtd restarted, a guest killed, kvm-tune killed, each in the middle of an apply
    faults.py halt            leaves an apply half done, for the host to be cut off; says when
    faults.py mend            after the host has booted again

strace stops kvm-tune on entering the Nth durable write of its journal: nothing in the product knows of it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

from lab_host import STATE, LabHost, Scenario, chosen, command, read, show, wait_for

GUESTS = ("kt-a", "kt-b")
FILES = ("/sys/kernel/mm/transparent_hugepage/defrag", "/sys/kernel/mm/ksm/run")
# Of the machine that runs the lab: it outlives the lab.
NOTES = "/lab/results/faults.json"
PROFILE = """[host]
thp.defrag = defer
ksm.mode = on
housekeeping = 0
services = housekeeping

[domain *]
cpu.placement = shared-cache
cpu.exclusive = yes
cpu.emulator = housekeeping
disk.cache = none
nic.model = virtio
guest.virtio = assume
"""
# The leak checker and strace both want to be the tracer.
TRACED = {"ASAN_OPTIONS": "detect_leaks=0"}


def define(host):
    for name in GUESTS:
        host.define(name, "--vcpus", "2", "--memory", "128", "--nic", "e1000")
    host.boot_all(*GUESTS)


def durable_writes(host):
    """How many an apply makes once its journal exists; all is as before then."""
    for tracer in ([], ["strace", "-f", "-qq", "-o", "/root/writes", "-e", "trace=fdatasync"]):
        result = host.tune("apply", host.profile(PROFILE), "--yes", before=tracer, environment=TRACED)
        undone = host.tune("rollback", "--yes")
        if (result.code, undone.code) != (0, 0):
            raise RuntimeError(f"{result}\n{undone}")
    return len(re.findall(r"fdatasync\(", read("/root/writes")))


def stopped_apply(host, number):
    """An apply that stands still on entering this durable write; None where there are fewer of them."""
    trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
             f"inject=fdatasync:signal=STOP:when={number}"]
    process = subprocess.Popen([*trace, *host.command("apply", host.profile(PROFILE), "--yes")], stdout=subprocess.PIPE,  # pylint: disable=consider-using-with
                               stderr=subprocess.STDOUT, text=True, env=os.environ | TRACED)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        stopped = [int(pid) for pid in command("pidof", "kvm-tune", check=False).split() if stands_still(pid)]
        if stopped:
            return process, stopped
    if process.poll() is None:
        process.kill()
        raise RuntimeError("apply neither stops nor ends")
    return process, None


def stands_still(pid):
    """Stopped for seconds: strace itself stops it at each call, for as long as the lab leaves strace without a CPU."""
    for _ in range(60):
        try:
            if read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] not in "Tt":
                return False
        except OSError:
            return False
        time.sleep(0.05)
    return True


def let_go(process, pids, what=signal.SIGCONT):
    for pid in pids:
        os.kill(pid, what)
    said, _ = process.communicate(timeout=180)
    return process.returncode, said


def end(process, pids):
    """Whatever a test that failed has left standing still."""
    if process.poll() is None:
        let_go(process, pids or [], signal.SIGKILL)
    process.stdout.close()


def picture(host):
    host_files = {path: chosen(read(path)) for path in FILES}
    slices = {name: command("systemctl", "show", "--value", "--property", "AllowedCPUs", name)
              for name in ("system.slice", "user.slice", "init.scope")}
    return {"files": host_files, "slices": slices, "definitions": {name: host.definition(name) for name in GUESTS}}


def threads(host):
    return {name: host.affinity(name) for name in GUESTS}


class Faults(Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        define(cls.host)
        cls.writes = durable_writes(cls.host)
        show(f"an apply makes {cls.writes} durable writes")

    def setUp(self):
        self.before = picture(self.host)
        self.threads = threads(self.host)
        self.addCleanup(self.host.tune, "rollback", "--all", "--yes")

    def stopped(self, part):
        """An apply that stands still after this part of its durable writes, with something done and something not."""
        number = round(self.writes * part)
        process, pids = stopped_apply(self.host, number)
        self.addCleanup(end, process, pids)
        if not pids:
            self.fail(f"apply ended before its durable write {number}: {process.communicate()[0]}")
        show(f"apply stands still at its durable write {number}; defrag and KSM: {list(picture(self.host)['files'].values())}; "
             f"vCPUs: {[self.host.vcpu_sets(name) for name in GUESTS]}")
        return process, pids

    def in_the_middle(self, fault, how=signal.SIGCONT):
        for part in (0.5, 0.8):
            process, pids = self.stopped(part)
            self.assertNotEqual((picture(self.host), threads(self.host)), (self.before, self.threads), "nothing is done yet")
            fault()
            code, said = let_go(process, pids, how)
            show(f"apply ended with {code}: {said.strip().splitlines()[-1] if said.strip() else ''}")
            self.assertTrue(wait_for(lambda: "Id" in command("virsh", "list", check=False), 60))
            self.mend()

    def mend(self, booted=None):
        """@booted: a guest that starts again after the rollback. Before, it would start with what is staged."""
        self.assertEqual(command("sqlite3", f"{STATE}/state.db", "PRAGMA integrity_check"), "ok")
        self.tune("rollback", "--all", "--yes")
        if booted:
            self.host.boot(booted)
        self.assertEqual(picture(self.host), self.before)
        self.assertEqual(threads(self.host), self.threads)

    def test_libvirtd_restarted(self):
        self.in_the_middle(lambda: command("systemctl", "restart", "libvirtd"))

    def test_kvm_tune_killed(self):
        self.in_the_middle(lambda: None, how=signal.SIGKILL)

    def test_a_guest_killed(self):
        def kill():
            os.kill(self.host.pid("kt-b"), signal.SIGKILL)
            self.assertTrue(wait_for(lambda: self.host.virsh("domstate", "kt-b") == "shut off", 60))

        process, pids = self.stopped(0.5)
        kill()
        code, said = let_go(process, pids)
        print(f"apply ended with {code}\n{said}")
        self.mend(booted="kt-b")


def halt():
    """Leaves an apply in the middle; what was before it is noted outside."""
    host = LabHost()
    define(host)
    number = durable_writes(host) // 2
    before = picture(host)
    _, pids = stopped_apply(host, number)
    if not pids:
        raise RuntimeError("apply ended before it could be stopped")
    with open(NOTES, "w", encoding="utf-8") as file:
        json.dump(before, file)
    show(f"apply stands still at its durable write {number}: {picture(host)['files']}")


class Mended(unittest.TestCase):
    """The host has lost its power in the middle of an apply and booted again."""

    def test_mended(self):
        host = LabHost(clear=False)
        with open(NOTES, encoding="utf-8") as file:
            before = json.load(file)
        self.assertEqual(command("sqlite3", f"{STATE}/state.db", "PRAGMA integrity_check"), "ok")
        told = host.tune("history")
        print(told)
        self.assertRegex(told.out, "half|interrupted|begun|unfinished")
        undone = host.tune("rollback", "--all", "--yes")
        print(undone)
        self.assertEqual(undone.code, 0, undone)
        self.assertEqual(picture(host), before)
        show("after the host was cut off and booted again, rollback: files, slices and definitions as before")


if __name__ == "__main__":
    if sys.argv[1:2] == ["halt"]:
        halt()
    elif sys.argv[1:2] == ["mend"]:
        unittest.main(argv=["faults.py", "-v", "Mended"])
    else:
        unittest.main(argv=["faults.py", "-v", "Faults"])
