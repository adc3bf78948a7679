# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tests that there are, for the tables that name them."""

import ast
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))


def python_tests(folder):
    """"module.Class.test" of all in tests/FOLDER."""
    found = set()
    for name in os.listdir(os.path.join(HERE, folder)):
        if not re.fullmatch(r"test_\w+\.py", name):
            continue
        with open(os.path.join(HERE, folder, name), encoding="utf-8") as file:
            classes = [node for node in ast.parse(file.read()).body if isinstance(node, ast.ClassDef)]
        found |= {f"{name.removesuffix('.py')}.{owner.name}.{test.name}" for owner in classes
                  for test in owner.body if isinstance(test, ast.FunctionDef) and test.name.startswith("test")}
    return found


def unit_tests():
    """The names that GLib's tests in tests/unit have: "/power-loss/at-every-write"."""
    found = set()
    for directory, _, names in os.walk(os.path.join(HERE, "unit")):
        for name in filter(lambda name: name.endswith(".c"), names):
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                found |= set(re.findall(r'g_test_add\w*\(\s*"(/[^"]+)"', file.read()))
    return found
