"""Runs a notebook's lines on a PYNQ that is not there: fakePynq.py HOST_FOLDER ROOT SOCKET LINES

`pynq` has an Overlay, MMIO and a cached allocate over the socket, as fakeBoard.py has device files.
"""

import struct
import sys
import types

import fakeBoard
import lutra_bridge as protocol

ADDRESS = 0xA0000000
BASE = 0x7_1000_0000


class Overlay:
    def __init__(self, bitfile):
        assert bitfile.endswith(".bit")
        self.ip_dict = {"ps": {}, "lutra": {"phys_addr": ADDRESS, "addr_range": 4096}}


class MMIO:
    def __init__(self, address, length):
        assert (address, length) == (ADDRESS, 4096)
        self._words = fakeBoard.RegisterWords(remote)

    def read(self, offset):
        return self._words[offset // 4]

    def write(self, offset, value):
        self._words[offset // 4] = value


class Buffer:
    """A part of memory as the processor's cache has it. Parts share their cache."""

    def __init__(self, cached, offset):
        self._cached = cached
        self.offset = offset
        self.device_address = BASE + offset

    def __getitem__(self, part):
        return Buffer(self._cached[part], self.offset + part.start)

    def __setitem__(self, part, data):
        assert part == slice(None) and len(data) == len(self._cached)
        self._cached[:] = data

    def tobytes(self):
        return bytes(self._cached)

    def _parts(self):
        for at in range(0, len(self._cached), 1 << 20):
            yield at, self._cached[at : at + (1 << 20)]

    def flush(self):
        for at, part in self._parts():
            remote.ask(protocol.WRITE_MEMORY, struct.pack("<Q", self.offset + at) + bytes(part))

    def invalidate(self):
        for at, part in self._parts():
            part[:] = remote.ask(protocol.READ_MEMORY, struct.pack("<QI", self.offset + at, len(part)))

    def freebuffer(self):
        self._cached.release()


def allocate(shape, dtype, cacheable):
    assert dtype == "u1" and cacheable
    # What memory holds at first is anything.
    return Buffer(memoryview(bytearray(b"\xee" * shape[0])), 0)


board = fakeBoard.FakeBoard()
remote = fakeBoard.Remote(sys.argv[3])
sys.modules["pynq"] = types.SimpleNamespace(Overlay=Overlay, MMIO=MMIO, allocate=allocate)
exec(compile(sys.argv[4], "notebook", "exec"), {"board": board, "remote": remote})
