import { describe, expect, it } from 'vitest';
import { encodeFloat } from '../../../src/base/float.ts';
import { exp, reciprocal, rsqrt } from '../../../src/numerics/functions.ts';
import { functionRoms, romWords } from '../../../src/rtl/tables.ts';
import { describeVerilog } from '../../describeWith.ts';
import { compileBench, type Operator, streamMismatches } from './bench.ts';
import { createRandom, decode, directedPairs, float32 } from './formats.ts';

const functions = { reciprocal, rsqrt, exp };

const expectations = Object.fromEntries(
  Object.entries(functions).map(([name, f]) => [name, (a: number) => encodeFloat('float32', f(decode(float32, a)))]),
);

const operators: Operator[] = Object.keys(functions).flatMap((name) =>
  [1, 2, 3, 4, 5, 7, 9, 10, 11, 12].map((latency) => ({
    name: `${name}_${latency}`,
    module: `fp_${name} #(.LATENCY(${latency}))`,
    inputs: '.x_i(a_i)',
    width: 32,
    latency,
    expected: expectations[name]!,
  })),
);
for (const [name, latency] of [
  ['reciprocal', 9],
  ['rsqrt', 9],
  ['exp', 10],
] as const) {
  operators.push({
    name: `${name}_block`,
    module: `fp_${name} #(.LATENCY(${latency}), .STYLE("block"))`,
    inputs: '.x_i(a_i)',
    width: 32,
    latency,
    expected: expectations[name]!,
  });
}

describeVerilog('fp_reciprocal, fp_rsqrt, fp_exp', { timeout: 120_000 }, () => {
  it('equal src/numerics at every latency: every exponent and table entry, specials, random patterns', async () => {
    const random = createRandom(10);
    const patterns = [0, 0x8000_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0xffc0_0001, 0x7f80_0001, 1, 0x8000_0001];
    // Both ends of every table interval with some exponents, and every exponent with some fractions.
    for (let entry = 0; entry < 256; entry++) {
      for (const low of [0, 1, 0x3fff, 0x4000, 0x7fff, random() & 0x7fff]) {
        for (const field of [0, 1, 126, 127, 252, 253, 254, random() % 256]) {
          patterns.push((field * 2 ** 23 + entry * 2 ** 15 + low) >>> 0);
        }
      }
    }
    for (let field = 0; field < 256; field++) {
      for (const fraction of [0, 1, 0x40_0000, 0x7f_fffe, 0x7f_ffff, random() & 0x7f_ffff, random() & 0x7f_ffff]) {
        patterns.push(field * 2 ** 23 + fraction, 2 ** 31 + field * 2 ** 23 + fraction);
      }
    }
    // Arguments of exp that matter: 2^-34 … 2^7, both signs, and around the ends of the range.
    for (let i = 0; i < 60_000; i++) {
      patterns.push(((random() % 2) * 2 ** 31 + (127 - 34 + (random() % 41)) * 2 ** 23 + (random() & 0x7f_ffff)) >>> 0);
    }
    for (const edge of [88.722839, -87.336544, -103.27893, -103.97208, -104]) {
      for (let units = -40; units <= 40; units++) patterns.push(encodeFloat('float32', Math.fround(edge)) + units);
    }
    for (let fraction = 1; fraction < 2 ** 23; fraction *= 2) {
      patterns.push(fraction, fraction + 1, 2 * fraction - 1, 2 ** 31 + fraction);
    }
    patterns.push(...directedPairs(float32, 20_000, 11).a);
    const a = Uint32Array.from(patterns);
    const simulation = (await compileBench(operators)).instantiate();
    expect(streamMismatches(simulation, operators, a, a)).toEqual([]);
  });
});

describe('ROM words', () => {
  it.each(['reciprocal', 'rsqrt', 'exp'] as const)('%s: hold the three coefficients', (name) => {
    const { table, layout } = functionRoms[name];
    const { values, slopes } = romWords(name);
    expect([values.length, slopes.length]).toEqual([256, 256]);
    for (let entry = 0; entry < 256; entry++) {
      const word = slopes[entry]!;
      const stored = word >> BigInt(layout.c2);
      const negative = layout.c1Sign === 'negative' || stored >> BigInt(layout.c1 - 1) === 1n;
      expect(word < 1n << BigInt(layout.c1 + layout.c2)).toBe(true);
      expect(Number(values[entry])).toBe(table.c0[entry]);
      expect(Number(negative ? stored - (1n << BigInt(layout.c1)) : stored)).toBe(table.c1[entry]);
      expect(Number(word & ((1n << BigInt(layout.c2)) - 1n))).toBe(table.c2[entry]);
    }
  });
});
