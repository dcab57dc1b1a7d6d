"""Reads a program image of lutra: a safetensors file whose metadata say what the program is and where all of it lies.

Only the header is read when an image is opened; contents come piece by piece, each checked against its digest, so that
an image may be larger than the board's free memory. Nothing of a file is believed before it has been checked.
"""

import hashlib
import json
import os
import re
import struct

from lutra_constants import (
    CODE_ALIGNMENT_BYTES,
    DIGEST_KEY,
    IMAGE_VERSION,
    PIECE_BYTES,
    PIECES_KEY,
    SEGMENT_ALIGNMENT_BYTES,
    SEGMENT_KINDS,
    VERSION_KEY,
    WORDS_PER_INSTRUCTION,
)
from lutra_system import LutraError

LONGEST_HEADER = 100_000_000
DIGEST_CHARACTERS = 64
DTYPE_BYTES = {"U32": 4, "U8": 1}
DAMAGED = "the file is damaged or was not made by lutra: copy or compile it again"


def image_error(path, message, hint=DAMAGED):
    return LutraError("%s: %s" % (path, message), hint, exit_code=3)


class Segment:
    """A part of the machine's memory. Without `stored` it is zero at the start."""

    def __init__(self, name, kind, address, size, stored):
        self.name = name
        self.kind = kind
        self.address = address
        self.bytes = size
        self.stored = stored


class Image:
    """An open program image.

    `hardware_name`, `hardware_digest`, `isa_digest`, `model` (maxPositions, vocabularySize, bosTokenId, eosTokenIds),
    `code_address`, `memory_bytes`, `segments` (in the order of their addresses, the code not among them), `instructions`.
    """

    def __init__(self, path):
        self.path = path
        try:
            self._file = open(path, "rb")
        except OSError as error:
            raise LutraError("%s: %s" % (path, error.strerror), exit_code=3) from error
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            self._open()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._file.close()

    def _fail(self, message, hint=DAMAGED):
        raise image_error(self.path, message, hint)

    def _open(self):
        self._tensors, metadata = self._read_header()
        if VERSION_KEY not in metadata:
            self._fail("this is no program image", "lutra compile makes one from a model")
        if metadata[VERSION_KEY] != IMAGE_VERSION:
            self._fail(
                "image format %s is not %s, the one that is understood" % (metadata[VERSION_KEY], IMAGE_VERSION),
                "compile it again with the lutra that made this export",
            )
        digest = metadata.get(DIGEST_KEY)
        others = {key: value for key, value in metadata.items() if key != DIGEST_KEY}
        text = json.dumps(others, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        if hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != digest:
            self._fail("the header does not have the digest that metadata %s states" % DIGEST_KEY)
        # From here on the metadata are as lutra wrote them; what is left to check is that they fit each other.
        try:
            hardware = json.loads(metadata["lutra.hardware"])
            self.model = json.loads(metadata["lutra.model"])
            memory = json.loads(metadata["lutra.memory"])
            self._pieces = json.loads(metadata[PIECES_KEY])
            self.hardware_name, self.hardware_digest = hardware["name"], hardware["digest"]
            self.isa_digest = json.loads(metadata["lutra.isa"])["digest"]
            self.code_address, self.memory_bytes = memory["codeAddress"], memory["memoryBytes"]
            self.segments = [
                Segment(each["name"], each["kind"], each["address"], each["bytes"], each["stored"])
                for each in memory["segments"]
            ]
            code = self._tensors["code"]
        except (KeyError, TypeError, ValueError) as error:
            self._fail("the metadata lack something: %r" % error)
        if code["dtype"] != "U32" or len(code["shape"]) != 2 or code["shape"][1] != WORDS_PER_INSTRUCTION:
            self._fail("the code is %s %s" % (code["dtype"], code["shape"]))
        self.instructions = code["shape"][0]
        self._check_map(code)

    def _read_header(self):
        """Tensors by name with the place of their bytes in the file, and the metadata."""
        if self._size < 8:
            self._fail("the file has %d bytes" % self._size)
        length = struct.unpack("<Q", self._read(0, 8))[0]
        if length > LONGEST_HEADER or 8 + length > self._size:
            self._fail("the header ends at byte %d, the file at byte %d" % (8 + length, self._size))
        try:
            header = json.loads(self._read(8, length).decode("utf-8"), object_pairs_hook=unique)
            metadata = header.pop("__metadata__", {})
            tensors = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
            end = 0
            for name, tensor in tensors:
                begin, finish = tensor["data_offsets"]
                if not all(type(number) is int for number in [begin, finish] + tensor["shape"]):
                    self._fail("tensor %.80r has a shape or a place that is no number" % name)
                count = DTYPE_BYTES[tensor["dtype"]]
                for extent in tensor["shape"]:
                    count *= extent
                if begin != end or finish - begin != count or count < 0:
                    self._fail("tensor %.80r does not lie where the one before it ends, or has another size" % name)
                end = finish
                tensor["begin"], tensor["bytes"] = 8 + length + begin, count
            if not all(isinstance(value, str) for value in metadata.values()):
                self._fail("the metadata are not all text")
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            self._fail("the header is not that of a safetensors file: %.80r" % error)
        if 8 + length + end != self._size:
            self._fail("the tensors end at byte %d, the file at byte %d" % (8 + length + end, self._size))
        return dict(tensors), metadata

    def _check_map(self, code):
        """Segments may not overlap or leave memory, and those with contents must have them."""
        parts = [Segment("code", "code", self.code_address, code["bytes"], True)] + self.segments
        for part in parts:
            alignment = CODE_ALIGNMENT_BYTES if part is parts[0] else SEGMENT_ALIGNMENT_BYTES
            if not all(type(number) is int for number in (part.address, part.bytes, self.memory_bytes)):
                self._fail("segment %.80r has an address or a size that is no number" % part.name)
            if part.kind not in SEGMENT_KINDS or part.address % alignment != 0 or part.address < 0:
                self._fail("segment %.80r cannot be of kind %s or lie at %d" % (part.name, part.kind, part.address))
            if part.bytes <= 0 or part.address + part.bytes > self.memory_bytes:
                self._fail("segment %.80r ends behind the memory used, or is empty" % part.name)
        ordered = sorted(parts, key=lambda part: part.address)
        for before, here in zip(ordered, ordered[1:]):
            if before.address + before.bytes > here.address:
                self._fail("segments %.80r and %.80r overlap" % (before.name, here.name))
        stored = {"segment/" + segment.name: segment.bytes for segment in self.segments if segment.stored}
        held = {name: tensor["bytes"] for name, tensor in self._tensors.items() if name.startswith("segment/")}
        if stored != held:
            self._fail("the contents are not those of the segments")
        for name, tensor in self._tensors.items():
            digests = self._pieces.get(name)
            pieces = -(-tensor["bytes"] // PIECE_BYTES)
            if not isinstance(digests, str) or not re.fullmatch("[0-9a-f]{%d}" % (pieces * DIGEST_CHARACTERS), digests):
                self._fail("metadata %s has not the digests of %.80r" % (PIECES_KEY, name))

    def _read(self, offset, count):
        try:
            self._file.seek(offset)
            data = self._file.read(count)
        except OSError as error:
            self._fail(error.strerror or str(error))
        if len(data) != count:
            self._fail("the file became shorter while it was read")
        return data

    def _tensor_pieces(self, name):
        """The bytes of a tensor in pieces of 1 MiB, each checked."""
        tensor, digests = self._tensors[name], self._pieces[name]
        for number, at in enumerate(range(0, tensor["bytes"], PIECE_BYTES)):
            data = self._read(tensor["begin"] + at, min(PIECE_BYTES, tensor["bytes"] - at))
            wanted = digests[number * DIGEST_CHARACTERS :][:DIGEST_CHARACTERS]
            if hashlib.sha256(data).hexdigest() != wanted:
                self._fail("bytes %d to %d of %s do not have their digest" % (at, at + len(data), name))
            yield at, data

    def contents(self):
        """Everything that memory must hold before the start, as (address, bytes): code, then the segments with contents."""
        for at, data in self._tensor_pieces("code"):
            yield self.code_address + at, data
        for segment in self.segments:
            if segment.stored:
                for at, data in self._tensor_pieces("segment/" + segment.name):
                    yield segment.address + at, data

    def file(self, name):
        """A further file that the image holds, such as tokenizer.json; None if it does not."""
        if "file/" + name not in self._tensors:
            return None
        return b"".join(data for _, data in self._tensor_pieces("file/" + name))


def unique(pairs):
    """An object of JSON in which no name stands twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
