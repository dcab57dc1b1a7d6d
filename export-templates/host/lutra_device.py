"""The accelerator as Linux shows it: registers and interrupt by UIO, memory by one of lutra_memory.py.

`LinuxDevice` has what a driver needs and no more, as has every device of lutra (docs/board.md): `name`, `memory_bytes`,
`memory_base`, `read_register`, `write_register`, `read_memory`, `write_memory`, `wait_interrupt`, `close`.
"""

import struct
import time

from lutra_constants import UIO_NAME, lutra_regs
from lutra_memory import open_memory
from lutra_system import LutraError, System

FPGA_STATE = "/sys/class/fpga_manager/fpga0/state"


def find_uio(system, name):
    """The device (`uio0`) that has a name, or is called so itself."""
    devices = system.names("/sys/class/uio")
    names = {device: system.text("/sys/class/uio/%s/name" % device) for device in devices}
    found = [device for device in devices if name in (device, names[device])]
    if len(found) == 1:
        return found[0]
    if found:
        raise LutraError("%s are all called %s" % (", ".join(found), name), "choose by --uio uioN")
    if devices:
        listed = ", ".join("%s %s" % (device, names[device]) for device in devices)
        hint = "there are %s; apply the overlay: sudo xmutil loadapp lutra" % listed
    elif system.exists("/sys/module/uio_pdrv_genirq"):
        hint = "apply the overlay (sudo xmutil loadapp lutra); the module must know its nodes: modprobe uio_pdrv_genirq of_id=generic-uio"
    else:
        hint = "load the module: sudo modprobe uio_pdrv_genirq of_id=generic-uio"
    raise LutraError("there is no UIO device called %s" % name, hint)


class UioInterrupt:
    """The interrupt of a UIO device that is open.

    The line stays high until the driver has cleared `interruptStatus`, so Linux lets the next one in only where it is
    waited for: one that has not been cleared comes again, and none is lost.
    """

    def __init__(self, system, path):
        self._system = system
        self.file = system.open(path)

    def wait(self, milliseconds):
        """True at an interrupt, False when so much time has passed without one."""
        try:
            self._system.write(self.file, struct.pack("=I", 1))
        except OSError:
            # A UIO device without an interrupt: whoever waits looks for itself now and then.
            time.sleep(milliseconds / 1000)
            return False
        if not self._system.wait_readable(self.file, milliseconds / 1000):
            return False
        # How many there have been; only reading it counts.
        self._system.read(self.file, 4)
        return True

    def close(self):
        self._system.close(self.file)


class LinuxDevice:
    """An accelerator on this board. Errors say what is missing and how to get it."""

    def __init__(self, system=None, uio=UIO_NAME, memory=""):
        self._system = system = system or System()
        self._check_loaded()
        device = find_uio(system, uio)
        folder = "/sys/class/uio/%s/maps/map0" % device
        size = system.number(folder + "/size")
        if size < lutra_regs.WINDOW_BYTES:
            raise LutraError(
                "%s has %d bytes of registers, and the accelerator %d" % (device, size, lutra_regs.WINDOW_BYTES),
                "is it another device, or an overlay of another export?",
            )
        path = "/dev/" + device
        self._memory = open_memory(system, memory)
        self._interrupt = None
        try:
            self._interrupt = UioInterrupt(system, path)
            self._words = system.words(system.map(self._interrupt.file, path, lutra_regs.WINDOW_BYTES))
        except BaseException:
            if self._interrupt is not None:
                self._interrupt.close()
            self._memory.close()
            raise
        self.name = "%s with %s" % (device, self._memory.name)
        self.memory_bytes = self._memory.bytes
        self.memory_base = self._memory.base

    def _check_loaded(self):
        """Registers of an FPGA that holds no design answer nothing, and the processor would wait for ever."""
        if self._system.exists(FPGA_STATE):
            state = self._system.text(FPGA_STATE)
            if state != "operating":
                raise LutraError("the FPGA holds no design (its state is '%s')" % state, "sudo xmutil loadapp lutra")

    def read_register(self, offset):
        return self._words[register_index(offset)]

    def write_register(self, offset, value):
        if not 0 <= value < 1 << 32:
            raise LutraError("%d does not fit a register" % value, exit_code=3)
        self._words[register_index(offset)] = value

    def read_memory(self, address, count):
        self._check_range(address, count)
        return self._memory.read(address, count)

    def write_memory(self, address, data):
        self._check_range(address, len(data))
        self._memory.write(address, data)

    def _check_range(self, address, count):
        if address < 0 or count < 0 or address + count > self.memory_bytes:
            raise LutraError(
                "bytes %d to %d are not in the buffer, which has %d" % (address, address + count, self.memory_bytes),
                "a larger one: make overlay MEMORY_MIB=…",
                exit_code=3,
            )

    def wait_interrupt(self, milliseconds):
        """True at an interrupt, False when so much time has passed without one."""
        return self._interrupt.wait(milliseconds)

    def close(self):
        self._words.release()
        self._interrupt.close()
        self._memory.close()


def register_index(offset):
    if offset % 4 != 0 or not 0 <= offset < lutra_regs.WINDOW_BYTES:
        raise LutraError("there is no register at 0x%x" % offset, exit_code=3)
    return offset // 4
