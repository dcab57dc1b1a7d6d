"""Runs the self-test of an export (selftest/selftest.json, schema lutra.selftest/1) and says which part failed."""

import json
import os

from lutra_image import Image
from lutra_system import LutraError

SCHEMA = "lutra.selftest/1"


def read_description(folder):
    path = os.path.join(folder, "selftest.json")
    try:
        with open(path, encoding="utf-8") as file:
            description = json.load(file)
        if description["schema"] != SCHEMA:
            raise LutraError("%s is of schema %s, not %s" % (path, description["schema"], SCHEMA), exit_code=3)
        checks = [(each["token"], each["unit"], each["what"]) for each in description["checks"]]
        counters = [(each["unit"], each["cycleClass"], each["cycles"]) for each in description["counters"]]
        return os.path.join(folder, os.path.basename(description["image"])), checks, counters
    except OSError as error:
        raise LutraError("%s: %s" % (path, error.strerror), "the folder selftest/ of the export", 3) from error
    except (ValueError, KeyError, TypeError) as error:
        raise LutraError("%s is no description of a self-test: %r" % (path, error), exit_code=3) from error


def run_selftest(accelerator, folder, say):
    """The number of checks and counters that are not as they should be; each is said in a line."""
    path, checks, counters = read_description(folder)
    with Image(path) as image:
        accelerator.load(image)
        tokens = list(accelerator.generate(None))
    failures = 0
    for index, (wanted, unit, what) in enumerate(checks):
        found = tokens[index] if index < len(tokens) else None
        if found == wanted:
            say("ok      %-13s %s" % (unit, what))
            continue
        failures += 1
        if found is None:
            say("FAILED  %-13s %s: no answer came" % (unit, what))
        elif found >> 8 == wanted >> 8:
            count = found & 0xFF
            say("FAILED  %-13s %s: %s%d words are wrong" % (unit, what, "at least " if count == 255 else "", count))
        else:
            say("FAILED  %-13s %s: it answered 0x%08x instead of 0x%08x" % (unit, what, found, wanted))
    if len(tokens) > len(checks):
        failures += 1
        say("FAILED  %d answers came that belong to no check" % (len(tokens) - len(checks)))
    for unit, cycle_class, wanted in counters:
        found = accelerator.registers.counter(unit, cycle_class)
        if found != wanted:
            failures += 1
            say("FAILED  %-13s counter %s is %d instead of %d" % (unit, cycle_class, found, wanted))
    if counters and failures == 0:
        say("ok      counters: %d have the value that they have in simulation" % len(counters))
    say("self-test failed: %d" % failures if failures else "self-test passed: %d checks" % len(checks))
    return failures
