# SPDX-License-Identifier: LGPL-2.1-or-later
"""What somebody on the network sees of a guest that is disturbed: how long it doesn't answer, that it has its address again,
that connections survive a pause."""

import os
import random
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
import unittest

from host import Skip, wait_for
from test_ways import PAUSED, SWAPPED, Ways

NAME = "kt-network"
BRIDGE = "kt-test-br"
HOST, GUEST = "198.51.100.1", "198.51.100.7"
ECHO_PORT = 5000


def named(profile):
    return profile.replace("kt-ways", NAME)


class Pinger(threading.Thread):
    """Asks the guest for a sign of life twenty times a second."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.answers, self.over = address, [], False
        self.identity = random.randrange(1 << 16)

    def request(self, number):
        head = struct.pack("!BBHHH", 8, 0, 0, self.identity, number)
        total = sum(struct.unpack("!4H", head))
        return head[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + head[4:]

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            number = 0
            while not self.over:
                number = (number + 1) % (1 << 16)
                try:
                    raw.sendto(self.request(number), (self.address, 0))
                except OSError:
                    pass  # nobody has that address just now
                self.listen(raw, time.monotonic() + 0.05)

    def listen(self, raw, until):
        while (left := until - time.monotonic()) > 0:
            if not select.select([raw], [], [], left)[0]:
                continue
            packet = raw.recv(1024)
            kind, _, _, identity, _ = struct.unpack("!BBHHH", packet[20:28])
            if kind == 0 and identity == self.identity:
                self.answers.append(time.monotonic())

    def outage(self):
        """The longest silence, seconds."""
        return max((later - earlier for earlier, later in zip(self.answers, self.answers[1:])), default=0)

    def __enter__(self):
        self.start()
        if not wait_for(lambda: self.answers, seconds=120):
            raise AssertionError(f"{self.address} does not answer")
        return self

    def __exit__(self, *_):
        count = len(self.answers)
        answers = wait_for(lambda: len(self.answers) > count, seconds=120)
        self.over = True
        self.join()
        if not answers:
            raise AssertionError(f"{self.address} does not answer any more")


class Network(Ways):
    """A guest on a bridge, with an address by DHCP."""

    NAME = NAME
    OPTIONS = ("--nic", "e1000", "--nic-type", f"bridge:{BRIDGE}")

    @classmethod
    def setUpClass(cls):
        if not shutil.which("busybox"):
            raise unittest.SkipTest("busybox isn't installed")
        try:
            cls.make_bridge()
        except Skip as reason:
            raise unittest.SkipTest(str(reason)) from None
        super().setUpClass()
        cls.serve_addresses()

    @classmethod
    def make_bridge(cls):
        made = subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Skip(f"no bridge: {made.stderr.strip()}")
        cls.addClassCleanup(subprocess.run, ["ip", "link", "del", BRIDGE], check=True)
        subprocess.run(["ip", "address", "add", f"{HOST}/24", "dev", BRIDGE], check=True)
        subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)

    @classmethod
    def serve_addresses(cls):
        """Each start of the guest's NIC gets the same address, by its MAC."""
        mac = next(line.split("'")[1] for line in cls.host.definition(NAME).splitlines() if "<mac address=" in line)
        config = os.path.join(cls.host.directory, "udhcpd.conf")
        leases = os.path.join(cls.host.directory, "leases")
        with open(leases, "w", encoding="utf-8"), open(config, "w", encoding="utf-8") as file:
            file.write(f"interface {BRIDGE}\nstart {GUEST}\nend {GUEST}\nlease_file {leases}\npidfile {config}.pid\n"
                       f"static_lease {mac} {GUEST}\noption subnet 255.255.255.0\n")
        # pylint: disable=consider-using-with
        server = subprocess.Popen(["busybox", "udhcpd", "-f", config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.kill)

    def setUp(self):
        super().setUp()
        self.mac = self.nic()["mac"]
        self.assertEqual(self.addresses(), {self.mac: f"{GUEST}/24"})

    def nic(self):
        return dict(self.host.ask(NAME, "report"))["nic"]

    def addresses(self):
        return {words["mac"]: words["ipv4"] for kind, words in self.host.ask(NAME, "address") if kind == "address"}

    def swap(self, *arguments):
        """Runs kvm-tune; how long the guest was away from the network."""
        with Pinger(GUEST) as pinger:
            self.tune(*arguments, "--yes")
        nic = self.nic()
        self.assertEqual((nic["mac"], self.host.pid(NAME)), (self.mac, self.pid))
        return nic["driver"], pinger.outage()


class Replug(Network):
    def swap_by_hand(self, model):
        """As an admin does it, in the definition too."""
        device = os.path.join(self.host.directory, "nic.xml")
        for command, wanted in (("detach-device", "virtio"), ("attach-device", model)):
            with open(device, "w", encoding="utf-8") as file:
                file.write(f"<interface type='bridge'><source bridge='{BRIDGE}'/><mac address='{self.mac}'/>"
                           f"<model type='{wanted}'/></interface>")
            self.host.virsh(command, NAME, device, "--live", "--config")
            if command == "detach-device":
                self.assertTrue(wait_for(lambda: self.mac not in self.host.virsh("dumpxml", NAME)))
        self.assertTrue(wait_for(lambda: self.addresses() == {self.mac: f"{GUEST}/24"}, seconds=120))
        self.assertEqual(self.nic()["driver"], "8139cp")

    def test_one_model_after_the_other(self):
        """e1000 → virtio → rtl8139 → virtio, and back: the guest answers by the same address each time."""
        profile = self.host.profile(named(SWAPPED))
        outages = {}
        driver, outages["e1000 → virtio"] = self.swap("apply", profile)
        self.assertEqual(driver, "virtio_net")
        self.swap_by_hand("rtl8139")
        driver, outages["rtl8139 → virtio"] = self.swap("apply", profile)
        self.assertEqual(driver, "virtio_net")
        driver, outages["virtio → rtl8139"] = self.swap("rollback")
        self.assertEqual(driver, "8139cp")
        self.assertEqual(self.addresses(), {self.mac: f"{GUEST}/24"})
        for change, seconds in outages.items():
            print(f"{change}: {seconds:.1f} s without an answer")
        self.host.define_xml(NAME, self.before)


def connected():
    """A connection to the guest, which may need a moment until it listens."""
    end = time.monotonic() + 120
    while True:
        try:
            return socket.create_connection((GUEST, ECHO_PORT), timeout=60)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


class Pause(Network):
    def test_connection_survives(self):
        """What was sent before, while and after the guest stood still comes back, in order."""
        self.host.ask(NAME, f"echo {ECHO_PORT}")
        with connected() as connection:
            connection.settimeout(120)
            sent, over = [], threading.Event()

            def send():
                while not over.wait(0.05):
                    sent.append(f"line {len(sent)}\n")
                    connection.sendall(sent[-1].encode())

            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            with Pinger(GUEST) as pinger:
                self.tune("apply", self.host.profile(named(PAUSED)), "--yes")
            over.set()
            sender.join()
            expected, received = "".join(sent), ""
            while len(received) < len(expected):
                part = connection.recv(65536).decode()
                self.assertTrue(part, "the connection was closed")
                received += part
        self.assertEqual(received, expected)
        self.assertNotEqual(self.host.pid(NAME), self.pid)
        self.assertEqual(self.nic()["mac"], self.mac)
        print(f"{len(sent)} lines over one connection; {pinger.outage():.1f} s without an answer")


class Restart(Network):
    OPTIONS = (*Network.OPTIONS, "--disk-cache", "directsync")

    def test_up_when_its_address_answers(self):
        """It has no agent, but it answered a ping before: it is up when it does so again."""
        self.host.define_xml(NAME, self.before.replace("loglevel=3", "loglevel=3 address"))
        self.host.power_cycle(NAME)
        with Pinger(GUEST):
            pass
        pid = self.host.pid(NAME)
        self.tune("apply", self.host.profile(f"[domain {NAME}]\ndisk.cache = none\ndisruption = restart\n"), "--yes")
        self.assertNotEqual(self.host.pid(NAME), pid)
        with Pinger(GUEST):
            pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
