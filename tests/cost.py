#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recomputes the cost of a plan from what anybody can read: hwloc's topology and the plan's JSON.

    tests/cost.py TOPOLOGY.xml PLAN.json

Prints each part beside what the plan says, and exits with 1 where they differ by more than 1e-6. It follows the text of the
cost's definition word by word and shares nothing with the program, on purpose: it is slow and simple.
"""

import itertools
import json
import sys
import xml.etree.ElementTree


def parse_list(text):
    """The set of a kernel list: "0-3,8"."""
    numbers = set()
    for part in (text or "").replace(" ", "").split(","):
        if part:
            first, _, last = part.partition("-")
            numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


def parse_mask(text):
    """The set of hwloc's mask: "0x00000003,0x1"; an empty part is 0."""
    mask = 0
    for part in (text or "").split(","):
        mask = mask << 32 | int(part or "0", 16)
    return frozenset(bit for bit in range(mask.bit_length()) if mask >> bit & 1)


class Topology:
    """What hwloc's XML (version 2) says of CPUs, by the kernel's number."""

    def __init__(self, path):
        root = xml.etree.ElementTree.parse(path).getroot()
        self.core, self.l2, self.l3, self.package, self.node, self.group, self.kind = {}, {}, {}, {}, {}, {}, {}
        nodes = []
        self._walk(root.find("object"), {}, nodes)
        self.cpus = sorted(self.core)
        self._read_slit(root, nodes)
        self._find_nodes(nodes)
        self._find_groups()
        self._read_kinds(root)

    def _walk(self, element, ancestors, nodes):
        kind = element.get("type")
        if kind == "NUMANode":
            nodes.append((int(element.get("os_index")), int(element.get("local_memory", "0")),
                          parse_mask(element.get("cpuset"))))
        if kind in ("Package", "L3Cache", "L2Cache", "Core"):
            ancestors = ancestors | {kind: element.get("gp_index") or id(element)}
        if kind == "PU":
            cpu = int(element.get("os_index"))
            self.core[cpu] = ancestors.get("Core", f"PU {cpu}")
            self.l2[cpu] = ancestors.get("L2Cache")
            self.l3[cpu] = ancestors.get("L3Cache")
            self.package[cpu] = ancestors.get("Package")
        for child in element.findall("object"):
            self._walk(child, ancestors, nodes)

    def _read_slit(self, root, nodes):
        self.slit = {(a[0], b[0]): 10 if a[0] == b[0] else 20 for a in nodes for b in nodes}
        for matrix in root.findall("distances2"):
            # 1: from the firmware, 4: latencies.
            if matrix.get("type") != "NUMANode" or int(matrix.get("kind")) & 5 != 5:
                continue
            order = [int(word) for part in matrix.findall("indexes") for word in part.text.split()]
            if matrix.get("indexing") != "os":
                continue
            values = [int(word) for part in matrix.findall("u64values") for word in part.text.split()]
            # ACPI reserves what is below 10, and a byte ends at 255: other numbers are no SLIT.
            if min(values) < 10 or max(values) > 255:
                continue
            for (a, b), value in zip(itertools.product(order, order), values):
                self.slit[a, b] = value
            break

    def _find_nodes(self, nodes):
        filled = [node for node in nodes if node[1] > 0] or nodes
        for cpu in self.cpus:
            local = [node[0] for node in nodes if cpu in node[2]]
            near = [node[0] for node in filled if node[0] in local]
            if near:
                self.node[cpu] = min(near)
            else:
                self.node[cpu] = min((min((self.slit[a, node[0]] for a in local), default=0), node[0])
                                     for node in filled)[1]

    def _find_groups(self):
        """L3 groups; no L3: packages, else nodes."""
        has_l3 = any(self.l3.values())
        has_packages = any(self.package.values())
        for cpu in self.cpus:
            if has_l3:
                self.group[cpu] = ("L3", self.l3[cpu]) if self.l3[cpu] else ("no L3", self.package[cpu])
            elif has_packages:
                self.group[cpu] = ("package", self.package[cpu])
            else:
                self.group[cpu] = ("node", self.node[cpu])
        self.near = self.l3 if has_l3 else self.package if has_packages else self.node

    def _read_kinds(self, root):
        """Ranks of the kinds of core, where the XML says how efficient they are."""
        kinds = [(int(kind.get("forced_efficiency", "-1")), parse_mask(kind.get("cpuset")))
                 for kind in root.findall("cpukind")]
        if len(kinds) < 2 or min(kind[0] for kind in kinds) < 0:
            return
        ranks = sorted(kind[0] for kind in kinds)
        for efficiency, cpus in kinds:
            self.kind.update({cpu: ranks.index(efficiency) for cpu in cpus if cpu in self.core})

    def distance(self, a, b):
        if a == b:
            return 0
        if self.core[a] == self.core[b]:
            return 0.5
        if self.l2[a] and self.l2[a] == self.l2[b]:
            return 1
        if self.near[a] is not None and self.near[a] == self.near[b]:
            return 2
        if self.node[a] == self.node[b]:
            return 5
        return 5 * self.slit[self.node[a], self.node[b]] / 10

    def far(self, cpu, node):
        """What a CPU pays for memory or a device on this node."""
        return 5 * (self.slit[self.node[cpu], node] / 10 - 1)


class Vcpu:
    def __init__(self, domain, number, cpus, load, before, cell, guest_core):
        self.domain, self.number, self.cpus, self.load = domain, number, cpus, load
        self.before, self.cell, self.guest_core = before, cell, guest_core


class Domain:
    """A running domain of the plan."""

    def __init__(self, plan, topology):
        self.plan = plan
        self.placed = plan["placed"]
        self.exclusive = self.placed and plan["exclusive"]
        self.planned_nodes = parse_list(plan["placement"].get("memory_nodes"))
        self.memory_share = {int(node): share for node, share in plan.get("memory_share", {}).items() if share > 0}
        self.devices = [device["node"] for device in plan.get("devices", []) if device.get("node") is not None]
        self.vcpus = []
        online = frozenset(topology.cpus)
        for number, cpus in enumerate(plan["placement"]["vcpus"]):
            if cpus is None:
                continue
            loads, befores = plan.get("load") or [], plan.get("before") or []
            load = loads[number] if number < len(loads) and loads[number] is not None else 1.0
            before = parse_list(befores[number]) if number < len(befores) else None
            self.vcpus.append(Vcpu(self, number, parse_list(cpus), load, before, self._index("cells", number),
                                   self._index("threads", number)))
        for vcpu in self.vcpus:
            vcpu.moved = vcpu.before is not None and vcpu.before != vcpu.cpus
            vcpu.cpus &= online

    def _index(self, key, number):
        """Which of the domain's cells or guest cores a vCPU is in; None = none."""
        for index, part in enumerate(self.plan.get(key) or []):
            if number in (parse_list(part["vcpus"]) if key == "cells" else part):
                return index
        return None


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else 0


class Cost:
    def __init__(self, topology, plan):
        self.topology = topology
        self.domains = [Domain(domain, topology) for domain in plan["domains"] if domain["running"]]
        self.stated = plan["cost"]
        self.known_distances = {}

    def on_core(self, cpus):
        return {self.topology.core[cpu] for cpu in cpus}

    def set_distance(self, a, b, shared):
        key = (a, b, shared)
        if key not in self.known_distances:
            self.known_distances[key] = mean(
                max(self.topology.distance(p, q), 2) if shared else self.topology.distance(p, q)
                for p in a for q in b)
        return self.known_distances[key]

    def locality(self, domain):
        return mean(self.set_distance(a.cpus, b.cpus, not domain.exclusive)
                    for a, b in itertools.combinations(domain.vcpus, 2) if a.cell == b.cell)

    def memory_weights(self, domain, vcpu):
        if not domain.planned_nodes and domain.memory_share:
            return domain.memory_share
        nodes = domain.planned_nodes or {
            self.topology.node[cpu] for other in domain.vcpus if other.cell == vcpu.cell for cpu in other.cpus}
        return {node: 1 / len(nodes) for node in nodes}

    def memory(self, domain):
        return mean(
            sum(weight * mean(self.topology.far(cpu, node) for cpu in vcpu.cpus)
                for node, weight in self.memory_weights(domain, vcpu).items())
            for vcpu in domain.vcpus)

    def devices(self, domain):
        return mean(mean(self.topology.far(cpu, node) for cpu in vcpu.cpus)
                    for node in domain.devices for vcpu in domain.vcpus)

    def has_sibling(self, vcpu):
        for core in self.on_core(vcpu.cpus):
            here = self.by_core[core]
            others = [other for other in here if other is not vcpu]
            if not others:
                continue
            own = all(other.domain is vcpu.domain for other in others)
            if own and vcpu.domain.plan["smt"] == "share":
                continue
            if own and vcpu.guest_core is not None and all(other.guest_core == vcpu.guest_core for other in others):
                continue
            return True
        return False

    def siblings(self, domain):
        return 12 * mean(self.has_sibling(vcpu) for vcpu in domain.vcpus) if domain.exclusive else 0

    def kinds(self, domain):
        kinds = self.topology.kind
        if not domain.exclusive or len(set(kinds.values())) < 2 or domain.plan["kind"] == "any":
            return 0
        wanted = min(kinds.values()) if domain.plan["kind"] == "efficient" else max(kinds.values())
        return 6 * mean(any(kinds.get(cpu, wanted) != wanted for cpu in vcpu.cpus) for vcpu in domain.vcpus)

    def contention(self, loads):
        threads = {}
        for cpu in self.topology.cpus:
            threads.setdefault(self.topology.core[cpu], []).append(cpu)
        total = 0
        for core, cpus in threads.items():
            domains = {vcpu.domain for vcpu in self.by_core[core]}
            exclusive = {domain for domain in domains if domain.exclusive}
            total += sum(3 * (len(domains) - 1) for _ in exclusive)
            capacity = 1.25 if len(cpus) > 1 else 1
            total += 10 * max(0, sum(loads[cpu] for cpu in cpus) / capacity - 1) ** 2
        return total

    def crowding(self, loads):
        total = 0
        for group in set(self.topology.group.values()):
            cpus = [cpu for cpu in self.topology.cpus if self.topology.group[cpu] == group]
            total += 2.5 * sum(loads[cpu] for cpu in cpus) ** 2 / len(self.on_core(cpus))
        return total

    def recompute(self):
        loads = dict.fromkeys(self.topology.cpus, 0.0)
        self.by_core = {core: [] for core in self.topology.core.values()}
        for domain in self.domains:
            for vcpu in domain.vcpus:
                for cpu in vcpu.cpus:
                    loads[cpu] += vcpu.load / len(vcpu.cpus)
                for core in self.on_core(vcpu.cpus):
                    self.by_core[core].append(vcpu)
        placed = [domain for domain in self.domains if domain.placed]
        parts = {}
        for name in ("locality", "memory", "devices", "siblings", "kinds"):
            parts[name] = sum(len(domain.vcpus) * getattr(self, name)(domain) for domain in placed)
        parts["contention"] = self.contention(loads)
        parts["crowding"] = self.crowding(loads)
        total = sum(parts.values())
        parts["moves"] = sum(vcpu.moved for domain in placed for vcpu in domain.vcpus)
        # How much memory a domain has isn't in the plan: the count is taken as stated.
        parts["moved_gib"] = self.stated["moved_gib"]
        parts["total"] = total + 0.2 * parts["moves"] + 0.5 * parts["moved_gib"]
        return parts


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[2], encoding="utf-8") as file:
        plan = json.load(file)
    wrong = 0
    for name, value in Cost(Topology(sys.argv[1]), plan).recompute().items():
        stated = plan["cost"][name]
        differs = abs(value - stated) > 1e-6
        wrong += differs
        print(f"{name:<11} {value:>16.6f} {stated:>16.6f}{'  differs' if differs else ''}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
