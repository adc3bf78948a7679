# SPDX-License-Identifier: LGPL-2.1-or-later
"""tests/demo, ended in the middle of its benchmark: it leaves nothing behind, and the host as it was.

It builds and runs kvm-tune itself, for some minutes, and takes the lock of these tests itself.
"""

import contextlib
import fcntl
import glob
import os
import signal
import subprocess
import tempfile
import time
import unittest

from host import SOURCE, host_values, read, wait_for

WORK = "/tmp/kt-demo."  # in the command lines of what it starts
BENCH = "kvm-tune bench "


@contextlib.contextmanager
def our_turn():
    os.makedirs("/run/kvm-tune-tests", exist_ok=True)
    with open("/run/kvm-tune-tests/host.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def at_work(session):
    """Processes of that session, and all that work in a demo's directory; not those that have ended."""
    found = []
    for path in glob.glob("/proc/[0-9]*"):
        try:
            state, _, _, its_session = read(f"{path}/stat").rpartition(") ")[2].split()[:4]
            line = read(f"{path}/cmdline").replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z" and (int(its_session) == session or WORK in line):
            found.append(line)
    return found


def left():
    """What else a demo makes: directories, its guest's network."""
    return {"made": sorted(glob.glob(WORK + "*") + glob.glob("/sys/class/net/kt-demo*"))}


def end(process):
    """However the test goes."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(300)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


class Demo(unittest.TestCase):
    def ended_while_it_measures(self):
        """The demo, and what it said."""
        with tempfile.NamedTemporaryFile("r") as said, \
                subprocess.Popen([os.path.join(SOURCE, "tests", "demo")], stdin=subprocess.DEVNULL, stdout=said,
                                 stderr=subprocess.STDOUT, start_new_session=True) as process:
            try:
                measures = wait_for(lambda: BENCH in read(said.name) or process.poll() is not None, 3600)
                if process.returncode == 77:
                    raise unittest.SkipTest(read(said.name).splitlines()[-1])
                self.assertTrue(measures and process.returncode is None, read(said.name))
                time.sleep(20)  # into its runs
                process.terminate()
                process.wait(900)
                return process, read(said.name)
            finally:
                end(process)

    def test_leaves_nothing_behind(self):
        with our_turn():
            before = host_values() | left()
        process, said = self.ended_while_it_measures()
        self.assertEqual(process.returncode, 128 + signal.SIGTERM, said)
        self.assertEqual(at_work(process.pid), [], said)
        with our_turn():
            self.assertEqual(host_values() | left(), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
