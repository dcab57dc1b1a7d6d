import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeConvert, encodeCopy, encodeProduct, hostTile } from '../../src/numerics/fastRecords.ts';
import { lutMatmul, type MatmulRun } from '../../src/numerics/matmul.ts';
import { wordLayout } from '../../src/numerics/pack.ts';
import { fastMachine, machineWith, modules, noise } from './fastHarness.ts';

const cases = fc.record({
  group: fc.integer({ min: 1, max: 6 }),
  tables: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 20, max: 40 })),
  columns: fc.integer({ min: 1, max: 9 }),
  ports: fc.integer({ min: 1, max: 4 }),
  alphabet: fc.constantFrom('ternary' as const, 'binary' as const),
  planes: fc.integer({ min: 1, max: 12 }),
  blocks: fc.integer({ min: 1, max: 12 }),
  steps: fc.integer({ min: 1, max: 9 }),
  rows: fc.integer({ min: 1, max: 11 }),
  accumulate: fc.boolean(),
  inputOffset: fc.nat(5),
  inputSlack: fc.nat(3),
  outputOffset: fc.nat(5),
  outputSlack: fc.nat(3),
  wordSlack: fc.nat(3),
  separate: fc.boolean(),
  chunks: fc.integer({ min: 1, max: 7 }),
  seed: fc.nat(2 ** 31),
});

it('has kernels to test', () => {
  expect([...modules.keys()]).toContain('values');
});

describe.each([...modules.keys()])('%s: products', (name) => {
  it('are those of lutMatmul, whatever bytes the words have', () => {
    fc.assert(
      fc.property(cases, ({ alphabet, blocks, steps, rows, accumulate, ...c }) => {
        const planes = alphabet === 'ternary' ? 1 : c.planes;
        const random = noise(c.seed);
        const inputs = blocks * c.tables * c.group;
        const inputPitch = inputs + c.inputSlack;
        const outputPitch = steps * c.columns + c.outputSlack;
        const machine = fastMachine(
          machineWith({
            memory: { ports: c.ports },
            matmul: {
              group: c.group,
              tables: c.tables,
              columns: c.columns,
              inputElements: c.inputOffset + rows * inputPitch,
              accumulatorElements: c.outputOffset + rows * outputPitch,
            },
          }),
        );
        const { hw, derived, buffers, memory, allocate } = machine;
        const layout = wordLayout(hw, derived);
        const sliceBytes = layout.sliceBytes[alphabet];
        const slices = derived.weightSlices;
        const count = blocks * planes * steps;
        // Words with all their slices behind each other, or each slice's words.
        const wordStride = c.separate ? sliceBytes : slices * sliceBytes + c.wordSlack;
        const sliceStride = c.separate ? count * sliceBytes + c.wordSlack : sliceBytes;
        const source = allocate(count * slices * (sliceBytes + c.wordSlack), 1);
        const tile = hostTile(layout, alphabet, planes, blocks, steps);
        const address = allocate(tile.bytes);

        const bytes = new Uint8Array(memory.buffer);
        // Whatever was there before must not matter.
        bytes.fill(0xa5, address, address + tile.bytes);
        const plainStride = slices * sliceBytes;
        // Where all inputs are −128, all weights are the largest, too: sums on the way must not overflow.
        const extreme = random(4) === 0;
        const largest = alphabet === 'ternary' ? 242 : 255;
        const words = Uint8Array.from({ length: count * plainStride }, () => (extreme ? largest : random(256)));
        for (let word = 0; word < count; word++) {
          for (let slice = 0; slice < slices; slice++) {
            const from = word * plainStride + slice * sliceBytes;
            const to = source + word * wordStride + slice * sliceStride;
            bytes.set(words.subarray(from, from + sliceBytes), to);
          }
        }
        for (let i = 0; i < buffers.input.length; i++) buffers.input[i] = extreme ? -128 : random(256);
        for (let i = 0; i < buffers.acc.length; i++) buffers.acc[i] = random(2 ** 32);
        const expected = Int32Array.from(buffers.acc);
        const run: MatmulRun = { alphabet, planes, blocks, steps, rows, inputPitch, outputPitch, accumulate };
        lutMatmul(layout, run, buffers.input, c.inputOffset, words, 0, plainStride, expected, c.outputOffset);

        const packed = { source, wordStride, sliceStride, blocks, steps };
        machine.execute(name, (record, at) => encodeConvert(record, at, tile, address, packed), c.chunks);
        machine.execute(
          name,
          (record, at) => encodeProduct(record, at, tile, address, run, c.inputOffset, c.outputOffset),
          random(2) ? c.chunks : undefined,
        );
        expect(buffers.acc).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it('copies bytes that overlap as if through a buffer', () => {
    const machine = fastMachine(machineWith({}));
    const { kv } = machine.buffers;
    kv.set([1, 2, 3, 4, 5, 6, 7]);
    machine.execute(name, (record, at) => encodeCopy(record, at, kv.byteOffset + 2, kv.byteOffset, 5));
    expect([...kv.subarray(0, 8)]).toEqual([1, 2, 1, 2, 3, 4, 5, 0]);
  });
});
