# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the sample machines and domains are that tests look at: those of KT_SHARED or ../shared; without them those that the
sources of hwloc and libvirt come with, fetched once with apt-get into the cache of the tests."""

import glob
import os
import re
import subprocess

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What is looked for: the folder in `shared`, the Debian source package, and where in it they are.
KINDS = {"topologies": ("topologies", "hwloc", "*/tests/hwloc/xml/*.xml"),
         "domains": ("corpus/domains", "libvirt", "*/tests/qemuxml2argvdata/*.xml")}
# What hwloc tries the conversion between its formats with, no machines.
CONVERSION = re.compile(r"\.(v1|v1tov2|v2tov1)\.xml$")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org/debian bookworm main"


class Missing(Exception):
    """There are none; the reason."""


def find(kind):
    """Paths, sorted. Raises Missing."""
    folder, package, pattern = KINDS[kind]
    shared = os.environ.get("KT_SHARED", os.path.join(SOURCE, "..", "shared"))
    found = glob.glob(os.path.join(shared, folder, "*.xml")) or glob.glob(os.path.join(fetched(package, pattern), pattern))
    found = [path for path in found if not CONVERSION.search(path)]
    if not found:
        raise Missing(f"no {kind} in {shared} (KT_SHARED), and none in the source of {package}")
    return sorted(found)


def fetched(package, pattern):
    """The folder that the package's samples were unpacked into."""
    cache = os.environ.get("KT_TEST_CACHE", os.path.expanduser("~/.cache/kvm-tune-tests"))
    folder = os.path.join(cache, "samples", package)
    if not glob.glob(os.path.join(folder, pattern)):
        os.makedirs(folder, exist_ok=True)
        fetch(folder, package)
        archive = next(iter(glob.glob(os.path.join(folder, f"{package}_*.orig.tar.*[2z]"))))
        run(folder, "tar", "--extract", "--file", archive, "--wildcards", pattern)
    return folder


def fetch(folder, package):
    """apt-get with lists of its own: most machines have no deb-src line, and none is added to them."""
    if not os.path.exists(KEYRING):
        raise Missing(f"no {KEYRING}, so apt-get can't fetch the source of {package}")
    sources = os.path.join(folder, "sources.list")
    with open(sources, "w", encoding="utf-8") as file:
        file.write(f"deb-src [signed-by={KEYRING}] {MIRROR}\n")
    os.makedirs(os.path.join(folder, "lists", "partial"), exist_ok=True)
    apt = ["apt-get", "-q", "-o", f"Dir::Etc::SourceList={sources}", "-o", "Dir::Etc::SourceParts=/dev/null", "-o",
           f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}", "-o", "APT::Sandbox::User="]
    run(folder, *apt, "update")
    run(folder, *apt, "source", "--download-only", package)


def run(folder, *command):
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Missing(f"{command[0]}: {problem}") from None
    if result.returncode != 0:
        raise Missing(f"{' '.join(command)}: {(result.stderr or result.stdout).strip().splitlines()[-1:]}")
