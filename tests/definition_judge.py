#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges what a plan makes of a domain's definition, from the plan's JSON and both texts.

Each place that the plan's actions for the next boot name must hold what the action says, and everything else must be as it
was: both texts are compared as canonical XML once those places are taken out of them. Reads the rules by itself and shares
nothing with the program.

    tests/definition_judge.py        tries whether it would find anything
"""

import os
import unittest
import xml.dom.minidom
import xml.etree.ElementTree


def children(node, name):
    return [child for child in node.childNodes if child.nodeType == child.ELEMENT_NODE and child.tagName == name]


def at(node, *names):
    """All elements on this path below @node."""
    found = [node]
    for name in names:
        found = [child for parent in found for child in children(parent, name)]
    return found


def text(node):
    written = (child.data for child in node.childNodes if child.nodeType in (child.TEXT_NODE, child.CDATA_SECTION_NODE))
    return "".join(written).strip()


def attribute(node, name):
    return node.getAttribute(name) if node.hasAttribute(name) else None


def cpu_list(words):
    """libvirt's list ("0-3,^2") as a set; None stays None."""
    if words is None:
        return None
    chosen = set()
    for part in filter(None, words.replace(" ", "").split(",")):
        first, _, last = part.lstrip("^").partition("-")
        numbers = set(range(int(first), int(last or first) + 1))
        chosen = chosen - numbers if part.startswith("^") else chosen | numbers
    return chosen


class Elements:
    """Whole elements on a path, which are what the action is about. @of: their value, as the action tells it."""

    def __init__(self, path, of, identity=None, same=lambda value: value):
        self.path, self.of, self.identity, self.same = path, of, identity, same

    def find(self, domain, item):
        found = at(domain, *self.path)
        if self.identity:
            found = [node for node in found if attribute(node, self.identity) == item.split()[1]]
        return found

    def value(self, domain, item):
        found = self.find(domain, item)
        return self.of(found[0]) if found else None

    def take_out(self, domain, item):
        for node in self.find(domain, item):
            node.parentNode.removeChild(node)
        for length in range(len(self.path) - 1, 0, -1):
            drop_empty(at(domain, *self.path[:length]))


class Attribute:
    """An attribute of a device's element. @name_of: what the item calls the device."""

    def __init__(self, device, name_of, element, name):
        self.device, self.name_of, self.element, self.name = device, name_of, element, name

    same = staticmethod(lambda value: value)

    def find(self, domain, item):
        devices = [device for device in at(domain, "devices", self.device)
                   if (self.name_of(device) or "").lower() == item.split(" ", 1)[1].lower()]
        return [element for device in devices for element in children(device, self.element)]

    def value(self, domain, item):
        found = self.find(domain, item)
        return attribute(found[0], self.name) if found else None

    def take_out(self, domain, item):
        found = self.find(domain, item)
        for element in found:
            if element.hasAttribute(self.name):
                element.removeAttribute(self.name)
        drop_empty(found)


def drop_empty(elements):
    for element in elements:
        if not element.attributes.length and not text(element) and not any(
                child.nodeType == child.ELEMENT_NODE for child in element.childNodes):
            element.parentNode.removeChild(element)


def child_attribute(element, name):
    """What tells an attribute of a node's first child of that name."""
    return lambda node: next((attribute(child, name) for child in children(node, element)), None)


def disk(name):
    return Attribute("disk", child_attribute("target", "dev"), "driver", name)


def nic(element, name):
    return Attribute("interface", child_attribute("mac", "address"), element, name)


def pages(hugepages):
    """"hugepages-2M" of <hugepages>."""
    names = {("2048", "KiB"): "-2M", ("2", "M"): "-2M", ("2", "MiB"): "-2M",
             ("1048576", "KiB"): "-1G", ("1", "G"): "-1G", ("1", "GiB"): "-1G"}
    sizes = [(attribute(page, "size"), attribute(page, "unit") or "KiB") for page in children(hugepages, "page")]
    return "hugepages" + (names.get(sizes[0], f"-{sizes[0]}") if sizes else "")


def numatune(memory):
    return " ".join(word for word in (attribute(memory, "mode"), attribute(memory, "nodeset")) if word)


# Setting → the place it is staged in. What has several depends on the item.
PLACES = {
    "cpu.placement": Elements(("cputune", "vcpupin"), lambda pin: attribute(pin, "cpuset"), "vcpu", cpu_list),
    "cpu.emulator": Elements(("cputune", "emulatorpin"), lambda pin: attribute(pin, "cpuset"), None, cpu_list),
    "cpu.iothreads": Elements(("cputune", "iothreadpin"), lambda pin: attribute(pin, "cpuset"), "iothread", cpu_list),
    "cpu.weight": Elements(("cputune", "shares"), text),
    "memory.numa": Elements(("numatune", "memory"), numatune),
    "memory.backing": Elements(("memoryBacking", "hugepages"), pages),
    "memory.ksm": Elements(("memoryBacking", "nosharepages"), lambda _: "no"),
    "disk.cache": disk("cache"),
    "disk.io": disk("io"),
    "disk.discard": disk("discard"),
    "disk.iothreads": disk("iothread"),
    "nic.model": nic("model", "type"),
    "nic.queues": nic("driver", "queues"),
}
IOTHREADS = Elements(("iothreads",), text)
CELL = Elements(("numatune", "memnode"), numatune, "cellid")


def place_of(action):
    if (action["setting"], action["item"]) == ("disk.iothreads", None):
        return IOTHREADS
    return CELL if action["setting"] == "memory.numa" and action["item"] else PLACES[action["setting"]]


def staged(plan, name):
    """The plan's actions on the definition of this domain."""
    return [action for action in plan["actions"] if action["target"] == f"domain:{name}" and action["when"] != "now"]


def canonical(domain):
    return xml.etree.ElementTree.canonicalize(domain.toxml(), with_comments=True, strip_text=True)


def judge(before, after, actions):
    """Offences, as lines of text."""
    before, after = (xml.dom.minidom.parseString(document).documentElement for document in (before, after))
    offences = []
    for action in actions:
        place = place_of(action)
        found = place.value(after, action["item"])
        if place.same(found) != place.same(action["to"]):
            offences.append(f"{action['setting']} {action['item']}: wanted {action['to']}, found {found}")
        for domain in (before, after):
            place.take_out(domain, action["item"])
    wanted, found = canonical(before), canonical(after)
    if wanted != found:
        start = len(os.path.commonprefix([wanted, found]))
        around = slice(max(0, start - 60), start + 60)
        offences.append(f"something else changed: …{wanted[around]}… is now …{found[around]}…")
    return offences


class Judge(unittest.TestCase):
    BEFORE = """<domain type='kvm'><name>a</name><!-- kept --><vcpu>2</vcpu>
  <devices><disk type='file'><driver name='qemu' cache='none'/><target dev='vda'/></disk></devices></domain>"""
    AFTER = BEFORE.replace("cache='none'", "cache='writeback'").replace(
        "</vcpu>", "</vcpu>\n  <cputune>\n    <vcpupin vcpu='1' cpuset='0-2,^1'/>\n  </cputune>")
    ACTIONS = [{"setting": "disk.cache", "item": "disk vda", "to": "writeback"},
               {"setting": "cpu.placement", "item": "vcpu 1", "to": "0,2"}]

    def test_named_places_may_change(self):
        self.assertEqual(judge(self.BEFORE, self.AFTER, self.ACTIONS), [])
        back = [dict(self.ACTIONS[0], to="none"), dict(self.ACTIONS[1], to=None)]
        self.assertEqual(judge(self.AFTER, self.BEFORE, back), [])

    def test_nothing_else_may(self):
        for old, new in {"name='qemu' ": "", "<!-- kept -->": "", "vcpu='1'": "vcpu='0'", "type='file'": "type='block'",
                         "<vcpu>2": "<vcpu>3", "</cputune>": "<shares>7</shares></cputune>"}.items():
            with self.subTest(old):
                self.assertTrue(judge(self.BEFORE, self.AFTER.replace(old, new), self.ACTIONS))

    def test_the_value_counts(self):
        self.assertTrue(judge(self.BEFORE, self.AFTER.replace("writeback", "unsafe"), self.ACTIONS))
        self.assertTrue(judge(self.BEFORE, self.AFTER.replace("^1", "1"), self.ACTIONS))
        self.assertTrue(judge(self.BEFORE, self.BEFORE, self.ACTIONS))


if __name__ == "__main__":
    unittest.main()
