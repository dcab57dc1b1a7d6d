"""What the host asks of Linux, in one place, and the one kind of error that it reports.

`System` opens, maps, reads and writes files below a root folder. Tests give it another root, or put an object of
their own in its place, so that everything above it runs without a board.
"""

import errno
import mmap
import os
import select
import signal


class LutraError(Exception):
    """A fault with what to try against it. `exit_code`: 1 the answer is no, 3 bad input, 4 something outside is missing."""

    def __init__(self, message, hint="", exit_code=4):
        super().__init__("%s (%s)" % (message, hint) if hint else message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


class System:
    """Files of the operating system, by their paths on the board."""

    def __init__(self, root="/"):
        self._root = root

    def _path(self, path):
        return os.path.join(self._root, path.lstrip("/"))

    def exists(self, path):
        return os.path.exists(self._path(path))

    def names(self, folder):
        """Names in a folder, sorted by text and number (uio2 before uio10); none where there is no such folder."""
        try:
            found = os.listdir(self._path(folder))
        except FileNotFoundError:
            return []
        return sorted(found, key=lambda name: (name.rstrip("0123456789"), len(name), name))

    def text(self, path):
        """A small file of /sys or /proc, without the white space around it."""
        try:
            with open(self._path(path), encoding="utf-8", errors="replace") as file:
                return file.read().strip()
        except OSError as error:
            raise reading_failed(path, error) from error

    def number(self, path):
        """A number from /sys: decimal, or hexadecimal with 0x."""
        text = self.text(path)
        try:
            return int(text, 0)
        except ValueError:
            raise LutraError("%s holds %r, which is no number" % (path, text[:40])) from None

    def write_text(self, path, text):
        try:
            with open(self._path(path), "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise reading_failed(path, error) from error

    def open(self, path, flags=0):
        """A file descriptor for reading and writing."""
        try:
            return os.open(self._path(path), os.O_RDWR | os.O_CLOEXEC | flags)
        except OSError as error:
            raise reading_failed(path, error) from error

    def map(self, descriptor, path, length, offset=0):
        """`length` bytes of an open file in memory."""
        try:
            return mmap.mmap(descriptor, length, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset)
        except (OSError, ValueError) as error:
            hint = "another size or offset than the device has"
            if getattr(error, "errno", None) == errno.EPERM:
                hint = "the kernel forbids it (CONFIG_STRICT_DEVMEM): use u-dma-buf or a UIO node"
            raise LutraError("%s: %d bytes from %d cannot be mapped: %s" % (path, length, offset, error), hint) from error

    def words(self, mapping):
        """A mapping as 32-bit words: each access is one load or store of 32 bits, as registers want it."""
        return memoryview(mapping).cast("I")

    def wait_readable(self, descriptor, seconds):
        return bool(select.select([descriptor], [], [], seconds)[0])

    def read(self, descriptor, count):
        return os.read(descriptor, count)

    def write(self, descriptor, data):
        os.write(descriptor, data)

    def close(self, descriptor):
        os.close(descriptor)


def end_like_ctrl_c():
    """Lets a program that is told to end leave nothing running behind."""

    def interrupted(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)


def reading_failed(path, error):
    """What a failed system call means to a person."""
    if isinstance(error, PermissionError):
        return LutraError("no permission for %s" % path, "run it with sudo, or let your group in by a udev rule")
    if isinstance(error, FileNotFoundError):
        return LutraError("there is no %s" % path, "see `ls %s`" % os.path.dirname(path))
    if error.errno == errno.EBUSY:
        return LutraError("%s is in use" % path, "end the other program: sudo fuser -v %s" % path)
    return LutraError("%s: %s" % (path, error.strerror or error))
