#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that the placement in a plan is legal, from hwloc's topology and the plan's JSON.

    tests/legal.py TOPOLOGY.xml PLAN.json [--isolated CPUS]

CPUS are those of isolcpus, which the topology doesn't tell. Prints each offence and exits with 1 where there is any. It reads the
rules by itself and shares nothing with the program.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cost import Domain, Topology, parse_list  # noqa: E402


class Rules:
    def __init__(self, topology, plan, isolated):
        self.topology = topology
        self.online = frozenset(topology.cpus)
        self.placeable = parse_list(plan["host"]["allowed"])
        self.housekeeping = parse_list(plan["host"]["housekeeping"])
        self.isolated = isolated
        running = [domain for domain in plan["domains"] if domain["running"]]
        self.domains = [Domain(domain, topology) for domain in running if domain["placed"]]
        self.sets = {}
        for domain in self.domains:
            for vcpu in domain.vcpus:
                self.sets[vcpu] = parse_list(domain.plan["placement"]["vcpus"][vcpu.number])
        self.exclusive = {cpu for domain in self.domains if domain.exclusive
                          for vcpu in domain.vcpus for cpu in self.sets[vcpu]}
        self.offences = []

    def siblings(self, cpu):
        return {other for other in self.topology.cpus if self.topology.core[other] == self.topology.core[cpu]}

    def complain(self, vcpu, text):
        self.offences.append(f"{vcpu.domain.plan['name']} vCPU {vcpu.number} on {sorted(self.sets[vcpu])}: {text}")

    def judge_exclusive(self, vcpu):
        cpus = self.sets[vcpu]
        if len(cpus) != 1:
            self.complain(vcpu, "an exclusive vCPU has one CPU")
            return
        (cpu,) = cpus
        if cpu in self.housekeeping:
            self.complain(vcpu, "CPU for housekeeping")
        closed = self.siblings(cpu) if vcpu.domain.plan["smt"] == "isolate" else {cpu}
        for other, others in self.sets.items():
            if other is not vcpu and others & closed:
                self.complain(vcpu, f"{other.domain.plan['name']} vCPU {other.number} may run on {sorted(others & closed)}")

    def taken_from_shared(self):
        """CPUs that no common set has."""
        closed = set(self.exclusive) | self.isolated
        for domain in self.domains:
            if domain.exclusive and domain.plan["smt"] == "isolate":
                closed |= {other for vcpu in domain.vcpus for cpu in self.sets[vcpu] if cpu in self.online
                           for other in self.siblings(cpu)}
        return closed

    def judge_shared(self, vcpu):
        cpus = self.sets[vcpu]
        for other in vcpu.domain.vcpus:
            if other.cell == vcpu.cell and self.sets[other] != cpus:
                self.complain(vcpu, f"vCPU {other.number} has another set")
        policy = vcpu.domain.plan.get("policy", "shared-cache")
        place = self.topology.node if policy == "numa" else self.topology.group
        touched = {place[cpu] for cpu in cpus if cpu in self.online}
        whole = {cpu for cpu in self.online & self.placeable if place[cpu] in touched} - self.taken_from_shared()
        if cpus != whole:
            self.complain(vcpu, f"not all free CPUs of whole {'nodes' if policy == 'numa' else 'groups'}: {sorted(whole)}")

    def judge(self):
        for vcpu, cpus in self.sets.items():
            if not cpus:
                self.complain(vcpu, "an empty set")
            if cpus - (self.online & self.placeable):
                self.complain(vcpu, f"CPUs that aren't placeable: {sorted(cpus - (self.online & self.placeable))}")
            if vcpu.domain.exclusive:
                self.judge_exclusive(vcpu)
            else:
                self.judge_shared(vcpu)
        return self.offences


def main():
    arguments = sys.argv[1:]
    isolated = frozenset()
    if len(arguments) == 4 and arguments[2] == "--isolated":
        isolated = parse_list(arguments[3])
    elif len(arguments) != 2:
        sys.exit(__doc__)
    with open(arguments[1], encoding="utf-8") as file:
        plan = json.load(file)
    offences = Rules(Topology(arguments[0]), plan, isolated).judge()
    for offence in offences:
        print(offence)
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
