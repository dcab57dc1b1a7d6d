"""Serves the accelerator of this board over stdin and stdout, so that lutra on another computer can drive it:

    lutra host --device bridge --bridge "ssh kv260 sudo python3 lutra_host/lutra_bridge.py" …

Protocol, version 1, all numbers little-endian. A frame is a header of 16 bytes and a payload:
    bytes 0-3 "LTB1"; 4-7 bytes of the payload; 8-11 number of the request; 12-13 kind; 14-15 zero
Requests, which are answered in their order, with their number:
    1 read register    offset u32                      -> value u32
    2 write register   offset u32, value u32           ->
    3 read memory      address u64, count u32          -> count bytes
    4 write memory     address u64, bytes              ->
    5 wait interrupt   microseconds u32                -> u8, 1 if there was one
    6 close                                            -> ; the bridge ends
Answers are of kind 0, or of kind 1 with JSON {"message", "hint"} where something failed. The first frame comes unasked,
with number 0: JSON {"protocol", "name", "memoryBytes", "memoryBase"}. No payload is longer than 1 MiB and 16 bytes.
At the end of its input the bridge stops a run that is on its way, as nobody is left to take its tokens.
"""

import argparse
import json
import os
import struct
import sys

# The folder of an export is to stay as it was written.
sys.dont_write_bytecode = True

from lutra_constants import UIO_NAME
from lutra_device import LinuxDevice
from lutra_driver import Accelerator
from lutra_system import LutraError, System, end_like_ctrl_c

PROTOCOL = 1
MAGIC = b"LTB1"
HEADER = struct.Struct("<4sIIHH")
LONGEST_PIECE = 1 << 20
LONGEST_PAYLOAD = LONGEST_PIECE + 16
OK, FAILED = 0, 1
READ_REGISTER, WRITE_REGISTER, READ_MEMORY, WRITE_MEMORY, WAIT_INTERRUPT, CLOSE = range(1, 7)
LONGEST_WAIT_MICROSECONDS = 10_000_000


class Broken(LutraError):
    """What came is no frame of this protocol; nothing after it can be understood."""


class Bridge:
    def __init__(self, device, source, sink):
        self._device = device
        self._source = source
        self._sink = sink

    def serve(self):
        """Answers requests until `close` or the end of the input; raises Broken."""
        device = self._device
        about = {
            "protocol": PROTOCOL,
            "name": device.name,
            "memoryBytes": device.memory_bytes,
            "memoryBase": str(device.memory_base),
        }
        send(self._sink, 0, OK, json.dumps(about).encode())
        while True:
            header = receive(self._source, HEADER.size)
            if not header:
                return
            magic, length, number, kind, zero = HEADER.unpack(header)
            if magic != MAGIC or zero != 0 or length > LONGEST_PAYLOAD:
                raise Broken("a request begins with %s" % header.hex())
            payload = receive(self._source, length)
            try:
                answer = self._answer(kind, payload)
            except LutraError as error:
                send(self._sink, number, FAILED, describe(error))
            else:
                send(self._sink, number, OK, answer)
            if kind == CLOSE:
                return

    def _answer(self, kind, payload):
        device = self._device
        if kind == READ_REGISTER:
            return struct.pack("<I", device.read_register(*arguments("<I", payload)))
        if kind == WRITE_REGISTER:
            device.write_register(*arguments("<II", payload))
            return b""
        if kind == READ_MEMORY:
            address, count = arguments("<QI", payload)
            if count > LONGEST_PIECE:
                raise LutraError("%d bytes are wanted at once, and %d are the most" % (count, LONGEST_PIECE))
            return device.read_memory(address, count)
        if kind == WRITE_MEMORY:
            device.write_memory(*arguments("<Q", payload[:8]), memoryview(payload)[8:])
            return b""
        if kind == WAIT_INTERRUPT:
            (microseconds,) = arguments("<I", payload)
            return bytes([device.wait_interrupt(min(microseconds, LONGEST_WAIT_MICROSECONDS) / 1000)])
        if kind == CLOSE:
            return b""
        raise LutraError("there is no request of kind %d" % kind, "another version of the protocol?")


def arguments(layout, payload):
    if len(payload) != struct.calcsize(layout):
        raise LutraError("a request has %d bytes instead of %d" % (len(payload), struct.calcsize(layout)))
    return struct.unpack(layout, payload)


def receive(source, count):
    """Exactly `count` bytes, or none at the end of the input."""
    data = b""
    while len(data) < count:
        more = source.read(count - len(data))
        if not more:
            if data:
                raise Broken("the input ends in the middle of a request")
            return b""
        data += more
    return data


def send(sink, number, kind, payload):
    sink.write(HEADER.pack(MAGIC, len(payload), number, kind, 0))
    sink.write(payload)
    sink.flush()


def describe(error):
    return json.dumps({"message": error.message, "hint": error.hint}).encode()


def take_streams():
    """Input and output for frames alone: whatever else prints goes to stderr from here on."""
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return source, sink


def stop_run(device):
    """Ends a run that nobody waits for any more."""
    try:
        accelerator = Accelerator(device)
        if accelerator.status()["running"]:
            accelerator.stop()
    except LutraError as error:
        print("lutra_bridge: %s" % error, file=sys.stderr)


def main(argv=None, system=None):
    parser = argparse.ArgumentParser(description="Serves the accelerator of this board over stdin and stdout.")
    parser.add_argument("--uio", default=UIO_NAME, help="name of the UIO device (default: %(default)s)")
    parser.add_argument("--memory", default="", help="udmabuf, udmabuf:NAME, mem:ADDRESS:BYTES, uio:NAME, uio:NAME:MAP")
    options = parser.parse_args(argv)
    source, sink = take_streams()
    end_like_ctrl_c()
    try:
        device = LinuxDevice(system or System(), options.uio, options.memory)
    except LutraError as error:
        send(sink, 0, FAILED, describe(error))
        return error.exit_code
    try:
        Bridge(device, source, sink).serve()
        return 0
    except Broken as error:
        send(sink, 0, FAILED, describe(error))
        return 3
    except (BrokenPipeError, KeyboardInterrupt):
        return 1
    finally:
        stop_run(device)
        device.close()


if __name__ == "__main__":
    sys.exit(main())
