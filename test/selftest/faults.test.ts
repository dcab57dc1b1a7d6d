import { describe, expect, it } from 'vitest';
import { type Footprint, instructionTable, machineShape, resolvedFootprint } from '../../src/isa/index.ts';
import { instructionsByName } from '../../src/isa/table.ts';
import type { Buffers } from '../../src/machine/kernel/buffers.ts';
import type { Machine } from '../../src/machine/machine.ts';
import { hardware } from '../machine/harness.ts';
import { Random } from '../machine/random/source.ts';
import { type Defect, failures, runDefective, selfTestOf } from './harness.ts';

const hw = hardware('tiny');
const test = selfTestOf(hw);
const shape = machineShape(hw);

const found = (defect: Defect) => failures(test, runDefective(test, hw, defect));

/** Memory that is written and read through `change`, which gives the bytes as they arrive. */
function throughMemory({ store }: Machine, change: (address: number, bytes: Uint8Array) => Uint8Array): void {
  const write = store.write.bind(store);
  store.write = (address, bytes) => write(address, change(address, bytes));
}

describe('the self-test finds in memory', () => {
  it.each([0, 5, 14, 23, 31])('data line %i stuck', (line) => {
    for (const stuck of [0, 1]) {
      const names = found({
        before: (machine) =>
          throughMemory(machine, (address, bytes) =>
            bytes.map((byte, index) => {
              if ((address + index) % 4 !== line >> 3) return byte;
              return stuck ? byte | (1 << (line & 7)) : byte & ~(1 << (line & 7));
            }),
          ),
      });
      expect(names, `stuck at ${stuck}`).toContain(
        'memory: every data line of every port, both ways, read and written',
      );
    }
  });

  const far = test.image.segments.find(({ name }) => name === 'far') as { address: number; bytes: number };
  const lines = Array.from({ length: Math.log2(far.bytes) - 2 }, (_, index) => index + 2);
  it.each(lines)('address line %i stuck', (line) => {
    for (const stuck of [0, 1]) {
      const names = found({
        before: ({ store }) => {
          // Only of the window that is there for it, so that the program itself is not damaged.
          const place = (address: number) => {
            if (address < far.address || address >= far.address + far.bytes) return address;
            const clear = address % 2 ** (line + 1) < 2 ** line;
            if (stuck && clear) return address + 2 ** line;
            return !stuck && !clear ? address - 2 ** line : address;
          };
          const [read, copy, write] = [store.read.bind(store), store.copy.bind(store), store.write.bind(store)];
          store.read = (address, length) => read(place(address), length);
          store.copy = (address, length) => copy(place(address), length);
          store.write = (address, bytes) => write(place(address), bytes);
        },
      });
      expect(names, `stuck at ${stuck}`).toEqual(['memory: every address line of 16 MiB']);
    }
  });

  it('a byte that is written though its strobe is not set', () => {
    const names = found({
      before: ({ store }) => {
        const write = store.write.bind(store);
        store.write = (address, bytes) => {
          write(address, bytes);
          if (bytes.length % 4 === 3) write(address + bytes.length, Uint8Array.of(0));
        };
      },
    });
    expect(names).toContain('memory: every number of bytes in a beat, through every port');
  });
});

/** A stuck bit of a buffer, forced whenever an instruction has finished. */
function stuck(
  buffer: Exclude<keyof Buffers, 'weightAlphabets' | 'rowScales'>,
  byte: number,
  bit: number,
  one: number,
) {
  return {
    after: (_: unknown, buffers: Buffers) => {
      const { buffer: memory, byteOffset } = buffers[buffer];
      const bytes = new Uint8Array(memory, byteOffset);
      bytes[byte] = one ? (bytes[byte] as number) | (1 << bit) : (bytes[byte] as number) & ~(1 << bit);
    },
  };
}

describe('the self-test finds in buffers', () => {
  const random = new Random(7);
  // Of the windows that it goes through, the first, the last and one between; all of the weight buffer.
  const cases = test.coverage.flatMap(({ buffer, bytes, of }) => {
    const window = Math.min(bytes, 2048);
    return [0, of - window].flatMap((first) =>
      [0, 1].map((one) => [buffer, first + random.integer(0, window - 1), random.integer(0, 7), one] as const),
    );
  });
  const weights = [0, 1, 2, 3].map((one) => {
    const word = random.integer(0, hw.weightBuffer.words - 1);
    // A word of the tiny machine is two digits: four bits in one byte.
    return ['weights', word * shape.derived.wordBytes, random.integer(0, 1), one & 1] as const;
  });
  it.each([...cases, ...weights])('%s, byte %i, bit %i stuck at %i', (buffer, byte, bit, one) => {
    const names = found(stuck(buffer as 'act', byte, bit, one));
    const unit = buffer === 'kv' ? 'kvStore' : buffer === 'weights' ? 'weightBuffer' : 'dma';
    expect(names.some((name) => name.startsWith(unit))).toBe(true);
  });
});

/** Turns a bit of the first element that an instruction has written. */
function damage({ space, begin }: Footprint, buffers: Buffers, machine: Machine): void {
  if (space === 'ddr') {
    const [byte] = machine.store.read(begin, 1);
    machine.store.write(begin, Uint8Array.of((byte as number) ^ 1));
    return;
  }
  const { buffer, byteOffset, BYTES_PER_ELEMENT } = buffers[space];
  const size = space === 'weights' ? shape.derived.wordBytes : BYTES_PER_ELEMENT;
  // The byte with the sign and the exponent: of a NaN, any other would not matter.
  const byte = begin * size + (space === 'act' || space === 'coef' ? size - 1 : 0);
  const bytes = new Uint8Array(buffer, byteOffset);
  bytes[byte] = (bytes[byte] as number) ^ 1;
}

describe('the self-test finds a wrong bit in the result of', () => {
  const machine = hardware('odd');
  const oddTest = selfTestOf(machine);
  const oddShape = machineShape(machine);
  const executed = new Set<string>();
  runDefective(oddTest, machine, { after: ({ event }) => executed.add(event.name) });
  const writers = instructionTable
    .filter(({ unit }) => unit !== 'frontEnd')
    .map(({ name }) => name)
    .filter((name) => /load|gather|store|run|vector\.(?!sync)|attend|append|fill|spill/.test(name));

  it('each instruction that writes something: all of them are tried', () => {
    const tried = [...executed].filter((name) => !/sync|configure|begin|scan|pick|select|next/.test(name));
    expect(tried.sort()).toEqual([...writers].sort());
  });

  it.each(writers)('%s', (name) => {
    const names = failures(
      oddTest,
      runDefective(oddTest, machine, {
        after: ({ event, values, attention }, buffers, running) => {
          if (event.name !== name) return;
          const spec = instructionsByName.get(name) as (typeof instructionTable)[number];
          const written = resolvedFootprint(spec, values, oddShape, attention).find(({ write }) => write);
          if (written) damage(written, buffers, running);
        },
      }),
    );
    const [unit] = name.split('.') as [string];
    expect(names.some((each) => each.startsWith(`${unit}:`))).toBe(true);
  });
});

describe('a machine that never ends', () => {
  it('has given the tokens of the checks before, so that the one that hangs is known', () => {
    // From some burst on memory does not answer any more.
    const outcome = runDefective(test, hw, { memory: { extraLatency: (_, burst) => (burst > 12_000 ? 1e9 : 0) } });
    expect(outcome.stopped).toMatch(/did not halt|deadlock/);
    const { length } = outcome.tokens;
    expect(length).toBeGreaterThan(10);
    expect(outcome.tokens).toEqual(test.checks.slice(0, length).map(({ token }) => token));
    const { unit, what } = test.checks[length] as { unit: string; what: string };
    expect(failures(test, outcome)).toEqual([`${unit}: ${what}`]);
  });
});
