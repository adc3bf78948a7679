# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tuned guest migrates live to a second host and back, or can't: what kvm-tune said about it beforehand was right.

The second host has half the CPUs, one memory node and no huge pages; only libvirt reaches it."""

import functools
import os
import re
import subprocess
import time
import unittest

from lab_host import IMAGES, STARTS, Scenario, command, cpus, listed, nodes, show, wait_for

HERE, THERE = "10.78.0.1", "10.78.0.2"
SHARED = "/var/lib/kvm-tune-shared"
CONSOLES = "/var/lib/libvirt/consoles"
NAME, LOCAL = "kt-move", "kt-local"
IMAGE = f"{SHARED}/{NAME}/disk.raw"
MIB = 128
# More than the guest writes until it is told that they are enough.
BLOCKS = 8000
PLACED = f"""[host]
housekeeping = none

[domain {NAME}]
cpu.placement = shared-cache
cpu.exclusive = yes
"""
DIRECT = f"[domain {NAME}]\ndisk.cache = none\ndisruption = pause\n"
HUGE = f"[host]\nhugepages.2M = auto\n\n[domain {NAME}]\nmemory.backing = hugepages-2M\ndisruption = pause\n"


def uri(address):
    return f"qemu+tcp://{address}/system"


def virsh(address, *arguments, check=True):
    return command("virsh", "--quiet", "-c", uri(address), *arguments, check=check)


def state(address, name=NAME):
    return virsh(address, "domstate", name, check=False) or "none"


def counters(address, pattern):
    """The sum of the guest's counters so named, as the QEMU on that host has them."""
    said = virsh(address, "domstats", "--vcpu", "--block", NAME)
    return sum(int(number) for number in re.findall(rf"{pattern}=(\d+)", said))


def described(address):
    """The guest on that host as libvirt and its QEMU see it: whether and where it runs, and what its disk does."""
    monitor = ("qemu-monitor-command", NAME, "--hmp")
    said = [virsh(address, *words, check=False) for words in (
        ("domstate", NAME, "--reason"), ("domstats", "--state", "--vcpu", "--block", NAME), ("vcpuinfo", NAME),
        (*monitor, "info status"), (*monitor, "info registers -a"), (*monitor, "info block"), (*monitor, "info blockstats"))]
    return "\n\n".join([f"on {address}:", *said])


def stands_still(address):
    """The same twice, a while apart: what goes on in it changes."""
    first = described(address)
    time.sleep(5)
    return f"it writes nothing there\n{first}\n\n5 s later {described(address)}"


class GuestFails(Exception):
    """It runs, and does not do what it was told."""


def on_a_fresh_guest(test):
    """Begun again where the guest itself fails: under QEMU 7.2's SVM one now and then loses an interrupt, or one of its programs
    dies, tuned or not. One that kvm-tune had stopped would fail each time."""
    @functools.wraps(test)
    def begun(self):
        for left in reversed(range(STARTS)):
            try:
                self.start_anew()
                return test(self)
            except GuestFails as error:
                if left == 0:
                    raise
                show(f"{error}\n{test.__name__} begins again")
        return None
    return begun


def migrate(start, end, name=NAME):
    """libvirt's refusal, None where the guest has moved."""
    result = subprocess.run(["virsh", "-c", uri(start), "migrate", "--live", "--p2p", name, uri(end), "--migrateuri",
                             f"tcp://{end}"], capture_output=True, text=True, check=False, timeout=600, stdin=subprocess.DEVNULL)
    return None if result.returncode == 0 else " ".join(result.stderr.split())


class Migration(Scenario):
    def said(self, *verb, name=NAME):
        """Whether it can migrate as it runs, and what the destination needs for it."""
        domains = self.tune(*verb, "--json", codes=(0, 2)).json["domains"]
        domain = next(one for one in domains if one["name"] == name)
        now = [one for one in domain["migration"] if one["when"] != "from-next-boot"]
        text = "; ".join(sorted(f"{one['weight']}: {one['reason']}" for one in now))
        show(f"kvm-tune {verb[0]}: {name} {'can' if domain['migratable'] else 'can not'} migrate live ({text})")
        return domain["migratable"], text


class SharedStorage(Migration):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.host.define(NAME, "--vcpus", "2", "--memory", str(MIB), "--nic", "none", "--disk-cache", "writeback",
                        "--serial-log", f"{CONSOLES}/{NAME}.log", directory=SHARED)

    def setUp(self):
        self.addCleanup(self.settle)

    def start_anew(self):
        """As it is defined: with nothing left of what it was told while it ran."""
        self.settle()
        self.host.boot(NAME)
        try:
            self.host.ask(NAME, "fill 8")
            self.sum = self.host.ask(NAME, "sum")
        except RuntimeError as error:
            raise GuestFails(f"just booted: {error}\n{self.last_words()}") from error

    def last_words(self):
        """What the guest's kernel says, where it still says anything."""
        try:
            return self.host.answer(NAME, "dmesg")
        except RuntimeError as error:
            return str(error)

    def settle(self):
        for address in (THERE, HERE):
            if state(address) not in ("none", "shut off"):
                virsh(address, "destroy", NAME)
        self.host.tune("rollback", "--all", "--yes")

    # --- what kvm-tune says ---

    def apply(self, text):
        """What the destination will need, which the plan says before, and status when it is done."""
        profile = self.host.profile(text)
        planned = self.said("plan", profile)
        print(self.tune("apply", profile, "--yes").out)
        self.assertEqual(self.said("status"), planned)
        self.assertTrue(planned[0])
        return planned[1]

    def apply_placed(self, node):
        """Pins it to CPUs of this node; which."""
        self.host.move_memory(NAME, node)
        needs = self.apply(PLACED)
        pinned = set().union(*self.host.vcpu_sets(NAME))
        self.assertEqual(self.pins_in(needs), pinned)
        show(f"its vCPUs' Cpus_allowed_list: {listed(pinned)}")
        return pinned

    @staticmethod
    def pins_in(needs):
        found = re.search(r"CPUs? (\S+), which its threads are pinned to", needs)
        return cpus(found.group(1)) if found else set()

    # --- what comes of it ---

    def there_and_back(self):
        """It goes on where it was, with what it had in memory; every block that it wrote on the way is on its disk."""
        self.host.ask(NAME, f"write {BLOCKS}")
        self.assertIsNone(migrate(HERE, THERE))
        self.assertEqual((state(HERE), state(THERE)), ("shut off", "running"))
        if not wait_for(lambda: counters(THERE, r"block\.0\.wr\.reqs") > 0, 120):
            raise GuestFails(stands_still(THERE))
        ran, wrote = counters(THERE, r"vcpu\.\d+\.time"), counters(THERE, r"block\.0\.wr\.reqs")
        self.assertGreater(ran, 0)
        pins = re.findall(r"\d+ +(\S+)", virsh(THERE, "vcpupin", NAME))
        free = virsh(THERE, "freepages", "--cellno", "0", "--pagesize", "2048KiB").split()[-1]
        self.assertIsNone(migrate(THERE, HERE))
        self.assertEqual((state(HERE), state(THERE)), ("running", "none"))
        blocks = self.host.ask(NAME, "enough")[0][1]["blocks"]
        self.assertIn(("check", {"lost": "0"}), self.host.ask(NAME, f"check {blocks}", seconds=300))
        self.assertEqual(self.host.ask(NAME, "sum"), self.sum)
        show(f"there and back: over there its vCPUs, on CPUs {pins}, ran {ran // 1000000} ms, its QEMU wrote {wrote} times, "
             f"{free} huge pages were free; memory as before, all {blocks} blocks that it wrote meanwhile on its disk")

    def stays(self):
        """libvirt refuses, and it runs on here as before."""
        pid = self.host.pid(NAME)
        refusal = migrate(HERE, THERE)
        self.assertIsNotNone(refusal, "it has moved")
        show(f"libvirt: {refusal}")
        self.assertEqual((state(HERE), state(THERE), self.host.pid(NAME)), ("running", "none", pid))
        self.assertEqual(self.host.ask(NAME, "sum"), self.sum)
        return refusal

    @staticmethod
    def cpus_there():
        return set(range(int(re.search(r"CPU\(s\): +(\d+)", virsh(THERE, "nodeinfo")).group(1))))

    @staticmethod
    def pool_there(pages):
        virsh(THERE, "allocpages", "--pagesize", "2048KiB", "--pagecount", str(pages), "--cellno", "0")

    # --- tests ---

    @on_a_fresh_guest
    def test_page_cache_on_shared_storage(self):
        self.assertFalse(self.host.image_is_direct(NAME, IMAGE))
        migratable, needs = self.said("status")
        self.assertTrue(migratable)
        self.assertEqual(self.pins_in(needs), set())
        self.there_and_back()

    @on_a_fresh_guest
    def test_direct_on_shared_storage(self):
        self.apply(DIRECT)
        self.assertTrue(self.host.image_is_direct(NAME, IMAGE))
        self.there_and_back()
        self.assertTrue(self.host.image_is_direct(NAME, IMAGE))

    @on_a_fresh_guest
    def test_pinned_to_cpus_of_both(self):
        self.assertLessEqual(self.apply_placed(nodes()[0]), self.cpus_there())
        self.there_and_back()

    @on_a_fresh_guest
    def test_pinned_to_cpus_that_only_one_has(self):
        """Unpinned while it runs it still has pins, though to all of this host's CPUs: libvirt takes none away."""
        self.assertFalse(self.apply_placed(nodes()[-1]) & self.cpus_there())
        self.stays()
        self.tune("rollback", "--yes")
        self.assertEqual(self.pins_in(self.said("status")[1]), cpus(f"0-{os.cpu_count() - 1}"))
        self.stays()
        self.start_anew()
        self.assertEqual(self.pins_in(self.said("status")[1]), set())
        self.there_and_back()

    @on_a_fresh_guest
    def test_huge_pages(self):
        self.assertIn(f"{MIB} MiB of free huge pages", self.apply(HUGE))
        self.stays()
        self.addCleanup(self.pool_there, 0)
        self.pool_there(MIB // 2)
        self.there_and_back()


class OwnStorage(Migration):
    """Not even O_DIRECT helps a guest whose disk the other host doesn't see."""

    def test_refused(self):
        self.host.define(LOCAL, "--vcpus", "1", "--memory", str(MIB), "--nic", "none", "--disk-cache", "none")
        self.host.virsh("start", "--paused", LOCAL)
        self.assertTrue(self.host.image_is_direct(LOCAL, f"{IMAGES}/{LOCAL}/disk.raw"))
        migratable, reason = self.said("status", name=LOCAL)
        self.assertFalse(migratable)
        self.assertIn("storage of this host alone", reason)
        refusal = migrate(HERE, THERE, LOCAL)
        self.assertIsNotNone(refusal, "it has moved")
        self.assertEqual((state(HERE, LOCAL), state(THERE, LOCAL)), ("paused", "none"))
        show(f"libvirt: {refusal}")


if __name__ == "__main__":
    unittest.main()
