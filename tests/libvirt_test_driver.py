# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's own test driver, in this process: whether it takes a definition."""

import ctypes

ERROR_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
# By itself libvirt writes every error to stderr.
SILENT = ERROR_HANDLER(lambda _data, _error: None)


class TestDriver:
    """test:///default without the domain that it comes with."""

    def __init__(self):
        self.libvirt = library()
        self.libvirt.virSetErrorFunc(None, SILENT)
        self.connection = self.libvirt.virConnectOpen(b"test:///default")
        if not self.connection:
            raise RuntimeError(self.error())
        domain = self.libvirt.virDomainLookupByName(self.connection, b"test")
        self.libvirt.virDomainDestroy(domain)
        self.forget(domain)

    def error(self):
        return (self.libvirt.virGetLastErrorMessage() or b"").decode()

    def forget(self, domain):
        if self.libvirt.virDomainUndefine(domain) != 0:
            raise RuntimeError(self.error())
        self.libvirt.virDomainFree(domain)

    def refusal(self, xml):
        """Why it doesn't define this domain; None where it does. It is undefined again."""
        domain = self.libvirt.virDomainDefineXML(self.connection, xml)
        if not domain:
            return self.error()
        self.forget(domain)
        return None


def library():
    libvirt = ctypes.CDLL("libvirt.so.0")
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    for name, result, arguments in (("virConnectOpen", pointer, [text]), ("virGetLastErrorMessage", text, []),
                                    ("virSetErrorFunc", None, [pointer, ERROR_HANDLER]),
                                    ("virDomainLookupByName", pointer, [pointer, text]),
                                    ("virDomainDefineXML", pointer, [pointer, text]),
                                    ("virDomainDestroy", ctypes.c_int, [pointer]),
                                    ("virDomainUndefine", ctypes.c_int, [pointer]),
                                    ("virDomainFree", ctypes.c_int, [pointer])):
        function = getattr(libvirt, name)
        function.restype, function.argtypes = result, arguments
    return libvirt
