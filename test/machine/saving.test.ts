import { describe, expect, it } from 'vitest';
import { memoryModule } from '../../src/cli/assembly.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { assemble, programImage } from '../../src/isa/index.ts';
import { type Saved, savedBytes } from '../../src/machine/kernel/saving.ts';
import { Machine, type MachineOptions } from '../../src/machine/machine.ts';
import type { Probe } from '../../src/trace/probe.ts';
import { type RandomProgram, randomHardware, randomProgram, withSeed } from './randomProgram.ts';

/** Programs of this run; other seeds give other programs. */
const seeds = Array.from({ length: 24 }, (_, seed) => 9000 + seed);

interface Recorded {
  readonly machine: Machine;
  /** What the machine told its sink, one line each. */
  readonly events: string[];
}

interface Modes extends Partial<MachineOptions> {
  /** Spans and the probe are recorded too. */
  readonly listens?: boolean;
}

function probeOf(events: string[]): Probe {
  const note =
    (kind: string) =>
    (...values: unknown[]) =>
      void events.push(JSON.stringify([kind, ...values]));
  return { state: note('state'), queue: note('queue'), semaphore: note('semaphore'), port: note('port') };
}

function load(program: RandomProgram, hw: HardwareModel, { listens = false, ...options }: Modes = {}): Recorded {
  const events: string[] = [];
  const image = programImage(assemble(program.source, 'random.lasm', { hw }), hw);
  const machine = new Machine(image, hw, {
    values: true,
    dense: false,
    ...options,
    trace: {
      instruction: (...event) => events.push(JSON.stringify(event)),
      token: (event) => events.push(JSON.stringify(event)),
      ...(listens ? { span: (...span) => events.push(JSON.stringify(span)) } : {}),
    },
    ...(listens ? { probe: probeOf(events) } : {}),
  });
  machine.store.write(0, new Uint8Array(new Uint32Array(program.commandWords).buffer));
  return { machine, events };
}

/** Runs up to a number of steps, or to the end. */
function go(machine: Machine, steps = Number.POSITIVE_INFINITY): number {
  let taken = 0;
  while (taken < steps && !machine.advance(1)) taken += 1;
  return taken;
}

/** What the run came to: the memory that the program wrote, and every count. */
function outcome({ machine }: Recorded, program: RandomProgram) {
  return {
    memory: program.results.map(({ address, bytes }) => [...machine.store.read(address, bytes)]),
    cycle: machine.cycle,
    instructions: machine.instructions,
    evaluations: machine.evaluations,
    units: machine.counters.snapshot(machine.cycle),
    statistics: machine.memory.statistics,
  };
}

/** What is given, or follows from what is given, and what a part remembers only to be faster. */
const noState = ['hw', 'derived', 'options', 'around', 'hooks', 'inputs', 'steps', 'segments', 'actions', 'plans']
  .concat(['fromNothing', 'frozen', 'store.last', 'values.attention', 'values.vector'])
  .map((name) => `.${name}`);

/** Everything that hangs together with a machine, as text: every field of every part, whoever has thought of it. */
function everything(machine: Machine): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (value: unknown, path: string, above: readonly unknown[]): void => {
    if (typeof value === 'function' || above.includes(value)) return;
    if (ArrayBuffer.isView(value)) found.set(path, String(value));
    else if (value instanceof Map) for (const [key, inside] of value) walk(inside, `${path}.${key}`, [...above, value]);
    else if (typeof value === 'object' && value !== null) {
      for (const [name, inside] of Object.entries(value)) {
        const at = `${path}.${name}`;
        if (!noState.some((ending) => at.endsWith(ending))) walk(inside, at, [...above, value]);
      }
    } else found.set(path, String(value));
  };
  walk(machine, 'machine', []);
  const { buffers } = (machine as unknown as { values: { inputs: { buffers: object } } }).values.inputs;
  walk(buffers, 'buffers', []);
  return found;
}

describe('a machine that is put back to an earlier state', () => {
  it.each([
    ['event by event', {}],
    ['with every unit evaluated in every cycle', { dense: true }],
    ['with a front end that executes nothing ahead', { executeAhead: false }],
    ['without values', { values: false }],
    ['while somebody listens to spans and signals', { listens: true }],
  ] as const)('goes on to the same events, memory and counts: %s', (_, options) => {
    for (const seed of 'dense' in options ? seeds.slice(0, 12) : seeds) {
      withSeed(seed, (program, hw) => {
        const steps = go(load(program, hw, options).machine);
        const first = load(program, hw, options);
        go(first.machine, (seed * 7919) % steps);
        const saved = first.machine.save();
        const before = first.events.length;
        go(first.machine);
        const whole = outcome(first, program);
        const events = first.events.splice(before);

        first.machine.restore(saved);
        go(first.machine);
        expect(first.events.splice(before)).toEqual(events);
        expect(outcome(first, program)).toEqual(whole);

        // Once more, from the middle of the run: what was saved is not used up.
        first.machine.restore(saved);
        go(first.machine, 50);
        first.machine.restore(saved);
        first.events.length = before;
        go(first.machine);
        expect(first.events.splice(before)).toEqual(events);
        expect(outcome(first, program)).toEqual(whole);
      });
    }
  });

  it('is in all its parts what it was, field by field', () => {
    let fields = 0;
    for (const seed of seeds.slice(0, 12)) {
      withSeed(seed, (program, hw) => {
        const { machine } = load(program, hw);
        const steps = go(load(program, hw).machine);
        go(machine, Math.floor(steps / 3));
        const saved = machine.save();
        const before = everything(machine);
        go(machine);
        expect(everything(machine)).not.toEqual(before);
        machine.restore(saved);
        expect(everything(machine)).toEqual(before);
        fields += before.size;
      });
    }
    expect(fields).toBeGreaterThan(12 * 500);
  });

  it('can be looked at and put back at several places of one run, in any order', () => {
    withSeed(9100, (program, hw) => {
      const { machine } = load(program, hw);
      const places: { saved: Saved; before: Map<string, string> }[] = [];
      do places.push({ saved: machine.save(), before: everything(machine) });
      while (go(machine, 37) === 37 && places.length < 20);
      expect(places.length).toBeGreaterThan(10);
      for (const { saved, before } of [...places].reverse().concat(places)) {
        machine.restore(saved);
        expect(everything(machine)).toEqual(before);
        // The next state must not be spoilt by what this one does.
        go(machine, 20);
      }
    });
  });

  it('shares the pages of memory that have not changed', () => {
    const hw = randomHardware(9000);
    const { machine } = load(randomProgram(9000, hw), hw);
    const seen = new Set<unknown>();
    const first = savedBytes(machine.save(), seen);
    const second = savedBytes(machine.save(), seen);
    expect(first - second).toBe(machine.store.pageAddresses().length * machine.store.pageBytes);
  });

  it('is refused where memory is timed by a module', async () => {
    const hw = randomHardware(9000);
    const program = randomProgram(9000, hw);
    const module = await memoryModule();
    if (!module) throw new Error('no WebAssembly');
    expect(() => load(program, hw, { memoryModule: module }).machine.save()).toThrow(/^error\[MCH010\]/);
  });
});
