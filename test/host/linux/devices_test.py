"""Tests of export-templates/host that need Python only: devices over plain files that stand for those of the board.

    devices_test.py HOST_FOLDER, run by test/host/linux/python.test.ts
"""

import os
import random
import struct
import sys
import tempfile
import time
import unittest

sys.path.insert(0, sys.argv.pop(1))

import lutra_host  # noqa: E402
from lutra_constants import lutra_regs  # noqa: E402
from lutra_device import LinuxDevice, find_uio  # noqa: E402
from lutra_memory import open_memory  # noqa: E402
from lutra_system import LutraError, System  # noqa: E402

BASE = 0x7_1000_0000
BUFFER = "/sys/class/u-dma-buf/udmabuf-lutra"
MEMORY = 1 << 16


class RecordingSystem(System):
    """Notes what is written to the files that control caches and interrupts."""

    def __init__(self, root):
        super().__init__(root)
        self.root = root
        self.written = []
        self.waits = []
        self.ready = True

    def put(self, path, content):
        full = self.root + path
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())

    def write_text(self, path, text):
        super().write_text(path, text)
        self.written.append((os.path.basename(path), int(text)))

    def wait_readable(self, descriptor, seconds):
        self.waits.append(seconds)
        return self.ready


class OnABoard(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.system = system = RecordingSystem(folder.name)
        system.put("/sys/class/fpga_manager/fpga0/state", "operating\n")
        self.add_uio("uio0", "axi-pmon")
        self.add_uio("uio4", "lutra")
        for name, text in (("phys_addr", "0x%x" % BASE), ("size", str(MEMORY)), ("sync_mode", "1")):
            system.put(BUFFER + "/" + name, text + "\n")
        system.put("/dev/udmabuf-lutra", bytes(MEMORY))

    def add_uio(self, device, name, size=0x1000, address=0xA0000000):
        self.system.put("/sys/class/uio/%s/name" % device, name + "\n")
        self.system.put("/sys/class/uio/%s/maps/map0/addr" % device, "0x%016x\n" % address)
        self.system.put("/sys/class/uio/%s/maps/map0/size" % device, "0x%016x\n" % size)
        self.system.put("/dev/" + device, bytes(size))

    def remove(self, path):
        os.system("rm -r '%s%s'" % (self.system.root, path))

    def content(self, path):
        with open(self.system.root + path, "rb") as file:
            return file.read()

    def refuses(self, message, hint="", **arguments):
        with self.assertRaises(LutraError) as caught:
            LinuxDevice(self.system, **arguments).close()
        self.assertIn(message, caught.exception.message)
        self.assertIn(hint, caught.exception.hint)
        self.assertEqual(len(os.listdir("/proc/self/fd")), self.descriptors)

    @property
    def descriptors(self):
        return OnABoard.open_at_start


class Registers(OnABoard):
    def test_are_words_of_the_mapped_file(self):
        device = LinuxDevice(self.system)
        device.write_register(0x14, 0xFEDCBA98)
        self.assertEqual(self.content("/dev/uio4")[0x10:0x1C], struct.pack("<III", 0, 0xFEDCBA98, 0))
        with open(self.system.root + "/dev/uio4", "r+b") as file:
            file.seek(0x80)
            file.write(b"LTRA")
        self.assertEqual(device.read_register(0x80), 0x4152544C)
        self.assertEqual(device.read_register(0x14), 0xFEDCBA98)
        self.assertEqual((device.name, device.memory_base), ("uio4 with udmabuf-lutra", BASE))
        device.close()

    def test_are_only_those_in_the_window(self):
        device = LinuxDevice(self.system)
        for offset in (-4, 2, 0x1000):
            with self.assertRaisesRegex(LutraError, "there is no register"):
                device.read_register(offset)
        with self.assertRaisesRegex(LutraError, "does not fit"):
            device.write_register(0, 1 << 32)
        device.close()

    def test_interrupts_are_let_in_before_they_are_waited_for(self):
        device = LinuxDevice(self.system)
        with open(self.system.root + "/dev/uio4", "r+b") as file:
            file.write(struct.pack("<II", 0, 7))
        self.assertTrue(device.wait_interrupt(250))
        self.assertEqual(self.content("/dev/uio4")[:4], struct.pack("=I", 1))
        self.system.ready = False
        self.assertFalse(device.wait_interrupt(5))
        self.assertEqual(self.system.waits, [0.25, 0.005])
        device.close()

    def test_a_device_without_an_interrupt_is_only_looked_at(self):
        device = LinuxDevice(self.system)

        def write(descriptor, data):
            raise OSError(38, "Function not implemented")

        self.system.write = write
        began = time.monotonic()
        self.assertFalse(device.wait_interrupt(20))
        self.assertGreater(time.monotonic() - began, 0.015)
        device.close()

    def test_a_real_wait_ends(self):
        read, write = os.pipe()
        system = System()
        self.assertFalse(system.wait_readable(read, 0.01))
        os.write(write, b"1234")
        self.assertTrue(system.wait_readable(read, 10))
        os.close(read)
        os.close(write)


class WhatIsMissing(OnABoard):
    def test_is_named_with_how_to_get_it(self):
        self.remove("/sys/class/uio/uio4")
        self.refuses("no UIO device called lutra", "there are uio0 axi-pmon; apply the overlay: sudo xmutil loadapp lutra")
        self.remove("/sys/class/uio")
        self.refuses("no UIO device called lutra", "sudo modprobe uio_pdrv_genirq of_id=generic-uio")
        self.system.put("/sys/module/uio_pdrv_genirq/version", "1")
        self.refuses("no UIO device called lutra", "apply the overlay")

    def test_a_design(self):
        self.system.put("/sys/class/fpga_manager/fpga0/state", "unknown\n")
        self.refuses("the FPGA holds no design (its state is 'unknown')", "xmutil loadapp")

    def test_memory(self):
        self.remove("/sys/class/u-dma-buf")
        self.refuses("no u-dma-buf called udmabuf-lutra", "sudo modprobe u-dma-buf")
        self.system.put("/sys/module/u_dma_buf/version", "4")
        self.refuses("no u-dma-buf called udmabuf-lutra", "too little CMA")
        for name in ("udmabuf0", "udmabuf1"):
            self.system.put("/sys/class/u-dma-buf/%s/phys_addr" % name, "0x1000")
        self.refuses("no u-dma-buf called udmabuf-lutra", "there are udmabuf0, udmabuf1: choose by --memory udmabuf:NAME")
        self.refuses("no u-dma-buf called other", memory="udmabuf:other")

    def test_the_files_of_devices(self):
        self.remove("/dev/uio4")
        self.refuses("there is no /dev/uio4")
        self.system.put("/dev/uio4", bytes(4096))
        self.remove("/dev/udmabuf-lutra")
        self.refuses("there is no /dev/udmabuf-lutra")

    @unittest.skipIf(os.geteuid() == 0, "root may open everything")
    def test_permission_by_the_file(self):
        os.chmod(self.system.root + "/dev/uio4", 0)
        self.refuses("no permission for /dev/uio4", "run it with sudo")

    def test_permission(self):
        real = os.open

        def refuse(path, flags, *more):
            if path.endswith("/dev/uio4"):
                raise PermissionError(13, "Permission denied", path)
            return real(path, flags, *more)

        os.open = refuse
        try:
            self.refuses("no permission for /dev/uio4", "run it with sudo, or let your group in by a udev rule")
        finally:
            os.open = real

    def test_registers_of_another_size(self):
        self.system.put("/sys/class/uio/uio4/maps/map0/size", "0x100\n")
        self.refuses("uio4 has 256 bytes of registers, and the accelerator 4096")

    def test_sense(self):
        self.system.put(BUFFER + "/size", "much\n")
        self.refuses("/size holds 'much', which is no number")
        self.system.put(BUFFER + "/size", "65536\n")
        self.system.put(BUFFER + "/phys_addr", "0x7001\n")
        self.refuses("lies at 0x7001", "must begin at a page")
        for kind in ("ram", "mem", "mem:1", "mem:a:b", "uio", "uio:", "uio:a:b"):
            self.refuses("--memory %s is no kind of memory" % kind, memory=kind)

    def test_one_of_two(self):
        self.add_uio("uio10", "lutra")
        self.refuses("uio4, uio10 are all called lutra", "--uio uioN")
        self.assertEqual(find_uio(self.system, "uio10"), "uio10")

    def test_a_mapping(self):
        # The kernel refuses to map a device from an offset that is no page.
        real = self.system.map
        self.system.map = lambda descriptor, path, length, offset=0: real(descriptor, path, length, offset + 3)
        self.refuses("/dev/udmabuf-lutra: 65536 bytes from 3 cannot be mapped", "another size or offset")


class Cached(OnABoard):
    def test_is_synchronised_by_whole_lines(self):
        memory = open_memory(self.system)
        self.assertEqual((memory.base, memory.bytes), (BASE, MEMORY))
        memory.write(128, bytes(range(128)))
        self.assertEqual(
            self.system.written, [("sync_offset", 128), ("sync_size", 128), ("sync_direction", 1), ("sync_for_device", 1)]
        )
        self.assertEqual(self.content("/dev/udmabuf-lutra")[128:256], bytes(range(128)))
        self.system.written.clear()
        self.assertEqual(memory.read(130, 4), bytes([2, 3, 4, 5]))
        self.assertEqual(
            self.system.written, [("sync_offset", 128), ("sync_size", 64), ("sync_direction", 2), ("sync_for_cpu", 1)]
        )
        memory.close()

    def test_takes_lines_that_are_written_in_part(self):
        memory = open_memory(self.system)
        memory.write(100, bytes(200))
        offsets = [value for name, value in self.system.written if name == "sync_offset"]
        self.assertEqual(offsets, [64, 256, 64])
        self.system.written.clear()
        memory.write(MEMORY - 3, b"end")
        self.assertEqual([value for name, value in self.system.written if name == "sync_size"], [64, 64])
        memory.write(0, b"")
        self.assertEqual(memory.read(0, 0), b"")
        memory.close()

    def test_another_by_its_name(self):
        self.system.put("/sys/class/udmabuf/udmabuf0/phys_addr", "0x2000\n")
        self.system.put("/sys/class/udmabuf/udmabuf0/size", "8192\n")
        self.system.put("/dev/udmabuf0", bytes(8192))
        memory = open_memory(self.system, "udmabuf:udmabuf0")
        self.assertEqual((memory.base, memory.bytes, memory.name), (0x2000, 8192, "udmabuf0"))
        memory.close()
        self.remove("/sys/class/u-dma-buf")
        # It is the only one.
        open_memory(self.system).close()


class Reserved(OnABoard):
    def both(self):
        self.system.put("/dev/mem", bytes(0x6000))
        self.add_uio("uio5", "lutra-memory", size=0x4000, address=BASE)
        yield open_memory(self.system, "mem:0x2000:0x4000"), "/dev/mem", 0x2000, 0x2000
        yield open_memory(self.system, "uio:lutra-memory"), "/dev/uio5", 0, BASE

    def test_is_read_and_written_by_words_at_any_byte(self):
        numbers = random.Random(7)
        for memory, path, offset, base in self.both():
            self.assertEqual((memory.base, memory.bytes), (base, 0x4000))
            wanted = bytearray(0x4000)
            for _ in range(200):
                address = numbers.randrange(0x4000)
                data = bytes(numbers.randrange(256) for _ in range(min(numbers.randrange(40), 0x4000 - address)))
                memory.write(address, data)
                wanted[address : address + len(data)] = data
                begin = numbers.randrange(0x4000)
                count = min(numbers.randrange(40), 0x4000 - begin)
                self.assertEqual(memory.read(begin, count), bytes(wanted[begin : begin + count]))
            self.assertEqual(self.content(path)[offset : offset + 0x4000], bytes(wanted))
            memory.close()

    def test_serves_a_device(self):
        for memory, _, _, _ in self.both():
            memory.close()
        device = LinuxDevice(self.system, memory="uio:lutra-memory")
        device.write_memory(4000, b"abc")
        self.assertEqual(device.read_memory(3999, 5), b"\0abc\0")
        for address, count in ((-1, 1), (0x4000, 1), (0x3FFF, 2)):
            with self.assertRaisesRegex(LutraError, "not in the buffer"):
                device.read_memory(address, count)
        device.close()
        self.refuses("uio5 has no map 1", memory="uio:lutra-memory:1")


class CommandLine(OnABoard):
    def test_says_what_is_missing_and_gives_4(self):
        self.remove("/sys/class/uio")
        self.assertEqual(lutra_host.main(["status"], self.system), 4)

    def test_refuses_what_makes_no_sense_with_2(self):
        for arguments in ([], ["fly"], ["run", "image"], ["run", "image", "--prompt-tokens", "x"]):
            with self.assertRaises(SystemExit) as caught:
                lutra_host.main(arguments, self.system)
            self.assertEqual(caught.exception.code, 2)

    def test_refuses_another_design_with_4(self):
        self.assertEqual(lutra_host.main(["status"], self.system), 4)

    def test_refuses_an_image_that_is_none_with_3(self):
        for content in (b"", b"12345678", struct.pack("<Q", 2) + b"{}", struct.pack("<Q", 1 << 60)):
            self.system.put("/image", content)
            self.assertEqual(lutra_host.main(["memory", self.system.root + "/image"], self.system), 3)


if __name__ == "__main__":
    OnABoard.open_at_start = len(os.listdir("/proc/self/fd"))
    assert lutra_regs.WINDOW_BYTES == 4096
    unittest.main(verbosity=2)
