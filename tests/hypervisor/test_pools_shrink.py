# SPDX-License-Identifier: LGPL-2.1-or-later
"""A pool that nobody wants any more shrinks, ten minutes later."""

import time
import unittest

import test_pools
from host import wait_for
from test_memory import Pool


class Shrink(test_pools.Following):
    def test_shrinks_when_unused(self):
        daemon = self.daemon(self.host.profile(test_pools.FOLLOWS))
        pages = self.define_huge()
        self.wait_for_pool(daemon, pages)
        began = time.monotonic()
        self.host.define_xml("kt-one", self.definitions["kt-one"])
        self.assertTrue(wait_for(lambda: Pool.total() == 0, 20 * 60), daemon.said())
        self.assertGreater(time.monotonic() - began, 9 * 60)
        # The file is written before the look has ended.
        self.assertTrue(wait_for(lambda: "huge pages were unused for long" in daemon.said()), daemon.said())


if __name__ == "__main__":
    unittest.main(verbosity=2)
