# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools of huge pages that follow the guests: what the kernel says of them while guests are defined, run and go."""

import os
import re
import unittest

import test_daemon
import test_memory
from host import wait_for
from test_daemon import PATIENCE
from test_memory import POOL, Pool

FOLLOWS = "[host]\nhugepages.2M = auto\n"
HUGE = "<memoryBacking><hugepages><page size='2048' unit='KiB'/></hugepages></memoryBacking>"


class Following(test_daemon.Base):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(POOL):
            raise unittest.SkipTest("this kernel has no 2 MiB pages on node 0")
        cls.mount_hugetlbfs()
        super().setUpClass()

    mount_hugetlbfs = classmethod(test_memory.Memory.mount_hugetlbfs.__func__)

    def setUp(self):
        super().setUp()
        pool = Pool()
        self.addCleanup(pool.put_back)
        if Pool.used():
            self.skipTest("somebody uses huge pages here")

    def huge(self, guest):
        """Its definition with huge pages; and how many."""
        memory = int(re.search(r"<memory unit='KiB'>(\d+)<", self.definitions[guest]).group(1))
        return re.sub(r"(<currentMemory.*?</currentMemory>)", rf"\1{HUGE}", self.definitions[guest]), memory // 2048

    def wait_for_pool(self, daemon, pages):
        self.assertTrue(wait_for(lambda: Pool.total() == pages, PATIENCE), f"{Pool.total()}, not {pages}: {daemon.said()}")

    def define_huge(self, guest="kt-one"):
        """Asked for by a persistent definition, of a guest that starts with the host."""
        xml, pages = self.huge(guest)
        self.host.virsh("autostart", guest)
        self.addCleanup(self.host.virsh, "autostart", "--disable", guest)
        self.host.define_xml(guest, xml)
        return pages


class Pools(Following):
    def test_grows_before_it_starts(self):
        """The definition is changed, the pool grows; the guest starts on these pages; while it is off they stay."""
        daemon = self.daemon(self.host.profile(FOLLOWS))
        self.assertEqual(Pool.total(), 0)
        pages = self.define_huge()
        self.wait_for_pool(daemon, pages)
        self.start("kt-one")
        self.assertTrue(wait_for(lambda: Pool.used() == pages, PATIENCE))
        self.host.virsh("destroy", "kt-one")
        self.assertTrue(wait_for(lambda: re.search(r"looked \([^)]*stopped", daemon.said()), PATIENCE), daemon.said())
        self.assertEqual((Pool.total(), Pool.used()), (pages, 0))
        self.assertEqual(self.host.tune("rollback", "--all", "--yes").code, 0)
        self.assertEqual(Pool.total(), 0)

    def test_stays_a_while(self):
        """Nobody wants the pages any more: they are kept for who may come back, and he finds them."""
        daemon = self.daemon(self.host.profile(FOLLOWS))
        pages = self.define_huge()
        self.wait_for_pool(daemon, pages)
        self.host.define_xml("kt-one", self.definitions["kt-one"])
        kept = f"hugepages.2M node 0: {pages} pages are wanted by nobody now: given back in 10 minutes"
        self.assertTrue(wait_for(lambda: kept in daemon.said(), PATIENCE), daemon.said())
        self.define_huge()
        self.start("kt-one")
        self.assertTrue(wait_for(lambda: Pool.used() == pages, PATIENCE))
        self.assertEqual(Pool.total(), pages)

    def test_is_for_all_of_them(self):
        """One more guest, and one that goes: the pool is what both need, then what is left in use and wanted."""
        daemon = self.daemon(self.host.profile(FOLLOWS))
        pages = self.define_huge("kt-one")
        self.wait_for_pool(daemon, pages)
        self.start("kt-one")
        more = self.define_huge("kt-two")
        self.wait_for_pool(daemon, pages + more)
        self.start("kt-two")
        self.assertTrue(wait_for(lambda: Pool.used() == pages + more, PATIENCE))

    def test_reserve(self):
        """Never into what memory-reserve leaves free: refused with the reason, and the guest keeps waiting."""
        daemon = self.daemon(self.host.profile(FOLLOWS + "memory-reserve = 1000GiB\n"))
        self.define_huge()
        self.assertTrue(wait_for(lambda: "hugepages.2M node 0 refused" in daemon.said(), PATIENCE), daemon.said())
        self.assertEqual(Pool.total(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
