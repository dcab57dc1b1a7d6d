import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HardwareModel } from '../../../src/hw/index.ts';
import { type AssemblyRun, floatsAt, hardware, runAssembly } from '../harness.ts';

const wideLatency = { add: 4, multiply: 3, convert: 3, reciprocal: 9, rsqrt: 10, exp: 10 };
const setWideLatency = Object.entries(wideLatency).map(([name, cycles]) => `vector.latency.${name}=${cycles}`);

/** Four lanes, sixteen of other latencies, and one; all numbers that matter here are written down. */
const models = {
  kv260: { hw: hardware('kv260', 'memory.kind=ideal'), N: 4, K: 8 },
  wide: { hw: hardware('kv260', 'memory.kind=ideal', 'vector.lanes=16', ...setWideLatency), N: 16, K: 8 },
  odd: { hw: hardware('odd', 'memory.kind=ideal'), N: 1, K: 8 },
};
const latency = {
  kv260: { add: 6, multiply: 4, convert: 4, reciprocal: 9, rsqrt: 9, exp: 10 },
  wide: wideLatency,
  odd: { add: 3, multiply: 2, convert: 2, reciprocal: 7, rsqrt: 11, exp: 5 },
};

interface Contents {
  readonly act?: readonly number[];
  readonly coef?: readonly number[];
  readonly acc?: readonly number[];
}

const addresses = { act: 0x1000, coef: 0x2000, acc: 0x3000, outAct: 0x4000, outInput: 0x5000 };
const most = 512;

/** Runs vector instructions on buffers with these contents (from element 0) and stores `act` and `input`. */
function run(hw: HardwareModel, contents: Contents, ...instructions: string[]) {
  const spaces = (['act', 'coef', 'acc'] as const).filter((space) => contents[space]);
  const format = { act: 'float32', coef: 'float32', acc: 'int32' } as const;
  const data = spaces.map((space) => {
    const values = contents[space] as readonly number[];
    const text = values.map((value) => (space === 'acc' ? String(value) : value.toExponential()));
    return `.data source_${space} = ${addresses[space]}\n${space === 'acc' ? '.i32' : '.f32'} ${text.join(', ')}`;
  });
  const row = 'rows=1, remoteStride=0, localPitch=0';
  const loads = spaces.map(
    (space) =>
      `dma.load space=${space}, format=${format[space]}, local=0, remote=${addresses[space]}, elements=${contents[space]?.length}, ${row}`,
  );
  const outcome = runAssembly(
    [
      ...data,
      `.reserve outAct = ${addresses.outAct}, ${4 * most}`,
      `.reserve outInput = ${addresses.outInput}, ${most}`,
      ...loads,
      'dma.sync @post(vector)',
      'vector.sync @wait(dma)',
      ...instructions,
      'vector.sync @post(dma)',
      'dma.sync @wait(vector)',
      `dma.store space=act, format=float32, local=0, remote=outAct, elements=${most}, ${row}`,
      `dma.store space=input, format=int8, local=0, remote=outInput, elements=${most}, ${row}`,
      'halt',
    ].join('\n'),
    hw,
  );
  const act = floatsAt(outcome.machine, addresses.outAct, most);
  const input = [...new Int8Array(outcome.machine.store.read(addresses.outInput, most).slice().buffer)];
  return { outcome, act, input };
}

function cycles(outcome: AssemblyRun, name: string): [first: number, duration: number] {
  const { started, first, finished } = outcome.stamps(name);
  return [first - started, finished - started];
}

/** Relative to the larger of the exact value and `floor`. */
function expectClose(actual: readonly number[], exact: readonly number[], bound: number, floor = 0): void {
  exact.forEach((value, i) => {
    const size = Math.max(Math.abs(value), floor);
    expect(Math.abs((actual[i] as number) - value), `element ${i}: ${actual[i]} and ${value}`).toBeLessThanOrEqual(
      bound * size,
    );
  });
}

/** Floats of a moderate size, each a float32. */
function numbers(count: number, seed: number, scale = 1): number[] {
  return Array.from({ length: count }, (_, i) =>
    Math.fround(scale * Math.sin(1 + seed * 7.31 + i * (1.7 + seed / 13))),
  );
}

function sums(count: number, seed: number): number[] {
  return numbers(count, seed, 9000).map(Math.round);
}

/** Without normalisation a row whose largest magnitude is `a` gets the scale a/127. */
const giveRowScales = (rows: number) =>
  `vector.quantise dst=0, src=0, gain=0, rows=${rows}, elements=16, dstPitch=16, srcPitch=16, epsilon=-1.0`;
const scaleRows = (scales: readonly number[]) =>
  scales.flatMap((scale) => Array.from({ length: 16 }, (_, i) => (i === 3 ? -scale * 127 : 0)));

const bound = 2 ** -20;

describe.each(['kv260', 'wide', 'odd'] as const)('vector on %s', (name) => {
  const { hw, N, K } = models[name];
  const { add, multiply, convert, reciprocal, rsqrt, exp } = latency[name];
  const reduce = multiply + (Math.log2(N) + 1 + Math.log2(K)) * add;
  const root = multiply + add + rsqrt + 3;
  const scalar = multiply + add + rsqrt + reciprocal + 3;
  const inverse = Math.max(0, 24 + Math.log2(N) - reduce);
  const quantise = inverse + 3 * multiply + convert + 9;
  const norm = inverse + 2 * multiply + add + 10;
  const dequantise = convert + 2 * multiply + add + 10;
  const elementwise = Math.max(multiply, add) + 8;
  const beats = (n: number) => Math.ceil(n / N);

  it('quantises with norm and gain', () => {
    const [n, rows] = [40, 2];
    const x = numbers(2 * 48, 1, 3);
    const gain = numbers(n, 2).map((value) => Math.fround(1 + value / 4));
    const { outcome, input } = run(
      hw,
      { act: x, coef: gain },
      `vector.quantise dst=16, src=0, gain=0, rows=${rows}, elements=${n}, dstPitch=64, srcPitch=48, epsilon=1e-5`,
    );
    for (let row = 0; row < rows; row++) {
      const values = x.slice(48 * row, 48 * row + n);
      const scaled = values.map((value, i) => value * (gain[i] as number));
      const amax = Math.max(...scaled.map(Math.abs));
      const levels = input.slice(16 + 64 * row, 16 + 64 * row + 64);
      scaled.forEach((value, i) => {
        expect(Math.abs((levels[i] as number) - (127 * value) / amax)).toBeLessThanOrEqual(0.5001);
      });
      expect(levels.slice(n)).toEqual(new Array(24).fill(0));
    }
    expect(cycles(outcome, 'vector.quantise')).toEqual([
      beats(n) + reduce + scalar + quantise + 1,
      rows * (beats(n) + reduce + scalar + beats(64)) + quantise,
    ]);
  });

  it('quantises to two limbs', () => {
    const [n, rows] = [24, 2];
    const x = numbers(2 * 32, 3, 100);
    const { outcome, input } = run(
      hw,
      { act: x },
      `vector.quantiseWide dst=0, src=0, gain=0, rows=${rows}, elements=${n}, dstPitch=32, srcPitch=32, epsilon=-1.0`,
    );
    for (let row = 0; row < rows; row++) {
      const values = x.slice(32 * row, 32 * row + n);
      const amax = Math.max(...values.map(Math.abs));
      values.forEach((value, i) => {
        const [high = 0, low = 0] = [input[64 * row + i], input[64 * row + 32 + i]];
        expect(Math.abs(256 * high + low - (32512 * value) / amax)).toBeLessThanOrEqual(0.52);
      });
    }
    // Each limb is a row of its own.
    expect(cycles(outcome, 'vector.quantiseWide')[1]).toBe(
      rows * (beats(n) + reduce + scalar + 2 * beats(32)) + quantise,
    );
  });

  it('dequantises with one scale, scales by column, in place of or onto what is there', () => {
    const scales = [0.5, 3];
    const acc = sums(2 * 48, 4);
    const coef = numbers(64, 5, 0.01);
    const act = [...scaleRows(scales), ...new Array(96).fill(0), ...numbers(96, 6, 1000)];
    const shape = 'rows=2, elements=40, dstPitch=48, srcPitch=48';
    const { outcome, act: result } = run(
      hw,
      { act, acc, coef },
      giveRowScales(2),
      `vector.dequantise dst=32, src=0, scale=3, ${shape}`,
      `vector.dequantise dst=128, src=0, scale=16, ${shape}, options=columns|accumulate`,
    );
    for (let row = 0; row < 2; row++) {
      const exact = acc.slice(48 * row, 48 * row + 40).map((sum) => sum * (scales[row] as number));
      expectClose(
        result.slice(32 + 48 * row),
        exact.map((value) => value * (coef[3] as number)),
        bound,
      );
      const before = act.slice(128 + 48 * row);
      const onto = exact.map((value, i) => (before[i] as number) + value * (coef[16 + i] as number));
      expectClose(result.slice(128 + 48 * row), onto, bound, 1000);
    }
    expect(cycles(outcome, 'vector.dequantise')).toEqual([1 + dequantise, 2 * beats(40) + dequantise]);
  });

  it('joins limbs when it dequantises', () => {
    const acc = sums(4 * 32, 7);
    const { outcome, act } = run(
      hw,
      { act: scaleRows([0.25, 2]), acc, coef: [0.125] },
      giveRowScales(2),
      'vector.dequantise dst=64, src=0, scale=0, rows=2, elements=20, dstPitch=32, srcPitch=32, options=wide',
    );
    for (let row = 0; row < 2; row++) {
      const exact = Array.from({ length: 20 }, (_, i) => {
        const sum = 256 * (acc[64 * row + i] as number) + (acc[64 * row + 32 + i] as number);
        return sum * ([0.25, 2][row] as number) * 0.125;
      });
      expectClose(act.slice(64 + 32 * row), exact, bound);
    }
    expect(cycles(outcome, 'vector.dequantise')[1]).toBe(2 * 2 * beats(20) + dequantise);
  });

  it.each(['relu2', 'silu'] as const)('applies the gate %s', (gate) => {
    const acc = sums(96, 8);
    const { outcome, act } = run(
      hw,
      { act: scaleRows([1]), acc, coef: [0.0005, 0.002] },
      giveRowScales(1),
      `vector.dequantiseGate dst=16, src=0, scale=0, rows=1, elements=40, dstPitch=48, srcPitch=0, function=${gate}, upOffset=48`,
    );
    const exact = acc.slice(0, 40).map((sum, i) => {
      const g = sum * 0.0005;
      const f = gate === 'relu2' ? Math.max(g, 0) ** 2 : g / (1 + Math.exp(-g));
      return f * (acc[48 + i] as number) * 0.002;
    });
    expectClose(act.slice(16), exact, bound);
    const gateLatency = convert + 3 * multiply + 2 * Math.floor(multiply / 2) + add + exp + reciprocal + 15;
    expect(cycles(outcome, 'vector.dequantiseGate')).toEqual([2 + gateLatency, 2 * beats(40) + gateLatency]);
  });

  it('rotates pairs by their position', () => {
    const d = 32;
    const acc = sums(2 * 96, 9);
    const angles = Array.from({ length: 2 }, (_, row) => Array.from({ length: d / 2 }, (__, i) => (row + 5) / 3 ** i));
    const table = angles.flatMap((row) => [...row.map(Math.cos), ...row.map(Math.sin)]).map(Math.fround);
    const { outcome, act } = run(
      hw,
      { act: scaleRows([1, 2]), acc, coef: [...new Array(16).fill(0.001), ...table] },
      giveRowScales(2),
      `vector.dequantiseRope dst=64, src=0, scale=0, rows=2, elements=64, dstPitch=96, srcPitch=96, headDimension=${d}, table=16`,
    );
    for (let row = 0; row < 2; row++) {
      for (let head = 0; head < 2; head++) {
        const y = acc.slice(96 * row + d * head, 96 * row + d * (head + 1)).map((sum) => sum * (row + 1) * 0.001);
        const exact = y.map((value, i) => {
          const angle = angles[row]?.[i % (d / 2)] as number;
          const pair = y[(i + d / 2) % d] as number;
          return value * Math.cos(angle) + (i < d / 2 ? -1 : 1) * pair * Math.sin(angle);
        });
        expectClose(act.slice(64 + 96 * row + d * head), exact, bound, 10);
      }
    }
    const ropeLatency = dequantise + multiply + 1;
    expect(cycles(outcome, 'vector.dequantiseRope')).toEqual([2 + ropeLatency, 2 * 2 * beats(64) + ropeLatency]);
  });

  it.each(['add', 'multiply'] as const)('computes rows: %s', (operation) => {
    const act = numbers(192, 10, 5);
    const { outcome, act: result } = run(
      hw,
      { act },
      `vector.${operation} dst=192, a=0, b=96, rows=2, elements=33, pitch=48`,
    );
    for (let row = 0; row < 2; row++) {
      const exact = Array.from({ length: 33 }, (_, i) => {
        const [a = 0, b = 0] = [act[48 * row + i], act[96 + 48 * row + i]];
        return Math.fround(operation === 'add' ? a + b : a * b);
      });
      // One operation, rounded once: exactly this.
      expect(result.slice(192 + 48 * row, 192 + 48 * row + 33)).toEqual(exact);
    }
    expect(cycles(outcome, `vector.${operation}`)).toEqual([2 + elementwise, 2 * 2 * beats(33) + elementwise]);
  });

  it('norms rows', () => {
    const x = numbers(96, 11, 20);
    const gain = numbers(40, 12);
    const { outcome, act } = run(
      hw,
      { act: x, coef: gain },
      'vector.norm dst=96, src=0, gain=0, rows=2, elements=40, dstPitch=64, srcPitch=48, epsilon=1e-5',
    );
    for (let row = 0; row < 2; row++) {
      const values = x.slice(48 * row, 48 * row + 40);
      const r = 1 / Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / 40 + 1e-5);
      expectClose(
        act.slice(96 + 64 * row),
        values.map((value, i) => value * r * (gain[i] as number)),
        bound,
      );
    }
    expect(cycles(outcome, 'vector.norm')).toEqual([
      beats(40) + reduce + root + norm + 1,
      2 * (2 * beats(40) + reduce + root) + norm,
    ]);
  });

  it('takes time by its shape alone', () => {
    const shape = fc.record({ rows: fc.integer({ min: 1, max: 3 }), elements: fc.integer({ min: 1, max: 200 }) });
    fc.assert(
      fc.property(shape, ({ rows, elements }) => {
        const pitches = 'dstPitch=208, srcPitch=208';
        const outcome = runAssembly(
          `vector.quantise dst=0, src=0, gain=0, rows=${rows}, elements=${elements}, ${pitches}, epsilon=0
          vector.dequantise dst=0, src=0, scale=0, rows=${rows}, elements=${elements}, ${pitches}
          vector.norm dst=0, src=0, gain=0, rows=${rows}, elements=${elements}, ${pitches}, epsilon=0
          halt`,
          hw,
          { values: false },
        );
        const settle = reduce + scalar;
        const quantising = rows * (beats(elements) + settle + beats(208)) + quantise;
        const norming = rows * (2 * beats(elements) + reduce + root) + norm;
        expect(cycles(outcome, 'vector.quantise')[1]).toBe(quantising);
        expect(cycles(outcome, 'vector.dequantise')[1]).toBe(rows * beats(elements) + dequantise);
        expect(cycles(outcome, 'vector.norm')[1]).toBe(norming);
        // What is not latency of a pipeline moves data at full rate.
        const classes = outcome.machine.counters.snapshot(outcome.machine.cycle).vector;
        expect(classes?.working).toBe(rows * (4 * beats(elements) + beats(208)));
      }),
      { numRuns: 20 },
    );
  });
});

describe('vector', () => {
  it('rounds to the format of the activation buffer', () => {
    const { act } = run(
      hardware('kv260', 'memory.kind=ideal', 'vector.format=bfloat16'),
      { act: [1, 1, 1, 3, ...new Array(12).fill(0), 0.00390625, 0.01171875, 0.001, 0.0078125] },
      'vector.add dst=32, a=0, b=16, rows=1, elements=4, pitch=16',
    );
    // Steps of 2⁻⁷ from 1 on: the first two are ties.
    expect(act.slice(32, 36)).toEqual([1, 1.015625, 1, 3]);
  });

  it('holds both ports of the activation buffer only where it reads and writes it', () => {
    const { hw } = models.kv260;
    // A scan reads the buffer for a long time.
    const beside = (instruction: string) => {
      const scan = 'sampler.scan src=4096, elements=3000, firstToken=0';
      const outcome = runAssembly(`${scan}\n${instruction}\nhalt`, hw, { values: false });
      const [name = ''] = instruction.split(' ');
      return outcome.stamps(name).started > outcome.stamps('sampler.scan').finished;
    };
    const shape = 'rows=1, elements=16, dstPitch=16, srcPitch=16';
    expect(beside(`vector.quantise dst=0, src=0, gain=0, ${shape}, epsilon=0`)).toBe(true);
    expect(beside(`vector.norm dst=16, src=0, gain=0, ${shape}, epsilon=0`)).toBe(true);
    expect(beside('vector.add dst=16, a=0, b=0, rows=1, elements=16, pitch=16')).toBe(true);
    expect(beside(`vector.dequantise dst=0, src=0, scale=0, ${shape}`)).toBe(false);
    expect(beside(`vector.dequantise dst=0, src=0, scale=0, ${shape}, options=accumulate`)).toBe(true);
  });

  it('refuses operands that its lanes cannot reach', () => {
    expect(() => runAssembly('vector.add dst=8, a=0, b=0, rows=1, elements=8, pitch=16\nhalt', models.wide.hw)).toThrow(
      'error[MCH006] instruction 0 (vector.add): dst 8 is not a multiple of vector.lanes (16)',
    );
  });
});
