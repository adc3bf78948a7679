# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon tells systemd, on a socket of the test's own: ready, alive while it gets on, reloading, stopping."""

import os
import signal
import socket
import time
import unittest

from host import wait_for
from test_daemon import PATIENCE, PINNED, Base, Daemon

# How often it is to say that it is alive: at each half of this.
WATCHDOG_SECONDS = 2


class Listener:
    """systemd's end of the socket."""

    def __init__(self, directory):
        path = os.path.join(directory, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)
        self.told = []
        self.environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(WATCHDOG_SECONDS * 1000000)}

    def listen(self):
        """All lines so far."""
        while True:
            try:
                self.told += self.socket.recv(65536).decode().split("\n")
            except BlockingIOError:
                return self.told

    def count(self, line):
        return self.listen().count(line)

    def close(self):
        os.unlink(self.socket.getsockname())
        self.socket.close()


class Service(Base):
    def setUp(self):
        super().setUp()
        self.listener = Listener(self.host.directory)
        self.addCleanup(self.listener.close)

    def watched(self):
        daemon = Daemon(self.host, self.host.profile(PINNED), environment=self.listener.environment)
        self.addCleanup(daemon.kill)
        self.assert_told(daemon, "READY=1", 1)
        self.assertTrue(daemon.has_looked(), daemon.said())
        return daemon

    def assert_told(self, daemon, line, times):
        self.assertTrue(wait_for(lambda: self.listener.count(line) >= times, PATIENCE), (self.listener.told, daemon.said()))

    def assert_alive(self, daemon):
        self.assert_told(daemon, "WATCHDOG=1", self.listener.count("WATCHDOG=1") + 2)

    def test_life(self):
        daemon = self.watched()
        self.assert_alive(daemon)
        self.assertTrue(wait_for(lambda: any("0 guests run" in line for line in self.listener.listen()), PATIENCE),
                        self.listener.told)
        daemon.process.send_signal(signal.SIGHUP)
        self.assert_told(daemon, "RELOADING=1", 1)
        self.assertTrue(any(line.startswith("MONOTONIC_USEC=") for line in self.listener.told), self.listener.told)
        self.assert_told(daemon, "READY=1", 2)
        self.assertEqual(daemon.end(), 0, daemon.said())
        self.assertEqual(self.listener.count("STOPPING=1"), 1)

    def test_without_libvirt(self):
        """Ready, and alive, all the same."""
        self.host.kill_libvirtd()
        try:
            daemon = Daemon(self.host, self.host.profile(PINNED), environment=self.listener.environment)
            self.addCleanup(daemon.kill)
            self.assert_told(daemon, "READY=1", 1)
            self.assertTrue(daemon.has_looked("no-hypervisor"), daemon.said())
            self.assert_alive(daemon)
        finally:
            self.host.start_libvirtd()

    def silence(self, daemon):
        """Whether it answers, busy, at both ends of a time in which it should have said several times that it is alive, and
        didn't."""
        before = self.listener.count("WATCHDOG=1")
        busy = daemon.status()["busy"]
        time.sleep(2 * WATCHDOG_SECONDS)
        return busy and daemon.status()["busy"] and self.listener.count("WATCHDOG=1") == before

    def test_stalled_worker(self):
        """libvirtd is stopped in the middle of a look: the main loop turns, and yet systemd isn't told that all is well.
        Once it goes on, it is again."""
        daemon = self.watched()
        libvirtd = self.host.libvirtd()
        os.kill(libvirtd, signal.SIGSTOP)
        try:
            daemon.ask("reload")
            self.assertTrue(wait_for(lambda: self.silence(daemon), PATIENCE), (self.listener.told, daemon.said()))
        finally:
            os.kill(libvirtd, signal.SIGCONT)
        self.assert_alive(daemon)
        self.start("kt-one")
        self.assert_pinned(daemon, "kt-one", {0})


if __name__ == "__main__":
    unittest.main(verbosity=2)
