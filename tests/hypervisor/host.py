# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real hypervisor with real guests, for tests: what they see and change is put back, also when they fail."""

import fcntl
import glob
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.append(os.path.dirname(HERE))

KSM = "/sys/kernel/mm/ksm"

# What tests change on this machine, in the order in which it is put back: KSM's run after its parameters, what its
# advisor sets itself after the advisor.
HOST_FILES = [
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/mm/transparent_hugepage/defrag",
    "/sys/kernel/mm/transparent_hugepage/shmem_enabled",
    "/proc/sys/kernel/numa_balancing",
    "/sys/module/kvm/parameters/halt_poll_ns",
    f"{KSM}/advisor_max_cpu",
    f"{KSM}/advisor_mode",
    f"{KSM}/pages_to_scan",
    f"{KSM}/sleep_millisecs",
    f"{KSM}/smart_scan",
    f"{KSM}/merge_across_nodes",
    f"{KSM}/run",
]


class Skip(Exception):
    """This host can't run these tests; the reason."""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def may_write(path):
    """Whether this kernel lets anybody write it; root is asked for no permission elsewhere."""
    return os.path.exists(path) and os.stat(path).st_mode & 0o222 != 0


def wait_for(condition, seconds=30):
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def unmerge():
    """Takes apart what KSM has merged: only then does the kernel take another merge_across_nodes."""
    write(f"{KSM}/run", "2")
    if not wait_for(lambda: read(f"{KSM}/pages_shared") == "0"):
        raise RuntimeError("KSM's pages stay merged")


def host_values():
    """What HOST_FILES hold; not what KSM's advisor changes all the time."""
    governed = chosen(read(f"{KSM}/advisor_mode")) != "none" if os.path.exists(f"{KSM}/advisor_mode") else False
    return {path: chosen(read(path)) for path in HOST_FILES
            if may_write(path) and not (governed and path.endswith("/pages_to_scan"))}


def put_back(values):
    for path, value in values.items():
        if chosen(read(path)) == value:
            continue
        if path.endswith("/merge_across_nodes"):
            unmerge()
        write(path, value)


def chosen(text):
    """The chosen word of "always [madvise] never"."""
    found = re.search(r"\[([^]]*)\]", text)
    return found.group(1) if found else text


def cpus(text):
    """A kernel list as a set."""
    result = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        result |= set(range(int(first), int(last or first) + 1))
    return result


class Result:
    """What a run of kvm-tune said."""

    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    @property
    def said(self):
        """Everything on one line, so that words can be looked for wherever it was wrapped."""
        return " ".join((self.out + self.err).split())

    def __str__(self):
        return f"exit {self.code}\n{self.out}{self.err}"

    @property
    def json(self):
        return json.loads(self.out)

    def valid(self, verb):
        """The JSON, once conf/schema/VERB.json has nothing against it."""
        import schema  # pylint: disable=import-outside-toplevel
        schema.validate(self.json, verb)
        return self.json


class Host:
    """A libvirtd of our own, with a state directory for kvm-tune beside it."""

    def __init__(self, kvm_tune):
        self.kvm_tune = os.path.abspath(kvm_tune)
        # Who runs these tests shares this machine's /sys with whoever else does.
        os.makedirs("/run/kvm-tune-tests", exist_ok=True)
        self.turn = open("/run/kvm-tune-tests/host.lock", "w", encoding="utf-8")  # pylint: disable=consider-using-with
        fcntl.flock(self.turn, fcntl.LOCK_EX)
        self.directory = tempfile.mkdtemp(prefix="kt-host-", dir="/tmp")
        self.state = os.path.join(self.directory, "state")
        self.saved = host_values()
        started = self._hypervisor("start", check=False)
        if started.returncode != 0:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.turn.close()
            raise (Skip if started.returncode == 77 else RuntimeError)(started.stderr.strip())
        self.uri = self._hypervisor("uri").stdout.strip()

    def close(self):
        self._hypervisor("stop", check=False)
        put_back(self.saved)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.turn.close()

    def _tool(self, tool, *arguments, check=True, timeout=180):
        result = subprocess.run([os.path.join(HERE, tool), *arguments], capture_output=True, text=True, check=False,
                                timeout=timeout)
        if check and result.returncode != 0:
            raise RuntimeError(f"{tool} {' '.join(arguments)}: exit {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def _hypervisor(self, verb, *arguments, check=True):
        return self._tool("hypervisor", verb, self.directory, *arguments, check=check)

    def virsh(self, *arguments):
        return self._hypervisor("virsh", *arguments).stdout.strip()

    @property
    def control(self):
        """Where the daemon answers."""
        return os.path.join(self.state, "control")

    # --- its libvirtd ---

    def libvirtd(self):
        return int(read(os.path.join(self.directory, "pid")))

    def kill_libvirtd(self):
        """Guests go on running; start_libvirtd() finds them."""
        pid = self.libvirtd()
        os.kill(pid, signal.SIGKILL)
        if not wait_for(lambda: not os.path.exists(f"/proc/{pid}/exe") or " Z " in read(f"/proc/{pid}/stat")):
            raise RuntimeError("libvirtd doesn't end")

    def start_libvirtd(self):
        self._hypervisor("start")

    # --- guests ---

    def define(self, name, *options, transient=False):
        guest = os.path.join(self.directory, name)
        self._tool("guest-image", guest)
        xml = os.path.join(self.directory, f"{name}.xml")
        with open(xml, "w", encoding="utf-8") as file:
            file.write(self._tool("domain-xml", name, "--image", f"{guest}/disk.raw", *options).stdout)
        self._hypervisor("create" if transient else "define", xml)

    def create_again(self, name):
        """Starts a transient domain as it was defined before, on the disk that it has."""
        self._hypervisor("create", os.path.join(self.directory, f"{name}.xml"))

    def define_xml(self, name, xml):
        """Defines a domain from text."""
        path = os.path.join(self.directory, f"{name}.xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(xml)
        self._hypervisor("define", path)

    def boot(self, name):
        if self.virsh("domstate", name) != "running":
            self.virsh("start", name)
        # Seconds on an idle machine; one that builds and tests other things at once takes its time.
        self._tool("guest", "-c", self.uri, "-t", "300", "wait-ready", name, timeout=360)

    def power_off(self, name):
        self.virsh("shutdown", name)
        deadline = time.monotonic() + 60
        while self.virsh("domstate", name) != "shut off":
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not power off")
            time.sleep(0.2)

    def power_cycle(self, name):
        self.power_off(name)
        self.boot(name)

    def answer(self, name, command, seconds=60):
        """What the guest says to it, as it says it."""
        return self._tool("guest", "-c", self.uri, "-t", str(seconds), "ask", name, command, timeout=seconds + 60).stdout

    def ask(self, name, command, seconds=60):
        """The guest's answer: (kind, {key: value}) a line."""
        lines = [line.split()[1:] for line in self.answer(name, command, seconds).splitlines()]
        return [(words[0], dict(word.split("=", 1) for word in words[1:] if "=" in word)) for words in lines]

    # --- what the kernel and libvirt say ---

    def pid(self, name):
        return int(read(os.path.join(self.directory, "run", "qemu", f"{name}.pid")))

    def affinity(self, name):
        """Thread name → affinity; QEMU's main thread is "emulator"."""
        pid = self.pid(name)
        found = {}
        for task in glob.glob(f"/proc/{pid}/task/*"):
            try:
                thread = "emulator" if os.path.basename(task) == str(pid) else read(f"{task}/comm")
                status = re.search(r"Cpus_allowed_list:\s*(\S+)", read(f"{task}/status")).group(1)
            except (FileNotFoundError, ProcessLookupError):
                continue  # a worker that has ended meanwhile
            if thread == "emulator" or thread.startswith(("CPU ", "IO iothread")):
                found[thread.split("/")[0]] = cpus(status)
        return found

    def cgroup_cpus(self, name, group):
        """cpuset.cpus of the domain's group ("vcpu0", "emulator"), cgroup v1 or v2."""
        return cpus(read(self.cgroup_cpus_file(name, group)))

    def cgroup_cpus_file(self, name, group):
        with open(f"/proc/{self.pid(name)}/cgroup", encoding="utf-8") as file:
            lines = [line.strip().split(":", 2) for line in file]
        for _, controllers, path in lines:
            base = {"cpuset": "/sys/fs/cgroup/cpuset", "": "/sys/fs/cgroup"}.get(controllers)
            path = re.sub(r"/emulator$", "", path)
            wanted = f"{base}{path}/{group}/cpuset.cpus"
            if base and os.path.exists(wanted):
                return wanted
        raise Skip("QEMU is in no cpuset cgroup")

    def definition(self, name):
        return self.virsh("dumpxml", "--inactive", "--security-info", name)

    def image_is_direct(self, name, file="disk.raw"):
        """Whether QEMU has the guest's image open with O_DIRECT."""
        pid = self.pid(name)
        image = os.path.join(self.directory, name, file)
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            if os.readlink(f"/proc/{pid}/fd/{descriptor}") == image:
                flags = int(re.search(r"flags:\s*(\S+)", read(f"/proc/{pid}/fdinfo/{descriptor}")).group(1), 8)
                return bool(flags & os.O_DIRECT)
        raise RuntimeError(f"QEMU of {name} has {image} not open")

    def picture(self, *names):
        """All that kvm-tune may touch: /sys, definitions, affinities."""
        picture = {path: chosen(read(path)) for path in self.saved}
        for name in names:
            picture[name] = (self.definition(name), self.affinity(name))
        return picture

    # --- kvm-tune ---

    def profile(self, text):
        path = os.path.join(self.directory, "test.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def command(self, *arguments):
        return [self.kvm_tune, "-c", self.uri, "--state-dir", self.state, *arguments]

    def tune(self, *arguments, before=(), environment=None, timeout=180):
        """Runs kvm-tune; `before`: a program to run it under."""
        return Result(subprocess.run([*before, *self.command(*arguments)], capture_output=True, text=True, check=False,
                                     timeout=timeout, env=os.environ | (environment or {}), stdin=subprocess.DEVNULL))

    def tune_asked(self, *arguments, meanwhile, answer="y"):
        """Runs kvm-tune on a terminal, and when it asks does `meanwhile` before it answers."""
        terminal, slave = pty.openpty()
        with subprocess.Popen(self.command(*arguments), stdin=slave, stdout=slave, stderr=slave, close_fds=True,
                              start_new_session=True) as process:
            os.close(slave)
            try:
                said = read_until(terminal, b"[y/N] ", 60)
                meanwhile()
                os.write(terminal, f"{answer}\n".encode())
                said += read_until(terminal, None, 180)
            finally:
                process.kill()
                os.close(terminal)
        return Result(subprocess.CompletedProcess(arguments, process.returncode, said.decode(), ""))


def open_host(closed_by, program=None):
    """A hypervisor for the tests of a class or module, which is closed by what is given to `closed_by` to be called after
    them; they are skipped where this machine can have none. `program`: the kvm-tune to run (KVM_TUNE of the environment)."""
    try:
        host = Host(program or os.environ["KVM_TUNE"])
    except Skip as reason:
        raise unittest.SkipTest(str(reason)) from None
    closed_by(host.close)
    return host


def read_until(terminal, word, seconds):
    """What comes until it ends with `word`; None: until whoever writes has ended."""
    said = b""
    deadline = time.monotonic() + seconds
    while word is None or not said.endswith(word):
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            raise RuntimeError(f"says nothing more: {said.decode()}")
        try:
            part = os.read(terminal, 65536)
        except OSError:
            part = b""  # the other end is closed
        if not part and word is None:
            return said
        if not part:
            raise RuntimeError(f"has ended: {said.decode()}")
        said += part
    return said
