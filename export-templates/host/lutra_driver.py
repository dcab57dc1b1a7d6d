"""Drives an accelerator: loads a program image, starts it, streams its tokens, stops it, says what went wrong.

Works with any device that has what lutra_device.py describes. A run is over when the machine halts or is stopped;
either way it may be started again.
"""

import struct
import time

from lutra_constants import (
    CLOCK_HZ,
    COMMAND_HEADER_BYTES,
    HARDWARE_NAME,
    MAGIC,
    REGISTERS_VERSION,
    UNITS,
    lutra_regs,
)
from lutra_system import LutraError

PAGE_BYTES = 4096
ZEROS = bytes(1 << 20)
STOP_WORDS = 4
NO_TOKEN = 0xFFFFFFFF
# Kinds of segments that need no contents, and those of them that a program writes.
EMPTY_KINDS = ("command", "kv", "data")
WRITTEN_KINDS = ("kv", "data")
# Tokens raise no interrupt: they are looked for while the interrupt at the end is waited for, the less often the longer
# none has come.
SHORTEST_POLL_MILLISECONDS = 0.01
LONGEST_POLL_MILLISECONDS = 2.0
WATCHDOG_CYCLES = 1024
STOP_SECONDS = 2.0


class RunStopped(LutraError):
    """The machine stopped a run, or refused it: `cause` is a name of lutra_regs.CAUSES."""

    def __init__(self, cause, message, hint=""):
        super().__init__(message, hint, exit_code=1)
        self.cause = cause


class Bus:
    def __init__(self, device):
        self.read = device.read_register
        self.write = device.write_register


def digest_word(digest, first):
    """Bytes `first` to `first` + 3 of a hexadecimal digest, the first byte lowest."""
    return int.from_bytes(bytes.fromhex(digest[2 * first : 2 * first + 8]), "little")


def page(address):
    return address - address % PAGE_BYTES


def write_window(image):
    """First and last page that the program may write: from its first to its last segment that it can."""
    written = [each for each in image.segments if not each.stored and each.kind in WRITTEN_KINDS]
    if not written:
        return 0xFFFFF000, 0
    return (
        page(min(each.address for each in written)),
        page(max(each.address + each.bytes - 1 for each in written)),
    )


def host_writes(image, base, watchdog=0):
    """What is written to the registers before a start, in its order, as (register, value)."""
    first, last = write_window(image)
    return [
        ("memoryLow", base & 0xFFFFFFFF),
        ("memoryHigh", base >> 32),
        ("codeAddress", image.code_address),
        ("memoryLast", page(image.memory_bytes - 1)),
        ("writeFirst", first),
        ("writeLast", last),
        ("watchdog", watchdog),
        ("programDigestLow", digest_word(image.hardware_digest, 0)),
        ("programDigestHigh", digest_word(image.hardware_digest, 4)),
        ("programIsa", image.isa_digest),
    ]


def command_block(image, prompt, max_new_tokens, temperature, top_k, seed, stop_tokens):
    """What the program finds at byte 0 of memory: the request, then the prompt, in words of 32 bits."""
    positions, vocabulary = image.model["maxPositions"], image.model["vocabularySize"]

    def refuse(message, hint=""):
        raise LutraError(message, hint, exit_code=3)

    if not prompt:
        refuse("the prompt is empty", "give at least one token")
    if len(prompt) > positions:
        refuse("the prompt has %d tokens, and the program holds %d positions" % (len(prompt), positions))
    for token in prompt:
        if not 0 <= token < vocabulary:
            refuse("prompt token %d is outside the model's vocabulary of %d" % (token, vocabulary))
    if len(stop_tokens) > STOP_WORDS:
        refuse("there are %d stop tokens, and the machine looks for %d at most" % (len(stop_tokens), STOP_WORDS))
    if max_new_tokens < 1 or not 0 <= seed < 1 << 32 or not 0 <= top_k < 1 << 32 or not 0 <= temperature < 1e30:
        refuse("tokens wanted, temperature, top-k or seed is out of range")
    stops = (list(stop_tokens) + [NO_TOKEN] * STOP_WORDS)[:STOP_WORDS]
    most = min(max_new_tokens, positions - len(prompt) + 1)
    header = struct.pack("<IIfII4I", len(prompt), most, temperature, top_k, seed, *stops)
    return header.ljust(COMMAND_HEADER_BYTES, b"\0") + struct.pack("<%dI" % len(prompt), *prompt)


class Accelerator:
    """An accelerator behind a device.

    `timeout`: seconds without a token after which a run is stopped; the machine's own watchdog gets the same time, and
    the host waits a little longer, so that the machine can say what it was.
    """

    def __init__(self, device, timeout=60.0):
        self.device = device
        self.timeout = timeout
        self.registers = lutra_regs.LutraRegisters(Bus(device))
        self.image = None
        self._check_map()

    def _check_map(self):
        magic, version = self.registers.read("magic"), self.registers.read("version")
        if magic != MAGIC:
            raise LutraError(
                "%s reads 0x%08x where an accelerator of lutra has 0x%08x" % (self.device.name, magic, MAGIC),
                "another design is loaded, or the registers lie elsewhere",
            )
        if version != REGISTERS_VERSION:
            raise LutraError(
                "the registers are version %d, and these files are for %d" % (version, REGISTERS_VERSION),
                "use the host files of the export that the design was built from",
            )

    def digest(self):
        """First eight bytes of the digest of the hardware model that the design was made from, in hexadecimal."""
        return self.registers.read64("digest").to_bytes(8, "little").hex()

    def status(self):
        """The fields of `status` by name, each 0 or 1."""
        word = self.registers.read("status")
        return {name: word >> low & 1 for name, (low, _, _) in lutra_regs.REGISTERS["status"][3].items()}

    def load(self, image, verify=False):
        """Writes an image into memory, and with `verify` reads it back. Raises LutraError if it is for other hardware,
        does not fit, or memory gives back something else."""
        self._check_idle()
        if image.hardware_digest[:16] != self.digest():
            raise LutraError(
                "%s was compiled for %s (digest %s…), and this machine is %s…"
                % (image.path, image.hardware_name, image.hardware_digest[:16], self.digest()),
                "compile it for this machine (%s, hardware.json of the export), or load its design" % HARDWARE_NAME,
                exit_code=3,
            )
        isa = self.registers.read("isa")
        if image.isa_digest != isa:
            raise LutraError(
                "%s is written in instruction set %08x, and this machine has %08x" % (image.path, image.isa_digest, isa),
                "compile it again with the lutra that exported the design",
                exit_code=3,
            )
        if image.memory_bytes > self.device.memory_bytes:
            raise LutraError(
                "%s needs %d bytes of memory, and %s has %d"
                % (image.path, image.memory_bytes, self.device.name, self.device.memory_bytes),
                "make overlay MEMORY_MIB=%d, or a larger reserved region" % -(-image.memory_bytes // (1 << 20)),
            )
        for segment in image.segments:
            if not segment.stored and segment.kind not in EMPTY_KINDS:
                raise LutraError("%s has no weights (segment %s)" % (image.path, segment.name), exit_code=3)
        self.image = None
        for segment in image.segments:
            if not segment.stored:
                self._clear(segment.address, segment.bytes)
        for address, data in image.contents():
            self.device.write_memory(address, data)
        if verify:
            self._verify(image)
        self.image = image

    def _clear(self, address, size):
        for at in range(0, size, len(ZEROS)):
            self.device.write_memory(address + at, ZEROS[: min(len(ZEROS), size - at)])

    def _verify(self, image):
        for address, data in image.contents():
            found = self.device.read_memory(address, len(data))
            if found != data:
                at = next(index for index in range(len(data)) if found[index] != data[index])
                raise LutraError(
                    "memory gives back 0x%02x at address 0x%x, where 0x%02x was written" % (found[at], address + at, data[at]),
                    "the buffer is not all there, or something else writes to it",
                    exit_code=1,
                )

    def _check_idle(self):
        """Nothing may run, and nothing of a run that was stopped may still write to memory."""
        status = self.status()
        if status["draining"]:
            self._wait_drained()
        if status["running"]:
            raise LutraError(
                "%s is in the middle of a run" % self.device.name,
                "wait for the program that started it, or: python3 lutra_host.py stop",
            )

    def generate(self, prompt, max_new_tokens=160, temperature=0.0, top_k=1, seed=0, stop_tokens=None):
        """Runs the loaded program and yields its tokens as they come. Stops the machine when it is left before the end.

        Without a prompt (None) the program is one that asks for none, such as the self-test. Raises RunStopped when the
        machine stops, LutraError when no token comes in time or tokens were lost.
        """
        if self.image is None:
            raise LutraError("no image is loaded", exit_code=3)
        if prompt is None:
            self._check_idle()
            return self._tokens()
        if stop_tokens is None:
            stop_tokens = self.image.model["eosTokenIds"]
        block = command_block(self.image, prompt, max_new_tokens, temperature, top_k, seed, stop_tokens)
        self._check_idle()
        self.device.write_memory(0, block)
        return self._tokens()

    def _tokens(self):
        watchdog = min(0xFFFFFFFF, max(1, int(self.timeout * CLOCK_HZ) // WATCHDOG_CYCLES))
        for register, value in host_writes(self.image, self.device.memory_base, watchdog):
            self.registers.write(register, value)
        ended = False
        try:
            self._enable_interrupts()
            self.registers.set("control", "start")
            deadline = time.monotonic() + self._patience()
            poll = SHORTEST_POLL_MILLISECONDS
            while not ended:
                # First the state, then the tokens: what came before the end is all there when the end is seen.
                status = self.status()
                ended = bool(status["halted"] or status["stopped"])
                count = self.registers.read("tokenCount")
                for token in [self.registers.read("token") for _ in range(count)]:
                    yield token
                if count > 0:
                    deadline = time.monotonic() + self._patience()
                    poll = SHORTEST_POLL_MILLISECONDS
                if ended:
                    self._check_end(status)
                elif time.monotonic() > deadline:
                    raise LutraError(
                        "no token came for %g s" % self._patience(),
                        "status says %s; is the clock what the design expects?" % format_status(status),
                        exit_code=1,
                    )
                elif count == 0:
                    self._wait(poll)
                    poll = min(LONGEST_POLL_MILLISECONDS, 2 * poll)
        except LutraError as error:
            if not ended:
                self._stop_after(error)
            raise
        except BaseException:
            # Whoever asked has enough: the generator was closed, or somebody pressed Ctrl-C.
            if not ended:
                self.stop()
            raise
        finally:
            self.registers.write("globalInterruptEnable", 0)

    def _stop_after(self, error):
        try:
            self.stop()
        except LutraError as second:
            message = "%s; and %s" % (error.message, second.message)
            raise LutraError(message, second.hint, error.exit_code) from error

    def _patience(self):
        """The machine's watchdog comes first, as it knows more."""
        return self.timeout * 1.25 + 1

    def _check_end(self, status):
        if status["tokenLost"]:
            raise LutraError("the host was too slow: tokens were lost", exit_code=1)
        if status["stopped"]:
            raise self.stop_reason()

    def stop_reason(self):
        """The registers `error` and `errorAddress` as an error to raise."""
        get = lambda name: self.registers.get("error", name)  # noqa: E731
        code = get("code")
        known = {number: (name, doc) for name, (number, doc) in lutra_regs.CAUSES.items()}
        name, doc = known.get(code, ("cause %d" % code, "It is not known here."))
        where = ""
        if name in ("readError", "writeError"):
            where = "; unit %s, port %d, response %s" % (
                UNITS[get("unit")],
                get("port"),
                ("OKAY", "EXOKAY", "SLVERR", "DECERR")[get("response")],
            )
        elif name in ("readWindow", "writeWindow", "illegalInstruction"):
            where = "; unit %s, address 0x%x" % (UNITS[get("unit")], self.registers.read("errorAddress"))
        return RunStopped(name, "the run was stopped: %s. %s%s" % (name, doc, where))

    def _enable_interrupts(self):
        registers = self.registers
        registers.write("interruptStatus", registers.read("interruptStatus"))
        fields = lutra_regs.REGISTERS["interruptEnable"][3]
        registers.write("interruptEnable", sum(lutra_regs.field_mask("interruptEnable", name) for name in fields))
        registers.write("globalInterruptEnable", 1)

    def _wait(self, milliseconds):
        if self.device.wait_interrupt(milliseconds):
            noted = self.registers.read("interruptStatus")
            # Writing 1 takes an event away.
            self.registers.write("interruptStatus", noted)

    def stop(self):
        """Stops a run in the middle of anything and waits until memory owes it nothing."""
        self.registers.set("reset", "stop")
        self._wait_drained()

    def _wait_drained(self):
        deadline = time.monotonic() + STOP_SECONDS
        while self.registers.get("reset", "stop") != 0 or self.status()["draining"]:
            if time.monotonic() > deadline:
                raise LutraError(
                    "memory still owes the machine answers %g s after it was stopped" % STOP_SECONDS,
                    "load the design again (sudo xmutil unloadapp, loadapp), as nothing else can end it",
                )
            time.sleep(0.001)

    def cycles(self):
        """Cycles of the run."""
        return self.registers.read64("cycles")

    def counters(self):
        """Cycles by unit and class, without those that are 0. A number that serves several classes has all their names."""
        classes = {}
        for name, number in lutra_regs.COUNTER_CLASSES.items():
            classes.setdefault(number, []).append(name)
        found = {}
        for unit in lutra_regs.COUNTER_UNITS:
            counts = {"/".join(names): self.registers.counter(unit, names[0]) for names in classes.values()}
            found[unit] = {name: count for name, count in counts.items() if count}
        return found


def format_status(status):
    return ", ".join(name for name, value in status.items() if value) or "idle"
