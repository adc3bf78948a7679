# SPDX-License-Identifier: LGPL-2.1-or-later
"""kvm-tune as its package installs it, on a host that systemd runs: what others change is named exactly, what it has set
holds over systemd's and libvirt's own work, and is undone."""

import os
import re
import unittest

from lab_host import Scenario, command, cpus, listed, nodes, read, show, wait_for

CGROUP = "/sys/fs/cgroup"
SLICES = ("system.slice", "user.slice", "init.scope")
PROFILE = """[host]
housekeeping = 0
services = housekeeping

[domain *]
cpu.placement = shared-cache
cpu.exclusive = yes
cpu.emulator = housekeeping
cpu.weight = 200%
"""


def slice_cpus():
    """What each group may use, as the kernel has it."""
    return {name: cpus(read(f"{CGROUP}/{name}/cpuset.cpus.effective")) for name in SLICES}


def told_systemd():
    return {name: command("systemctl", "show", "--value", "--property", "AllowedCPUs", name) for name in SLICES}


class Installed(Scenario):
    """What a package brings is found where Debian looks for it."""

    def test_manuals(self):
        pages = command("sh", "-c", "dpkg-query -W man-db && ls /usr/share/man/man[58]/kvm-tune*").splitlines()[1:]
        self.assertGreater(len(pages), 10)
        for page in ("kvm-tune", "kvm-tune-plan", "kvm-tune-profile"):
            where = command("man", "-w", page)
            show(f"man -w {page}: {where}")
            self.assertTrue(where.startswith("/usr/share/man/"), where)
        self.assertIn("kvm-tune", command("sh", "-c", "MANWIDTH=80 man kvm-tune | head -n 5").lower())

    def test_completion(self):
        script = ("source /usr/share/bash-completion/bash_completion; _completion_loader kvm-tune; COMP_WORDS=(kvm-tune pl); "
                  "COMP_CWORD=1; COMP_LINE='kvm-tune pl'; COMP_POINT=11; "
                  "$(complete -p kvm-tune | sed 's/.*-F \\([^ ]*\\).*/\\1/'); echo \"${COMPREPLY[@]}\"")
        found = command("bash", "-c", script, check=False)
        show(f"kvm-tune pl<TAB>: {found}")
        self.assertIn("plan", found.split())

    def test_profiles(self):
        said = self.tune("profile", "list").out
        for name in ("balanced", "density", "latency", "throughput"):
            self.assertRegex(said, rf"(?m)^{name}\b")
        self.assertIn("/usr/share/kvm-tune/profiles", self.tune("profile", "list", "--json").out)

    def test_check_knows_this_host(self):
        """A kvm_amd that runs guests, systemd, cgroup version 2."""
        findings = {one["name"]: one for one in self.tune("check", "--json", codes=(0, 2)).json["findings"]}
        for name in ("CPU virtualization", "KVM module", "/dev/kvm"):
            show(f"check: {name}: {findings[name]['state']}, {findings[name]['found']}")
            self.assertEqual(findings[name]["state"], "ok")


class Holds(Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name in ("kt-a", "kt-b"):
            cls.host.define(name, "--vcpus", "2", "--memory", "128", "--nic", "none")
        cls.host.boot_all("kt-a", "kt-b")
        # So that there is one best place for each, whatever is changed in between.
        for name, node in (("kt-a", nodes()[0]), ("kt-b", nodes()[-1])):
            cls.host.move_memory(name, node)
        cls.profile = cls.host.profile(PROFILE)

    def setUp(self):
        self.before = (slice_cpus(), told_systemd(), {name: self.host.affinity(name) for name in ("kt-a", "kt-b")})
        print(self.tune("apply", self.profile, "--yes").out)
        self.addCleanup(self.host.tune, "rollback", "--all", "--yes")

    def drift(self):
        """(target, setting, item) of all that verify finds changed."""
        result = self.tune("verify", self.profile, "--json", codes=(0, 2))
        found = {(one["target"], one["setting"], one["item"]) for one in result.json["drift"]}
        self.assertEqual(result.code, 2 if found else 0)
        return found

    def roll_back(self):
        self.tune("rollback", "--all", "--yes")
        after = (slice_cpus(), told_systemd(), {name: self.host.affinity(name) for name in ("kt-a", "kt-b")})
        self.assertEqual(after, self.before)
        show(f"after rollback: {after[0]}; AllowedCPUs {after[1]}")

    def test_services_hold_over_a_reload(self):
        for name in SLICES:
            self.assertEqual(slice_cpus()[name], {0}, name)
        # Each process that systemd started, not only its group's file.
        self.assertEqual({name: self.of_process(name) for name in ("systemd-journald", "dbus-daemon")},
                         {"systemd-journald": {0}, "dbus-daemon": {0}})
        show(f"cpuset.cpus.effective: {slice_cpus()}; AllowedCPUs: {told_systemd()}")
        command("systemctl", "daemon-reload")
        self.assertEqual(slice_cpus(), {name: {0} for name in SLICES})
        self.assertEqual(self.drift(), set())
        show("after daemon-reload: the same, and verify finds no drift")
        self.roll_back()
        command("systemctl", "daemon-reload")
        self.assertEqual(slice_cpus(), self.before[0])

    def test_libvirtd_restarted(self):
        placed = {name: self.host.affinity(name) for name in ("kt-a", "kt-b")}
        pids = {name: self.host.pid(name) for name in placed}
        command("systemctl", "restart", "libvirtd")
        self.assertTrue(wait_for(lambda: "running" in self.host._tool_virsh("domstate", "kt-a", check=False), 60))
        self.assertEqual({name: self.host.pid(name) for name in placed}, pids)
        self.assertEqual({name: self.host.affinity(name) for name in placed}, placed)
        self.assertEqual(self.drift(), set())
        self.roll_back()

    def test_drift_is_named_exactly(self):
        scope = os.path.basename(os.path.dirname(self.host.scope("kt-a")))
        placed = self.host.vcpu_sets("kt-a")[1]
        command("virsh", "vcpupin", "kt-a", "1", "0", "--live")
        self.assertEqual(self.drift(), {("domain:kt-a", "cpu.placement", "vcpu 1")})
        command("virsh", "schedinfo", "kt-b", "--live", "cpu_shares=77")
        command("systemctl", "set-property", "--runtime", "user.slice", "AllowedCPUs=0-1")
        self.assertTrue(wait_for(lambda: slice_cpus()["user.slice"] == {0, 1}))
        drift = self.drift()
        show(f"{scope}: after 'vcpupin kt-a 1 0', 'schedinfo kt-b cpu_shares=77', 'set-property user.slice AllowedCPUs=0-1' "
             f"verify names {sorted(drift)}")
        self.assertEqual(drift, {("domain:kt-a", "cpu.placement", "vcpu 1"), ("domain:kt-b", "cpu.weight", None),
                                 ("host", "services", "user.slice")})
        # Whoever changed it takes it back: nothing is left in the way of an undo.
        command("virsh", "vcpupin", "kt-a", "1", listed(placed), "--live")
        command("virsh", "schedinfo", "kt-b", "--live", "cpu_shares=200")
        command("systemctl", "set-property", "--runtime", "user.slice", "AllowedCPUs=0")
        self.assertTrue(wait_for(lambda: slice_cpus()["user.slice"] == {0}))
        self.assertEqual(self.drift(), set())
        self.roll_back()

    @staticmethod
    def of_process(name):
        pid = command("pidof", "-s", name)
        return cpus(re.search(r"Cpus_allowed_list:\s*(\S+)", read(f"/proc/{pid}/status")).group(1))


if __name__ == "__main__":
    unittest.main()
