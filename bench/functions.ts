/**
 * Errors and speed of the numeric functions, more thoroughly than the tests have time for:
 *   npx tsx bench/functions.ts
 * Every float32 significand (and parity) for reciprocal and rsqrt, every float32 argument of exp with a finite nonzero
 * result, every angle from 1/2 to 65536 for sine and cosine. The oracle is the host's double-precision Math, whose own
 * error is 2^-29 of a float32 ulp. Takes a few minutes.
 */
import { cosine, exp, maximumUlp, reciprocal, rsqrt, sine } from '../src/numerics/functions.ts';

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

type Name = 'reciprocal' | 'rsqrt' | 'exp' | 'sine' | 'cosine';
type Range = readonly [first: number, last: number];

function worst(f: (x: number) => number, oracle: (x: number) => number, ranges: readonly Range[]): number {
  let most = 0;
  for (const [first, last] of ranges) {
    for (let pattern = first; pattern <= last; pattern++) {
      bits[0] = pattern;
      const x = single[0]!;
      const exact = oracle(x);
      double[0] = exact;
      const exponent = Math.max(((words[1]! >>> 20) & 0x7ff) - 1023, -126);
      most = Math.max(most, Math.abs(f(x) - exact) * 2 ** (23 - exponent));
    }
  }
  return most;
}

const angles: readonly Range[] = [[0x3f000000, 0x47800000]];
const rows: readonly [Name, (x: number) => number, (x: number) => number, readonly Range[]][] = [
  ['reciprocal', reciprocal, (x) => 1 / x, [[0x3f800000, 0x3fffffff]]],
  ['rsqrt', rsqrt, (x) => 1 / Math.sqrt(x), [[0x3f800000, 0x407fffff]]],
  // From 2^-33 to the largest finite result, and down to half the smallest subnormal.
  [
    'exp',
    exp,
    Math.exp,
    [
      [0x2f000000, 0x42b17217],
      [0xaf000000, 0xc2cff1b4],
    ],
  ],
  ['sine', sine, Math.sin, angles],
  ['cosine', cosine, Math.cos, angles],
];

console.log('function     arguments    worst ulp   bound   millions/s');
for (const [name, f, oracle, ranges] of rows) {
  const count = ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const error = worst(f, oracle, ranges);
  const calls = 5e6;
  let sum = 0;
  const start = performance.now();
  for (let i = 0; i < calls; i++) sum += f((i & 4095) * 0.01 + 1);
  const rate = calls / (performance.now() - start) / 1000;
  if (Number.isNaN(sum)) throw new Error(`${name} gave NaN`);
  console.log(
    `${name.padEnd(11)}${String(count).padStart(11)}${error.toFixed(4).padStart(13)}${maximumUlp[name].toFixed(2).padStart(8)}${rate.toFixed(1).padStart(12)}`,
  );
}
