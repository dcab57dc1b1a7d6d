import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assembly } from '../../src/cli/assembly.ts';
import { fastWeightKernels } from '../../src/model/fastWeights.ts';
import { plainWeightKernels, type WeightKernels } from '../../src/model/weightKernels.ts';
import {
  type PackKernels,
  packBinaryTile,
  packedTileBytes,
  packTernaryTile,
  plainPackKernels,
} from '../../src/numerics/pack.ts';
import { fastPackKernels } from '../../src/numerics/packing/kernels.ts';
import { messageOf } from '../hw/models.ts';
import { tiles } from './layouts.ts';

const module = new WebAssembly.Module(await assembly('packing'));
const pack = fastPackKernels(new WebAssembly.Instance(module, {}));
const weights = fastWeightKernels(new WebAssembly.Instance(module, {}));

/** The bytes of a tile, or why it was refused. */
function outcome(action: (out: Uint8Array) => void, bytes: number): Uint8Array | string {
  const out = new Uint8Array(bytes + 7).fill(0xa5);
  const message = messageOf(() => action(out));
  return message === 'no error' ? out : message;
}

describe('tiles by WebAssembly are those of the definition', () => {
  const both = (run: (kernels: PackKernels) => Uint8Array | string) => {
    expect(run(pack)).toEqual(run(plainPackKernels));
  };

  it.each([
    ['ternary weights', fc.integer({ min: -1, max: 1 })],
    [
      'any bytes',
      fc.oneof({ weight: 30, arbitrary: fc.integer({ min: -1, max: 1 }) }, fc.integer({ min: -128, max: 127 })),
    ],
  ])('%s', (_name, weight) => {
    fc.assert(
      fc.property(tiles(weight), ({ geometry, tile, source, weights: values }) => {
        const full = { ...tile, ...source, weights: Int8Array.from(values) };
        const bytes = packedTileBytes(geometry, 'ternary', 1, tile);
        both((kernels) => outcome((out) => packTernaryTile(geometry, full, out, 3, kernels), bytes));
      }),
      { numRuns: 150 },
    );
  });

  it.each([1, 3, 5, 10, 12])('levels of %i bits', (planes) => {
    const top = 2 ** planes - 1;
    const odd = fc.integer({ min: 0, max: top }).map((bits) => 2 * bits - top);
    const any = fc.oneof({ weight: 60, arbitrary: odd }, fc.integer({ min: -32_768, max: 32_767 }));
    fc.assert(
      fc.property(fc.oneof(tiles(odd), tiles(any)), ({ geometry, tile, source, weights: values }) => {
        const full = { ...tile, ...source, weights: Int16Array.from(values) };
        const bytes = packedTileBytes(geometry, 'binary', planes, tile);
        both((kernels) => outcome((out) => packBinaryTile(geometry, planes, full, out, 3, kernels), bytes));
      }),
      { numRuns: 60 },
    );
  });

  it('rows of the head', () => {
    const float = fc.oneof(
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.float({ min: -4, max: 4, noNaN: true }),
      fc.constantFrom(0, -0, 2 ** -149, 2 ** -140),
      fc.constant(1.5),
    );
    const values = fc.oneof(fc.array(float), fc.array(fc.oneof({ weight: 40, arbitrary: float }, fc.float())));
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 12 }), (row, bits) => {
        const run = (kernels: PackKernels) => {
          const levels = new Int16Array(row.length + 2).fill(99);
          return { scale: kernels.oddRow(Float32Array.from(row), bits, levels.subarray(1, row.length + 1)), levels };
        };
        const [fast, plain] = [run(pack), run(plainPackKernels)];
        expect(fast.scale).toBe(plain.scale);
        if (!Number.isNaN(plain.scale)) expect(fast.levels).toEqual(plain.levels);
      }),
      { numRuns: 400 },
    );
  });

  it('bfloat16', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const values = new Float32Array(bytes.slice(0, bytes.length & ~3).buffer);
        const run = (kernels: PackKernels) => {
          const out = new Uint8Array(2 * values.length);
          kernels.writeBfloat16(values, out);
          return out;
        };
        expect(run(pack)).toEqual(run(plainPackKernels));
      }),
    );
  });
});

describe('weights by WebAssembly are those of the definition', () => {
  const spanOf = (bytes: Uint8Array) => ({ bytes: bytes.length, fill: (target: Uint8Array) => target.set(bytes) });
  /** Runs both, which must return and write the same. */
  const both = <A extends Int8Array | Float32Array>(
    run: (kernels: WeightKernels, into: A) => unknown,
    make: () => A,
  ): void => {
    const [fast, plain] = [make(), make()];
    expect(run(weights, fast)).toBe(run(plainWeightKernels, plain));
    expect(Buffer.compare(new Uint8Array(fast.buffer), new Uint8Array(plain.buffer))).toBe(0);
  };
  /** Bytes of bfloat16: any bits, or magnitudes as models have them. */
  const bfloat16 = fc
    .array(fc.oneof({ weight: 40, arbitrary: fc.integer({ min: 0x3000, max: 0x4100 }) }, fc.nat(0xffff)), {
      maxLength: 80,
    })
    .chain((halves) =>
      fc
        .array(fc.boolean(), { minLength: halves.length, maxLength: halves.length })
        .map(
          (signs) => new Uint8Array(Uint16Array.from(halves, (half, i) => (signs[i] ? half | 0x8000 : half)).buffer),
        ),
    );
  const shape = fc.record({
    key: fc.nat(0xffffffff),
    first: fc.nat(2 ** 31 - 1),
    rows: fc.nat(4),
    columns: fc.nat(300),
  });

  it('packed four to a byte', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.array(fc.constantFrom(0x00, 0x55, 0xaa, 0x12, 0x98), { maxLength: 100 }).map((list) => Uint8Array.from(list)),
    );
    fc.assert(
      fc.property(bytes, fc.constantFrom(0, 2, 4, 6), (list, shift) => {
        both(
          (kernels, into) => kernels.unpackTernary(spanOf(list), shift, into),
          () => new Int8Array(list.length),
        );
      }),
    );
  });

  it('of full precision', () => {
    const factor = fc.float({ min: Math.fround(0.01), max: 1000, noNaN: true });
    fc.assert(
      fc.property(bfloat16, factor, fc.double({ min: 0, max: 100, noNaN: true }), (bytes, scale, sum) => {
        const span = spanOf(bytes);
        both(
          (kernels, into) => kernels.decodeBfloat16(span, into),
          () => new Float32Array(bytes.length / 2),
        );
        expect(weights.sumBfloat16(span, sum)).toBe(plainWeightKernels.sumBfloat16(span, sum));
        both(
          (kernels, into) => kernels.ternariseBfloat16(span, scale, into),
          () => new Int8Array(bytes.length / 2),
        );
      }),
      { numRuns: 400 },
    );
  });

  it('made up', () => {
    const range = fc.record({
      centre: fc.double({ min: -2, max: 2, noNaN: true }),
      spread: fc.double({ min: 0, max: 2, noNaN: true }),
    });
    fc.assert(
      fc.property(shape, range, (own, spread) => {
        both(
          (kernels, into) => kernels.syntheticTernary(own, into),
          () => new Int8Array(own.rows * own.columns),
        );
        both(
          (kernels, into) => kernels.syntheticDense(own, spread, into),
          () => new Float32Array(own.rows * own.columns),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('in memory that has to grow', () => {
    const bytes = Uint8Array.from({ length: 3_000_001 }, (_, i) => (i * 7) & 0x55);
    both(
      (kernels, into) => kernels.unpackTernary(spanOf(bytes), 4, into),
      () => new Int8Array(bytes.length),
    );
  });
});
