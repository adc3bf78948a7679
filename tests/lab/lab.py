# SPDX-License-Identifier: LGPL-2.1-or-later
"""A whole KVM host with several packages and NUMA nodes, as a guest of this machine, without hardware help.

QEMU's TCG emulates the CPUs and AMD's SVM: kvm_amd loads inside, and guests there are of type "kvm". What runs inside is
said over QEMU's guest agent; files go both ways through a shared folder, /lab inside. There is no network to outside, only
a link to a second lab where there is one.
"""

import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
SOURCE = os.path.dirname(TESTS)
QEMU = "qemu-system-x86_64"

# A lab that nobody stopped stops by itself: long enough for all scenarios on a slow machine.
LIFETIME_SECONDS = 3 * 3600
BOOT_SECONDS = 600
# QEMU 7.2 falls over in msix_table_mmio_write() now and then, or hangs a CPU (Pulse).
BOOTS = 3
# inside/link finds its NIC by it.
LINK_MAC = "52:54:00:78:00"
# The guest agent's own answers; what it started is asked for again and again.
ANSWER_SECONDS = 60
# How long a scenario may be silent: more than it ever is, less than anybody would wait for a host that hangs.
SILENT_SECONDS = 1200
# How long a CPU of it may use no time at all: Linux's own watchdog wakes each of them every four seconds.
DEAD_SECONDS = 60


class Skip(Exception):
    """This machine can't run a lab; the reason."""


class Failed(Exception):
    """The lab didn't do what it was told."""


class Hung(Failed):
    """A CPU of the lab will never run again, which says nothing about what was to run on it."""


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **options)
    if result.returncode == 77:
        raise Skip(result.stderr.strip())
    if result.returncode != 0:
        raise Failed(f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout.strip()


def host_image(rebuild=False):
    """The directory with the lab's host; the first time it takes minutes, and says so on stderr."""
    if os.geteuid() != 0:
        raise Skip("only root can make the lab's host")
    for program in (QEMU, "qemu-img", "mke2fs"):
        if not shutil.which(program):
            raise Skip(f"no {program}: tests/install --run")
    made = subprocess.run([f"{HERE}/image"] + (["--rebuild"] if rebuild else []), stdout=subprocess.PIPE, text=True,
                          check=False, stdin=subprocess.DEVNULL)
    if made.returncode != 0:
        raise (Skip if made.returncode == 77 else Failed)("the lab's host could not be made")
    return made.stdout.strip()


def release_build():
    """For who has only the source: what is installed, built now."""
    subprocess.run([f"{SOURCE}/tests/build", "release"], check=True, stdout=subprocess.DEVNULL)
    return f"{SOURCE}/build/release"


class Shape:
    """How many CPUs on how many packages, each with a NUMA node and an L3 of its own, and MiB of memory in all."""

    def __init__(self, cpus=8, nodes=2, mem=4096):
        if nodes < 1 or cpus % nodes or mem % nodes:
            raise ValueError(f"{cpus} CPUs and {mem} MiB don't divide among {nodes} nodes")
        self.cpus, self.nodes, self.mem = cpus, nodes, mem

    def arguments(self):
        cores = self.cpus // self.nodes
        yield from ("-smp", f"{self.cpus},sockets={self.nodes},cores={cores},threads=1", "-m", str(self.mem))
        for node in range(self.nodes):
            yield from ("-object", f"memory-backend-ram,id=mem{node},size={self.mem // self.nodes}M")
            yield from ("-numa", f"node,nodeid={node},memdev=mem{node},cpus={node * cores}-{(node + 1) * cores - 1}")
        for node in range(self.nodes):
            for other in range(node + 1, self.nodes):
                yield from ("-numa", f"dist,src={node},dst={other},val=21")


class Pulse:
    """Whether all CPUs of a lab live. QEMU 7.2's TCG now and then leaves one with interrupts blocked for good where a guest ran
    on it (SVM's global interrupt flag stays off): it halts, never wakes, and all others come to wait for it."""

    def __init__(self, lab):
        self.lab = lab
        self.used = {}

    def dead(self):
        """The CPU that has used no time for so long, or None."""
        now = time.monotonic()
        for name, used in self.lab.cpu_times():
            if self.used.get(name, (None, now))[0] != used:
                self.used[name] = used, now
            elif now - self.used[name][1] > DEAD_SECONDS:
                return f"{name} of {self.lab.name}"
        return None


class Agent:
    """QEMU's guest agent: JSON over a socket."""

    def __init__(self, path):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(path)
        self.received = b""

    def close(self):
        self.connection.close()

    def _line(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\n" not in self.received:
            self.connection.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                got = self.connection.recv(65536)
            except socket.timeout:
                raise Failed("the lab's agent does not answer") from None
            if not got:
                raise Failed("the lab has ended")
            self.received += got
        line, _, self.received = self.received.partition(b"\n")
        return line

    def synchronise(self, seconds):
        """Whether it answers: what it said to an earlier client is thrown away."""
        token = time.monotonic_ns() & 0xFFFFFFFF
        self.received = b""
        request = {"execute": "guest-sync-delimited", "arguments": {"id": token}}
        try:
            self.connection.sendall(b"\xff" + json.dumps(request).encode() + b"\n")
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                line = self._line(deadline - time.monotonic()).split(b"\xff")[-1]
                if f'"return": {token}'.encode() in line:
                    return True
        except (Failed, OSError):
            pass
        return False

    def call(self, execute, **arguments):
        self.connection.sendall(json.dumps({"execute": execute, "arguments": arguments}).encode() + b"\n")
        answer = json.loads(self._line(ANSWER_SECONDS))
        if "error" in answer:
            raise Failed(f"{execute}: {answer['error'].get('desc')}")
        return answer["return"]


class Lab:
    """One lab in a directory of its own; another process may take it up where one left it."""

    def __init__(self, directory, name="lab", first=None):
        """@first: the lab at the other end of its link, where this one is the second."""
        self.directory, self.name, self.first = directory, name, first
        self.share = f"{directory}/share"
        self.agent = None

    @property
    def number(self):
        """Its own on the link."""
        return 2 if self.first else 1

    def second(self):
        """The lab at the other end of its link: another host, in a directory inside this one's."""
        return Lab(f"{self.directory}/second", f"{self.name}-2", self)

    # --- files ---

    def prepare(self, build=None):
        """Lays out what the lab finds in /lab; the newest build of kvm-tune goes in, as a package would install it."""
        os.makedirs(f"{self.share}/results", exist_ok=True)
        for source, name in ((f"{HERE}/inside", "inside"), (f"{TESTS}/hypervisor", "hypervisor")):
            shutil.rmtree(f"{self.share}/{name}", ignore_errors=True)
            shutil.copytree(source, f"{self.share}/{name}", ignore=shutil.ignore_patterns("__pycache__"))
        if build:
            shutil.rmtree(f"{self.share}/install", ignore_errors=True)
            run("cmake", "--install", build, "--prefix", "/usr", env=os.environ | {"DESTDIR": f"{self.share}/install"})
        if not os.path.exists(f"{self.directory}/guest.raw"):
            self.make_guest_disk()

    def make_guest_disk(self):
        """What the small guests boot from. Over the shared folder it would take half a minute to arrive, and libvirt
        gives such files to the user that QEMU runs as."""
        guest = f"{self.directory}/guest"
        run(f"{TESTS}/hypervisor/guest-image", guest)
        run("mke2fs", "-q", "-t", "ext4", "-L", "lab-guest", "-d", guest, f"{guest}.raw", "256M")
        shutil.rmtree(guest)

    # --- QEMU ---

    def command(self, image, shape, console):
        words = [
            QEMU, "-name", f"{self.name},debug-threads=on", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "EPYC-Rome,+svm,+npt", *shape.arguments(),
            "-kernel", f"{image}/vmlinux", "-initrd", f"{image}/initrd.img", "-append",
            f"root=/dev/vda rw console=ttyS0 quiet loglevel=3 mitigations=off audit=0 apparmor=0 selinux=0 systemd.show_status=no "
            f"systemd.hostname={self.name}",
            "-drive", f"file={self.directory}/disk.qcow2,format=qcow2,if=none,id=root,discard=unmap",
            "-device", "virtio-blk-pci,drive=root",
            "-drive", f"file={image}/debian.raw,format=raw,if=none,id=guest,readonly=on",
            "-device", "virtio-blk-pci,drive=guest",
            "-drive", f"file={self.directory}/guest.raw,format=raw,if=none,id=small",
            "-device", "virtio-blk-pci,drive=small",
            "-fsdev", f"local,id=share,path={self.share},security_model=none",
            "-device", "virtio-9p-pci,fsdev=share,mount_tag=lab",
            "-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,path={self.directory}/agent,server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
            "-device", "virtio-rng-pci", "-chardev", f"{console},id=console,logfile={self.directory}/console.log,logappend=on",
            "-serial", "chardev:console", *self.link()]
        return words

    def link(self):
        """Its end of it: the first one's waits for the second, however often that is booted."""
        path = f"{(self.first or self).directory}/link"
        yield from ("-netdev", f"stream,id=link,server={'off' if self.first else 'on'},addr.type=unix,addr.path={path}")
        yield from ("-device", f"virtio-net-pci,netdev=link,mac={LINK_MAC}:{self.number:02x},romfile=")

    def boot(self, shape=None):
        """Starts it, and waits until libvirt answers inside. The disk of an earlier boot in this directory is kept, and so is
        its shape where none is given."""
        image = host_image()
        shape = shape or self.shape()
        pathlib.Path(self.directory, "shape").write_text(f"{shape.cpus} {shape.nodes} {shape.mem}", encoding="ascii")
        self.make_disk(image)
        console = f"socket,path={self.directory}/console,server=on,wait=off"
        command = ["nice", "-n", "5", "timeout", str(LIFETIME_SECONDS), *self.command(image, shape, console)]
        for _ in range(BOOTS):
            if self.wait_booted(self.start(command)):
                return
            print("QEMU fell over an assertion of its own at the boot", flush=True)
        raise Failed(f"QEMU falls over at each of {BOOTS} boots: {self.directory}/qemu.log")

    def shape(self):
        """That it was booted with."""
        return Shape(*map(int, pathlib.Path(self.directory, "shape").read_text(encoding="ascii").split()))

    def start(self, command):
        with open(f"{self.directory}/qemu.log", "wb") as log:
            # Its own session: what ends a test run ends no lab half way, stop() does.
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        with open(f"{self.directory}/pid", "w", encoding="ascii") as file:
            file.write(str(process.pid))
        return process

    def make_disk(self, image):
        disk = f"{self.directory}/disk.qcow2"
        if not os.path.exists(disk):
            run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", f"{image}/disk.raw", disk)

    def wait_booted(self, process):
        """False where QEMU has fallen over, which says nothing about what it was to boot."""
        deadline = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                with open(f"{self.directory}/qemu.log", encoding="utf-8", errors="replace") as log:
                    said = log.read()[-2000:]
                if "Assertion" in said:
                    return False
                raise Failed(f"QEMU ended with {process.returncode}: {said}\n{self.console_end()}")
            if self.attach(seconds=5):
                self.execute("systemctl", "is-system-running", "--wait")
                self.check("/lab/inside/arrive")
                return True
            time.sleep(0.5)
        raise Failed(f"the lab did not boot within {BOOT_SECONDS} s; its console: {self.console_end()}")

    def console_end(self):
        try:
            return pathlib.Path(self.directory, "console.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        except FileNotFoundError:
            return ""

    def attach(self, seconds=ANSWER_SECONDS):
        """Whether the lab in this directory runs and answers."""
        try:
            self.agent = self.agent or Agent(f"{self.directory}/agent")
        except OSError:
            return False
        if not self.agent.synchronise(seconds):
            # Where the interrupt for what was sent is lost, a connection anew wakes the agent.
            self.agent.close()
            self.agent = None
        return self.agent is not None

    def pid(self):
        """Of the process group that QEMU is in, None where it has ended."""
        try:
            with open(f"{self.directory}/pid", encoding="ascii") as file:
                pid = int(file.read())
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                return pid if f"{self.directory}/agent" in file.read() else None
        except (OSError, ValueError):
            return None

    def cpu_times(self):
        """Each of its CPUs, "CPU 0/TCG", and how many ns QEMU's thread for it has run."""
        pid = self.pid()
        try:
            qemu = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").strip()
        except OSError:
            return
        for task in pathlib.Path(f"/proc/{qemu}/task").glob("*"):
            try:
                name = (task / "comm").read_text(encoding="ascii").strip()
                if name.startswith("CPU "):
                    yield name, int((task / "schedstat").read_text(encoding="ascii").split()[0])
            except OSError:
                pass

    def power_off(self, seconds=300):
        """As its own power button does it; boot() starts it again."""
        self.agent.connection.sendall(b'{"execute": "guest-shutdown"}\n')
        deadline = time.monotonic() + seconds
        while self.pid() and time.monotonic() < deadline:
            time.sleep(0.5)
        self.cut_off()

    def cut_off(self):
        """As if somebody pulled the plug."""
        pid = self.pid()
        if self.agent:
            self.agent.close()
            self.agent = None
        if pid:
            os.killpg(pid, signal.SIGKILL)
            while self.pid():
                time.sleep(0.05)
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    pass

    def boot_anew(self):
        """As it was at first: what was done in it is gone, what is installed stays."""
        self.cut_off()
        for disk in ("disk.qcow2", "guest.raw"):
            pathlib.Path(self.directory, disk).unlink(missing_ok=True)
        self.prepare()
        self.boot()

    def remove(self):
        """It and all that was in it."""
        self.cut_off()
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- inside ---

    def execute(self, *command, seconds=600):
        """Runs a command inside; returns its exit code and what it said."""
        process = self.agent.call("guest-exec", path=command[0], arg=list(command[1:]), **{"capture-output": True})["pid"]
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self.agent.call("guest-exec-status", pid=process)
            if status["exited"]:
                said = b"".join(base64.b64decode(status.get(key, "")) for key in ("out-data", "err-data"))
                return status.get("exitcode", 128 + status.get("signal", 0)), said.decode(errors="replace")
            time.sleep(0.5)
        raise Failed(f"{' '.join(command)}: not done within {seconds} s")

    def watch(self, name, *command, seconds, each):
        """Runs a command inside whose output, results/NAME.log in the shared folder, goes to @each as it comes. Returns its
        exit code. The lab isn't asked whether it is done yet: for it that is work."""
        log, ended = (f"results/{name}.{what}" for what in ("log", "exit"))
        for file in (log, ended):
            pathlib.Path(self.share, file).unlink(missing_ok=True)
        script = 'log=$1 ended=$2; shift 2; "$@" >"/lab/$log" 2>&1; echo $? >"/lab/$ended"'
        self.agent.call("guest-exec", path="/bin/sh", arg=["-c", script, "sh", log, ended, *command])
        deadline = time.monotonic() + seconds
        silent = time.monotonic() + SILENT_SECONDS
        position = 0
        pulses = [Pulse(self), Pulse(self.second())]
        while time.monotonic() < min(deadline, silent) and self.pid():
            for cpu in filter(None, (pulse.dead() for pulse in pulses)):
                raise Hung(f"{name}: {cpu} has not run for {DEAD_SECONDS} s")
            code = self.text(ended).strip()
            text = self.text(log)
            each(text[position:])
            if len(text) > position:
                silent = time.monotonic() + SILENT_SECONDS
            position = len(text)
            if code:
                return int(code)
            time.sleep(0.2)
        late = f"said nothing for {SILENT_SECONDS} s" if silent < deadline else f"not done within {seconds} s"
        raise Failed(f"{name}: {late if self.pid() else 'the lab has ended'}")

    def text(self, file):
        try:
            return pathlib.Path(self.share, file).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def check(self, *command, seconds=600):
        code, said = self.execute(*command, seconds=seconds)
        if code != 0:
            raise Failed(f"{' '.join(command)}: exit {code}\n{said}")
        return said


def new_directory():
    return tempfile.mkdtemp(prefix="kt-lab.", dir="/tmp")
