# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Debian guest measures with its own fio and iperf3, which its agent runs, what another NIC brings while it runs."""

import os
import threading
import unittest

from lab_host import DEBIAN, Scenario, command, show, threads_named, wait_for

GUEST = "kt-debian"
WORKLOADS = "/usr/share/kvm-tune/workloads"
# The lab's own address on the guests' bridge.
SERVER = "10.77.0.1"
# iperf3 is the guest's package: the host runs it from the guest's root file system.
PEER = "/run/kvm-tune-lab-peer"
UNIT = "lab-iperf3"
BLOCKS = 1
FIGURES = {("fio-random", "latency"), ("fio-random", "p99"), ("fio-random", "operations"), ("iperf3", "received")}
PROFILE = f"""[domain {GUEST}]
nic.model = virtio
disruption = replug
"""


def serve(cleanup):
    """iperf3's other side, until the scenario ends."""
    os.makedirs(PEER, exist_ok=True)
    command("mount", "-o", "ro", DEBIAN, PEER)
    cleanup(command, "umount", "--recursive", "--lazy", PEER)
    command("mount", "-t", "tmpfs", "tmpfs", f"{PEER}/tmp")
    command("systemd-run", "--collect", "--unit", UNIT, "--property", "Restart=always", "chroot", PEER,
            "iperf3", "--server", "--forceflush")
    cleanup(command, "systemctl", "stop", UNIT)


def workload():
    """The shipped one, with this lab as the other side."""
    path = "/root/iperf3.conf"
    with open(f"{WORKLOADS}/iperf3.conf", encoding="utf-8") as shipped, open(path, "w", encoding="utf-8") as file:
        file.write(shipped.read().replace("192.168.122.1", SERVER))
    return path


class Bench(Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.host.define(GUEST, "--vcpus", "2", "--memory", "256", "--nic", "e1000", "--nic-type", "bridge:br0",
                        "--agent", "yes", "--root", "kt-debian")
        cls.host.boot(GUEST)
        cls.host.ask(GUEST, "address")
        serve(cls.addClassCleanup)

    def look(self):
        """What the benchmark may change only while it is at work."""
        driver = next(values["driver"] for kind, values in self.host.ask(GUEST, "report") if kind == "nic")
        return driver, self.host.definition(GUEST), self.host.pid(GUEST)

    def test_fio_and_iperf3(self):
        self.assertTrue(wait_for(lambda: "state='connected'" in self.host.virsh("dumpxml", GUEST), 60), "no agent")
        before = self.look()
        self.assertEqual(before[0], "e1000")
        served = self.bytes_served()
        workers = self.watch_workers()
        result = self.host.tune("bench", self.host.profile(PROFILE), "--workload", "fio-random", "--workload", workload(),
                                "--blocks", str(BLOCKS), "--seed", "1", "--yes", timeout=2400)
        self.assertEqual(result.code, 0, f"{result}\n{command('journalctl', '--unit', UNIT, '--no-pager', '--lines', '40')}")
        self.assertEqual(self.look(), before)
        self.check_switched(workers)
        print(self.tune("report").out)
        figures = self.figures()
        self.check_traffic(figures["iperf3", "received"], self.bytes_served() - served)
        self.check_page()

    def watch_workers(self):
        """The guest's vhost workers that the host's kernel has had since: an emulated NIC has none."""
        name, ended, seen = f"vhost-{self.host.pid(GUEST)}", threading.Event(), set()

        def look():
            while not ended.wait(3):
                seen.update(pid for pid, comm in threads_named("vhost-") if comm == name)

        thread = threading.Thread(target=look)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(ended.set)
        return seen

    def check_switched(self, workers):
        """What was measured against e1000 was virtio."""
        show(f"vhost workers of the guest that came and went: {sorted(workers)}")
        self.assertTrue(workers)

    def figures(self):
        """(workload, figure) → its runs: each block has four, all of which measured something."""
        metrics = self.tune("report", "--json").json["metrics"]
        runs = {(one["workload"], one["figure"]): one["runs"] for one in metrics if not one["watched"]}
        self.assertEqual(set(runs), FIGURES)
        for name, found in runs.items():
            self.assertEqual(len(found), 4 * BLOCKS, name)
            self.assertTrue(all(run["value"] > 0 for run in found), name)
        return runs

    @staticmethod
    def bytes_served():
        """What has come to this host over the guests' bridge, as its kernel counts it."""
        with open("/sys/class/net/br0/statistics/rx_bytes", encoding="ascii") as file:
            return int(file.read())

    def check_traffic(self, runs, served):
        """Ten seconds each of what iperf3 says did come over the bridge."""
        said = sum(run["value"] for run in runs) * 10 / 8
        show(f"iperf3 by its own account: {said / 1e6:.1f} MB in {len(runs)} runs of 10 s; br0 received {served / 1e6:.1f} MB, "
             "warm-up included")
        self.assertGreater(served, said * 0.9)

    def check_page(self):
        self.tune("report", "--html", "/lab/results/bench.html")
        with open("/lab/results/bench.html", encoding="utf-8") as file:
            page = file.read()
        self.assertIn("iperf3", page)
        show(f"the report as one page: {len(page) // 1024} KiB")


if __name__ == "__main__":
    unittest.main()
