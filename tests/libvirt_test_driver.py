# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's own test driver: whether it takes a definition; what it runs instead of guests."""

import ctypes

ERROR_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
# By itself libvirt writes every error to stderr.
SILENT = ERROR_HANDLER(lambda _data, _error: None)


class TestDriver:
    """test:///default without the domain that it comes with: in this process, or with another URI in a libvirtd."""

    def __init__(self, uri=b"test:///default"):
        self.libvirt = library()
        self.libvirt.virSetErrorFunc(None, SILENT)
        self.connection = self.libvirt.virConnectOpen(uri)
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
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, arguments in (("virConnectOpen", pointer, [text]), ("virGetLastErrorMessage", text, []),
                                    ("virSetErrorFunc", None, [pointer, ERROR_HANDLER]),
                                    ("virDomainLookupByName", pointer, [pointer, text]),
                                    ("virDomainDefineXML", pointer, [pointer, text]),
                                    ("virDomainCreateXML", pointer, [pointer, text, ctypes.c_uint]),
                                    ("virDomainCreate", number, [pointer]),
                                    ("virDomainSuspend", number, [pointer]),
                                    ("virDomainResume", number, [pointer]),
                                    ("virDomainDestroy", number, [pointer]),
                                    ("virDomainUndefine", number, [pointer]),
                                    ("virDomainFree", number, [pointer]),
                                    ("virDomainGetEmulatorPinInfo", number, [pointer, pointer, number, ctypes.c_uint]),
                                    ("virDomainGetVcpuPinInfo", number, [pointer, number, pointer, number, ctypes.c_uint])):
        function = getattr(libvirt, name)
        function.restype, function.argtypes = result, arguments
    return libvirt
