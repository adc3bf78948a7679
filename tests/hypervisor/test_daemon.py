# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon on a real libvirtd with real guests: what each event leads to, read from /proc."""

import contextlib
import datetime
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import unittest

from host import chosen, open_host, put_back, read, wait_for, write

DEFRAG = "/sys/kernel/mm/transparent_hugepage/defrag"

# How long a loaded machine may take for what is done in a moment.
PATIENCE = 60

PINNED = """
[domain kt-*]
cpu.emulator = 0
"""


class Daemon:
    """One that runs in the foreground, without systemd."""

    def __init__(self, host, *arguments, environment=None):
        self.host = host
        self.log = os.path.join(host.directory, "daemon.log")
        with open(self.log, "w", encoding="utf-8") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(host.command("daemon", "-v", *arguments), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=log,
                                            env=os.environ | (environment or {}))

    def said(self):
        return read(self.log)

    def ask(self, what):
        """What it answers; None while it doesn't yet."""
        with socket.socket(socket.AF_UNIX) as control:
            try:
                control.connect(self.host.control)
                control.sendall(json.dumps({"ask": what}).encode() + b"\n")
                return json.loads(control.makefile().readline())
            except OSError:
                return None

    def status(self):
        """What it says of itself; None while it doesn't answer yet."""
        return self.ask("status")

    def has_looked(self, result="done"):
        def looked():
            status = self.status()
            return status and status["last"] and status["last"]["result"] == result
        return wait_for(looked, PATIENCE)

    def end(self, number=signal.SIGTERM):
        """Its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Base(unittest.TestCase):
    GUESTS = ("kt-one", "kt-two")
    host = None
    definitions = {}

    @classmethod
    def setUpClass(cls):
        cls.host = open_host(cls.addClassCleanup)
        for guest in cls.GUESTS:
            cls.host.define(guest, "--vcpus", "1", "--nic", "none")
        cls.definitions = {guest: cls.host.definition(guest) for guest in cls.GUESTS}

    def setUp(self):
        # What one test has staged the next one's guests would start with.
        for guest, xml in self.definitions.items():
            self.host.define_xml(guest, xml)
        self.addCleanup(put_back, {DEFRAG: chosen(read(DEFRAG))})
        self.addCleanup(shutil.rmtree, self.host.state, True)
        self.addCleanup(self.stop_guests)

    def stop_guests(self):
        for guest in self.host.virsh("list", "--name").split():
            self.host.virsh("destroy", guest)

    def daemon(self, *arguments):
        daemon = Daemon(self.host, *arguments)
        self.addCleanup(daemon.kill)
        self.assertTrue(daemon.has_looked(), daemon.said())
        return daemon

    def start(self, guest):
        """Paused: nothing here needs what is in the guest, only its QEMU."""
        self.host.virsh("start", "--paused", guest)

    def emulator(self, guest):
        return self.host.affinity(guest)["emulator"]

    def assert_pinned(self, daemon, guest, cpus):
        self.assertTrue(wait_for(lambda: self.emulator(guest) == cpus, PATIENCE), daemon.said())


class Life(Base):
    def test_starts_and_ends(self):
        """What runs already is tuned; the end leaves it so; each run is in the history and can be undone."""
        self.start("kt-one")
        self.assertTrue(wait_for(lambda: self.emulator("kt-one") > {0}, PATIENCE))
        everywhere = self.emulator("kt-one")
        daemon = self.daemon(self.host.profile(PINNED))
        self.assertEqual(self.emulator("kt-one"), {0})
        self.assertEqual(daemon.end(), 0, daemon.said())
        self.assertEqual(self.emulator("kt-one"), {0})
        runs = self.host.tune("history", "--json").valid("history")["runs"]
        self.assertEqual([run["verb"] for run in runs], ["daemon"])
        self.assertEqual(self.host.tune("rollback", "--yes").code, 0)
        self.assertEqual(self.emulator("kt-one"), everywhere)

    def test_persisted_profile(self):
        """`apply --persist` names the profile, and has a daemon that runs take it over."""
        defrag = "defer" if chosen(read(DEFRAG)) != "defer" else "madvise"
        first = self.host.profile(f"[host]\nthp.defrag = {defrag}\n")
        self.assertEqual(self.host.tune("daemon").code, 1)
        applied = self.host.tune("apply", first, "--persist", "--yes")
        self.assertEqual(applied.code, 0, applied)
        self.assertIn("once the daemon runs", applied.said)
        daemon = self.daemon()
        self.assertEqual(daemon.status()["profile"], first)

        second = os.path.join(self.host.directory, "second.conf")
        write(second, PINNED)
        self.assertEqual(self.host.tune("apply", second, "--persist", "--yes").code, 0)
        self.assertEqual(daemon.status()["profile"], second)
        self.start("kt-one")
        self.assert_pinned(daemon, "kt-one", {0})

    def test_reload(self):
        profile = self.host.profile(PINNED)
        daemon = self.daemon(profile)
        self.start("kt-one")
        self.assert_pinned(daemon, "kt-one", {0})

        write(profile, PINNED.replace("= 0", "= 1"))
        self.assertEqual(self.host.tune("reload").code, 0)
        self.assert_pinned(daemon, "kt-one", {1})

        write(profile, PINNED)
        self.assertEqual(self.host.tune("reload", "--json").valid("reload")["profile"], profile)
        self.assert_pinned(daemon, "kt-one", {0})

        write(profile, PINNED.replace("= 0", "= 1"))
        daemon.process.send_signal(signal.SIGHUP)
        self.assert_pinned(daemon, "kt-one", {1})

    def test_bad_profile_keeps_the_old(self):
        profile = self.host.profile(PINNED)
        daemon = self.daemon(profile)
        write(profile, PINNED + "cpu.emulater = 1\n")
        told = self.host.tune("reload")
        self.assertEqual(told.code, 1)
        self.assertIn(f"{profile}:4:1: [domain] has no setting 'cpu.emulater'; did you mean 'cpu.emulator'?", told.said)
        error = self.host.tune("reload", "--json").valid("errors")["errors"][0]
        self.assertEqual((error["file"], error["line"], error["column"]), (profile, 4, 1))
        daemon.process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(lambda: daemon.said().count("goes on with profile") == 3), daemon.said())
        self.start("kt-one")
        self.assert_pinned(daemon, "kt-one", {0})

    def test_profile_of_others(self):
        """What others could change isn't kept."""
        profile = self.host.profile(PINNED)
        os.chmod(profile, 0o666)
        self.addCleanup(os.chmod, profile, 0o600)
        told = self.host.tune("daemon", profile)
        self.assertEqual(told.code, 4, told)
        self.assertIn("others could change the profile", told.said)

    def test_one_alone(self):
        profile = self.host.profile(PINNED)
        self.daemon(profile)
        told = self.host.tune("daemon", profile)
        self.assertEqual(told.code, 4, told)
        self.assertIn("another kvm-tune daemon is at work", told.said)

    def test_nobody_to_reload(self):
        told = self.host.tune("reload")
        self.assertEqual(told.code, 1, told)
        self.assertIn("no kvm-tune daemon runs", told.said)

    def test_waits_for_another_kvm_tune(self):
        """The lock is somebody else's while apply asks: the daemon does its part after that."""
        profile = self.host.profile(PINNED)
        daemon = self.daemon(profile)
        other = os.path.join(self.host.directory, "other.conf")
        defrag = "defer" if chosen(read(DEFRAG)) != "defer" else "madvise"
        write(other, f"[host]\nthp.defrag = {defrag}\n")

        def meanwhile():
            self.start("kt-one")
            self.assertTrue(daemon.has_looked("locked"), daemon.said())
            self.assertNotEqual(self.emulator("kt-one"), {0})
        self.assertEqual(self.host.tune_asked("apply", other, meanwhile=meanwhile).code, 0)
        self.assert_pinned(daemon, "kt-one", {0})

    def test_state_directory_of_others(self):
        """What others may write in isn't written to: that is a failure, no other kvm-tune, and it goes on once it is mended."""
        daemon = self.daemon(self.host.profile(PINNED))
        os.chmod(self.host.state, 0o777)
        self.start("kt-one")
        self.assertTrue(daemon.has_looked("failed"), daemon.said())
        self.assertIn("mode is 0777", daemon.status()["last"]["message"])
        self.assertNotIn("another kvm-tune", daemon.said())
        os.chmod(self.host.state, 0o700)
        self.assert_pinned(daemon, "kt-one", {0})


class Events(Base):
    def test_guests_come_and_go(self):
        """Exclusive CPUs are handed on: the guest that comes gets what the one that went had."""
        daemon = self.daemon(self.host.profile("""
[host]
housekeeping = 0
[domain kt-*]
cpu.placement = shared-cache
cpu.exclusive = yes
"""))
        self.start("kt-one")
        self.assertTrue(wait_for(lambda: self.host.affinity("kt-one")["CPU 0"] == {1}, PATIENCE), daemon.said())
        self.start("kt-two")
        self.assertTrue(wait_for(lambda: "refused" in daemon.said(), PATIENCE), daemon.said())
        self.host.virsh("destroy", "kt-one")
        self.assertTrue(wait_for(lambda: self.host.affinity("kt-two")["CPU 0"] == {1}, PATIENCE), daemon.said())

    def test_defined(self):
        """A guest that is new is staged before it ever runs."""
        daemon = self.daemon(self.host.profile("[domain kt-new]\ndisk.cache = none\n"))
        self.host.define("kt-new", "--vcpus", "1", "--nic", "none")
        self.addCleanup(self.host.virsh, "undefine", "kt-new")
        self.assertTrue(wait_for(lambda: "cache='none'" in self.host.definition("kt-new"), PATIENCE), daemon.said())


class HostEvents(Base):
    def test_cpu_goes(self):
        """The kernel's own message, as when a CPU goes: all is looked at again. The CPU stays, others need it."""
        daemon = self.daemon(self.host.profile(PINNED))
        write("/sys/devices/system/cpu/cpu0/uevent", "offline")
        self.assertTrue(wait_for(lambda: re.search(r"looked \([^)]*CPU went offline", daemon.said()), PATIENCE), daemon.said())


class Window(Base):
    PROFILE = "[domain kt-one]\ndisk.cache = none\ndisruption = restart\nrestart-window = {day} {begin}-{end}\n"

    @staticmethod
    def around(days):
        """A window of nearly a whole day, so many days from now: an hour ago it had begun."""
        begin = datetime.datetime.now() + datetime.timedelta(days=days, hours=-1)
        end = begin - datetime.timedelta(minutes=1)
        return {"day": begin.strftime("%a"), "begin": begin.strftime("%H:%M"), "end": end.strftime("%H:%M")}

    def test_restart_window(self):
        """Staged outside of it, done inside."""
        self.host.boot("kt-one")
        profile = self.host.profile(self.PROFILE.format(**self.around(3)))
        daemon = self.daemon(profile)
        self.assertIn("cache='none'", self.host.definition("kt-one"))
        process = self.host.pid("kt-one")
        self.assertNotIn("save domain", daemon.said())
        write(profile, self.PROFILE.format(**self.around(0)))
        daemon.ask("reload")
        # The least way that brings it, which is a pause: another process.
        brought = "save domain kt-one and resume it with 1 changed value (disk.cache): done"
        self.assertTrue(wait_for(lambda: brought in daemon.said(), 10 * PATIENCE), daemon.said())
        self.assertNotEqual(self.host.pid("kt-one"), process)
        self.assertIn("cache='none'", self.host.virsh("dumpxml", "kt-one"))


class Cost(Base):
    """What a change costs in calls to libvirt, by the log of libvirt's own client."""

    def calls(self):
        return read(os.path.join(self.host.directory, "calls.log")).count("RPC_CLIENT_MSG_TX_QUEUE")

    def watched(self):
        environment = {"LIBVIRT_LOG_OUTPUTS": f"1:file:{self.host.directory}/calls.log", "LIBVIRT_LOG_FILTERS": "1:rpc"}
        daemon = Daemon(self.host, self.host.profile(PINNED), environment=environment)
        self.addCleanup(daemon.kill)
        self.assertTrue(daemon.has_looked(), daemon.said())
        return daemon

    def of_one_change(self, daemon):
        """A look because one guest was resumed."""
        said, calls = len(daemon.said()), self.calls()
        self.host.virsh("resume", "kt-one")
        self.assertTrue(wait_for(lambda: re.search(r"looked \([^)]*resumed", daemon.said()[said:]), PATIENCE), daemon.said())
        self.host.virsh("suspend", "kt-one")
        self.assertTrue(wait_for(lambda: re.search(r"looked \([^)]*suspended", daemon.said()[said:]), PATIENCE), daemon.said())
        return (self.calls() - calls) / daemon.said()[said:].count("looked (")

    def test_one_changed(self):
        """It costs the look at one domain, however many there are."""
        self.start("kt-one")
        daemon = self.watched()
        few = self.of_one_change(daemon)
        daemon.end()
        for number in range(40):
            name = f"kt-more-{number}"
            xml = self.definitions["kt-two"].replace("<name>kt-two<", f"<name>{name}<")
            self.host.define_xml(name, re.sub("<uuid>.*</uuid>", "", xml))
            self.addCleanup(self.host.virsh, "undefine", name)
        before = self.calls()
        daemon = self.watched()
        whole = self.calls() - before
        many = self.of_one_change(daemon)
        self.assertGreater(whole, 40)
        self.assertLess(many, few + 10, daemon.said())


class Hypervisor(Base):
    def test_gone_and_back(self):
        """libvirtd is killed; meanwhile the host's settings are kept; when it is back so are the guests."""
        defrag = "defer" if chosen(read(DEFRAG)) != "defer" else "madvise"
        profile = self.host.profile(PINNED)
        daemon = self.daemon(profile)
        self.host.kill_libvirtd()
        try:
            self.assertTrue(daemon.has_looked("no-hypervisor"), daemon.said())
            write(profile, PINNED + f"[host]\nthp.defrag = {defrag}\n")
            self.assertEqual(self.host.tune("reload").code, 0)
            self.assertTrue(wait_for(lambda: chosen(read(DEFRAG)) == defrag, PATIENCE), daemon.said())
        finally:
            self.host.start_libvirtd()
        self.start("kt-one")
        self.assert_pinned(daemon, "kt-one", {0})
        self.assertEqual(daemon.end(), 0, daemon.said())

    def test_not_there_at_the_start(self):
        self.host.kill_libvirtd()
        try:
            daemon = Daemon(self.host, self.host.profile(PINNED))
            self.addCleanup(daemon.kill)
            self.assertTrue(daemon.has_looked("no-hypervisor"), daemon.said())
        finally:
            self.host.start_libvirtd()
        self.start("kt-one")
        self.assert_pinned(daemon, "kt-one", {0})

    @contextlib.contextmanager
    def hung(self, guest):
        """Its QEMU is stopped, and somebody's question is with it: libvirt lets nobody else ask."""
        pid = self.host.pid(guest)
        os.kill(pid, signal.SIGSTOP)
        virsh = ["setsid", "--wait", "virsh", "-c", self.host.uri, "domstats", "--balloon", guest]
        with subprocess.Popen(virsh, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True) as asks:
            try:
                self.assertTrue(wait_for(lambda: "occupied" in self.host.virsh("domcontrol", guest), PATIENCE))
                yield
            finally:
                os.killpg(asks.pid, signal.SIGKILL)
                os.kill(pid, signal.SIGCONT)

    def test_hung_guest(self):
        """A guest whose QEMU is stopped, with somebody's question pending: another one is tuned all the same."""
        self.start("kt-one")
        daemon = self.daemon(self.host.profile(PINNED))
        with self.hung("kt-one"):
            self.start("kt-two")
            self.assert_pinned(daemon, "kt-two", {0})

    def test_hung_guest_to_be_pinned(self):
        """It is left for later, and libvirt's own patience of half a minute isn't waited for."""
        self.start("kt-one")
        with self.hung("kt-one"):
            daemon = self.daemon(self.host.profile(PINNED))
            self.start("kt-two")
            self.assert_pinned(daemon, "kt-two", {0})
            self.assertIn("libvirt is still at something else with it", daemon.said())
            self.assertNotIn("state change lock", daemon.said())
        daemon.ask("reload")
        self.assert_pinned(daemon, "kt-one", {0})


if __name__ == "__main__":
    unittest.main(verbosity=2)
