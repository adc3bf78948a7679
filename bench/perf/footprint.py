# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a daemon holds after so many lives of guests, and whether that grows."""

import glob
import os
import statistics

from host import read

# The least that malloc takes for one allocation is 32 bytes: what grows by less a life doesn't leak one each life. But the
# heap, and state.db with its log, don't grow evenly: over few lives by less than this it says nothing.
LEAK_KIB = 32 * 1000 / 1024
STEP_KIB = 128
# When state.db is pruned for the first time (agent/exec/journal_prune.h: the runs that stay whole, and a quarter more).
FIRST_PRUNED = 320


def field_kib(path, field):
    return next(int(line.split()[1]) for line in read(path).splitlines() if line.startswith(f"{field}:"))


def anonymous_kib(pid):
    return field_kib(f"/proc/{pid}/status", "RssAnon")


def available_mib():
    """Memory that this machine can still give without swapping."""
    return field_kib("/proc/meminfo", "MemAvailable") // 1024


class Footprint:
    """Figures of one daemon, noted after so and so many lives."""

    def __init__(self, pid, state):
        self.pid, self.state = pid, state
        self.lives, self.anonymous, self.descriptors, self.journal = [], [], [], []

    def note(self, lives):
        self.lives.append(lives)
        self.anonymous.append(anonymous_kib(self.pid))
        self.descriptors.append(len(os.listdir(f"/proc/{self.pid}/fd")))
        self.journal.append(sum(os.path.getsize(path) for path in glob.glob(f"{self.state}/state.db*")) // 1024)

    def last(self):
        return (f"after {self.lives[-1]} lives: RssAnon {self.anonymous[-1] / 1024:.2f} MiB, {self.descriptors[-1]} descriptors, "
                f"state.db {self.journal[-1]} KiB")

    def verdict(self):
        """By a line through what was noted in the second half, when all that fills once is full."""
        return (f"memory {self._growth(self.anonymous, 'KiB', LEAK_KIB, STEP_KIB)}, "
                f"descriptors {self._growth(self.descriptors, 'descriptors', 0.5, 1)}")

    def journal_verdict(self, runs):
        """The same of state.db, after so many runs of the daemon."""
        if runs < 2 * FIRST_PRUNED:
            return f"state.db fills until run {FIRST_PRUNED}"
        return f"state.db {self._growth(self.journal, 'KiB', LEAK_KIB, STEP_KIB)}"

    def _growth(self, figures, unit, least, step):
        lives, figures = lowest(self.lives[len(figures) // 2:], figures[len(figures) // 2:])
        if len(lives) < 3:
            return "too few lives to tell"
        slope, error = line(lives, figures)
        told = max(least, 1000 * step / (lives[-1] - lives[0]), 2 * error)
        return f"{'flat' if slope < told else 'GROWS'} ({slope:+.1f} {unit} a thousand lives, told from {told:.1f})"


def lowest(lives, figures):
    """The least of each tenth: a heap that was large for a moment, as it is while state.db is pruned, shrinks by and by."""
    size = max(1, len(lives) // 10)
    starts = range(0, len(lives) - size + 1, size)
    return [lives[start] for start in starts], [min(figures[start:start + size]) for start in starts]


def line(lives, figures):
    """Slope a thousand lives, and its standard error."""
    slope, start = statistics.linear_regression(lives, figures)
    away = sum((figure - start - slope * number) ** 2 for number, figure in zip(lives, figures))
    spread = statistics.pvariance(lives) * len(lives)
    return 1000 * slope, 1000 * (away / (len(lives) - 2) / spread) ** 0.5
