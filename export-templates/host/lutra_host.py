"""Drives the accelerator of this board from the command line:

    sudo python3 lutra_host.py status
    sudo python3 lutra_host.py run model.lutra --prompt-tokens 0 399 403 259 373
    sudo python3 lutra_host.py selftest ../selftest

Tokens go to stdout, one a line; everything else goes to stderr. Exit codes: 0 yes, 1 the answer is no (a run was
stopped, a check failed), 2 wrong usage, 3 bad input, 4 something of the board is missing, 130 interrupted.
"""

import argparse
import contextlib
import os
import sys
import time

# The folder of an export is to stay as it was written.
sys.dont_write_bytecode = True

from lutra_constants import HARDWARE_NAME, UIO_NAME, lutra_regs
from lutra_device import LinuxDevice
from lutra_driver import Accelerator, format_status
from lutra_image import Image
from lutra_selftest import run_selftest
from lutra_system import LutraError, System, end_like_ctrl_c


def say(text):
    print(text, file=sys.stderr, flush=True)


def open_accelerator(options):
    device = LinuxDevice(options.system, options.uio, options.memory)
    try:
        return Accelerator(device, options.timeout)
    except BaseException:
        device.close()
        raise


def status(options):
    accelerator = open_accelerator(options)
    device, registers = accelerator.device, accelerator.registers
    state = accelerator.status()
    digest = accelerator.digest()
    same = "that of this export" if lutra_regs.HARDWARE_DIGEST.startswith(digest) else "NOT that of this export"
    print("device     %s" % device.name)
    print("memory     %d bytes at 0x%x" % (device.memory_bytes, device.memory_base))
    print("registers  version %d, instruction set %08x" % (registers.read("version"), registers.read("isa")))
    print("hardware   %s, digest %s…, %s" % (HARDWARE_NAME, digest, same))
    print("state      %s" % format_status(state))
    print("run        %d cycles, %d tokens waiting" % (accelerator.cycles(), registers.read("tokenCount")))
    if state["stopped"]:
        print("error      %s" % accelerator.stop_reason().message)
    device.close()
    return 0 if same.startswith("that") else 1


def run(options):
    with Image(options.image) as image:
        prompt, decode = read_prompt(options, image)
        accelerator = open_accelerator(options)
        try:
            began = time.monotonic()
            accelerator.load(image, options.verify)
            say("loaded %s: %d bytes in %.1f s" % (image.path, image.memory_bytes, time.monotonic() - began))
            stop_tokens = [] if options.ignore_stop else None
            tokens = accelerator.generate(
                prompt, options.max_tokens, options.temperature, options.top_k, options.seed, stop_tokens
            )
            began = time.monotonic()
            count = 0
            # Closed before the device is, wherever it is left.
            with contextlib.closing(tokens):
                for token in tokens:
                    count += 1
                    print(token if decode is None else decode(token), flush=True, end="\n" if decode is None else "")
            if decode is not None:
                print()
            seconds = time.monotonic() - began
            say("%d tokens in %.2f s, %d cycles" % (count, seconds, accelerator.cycles()))
            if options.counters:
                for unit, counts in accelerator.counters().items():
                    say("%-13s %s" % (unit, "  ".join("%s %d" % pair for pair in counts.items())))
        finally:
            accelerator.device.close()
    return 0


def read_prompt(options, image):
    """Token ids of the prompt, and what makes text of an answer's token, None where tokens are wanted."""
    if options.prompt is None:
        return options.prompt_tokens, None
    try:
        from tokenizers import Tokenizer
    except ImportError:
        hint = "pip install tokenizers; or give --prompt-tokens; or use lutra host with --device bridge"
        raise LutraError("reading text needs the Python package tokenizers", hint) from None
    held = image.file("tokenizer.json")
    if held is None:
        raise LutraError("%s holds no tokenizer" % image.path, "give --prompt-tokens", exit_code=3)
    tokenizer = Tokenizer.from_str(held.decode("utf-8"))
    return tokenizer.encode(options.prompt).ids, Decoder(tokenizer)


class Decoder:
    """Text of a growing answer: what a token adds depends on the tokens before it."""

    def __init__(self, tokenizer):
        self._tokenizer = tokenizer
        self._tokens = []
        self._written = ""

    def __call__(self, token):
        self._tokens.append(token)
        text = self._tokenizer.decode(self._tokens)
        # Half a character is not shown yet.
        if text.endswith("\ufffd") or not text.startswith(self._written):
            return ""
        added = text[len(self._written) :]
        self._written = text
        return added


def selftest(options):
    accelerator = open_accelerator(options)
    try:
        failures = run_selftest(accelerator, options.directory, print)
    finally:
        accelerator.device.close()
    return 1 if failures else 0


def stop(options):
    accelerator = open_accelerator(options)
    running = accelerator.status()["running"]
    accelerator.stop()
    print("stopped a run" if running else "there was no run to stop")
    accelerator.device.close()
    return 0


def memory(options):
    """How much memory an image needs: `make overlay IMAGE=…` asks."""
    with Image(options.image) as image:
        print(-(-image.memory_bytes // (1 << 20)))
    return 0


def parse(argv):
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--uio", default=UIO_NAME, help="name of the UIO device (default: %(default)s)")
    common.add_argument("--memory", default="", help="udmabuf:NAME, mem:ADDRESS:BYTES, uio:NAME or uio:NAME:MAP")
    common.add_argument("--timeout", type=float, default=60.0, help="seconds without a token (default: %(default)g)")
    parser = argparse.ArgumentParser(description="Drives the accelerator of this board.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(function, what, *arguments):
        sub = verbs.add_parser(function.__name__, help=what, parents=[common])
        for name, settings in arguments:
            sub.add_argument(name, **settings)
        sub.set_defaults(function=function)
        return sub

    image = ("image", {"help": "program image, as lutra compile writes it"})
    verb(status, "says what is there and how it is")
    runner = verb(run, "runs a program", image)
    prompt = runner.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--prompt-tokens", type=int, nargs="+", metavar="ID", help="the prompt as token ids")
    prompt.add_argument("--prompt", help="the prompt as text (needs the Python package tokenizers)")
    runner.add_argument("--max-tokens", type=int, default=160)
    runner.add_argument("--temperature", type=float, default=0.0)
    runner.add_argument("--top-k", type=int, default=1)
    runner.add_argument("--seed", type=int, default=0)
    runner.add_argument("--ignore-stop", action="store_true", help="go on behind the model's stop tokens")
    runner.add_argument("--verify", action="store_true", help="read memory back after loading and compare")
    runner.add_argument("--counters", action="store_true", help="print what every unit spent its cycles on")
    verb(selftest, "checks memory, every unit and the counters", ("directory", {"help": "folder with selftest.json"}))
    verb(stop, "stops a run in the middle of anything")
    verb(memory, "says how many MiB of memory an image needs", image)
    return parser.parse_args(argv)


def main(argv=None, system=None):
    options = parse(argv)
    options.system = system or System()
    end_like_ctrl_c()
    try:
        return options.function(options)
    except LutraError as error:
        say("error: %s" % error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the tokens has enough of them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0


if __name__ == "__main__":
    sys.exit(main())
