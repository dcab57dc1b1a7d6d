"""The accelerator on a PYNQ image: from a notebook to tokens in five lines.

    from lutra_pynq import PynqDevice
    from lutra_driver import Accelerator
    from lutra_image import Image
    accelerator = Accelerator(PynqDevice("lutra_kv260.bit", 512 << 20)); accelerator.load(Image("model.lutra"))
    for token in accelerator.generate([0, 399, 403, 259, 373], max_new_tokens=32): print(token)

The .hwh file has to lie beside the .bit file, with the same name. Memory comes from PYNQ's allocate, cached, and is
flushed and invalidated where the accelerator and the processor hand it to each other.
"""

import time

from lutra_constants import lutra_regs
from lutra_device import UioInterrupt, find_uio
from lutra_driver import PAGE_BYTES
from lutra_system import LutraError, System

# The name of the machine in the block design (vivado/block_design.tcl).
CELL = "lutra"


class PynqDevice:
    """A device as lutra_device.py describes it, made of PYNQ's Overlay, MMIO and allocate.

    `bitfile`: path of the .bit file, or an Overlay that is loaded already; `memory_bytes`: what the image needs;
    `uio`: name of the UIO device that has the interrupt pl_ps_irq0[0], which PYNQ's images call fabric.
    """

    def __init__(self, bitfile, memory_bytes, system=None, uio="fabric"):
        try:
            import pynq
        except ImportError as error:
            raise LutraError("there is no package pynq", "on Ubuntu without PYNQ use lutra_host.py") from error
        self._overlay = pynq.Overlay(bitfile) if isinstance(bitfile, str) else bitfile
        if CELL not in self._overlay.ip_dict:
            raise LutraError(
                "the design has no cell %s, only %s" % (CELL, ", ".join(self._overlay.ip_dict) or "none"),
                "is the .hwh file that of this export?",
            )
        address = self._overlay.ip_dict[CELL]["phys_addr"]
        self._mmio = pynq.MMIO(address, lutra_regs.WINDOW_BYTES)
        self.memory_bytes = -(-memory_bytes // PAGE_BYTES) * PAGE_BYTES
        try:
            self._buffer = pynq.allocate(shape=(self.memory_bytes,), dtype="u1", cacheable=True)
        except (MemoryError, RuntimeError) as error:
            raise LutraError(
                "there are no %d bytes of contiguous memory" % self.memory_bytes,
                "free other buffers, or give Linux more by cma=… among its boot arguments",
            ) from error
        self.memory_base = self._buffer.device_address
        self.name = "PYNQ with %d MiB" % (self.memory_bytes >> 20)
        self._interrupt = self._find_interrupt(system or System(), uio)

    def _find_interrupt(self, system, uio):
        """The interrupt as a plain UIO device: PYNQ's own Interrupt needs an event loop, and that of a notebook is taken.
        None where there is no such device; the host then looks now and then."""
        try:
            return UioInterrupt(system, "/dev/" + find_uio(system, uio))
        except LutraError:
            return None

    def read_register(self, offset):
        return int(self._mmio.read(offset))

    def write_register(self, offset, value):
        self._mmio.write(offset, value)

    def _part(self, address, count):
        if address < 0 or address + count > self.memory_bytes:
            raise LutraError(
                "bytes %d to %d are not in the buffer, which has %d" % (address, address + count, self.memory_bytes),
                "give PynqDevice more memory_bytes",
                exit_code=3,
            )
        return self._buffer[address : address + count]

    def read_memory(self, address, count):
        part = self._part(address, count)
        part.invalidate()
        return part.tobytes()

    def write_memory(self, address, data):
        part = self._part(address, len(data))
        part.invalidate()
        part[:] = bytearray(data)
        part.flush()

    def wait_interrupt(self, milliseconds):
        if self._interrupt is not None:
            return self._interrupt.wait(milliseconds)
        time.sleep(milliseconds / 1000)
        return self.read_register(lutra_regs.REGISTERS["interruptStatus"][0]) != 0

    def close(self):
        if self._interrupt is not None:
            self._interrupt.close()
        self._buffer.freebuffer()
