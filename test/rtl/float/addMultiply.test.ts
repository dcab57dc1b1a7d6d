import type { CompiledModule } from 'verilator-wasm';
import { expect, it } from 'vitest';
import { describeVerilog } from '../../describeWith.ts';
import { compileBench, type Operator, streamMismatches } from './bench.ts';
import {
  allPairs,
  bfloat16,
  bitsOf,
  decode,
  directedPairs,
  encode,
  float8e4,
  float8e5,
  float16,
  float32,
  type Shape,
} from './formats.ts';

type Operation = 'add' | 'subtract' | 'multiply';

const compute: Record<Operation, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
};

/** Sums and products of these formats, computed in double and rounded once, are the correctly rounded ones. */
function expectedOf(shape: Shape, operation: Operation): (a: number, b: number) => number {
  const f = compute[operation];
  return (a, b) => encode(shape, f(decode(shape, a), decode(shape, b)));
}

function operators(label: string, shape: Shape, latencies: Record<Operation, readonly number[]>): Operator[] {
  const { exp, man } = shape;
  const top = bitsOf(shape) - 1;
  return (Object.keys(latencies) as Operation[]).flatMap((operation) => {
    const expected = expectedOf(shape, operation);
    const module = operation === 'multiply' ? 'fp_mul' : 'fp_add';
    const sign = operation === 'multiply' ? '' : `, .subtract_i(1'b${operation === 'subtract' ? 1 : 0})`;
    return latencies[operation].map((latency) => ({
      name: `${label}_${operation}_${latency}`,
      module: `${module} #(.EXP(${exp}), .MAN(${man}), .LATENCY(${latency}))`,
      inputs: `.a_i(a_i[${top}:0]), .b_i(b_i[${top}:0])${sign}`,
      width: top + 1,
      latency,
      expected,
    }));
  });
}

const everyLatency = [1, 2, 3, 4, 5, 6, 7];
const groups = {
  float32: operators('float32', float32, { add: everyLatency, subtract: [4], multiply: everyLatency }),
  float16: operators('float16', float16, { add: [3], subtract: [6], multiply: [3] }),
  bfloat16: operators('bfloat16', bfloat16, { add: [1], subtract: [2], multiply: [4] }),
  float8e4: operators('float8e4', float8e4, { add: [1], subtract: [5], multiply: [2] }),
  float8e5: operators('float8e5', float8e5, { add: [4], subtract: [1], multiply: [1] }),
};

describeVerilog('fp_add and fp_mul', { timeout: 120_000 }, () => {
  const modules = new Map<string, CompiledModule>();
  const run = async (name: keyof typeof groups, { a, b }: { a: Uint32Array; b: Uint32Array }) => {
    const compiled = modules.get(name) ?? (await compileBench(groups[name]));
    modules.set(name, compiled);
    return streamMismatches(compiled.instantiate(), groups[name], a, b);
  };

  it('float32 at every latency: a million directed pairs', async () => {
    expect(await run('float32', directedPairs(float32, 1_000_000, 1))).toEqual([]);
  });
  it.each([
    ['float16', float16, 2],
    ['bfloat16', bfloat16, 3],
  ] as const)('%s: a million directed pairs', async (name, shape, seed) => {
    expect(await run(name, directedPairs(shape, 1_000_000, seed))).toEqual([]);
  });
  it.each([
    ['float8e4', float8e4],
    ['float8e5', float8e5],
  ] as const)('%s: every pair', async (name, shape) => {
    expect(await run(name, allPairs(shape))).toEqual([]);
  });
});
