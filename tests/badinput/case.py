# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad input on the command line, and what must hold of each: a clear message, the right exit code, nothing written."""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unicodedata
import unittest

KVM_TUNE = os.environ["KVM_TUNE"]
HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path.append(TESTS)
# A host of two packages with seven domains.
CAPTURE = os.path.join(TESTS, "golden", "two-sockets", "capture")
# Touches one thing, so that planning takes no time.
LIGHT = "[host]\nksm.mode = on\n"


def content(path):
    """What is there, without opening what could hang."""
    status = os.lstat(path)
    if stat.S_ISREG(status.st_mode) and status.st_size < 1 << 30:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    return f"{stat.S_IFMT(status.st_mode):o} {status.st_size if stat.S_ISREG(status.st_mode) else ''}"


def tree(directory):
    """Every file below: path, mode, content."""
    found = {}
    for folder, folders, files in os.walk(directory):
        for name in folders + files:
            path = os.path.join(folder, name)
            found[path] = (os.lstat(path).st_mode, content(path))
    return found


def controls(text):
    """The characters that a terminal would obey, line breaks aside."""
    return [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n"]


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="kt-bad-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.state = self.path("state")

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.remove(path)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        return path

    def copy_capture(self):
        capture = self.path("capture")
        shutil.copytree(CAPTURE, capture)
        return capture

    def tune(self, *arguments, environment=None, timeout=60, before=None, **more):
        """Runs it with a state directory of its own that isn't there; no terminal."""
        result = subprocess.run([KVM_TUNE, *arguments, "--state-dir", self.state], cwd=self.directory, check=False,
                                env=os.environ | {"LC_ALL": "C.UTF-8"} | (environment or {}), stdin=subprocess.DEVNULL,
                                capture_output=True, timeout=timeout, preexec_fn=before, **more)
        result.out = result.stdout.decode("utf-8", "surrogateescape")
        result.err = result.stderr.decode("utf-8", "surrogateescape")
        self.assertIn(result.returncode, (0, 1, 2, 3, 4), result.err)
        self.assertNotIn("kvm-tune: internal error", result.err)
        return result

    def fails(self, *arguments, says=(), code=1, **more):
        """It fails with this exit code and message, in text and as JSON, and nothing anywhere has changed. Gives the JSON's
        errors."""
        before = tree(self.directory)
        text = self.tune(*arguments, **more)
        shown = text.err
        self.assertEqual(text.returncode, code, shown)
        self.assertEqual(text.out, "")
        for word in says:
            self.assertIn(word, shown)
        self.assertEqual(controls(shown), [], shown)
        document = json.loads(self.tune(*arguments, "--json", **more).out)
        self.assertEqual(document["version"], 1)
        self.assertGreater(len(document["errors"]), 0)
        for error in document["errors"]:
            self.assertLessEqual({"file", "line", "column", "message"}, set(error))
            self.assertTrue(error["message"])
        self.assertEqual(tree(self.directory), before)
        self.assertFalse(os.path.exists(self.state))
        return document["errors"]
