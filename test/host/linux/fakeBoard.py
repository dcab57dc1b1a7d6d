"""Runs a program of export-templates/host on a board that is not there.

    fakeBoard.py HOST_FOLDER ROOT SOCKET PROGRAM ARGUMENT…

Files of /sys and /dev lie below ROOT. Registers, interrupts and what the accelerator sees of its memory are behind
SOCKET, which speaks the frames of lutra_bridge.py. The buffer is cached as on the board: what the processor has written
reaches the accelerator only when it is synchronised, and the other way round.
"""

import os
import signal
import socket
import struct
import sys

host, root, address = sys.argv[1:4]
sys.path.insert(0, host)
sys.dont_write_bytecode = True

import lutra_bridge as protocol  # noqa: E402
from lutra_system import LutraError, System  # noqa: E402

REGISTERS = "/dev/uio0"
BUFFER = "/sys/class/u-dma-buf/udmabuf-lutra"
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Remote:
    """The other side of the socket, as a device."""

    def __init__(self, path):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        self._file = connection.makefile("rwb")
        self._number = 0

    def ask(self, kind, payload):
        """A request is not interrupted in its middle, as no access to a register is."""
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        try:
            return self._ask(kind, payload)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)

    def _ask(self, kind, payload):
        self._number += 1
        protocol.send(self._file, self._number, kind, payload)
        _, length, number, kind, _ = protocol.HEADER.unpack(protocol.receive(self._file, protocol.HEADER.size))
        answer = protocol.receive(self._file, length)
        assert number == self._number
        if kind != protocol.OK:
            raise LutraError(answer.decode(), exit_code=70)
        return answer


class RegisterWords:
    def __init__(self, remote):
        self._remote = remote

    def __getitem__(self, index):
        return struct.unpack("<I", self._remote.ask(protocol.READ_REGISTER, struct.pack("<I", 4 * index)))[0]

    def __setitem__(self, index, value):
        self._remote.ask(protocol.WRITE_REGISTER, struct.pack("<II", 4 * index, value))

    def release(self):
        pass


class FakeBoard(System):
    def __init__(self):
        super().__init__(root)
        self._remote = Remote(address)
        self._interrupts = None
        self._armed = False
        self._pending = False

    def open(self, path, flags=0):
        descriptor = super().open(path, flags)
        if path == REGISTERS:
            self._interrupts = descriptor
        return descriptor

    def words(self, mapping):
        return RegisterWords(self._remote)

    def write(self, descriptor, data):
        assert descriptor == self._interrupts and data == struct.pack("=I", 1), data
        self._armed = True

    def wait_readable(self, descriptor, seconds):
        assert descriptor == self._interrupts
        if self._pending:
            return True
        microseconds = round(seconds * 1_000_000)
        came = self._remote.ask(protocol.WAIT_INTERRUPT, struct.pack("<I", microseconds))[0] == 1
        # One that was not let in again never comes, and one that was not counted stays.
        self._pending = came and self._armed
        self._armed = self._armed and not came
        return self._pending

    def read(self, descriptor, count):
        assert descriptor == self._interrupts and count == 4
        self._pending = False
        return struct.pack("=I", 1)

    def write_text(self, path, text):
        super().write_text(path, text)
        folder, name = os.path.split(path)
        if folder != BUFFER or not name.startswith("sync_for_"):
            return
        offset, size, direction = (self.number(BUFFER + "/" + each) for each in ("sync_offset", "sync_size", "sync_direction"))
        step = 1 << 20
        with open(self._path("/dev/udmabuf-lutra"), "r+b") as memory:
            for at in range(offset, offset + size, step):
                count = min(step, offset + size - at)
                memory.seek(at)
                if name == "sync_for_device":
                    assert direction in (0, 1)
                    self._remote.ask(protocol.WRITE_MEMORY, struct.pack("<Q", at) + memory.read(count))
                else:
                    assert direction in (0, 2)
                    memory.write(self._remote.ask(protocol.READ_MEMORY, struct.pack("<QI", at, count)))


if __name__ == "__main__":
    module = __import__(sys.argv[4])
    sys.exit(module.main(sys.argv[5:], FakeBoard()))
