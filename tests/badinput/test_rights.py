#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What others can write is not obeyed, what is written is for its owner alone, and no link leads it elsewhere."""

import os
import shutil
import subprocess
import unittest

from case import CAPTURE, LIGHT, Case, tree

HERE = ["-c", "test:///default"]
PROFILE = "[domain *]\nmemory.ksm = no\n"
# What the OS database is asked about.
GUEST = ("<domain type='kvm'><name>g</name><metadata><l:libosinfo xmlns:l='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
         "<l:os id='http://debian.org/debian/11'/></l:libosinfo></metadata><memory>65536</memory><vcpu>1</vcpu><devices>"
         "<interface type='network'><mac address='52:54:00:00:00:07'/><model type='e1000'/></interface></devices></domain>")
NOBODY = 65534
ROOT = os.geteuid() == 0
needs_root = unittest.skipUnless(ROOT, "only root can give files away")


def umask(mask):
    return lambda: os.umask(mask)


class Profiles(Case):
    def refused(self, path, *says):
        """apply refuses it, plan says that apply would, and a capture needs no trust."""
        self.fails("apply", path, "--yes", *HERE, code=4, says=[*says, "install -D -m 0644 FILE /etc/kvm-tune/profiles/NAME.conf"])
        planned = self.tune("plan", path, *HERE)
        self.assertIn(planned.returncode, (0, 2), planned.err)
        self.assertIn("warning: apply would refuse this profile: ", planned.err)
        captured = self.tune("plan", path, "--capture", CAPTURE)
        self.assertEqual(captured.err, "")

    def test_ours_is_taken(self):
        path = self.write("p.conf", PROFILE, 0o644)
        result = self.tune("apply", path, "--yes", *HERE)
        self.assertEqual((result.returncode, result.err), (0, ""))

    def test_writable_by_all(self):
        self.refused(self.write("p.conf", PROFILE, 0o666), "p.conf: mode is 0666: others can write it (chmod go-w")

    def test_writable_by_the_group(self):
        self.refused(self.write("p.conf", PROFILE, 0o664), "p.conf: mode is 0664")

    def test_directory_writable(self):
        path = self.write("open/p.conf", PROFILE)
        os.chmod(self.path("open"), 0o777)
        self.refused(path, "open: mode is 0777")

    def test_directory_far_above_writable(self):
        path = self.write("open/a/b/p.conf", PROFILE)
        os.chmod(self.path("open"), 0o775)
        self.refused(path, "open: mode is 0775")

    def test_sticky_directory_is_no_danger(self):
        path = self.write("tmp/p.conf", PROFILE)
        os.chmod(self.path("tmp"), 0o1777)
        self.assertEqual(self.tune("apply", path, "--yes", *HERE).returncode, 0)

    def test_inherited_writable(self):
        self.write("base.conf", PROFILE, 0o666)
        self.refused(self.write("p.conf", "[profile]\ninherit = base\n"), "base.conf: mode is 0666")

    @needs_root
    def test_of_another_user(self):
        path = self.write("p.conf", PROFILE)
        os.chown(path, NOBODY, -1)
        self.refused(path, f"p.conf: belongs to user {NOBODY} (mode 0644): wanted one that belongs to root")

    @needs_root
    def test_link_of_another_user(self):
        """In /tmp anybody can make a link to what root trusts, and turn it later."""
        self.write("p.conf", PROFILE)
        os.symlink("p.conf", self.path("link.conf"))
        os.chown(self.path("link.conf"), NOBODY, -1, follow_symlinks=False)
        self.refused(self.path("link.conf"), f"link.conf: belongs to user {NOBODY}")

    def test_link_through_an_open_directory(self):
        self.write("open/p.conf", PROFILE)
        os.symlink("open/p.conf", self.path("link.conf"))
        os.chmod(self.path("open"), 0o777)
        self.refused(self.path("link.conf"), "open: mode is 0777")


class State(Case):
    def setUp(self):
        super().setUp()
        self.profile = self.write("p.conf", PROFILE)

    def refused(self, *says):
        before = self.tree_but_lock()
        for verb in (["apply", self.profile, "--yes", *HERE], ["rollback", "--yes", *HERE], ["history"]):
            result = self.tune(*verb)
            self.assertEqual(result.returncode, 4, result.err)
            for word in says:
                self.assertIn(word, result.err)
        self.assertEqual(self.tree_but_lock(), before)

    def tree_but_lock(self):
        """The lock says who tried last."""
        return {path: found for path, found in tree(self.directory).items() if not path.endswith("/lock")}

    def fill(self):
        self.assertEqual(self.tune("apply", self.profile, "--yes", *HERE).returncode, 0)

    def test_writable_by_others(self):
        os.mkdir(self.state)
        os.chmod(self.state, 0o777)
        self.refused("state: mode is 0777")

    def test_parent_writable_by_others(self):
        self.state = self.path("open", "state")
        os.mkdir(self.path("open"))
        os.mkdir(self.state, 0o700)
        os.chmod(self.path("open"), 0o777)
        self.refused("open: mode is 0777")

    def test_is_not_made_in_an_open_directory(self):
        os.mkdir(self.path("open"))
        os.chmod(self.path("open"), 0o777)
        self.state = self.path("open", "state")
        self.fails("apply", self.profile, "--yes", *HERE, code=4, says=["open: mode is 0777"])

    @needs_root
    def test_of_another_user(self):
        os.mkdir(self.state, 0o700)
        os.chown(self.state, NOBODY, -1)
        self.refused(f"belongs to user {NOBODY}")

    def test_a_link(self):
        os.mkdir(self.path("real"), 0o700)
        os.symlink("real", self.state)
        self.refused("must be a directory, not a link or a file")
        self.state += "/"
        self.refused("must be a directory, not a link or a file")

    @needs_root
    def test_link_of_another_user_on_the_way(self):
        os.makedirs(self.path("real", "state"), 0o700)
        os.symlink("real", self.path("way"))
        os.chown(self.path("way"), NOBODY, -1, follow_symlinks=False)
        self.state = self.path("way", "state")
        self.refused(f"belongs to user {NOBODY}")

    def test_database_others_can_write(self):
        self.fill()
        for mode in (0o622, 0o640, 0o604):
            with self.subTest(mode):
                os.chmod(os.path.join(self.state, "state.db"), mode)
                self.refused(f"state.db: mode is 0{mode:o}")

    def test_database_a_link(self):
        self.fill()
        shutil.move(os.path.join(self.state, "state.db"), self.path("real.db"))
        os.symlink(self.path("real.db"), os.path.join(self.state, "state.db"))
        self.refused("state.db: must be a plain file")

    def test_database_with_two_names(self):
        self.fill()
        os.link(os.path.join(self.state, "state.db"), self.path("second.db"))
        self.refused("state.db: must be a plain file with one name")

    def test_lock_a_link(self):
        os.mkdir(self.state, 0o700)
        os.symlink(self.write("victim", "kept"), os.path.join(self.state, "lock"))
        result = self.tune("apply", self.profile, "--yes", *HERE)
        self.assertEqual(result.returncode, 1, result.err)
        with open(self.path("victim"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "kept")

    def test_modes_whatever_the_umask(self):
        for mask in (0, 0o022, 0o077, 0o777):
            with self.subTest(f"{mask:o}"):
                shutil.rmtree(self.state, True)
                result = self.tune("apply", self.profile, "--yes", *HERE, before=umask(mask))
                self.assertEqual(result.returncode, 0, result.err)
                self.assertEqual(os.stat(self.state).st_mode & 0o7777, 0o700)
                for name in os.listdir(self.state):
                    self.assertEqual(os.stat(os.path.join(self.state, name)).st_mode & 0o7777, 0o600, name)


class Written(Case):
    """Captures and definitions."""

    def setUp(self):
        super().setUp()
        self.profile = self.write("light.conf", LIGHT + "[domain *]\ndisk.cache = writeback\n")

    def test_capture_for_its_owner_alone(self):
        for mask in (0, 0o022, 0o777):
            with self.subTest(f"{mask:o}"):
                shutil.rmtree(self.path("new"), True)
                result = self.tune("capture", self.path("new", "deep"), *HERE, before=umask(mask))
                self.assertEqual(result.returncode, 0, result.err)
                modes = {mode & 0o7777 for mode, _ in tree(self.path("new")).values()}
                self.assertEqual(modes, {0o700, 0o600})

    def test_capture_into_a_link(self):
        os.mkdir(self.path("real"))
        os.symlink("real", self.path("link"))
        for place in ("link", "link/"):
            result = self.tune("capture", self.path(place), *HERE)
            self.assertEqual(result.returncode, 4, result.err)
            self.assertIn("wanted a directory, found a link or a file", result.err)
        self.assertEqual(os.listdir(self.path("real")), [])

    def test_capture_into_what_is_not_empty(self):
        self.write("full/kept", "kept")
        self.fails("capture", self.path("full"), *HERE, says=["full: wanted an empty directory, found 'kept' in it"])

    def test_definitions_for_their_owner_alone(self):
        result = self.tune("plan", self.profile, "--capture", CAPTURE, "--xml-dir", self.path("xml"), before=umask(0))
        self.assertEqual(result.returncode, 2, result.err)
        self.assertEqual({mode & 0o7777 for mode, _ in tree(self.path("xml")).values()}, {0o600})
        self.assertEqual(os.stat(self.path("xml")).st_mode & 0o7777, 0o700)

    def test_definitions_are_not_written_over(self):
        self.write("xml/web-1.xml", "kept")
        self.fails("plan", self.profile, "--capture", CAPTURE, "--xml-dir", self.path("xml"),
                   says=["xml/web-1.xml is there already: nothing is written over"])

    def test_definitions_follow_no_link(self):
        self.write("victim", "kept")
        os.mkdir(self.path("xml"))
        for target in ("../victim", "../nothing"):
            with self.subTest(target):
                os.symlink(target, self.path("xml", "web-1.xml"))
                self.fails("plan", self.profile, "--capture", CAPTURE, "--xml-dir", self.path("xml"), says=["is there already"])
                os.remove(self.path("xml", "web-1.xml"))

    def test_directory_of_definitions_a_link(self):
        os.mkdir(self.path("real"))
        os.symlink("real", self.path("link"))
        self.fails("plan", self.profile, "--capture", CAPTURE, "--xml-dir", self.path("link"), code=4, says=["found a link or a file"])

    def test_captures_are_only_read(self):
        capture = self.copy_capture()
        before = tree(capture)
        for verb in (["status"], ["check"], ["recommend"], ["plan", self.profile], ["verify", self.profile], ["explain", "ksm.mode"]):
            self.assertIn(self.tune(*verb, "--capture", capture).returncode, (0, 2))
        self.assertEqual(tree(capture), before)
        self.assertFalse(os.path.exists(self.state))


class Environment(Case):
    """Nothing left over in a shell gives another host, another database or code to load."""

    def status(self, environment=None):
        result = self.tune("status", "--json", *HERE, environment=environment)
        self.assertEqual(result.returncode, 0, result.err)
        return result.out

    def captured_topology(self, environment=None):
        shutil.rmtree(self.path("new"), True)
        result = self.tune("capture", self.path("new"), "-c", "none:///", environment=environment)
        self.assertEqual(result.returncode, 0, result.err)
        with open(self.path("new", "topology.xml"), encoding="utf-8") as file:
            return file.read().count('type="PU"')

    def test_hwloc_has_no_other_topology(self):
        wanted = self.captured_topology()
        for name, value in (("HWLOC_XMLFILE", os.path.join(CAPTURE, "topology.xml")), ("HWLOC_SYNTHETIC", "node:2 core:24 pu:2"),
                            ("HWLOC_COMPONENTS", "synthetic,stop"), ("HWLOC_FSROOT", self.directory)):
            with self.subTest(name):
                self.assertEqual(self.captured_topology({name: value}), wanted)

    def opened(self, environment, *arguments):
        """The files that it opens, or looks for."""
        log = self.path("trace")
        subprocess.run(["strace", "-f", "-e", "trace=%file", "-o", log, os.environ["KVM_TUNE"], *arguments, "--state-dir", self.state],
                       env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"} | environment, check=False, capture_output=True,
                       timeout=60, stdin=subprocess.DEVNULL)
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        return [line for line in lines if "execve" not in line]

    @unittest.skipUnless(shutil.which("strace"), "no strace")
    def test_nothing_is_looked_for_where_a_variable_says(self):
        trap = self.path("trap")
        os.mkdir(trap)
        names = ["HWLOC_PLUGINS_PATH", "OSINFO_SYSTEM_DIR", "OSINFO_LOCAL_DIR", "OSINFO_USER_DIR", "OSINFO_DATA_DIR", "GIO_EXTRA_MODULES",
                 "GIO_MODULE_DIR", "XML_CATALOG_FILES", "SGML_CATALOG_FILES", "SQLITE_TMPDIR", "TMPDIR", "XDG_CONFIG_HOME",
                 "XDG_DATA_HOME", "XDG_DATA_DIRS", "XDG_CONFIG_DIRS", "XDG_CACHE_HOME", "LIBVIRT_DRIVER_DIR", "GCONV_PATH"]
        environment = {name: trap for name in names} | {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={trap}/bus"}
        environment |= {"HOME": trap, "PATH": f"{trap}:{os.environ['PATH']}"} if ROOT else {}
        profile = self.write("p.conf", "[domain *]\nnic.model = virtio\nmemory.ksm = no\n")
        capture = self.copy_capture()
        self.write("capture/domains/g.xml", GUEST)
        for verb in (["status", *HERE], ["plan", profile, "--capture", capture], ["apply", profile, "--yes", *HERE], ["check", *HERE]):
            with self.subTest(verb):
                lines = self.opened(environment, *verb)
                self.assertGreater(len(lines), 50)
                # The loader looks for character sets before the program begins.
                self.assertEqual([line for line in lines if trap in line], [])

    def test_messages_of_libraries_do_not_come_between(self):
        self.assertEqual(self.status({"G_MESSAGES_DEBUG": "all", "HWLOC_COMPONENTS_VERBOSE": "1"})[:1], "{")

    def test_default_hypervisor(self):
        """As virsh: this one is obeyed, and named."""
        result = self.tune("status", environment={"LIBVIRT_DEFAULT_URI": "test:///default"})
        self.assertEqual(result.returncode, 0, result.err)
        self.assertIn("test:///default", result.out)

    def test_no_color(self):
        result = self.tune("status", *HERE, environment={"NO_COLOR": "1", "TERM": "xterm"})
        self.assertNotIn("\x1b", result.out)

    def test_decimal_point(self):
        self.assertEqual(self.status({"LC_ALL": "de_DE.UTF-8"})[:1], "{")


if __name__ == "__main__":
    unittest.main()
