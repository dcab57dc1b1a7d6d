"""The buffer that the accelerator sees as its memory: contiguous physical memory that Linux keeps its hands off.

Three kinds, by how a person names them:
    udmabuf:NAME             a buffer of the kernel module u-dma-buf (https://github.com/ikwzm/udmabuf), cached, with
                             explicit synchronisation; NAME may be left out
    mem:ADDRESS:BYTES        a region that the device tree reserves, through /dev/mem; slow, as it is not cached
    uio:NAME or uio:NAME:1   such a region as the first, or another, map of a UIO device

All have `base` (physical address), `bytes`, `read(address, count)`, `write(address, data)` and `close()`.
"""

import os

from lutra_constants import BUFFER_NAME
from lutra_system import LutraError

PAGE_BYTES = 4096
# The longest line of any data cache that a board here has. Synchronisation goes by whole lines.
LINE_BYTES = 64
TO_DEVICE, FROM_DEVICE = 1, 2


def open_memory(system, kind=""):
    """The buffer that `kind` names; without a name the u-dma-buf that the device tree overlay makes."""
    name, _, rest = kind.partition(":")
    if name in ("", "udmabuf"):
        return UdmaBuffer(system, rest)
    parts = rest.split(":")
    try:
        if name == "mem" and len(parts) == 2:
            return mem_region(system, int(parts[0], 0), int(parts[1], 0))
        if name == "uio" and len(parts) in (1, 2) and parts[0]:
            return uio_region(system, parts[0], int(parts[1], 0) if len(parts) == 2 else 0)
    except ValueError:
        pass
    raise LutraError(
        "--memory %s is no kind of memory" % kind,
        "udmabuf, udmabuf:NAME, mem:ADDRESS:BYTES, uio:NAME or uio:NAME:MAP",
        exit_code=2,
    )


def check_place(name, base, size):
    if base % PAGE_BYTES != 0 or size < PAGE_BYTES:
        raise LutraError(
            "%s lies at 0x%x with %d bytes" % (name, base, size), "it must begin at a page of 4096 bytes and have one"
        )


class UdmaBuffer:
    """Cached memory: the processor's caches are written out before the accelerator reads, and dropped before it is read."""

    def __init__(self, system, name=""):
        self._system = system
        self._folder, self.name = self._find(name)
        self.base = system.number(self._folder + "/phys_addr")
        self.bytes = system.number(self._folder + "/size")
        check_place(self.name, self.base, self.bytes)
        path = "/dev/" + self.name
        # Without O_SYNC the processor may cache it, which is what makes loading an image fast.
        self._file = system.open(path)
        try:
            self._view = memoryview(system.map(self._file, path, self.bytes))
        except BaseException:
            system.close(self._file)
            raise

    def _find(self, name):
        folders = {}
        # The second is what the module was called before Linux 5.
        for folder in ("/sys/class/u-dma-buf", "/sys/class/udmabuf"):
            for found in self._system.names(folder):
                folders.setdefault(found, "%s/%s" % (folder, found))
        wanted = name or BUFFER_NAME
        if wanted in folders:
            return folders[wanted], wanted
        if not name and len(folders) == 1:
            return next((folder, found) for found, folder in folders.items())
        if folders:
            hint = "there are %s: choose by --memory udmabuf:NAME" % ", ".join(folders)
        elif self._system.exists("/sys/module/u_dma_buf"):
            hint = "the module is loaded: apply the overlay with its node, and look into dmesg for 'u-dma-buf' (too little CMA?)"
        else:
            hint = "load the module: sudo modprobe u-dma-buf, or build it as docs/board.md says"
        raise LutraError("there is no u-dma-buf called %s" % wanted, hint)

    def _synchronise(self, what, direction, address, count):
        begin = address - address % LINE_BYTES
        end = min(self.bytes, -(-(address + count) // LINE_BYTES) * LINE_BYTES)
        for file, value in (
            ("sync_offset", begin),
            ("sync_size", end - begin),
            ("sync_direction", direction),
            (what, 1),
        ):
            self._system.write_text("%s/%s" % (self._folder, file), str(value))

    def read(self, address, count):
        if count == 0:
            return b""
        self._synchronise("sync_for_cpu", FROM_DEVICE, address, count)
        return bytes(self._view[address : address + count])

    def write(self, address, data):
        count = len(data)
        if count == 0:
            return
        # A line that is written in part keeps what the accelerator may have written into the rest of it.
        if address % LINE_BYTES != 0:
            self._synchronise("sync_for_cpu", FROM_DEVICE, address, 1)
        if (address + count) % LINE_BYTES != 0:
            self._synchronise("sync_for_cpu", FROM_DEVICE, address + count - 1, 1)
        self._view[address : address + count] = data
        self._synchronise("sync_for_device", TO_DEVICE, address, count)

    def close(self):
        self._view.release()
        self._system.close(self._file)


def mem_region(system, base, size):
    """Memory that the device tree reserves ("no-map"), through /dev/mem."""
    check_place("the reserved memory", base, size)
    return PlainRegion(system, "/dev/mem", os.O_SYNC, base, size, base)


def uio_region(system, name, number):
    """Memory that is a map of a UIO device."""
    from lutra_device import find_uio

    device = find_uio(system, name)
    folder = "/sys/class/uio/%s/maps/map%d" % (device, number)
    if not system.exists(folder):
        raise LutraError("%s has no map %d" % (device, number), "see `ls /sys/class/uio/%s/maps`" % device)
    base, size = system.number(folder + "/addr"), system.number(folder + "/size")
    check_place("map %d of %s" % (number, device), base, size)
    # Which map is meant, UIO is told by the offset, in pages.
    return PlainRegion(system, "/dev/" + device, os.O_SYNC, number * PAGE_BYTES, size, base)


class PlainRegion:
    """Memory that is not cached. It may be mapped as that of a device, where only aligned accesses are allowed: whole
    words of 64 bits, one by one."""

    def __init__(self, system, path, flags, offset, size, base):
        self._system = system
        self.name = path
        self.base = base
        self.bytes = size - size % PAGE_BYTES
        self._file = system.open(path, flags)
        try:
            self._words = memoryview(system.map(self._file, path, self.bytes, offset)).cast("Q")
        except BaseException:
            system.close(self._file)
            raise

    def read(self, address, count):
        first, last = address // 8, -(-(address + count) // 8)
        words = self._words
        data = b"".join(words[index].to_bytes(8, "little") for index in range(first, last))
        return data[address - 8 * first :][:count]

    def write(self, address, data):
        before = address % 8
        after = -(address + len(data)) % 8
        first = address - before
        end = address + len(data) + after
        padded = self.read(first, before) + bytes(data) + self.read(end - after, after)
        words = self._words
        for index, word in enumerate(memoryview(padded).cast("Q"), first // 8):
            words[index] = word

    def close(self):
        self._words.release()
        self._system.close(self._file)
