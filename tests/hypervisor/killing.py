# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kills the built program where a test wants it: strace does, on entering the Nth call of a kind, without hooks in the
product."""

import os
import re

# strace and the leak checker both want to be the tracer.
TRACED = {"ASAN_OPTIONS": "detect_leaks=0"}


def killer(call, number, path=None):
    """What to run the program under so that it is killed on entering its Nth such call."""
    where = ["-P", path] if path else []
    return ["strace", "-f", "-qq", "-o", "/dev/null", *where, "-e", f"trace={call}",
            "-e", f"inject={call}:signal=KILL:when={number}"]


def calls(host, verb):
    """Runs it to its end and gives the calls in which it could have been killed since it first wrote to its journal, in
    order: (call, its number, the file)."""
    log = os.path.join(host.directory, "calls")
    strace = ["strace", "-f", "-y", "-qq", "-o", log, "-e", "trace=fdatasync,write,migrate_pages,move_pages"]
    done = host.tune(*verb, before=strace, environment=TRACED)
    if done.code != 0:
        raise AssertionError(str(done))
    with open(log, encoding="utf-8", errors="replace") as file:
        found = re.findall(r"^(\d+) +(\w+)\(\d+<([^>]*)>", file.read(), re.MULTILINE)
    main = next(thread for thread, call, _ in found if call == "fdatasync")
    counts, made = {}, []
    for thread, call, file in found:
        if thread == main:
            counts[call] = counts.get(call, 0) + 1
            made.append((call, counts[call], file))
    first = next(i for i, (call, _, _) in enumerate(made) if call == "fdatasync")
    return made[first:]
