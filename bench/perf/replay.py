# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lives of guests without QEMU: domains of libvirt's own test driver, which a libvirtd serves to all who connect.

The daemon under test is connected over the socket as to any other hypervisor. It gets libvirt's events, reads capabilities,
definitions and pins, plans, pins and reads back, stages, refuses, and keeps its journal. Not there are: QEMU, its threads and
cgroups in /proc and /sys, this host's own settings, memory that follows, the load, events of pins and devices.

The host that the driver tells of has two nodes of eight CPUs, but only eight CPUs in its maps: guests are kept on these.
"""

import contextlib
import ctypes
import dataclasses
import os
import random

from host import wait_for
from libvirt_test_driver import TestDriver

PATIENCE = 300
# A CPU each, as long as there is one: who comes later is refused one.
PROFILE = """
[host]
housekeeping = 0,8-15

[domain kt-replay-*]
cpu.placement = shared-cache
cpu.exclusive = yes
cpu.emulator = 0
disk.discard = unmap
"""
DOMAIN = """
<domain type='test'><name>kt-replay-{number}</name><uuid>00000000-0000-4000-8000-{number:012x}</uuid>
  <memory>32768</memory><vcpu cpuset='0-7'>{vcpus}</vcpu><os><type>hvm</type></os>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/nowhere/{number}.raw'/>
      <target dev='vda' bus='virtio'/></disk>
    <interface type='network'><source network='default'/><model type='e1000'/></interface>
  </devices>
</domain>
"""
# More vCPUs than the profile leaves CPUs of one's own.
TOO_MANY = 16
# Those that are defined, and run every now and then; all others are transient, and nobody has seen them before.
KEPT = 5
# What starts at once is one burst to the daemon, with the ends of those before it.
MOST_AT_ONCE = 12


@dataclasses.dataclass
class Counts:
    """What became of the lives."""
    bursts: int = 0
    placed: int = 0
    refused: int = 0

    def add(self, lives, placed):
        self.bursts += 1
        self.placed += placed
        self.refused += lives - placed

    def __str__(self):
        return (f"{self.lives} lives in {self.bursts} bursts: {self.placed} placed, {self.refused} refused a CPU of their own, "
                f"{self.bursts} over at once")

    @property
    def lives(self):
        """One of each burst is over before the daemon has looked."""
        return self.placed + self.refused + self.bursts


class Replay(TestDriver):
    """The domains, made and ended over a connection of our own; they live as long as it."""

    def __init__(self, host):
        self.uri = host.uri.replace("qemu+unix:///system", "test+unix:///default")
        super().__init__(self.uri.encode())
        self.state = os.path.join(host.directory, "replayed")
        self.dice = random.Random(1)
        self.counts = Counts()
        self.number = 0
        self.kept = [self._checked(self.libvirt.virDomainDefineXML(self.connection, self._next(1))) for _ in range(KEPT)]

    def _checked(self, domain):
        if not domain:
            raise RuntimeError(self.error())
        return domain

    def _done(self, code):
        if code != 0:
            raise RuntimeError(self.error())

    def _next(self, vcpus):
        self.number += 1
        return DOMAIN.format(number=self.number, vcpus=vcpus).encode()

    def _create(self, vcpus):
        return self._checked(self.libvirt.virDomainCreateXML(self.connection, self._next(vcpus), 0))

    def _end(self, domain):
        self._done(self.libvirt.virDomainDestroy(domain))
        if domain not in self.kept:
            self.libvirt.virDomainFree(domain)

    def _suspended(self, domain):
        self._done(self.libvirt.virDomainSuspend(domain))
        self._done(self.libvirt.virDomainResume(domain))
        return domain

    def _start(self):
        """A burst of them: those that it leaves running."""
        self._end(self._create(1))
        kept = self.dice.choice(self.kept)
        self._done(self.libvirt.virDomainCreate(kept))
        few = [self._create(self.dice.choice([1, 1, 1, 2])) for _ in range(self.dice.randint(1, MOST_AT_ONCE - 4))]
        return [kept, *few, self._create(TOO_MANY), self._suspended(self._create(1))]

    def _cpus(self, ask, *arguments):
        cpus = (ctypes.c_ubyte * 1)()
        return cpus[0] if ask(*arguments, cpus, 1, 0) == 1 else None

    def _emulator_is_pinned(self, domain):
        return self._cpus(self.libvirt.virDomainGetEmulatorPinInfo, domain) == 1

    def _is_placed(self, domain):
        return self._cpus(self.libvirt.virDomainGetVcpuPinInfo, domain, 1) != 0xff

    def burst(self):
        """Some lives from their start, over what the daemon does to them, to their end. False: it didn't in time."""
        living = self._start()
        if not wait_for(lambda: all(self._emulator_is_pinned(domain) for domain in living), PATIENCE):
            return False
        placed = sum(self._is_placed(domain) for domain in living)
        for domain in living:
            self._end(domain)
        self.counts.add(len(living), placed)
        return True

    @contextlib.contextmanager
    def instead_of(self, host):
        """What `host` starts meanwhile is connected to these guests, with a state directory of its own."""
        before = host.uri, host.state
        host.uri, host.state = self.uri, self.state
        try:
            yield
        finally:
            host.uri, host.state = before
