"""What export-templates/host/lutra_image.py makes of images: a line of JSON for each path given on stdin."""

import hashlib
import json
import sys

sys.path.insert(0, sys.argv[1])

from lutra_driver import host_writes  # noqa: E402
from lutra_image import Image  # noqa: E402
from lutra_system import LutraError  # noqa: E402

for path in sys.stdin.read().split():
    try:
        with Image(path) as image:
            memory = bytearray(image.memory_bytes)
            for address, data in image.contents():
                memory[address : address + len(data)] = data
            answer = {
                "memory": hashlib.sha256(memory).hexdigest(),
                "writes": [list(pair) for pair in host_writes(image, 0x7_1000_0000, 9)],
                "model": image.model,
                "instructions": image.instructions,
                "tokenizer": (image.file("tokenizer.json") or b"").decode("latin1"),
            }
    except LutraError as error:
        assert error.exit_code == 3, error
        answer = {"refused": error.message.replace(path, "FILE")}
    print(json.dumps(answer))
