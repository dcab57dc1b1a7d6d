import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HardwareModel } from '../../../src/hw/index.ts';
import { floatsAt, hardware, runAssembly } from '../harness.ts';

interface Problem {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDimension: number;
  readonly window: number;
  readonly sink: number;
  readonly rows: number;
  readonly queryPosition: number;
  /** Runs of positions, one `attend` each. */
  readonly runs: readonly { readonly firstPosition: number; readonly count: number }[];
}

/** docs/machine.md: p ≤ query position, and within the window or before `sink`. */
function visible(problem: Problem, row: number, run: Problem['runs'][number]): number[] {
  const query = problem.queryPosition + row;
  return Array.from({ length: run.count }, (_, i) => run.firstPosition + i).filter(
    (p) => p <= query && (problem.window === 0 || query - p < problem.window || p < problem.sink),
  );
}

/** The units’ latencies, written out for the two models. */
const machines = {
  wide: {
    hw: hardware(
      'kv260',
      'memory.kind=ideal',
      'attention.lanes=32',
      'vector.latency.add=4',
      'vector.latency.multiply=3',
      'vector.latency.exp=10',
    ),
    lanes: 32,
    add: 4,
    scoreLatency: 19 + 3 + (5 + 1 + 3) * 4 + 3,
    updateLatency: 19 + 3 + 4 + 1,
    outputLatency: 19 + 3 + 2,
  },
  odd: {
    hw: hardware('odd', 'memory.kind=ideal', 'attention.stateElements=5000'),
    lanes: 2,
    add: 3,
    scoreLatency: 13 + 2 + (1 + 1 + 2) * 3 + 2,
    updateLatency: 13 + 2 + 3 + 1,
    outputLatency: 13 + 2 + 2,
  },
};

/** Beats and cycles of one attend: the schedule of docs/machine.md, item by item. */
function schedule(problem: Problem, run: Problem['runs'][number], index: number, machine: (typeof machines)['odd']) {
  const b = Math.ceil(problem.headDimension / machine.lanes);
  let partials = 1;
  while (partials * b < machine.add + 2) partials *= 2;
  const combine = 2 * partials * b + (Math.log2(partials) + 1) * (machine.add + 1);
  const items: number[] = [];
  for (let row = problem.rows - 1; row >= 0; row--) {
    for (let head = 0; head < problem.heads; head++) {
      const n = visible(problem, row, run).length;
      if (n > 0) items.push(n * b);
    }
  }
  let cycles = problem.rows + 12;
  let working = 0;
  items.forEach((v, i) => {
    if (i === 0) cycles += v;
    cycles += Math.max(items[i + 1] ?? 0, machine.scoreLatency, combine) + v + b;
    working += 2 * v + b;
  });
  if (items.length > 0) cycles += machine.updateLatency + combine;
  if (index === problem.runs.length - 1) {
    const outputs = problem.rows * problem.heads * b;
    cycles += outputs + machine.outputLatency;
    working += outputs;
  }
  return { cycles, working };
}

const configure = ({ heads, kvHeads, headDimension, window, sink }: Problem, output: number) =>
  `attention.configure heads=${heads}, kvHeads=${kvHeads}, headDimension=${headDimension}, window=${window}, sink=${sink}, scale=0.25, query=0, output=${output}`;

function attend({ queryPosition, rows, runs }: Problem, index: number, keys = 0, values = 0): string {
  const { firstPosition, count } = runs[index] as Problem['runs'][number];
  const options = [index === 0 ? 'first' : '', index === runs.length - 1 ? 'last' : ''].filter((flag) => flag !== '');
  const flags = options.length > 0 ? `, options=${options.join('|')}` : '';
  return `attention.attend keys=${keys}, values=${values}, firstPosition=${firstPosition}, count=${count}, queryPosition=${queryPosition}, rows=${rows}${flags}`;
}

function problems(most: { count: number; position: number }): fc.Arbitrary<Problem> {
  const shape = fc.record({
    kvHeads: fc.integer({ min: 1, max: 3 }),
    share: fc.integer({ min: 1, max: 3 }),
    quarter: fc.integer({ min: 1, max: 5 }),
    window: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 12 })),
    sink: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5 })),
    rows: fc.integer({ min: 1, max: 3 }),
    queryPosition: fc.nat(most.position),
    runs: fc.array(fc.record({ gap: fc.nat(4), count: fc.integer({ min: 1, max: most.count }) }), {
      minLength: 1,
      maxLength: 3,
    }),
  });
  return shape.map(({ kvHeads, share, quarter, runs, ...rest }) => {
    let position = 0;
    const placed = runs.map(({ gap, count }) => {
      const firstPosition = position + gap;
      position = firstPosition + count;
      return { firstPosition, count };
    });
    return { ...rest, kvHeads, heads: kvHeads * share, headDimension: 32 * quarter, runs: placed };
  });
}

describe('attention', () => {
  it.each(['wide', 'odd'] as const)('takes the time of its schedule on %s', (name) => {
    const machine = machines[name];
    fc.assert(
      fc.property(problems({ count: 30, position: 60 }), (problem) => {
        const run = runAssembly(
          `${configure(problem, 4096)}\n${problem.runs.map((_, index) => attend(problem, index)).join('\n')}\nhalt`,
          machine.hw,
          { values: false },
        );
        expect(run.stamps('attention.configure').finished - run.stamps('attention.configure').started).toBe(1);
        let working = 0;
        problem.runs.forEach((positions, index) => {
          const { started, first, finished } = run.stamps('attention.attend', index);
          const expected = schedule(problem, positions, index, machine);
          expect(finished - started).toBe(expected.cycles);
          expect(first).toBe(finished);
          working += expected.working;
        });
        const classes = run.machine.counters.snapshot(run.machine.cycle).attention;
        // The configure’s cycle counts as work too.
        expect(classes?.working).toBe(working + 1);
      }),
      { numRuns: 60 },
    );
  });

  it('adds up by hand: two rows, causal', () => {
    // 16 elements are 8 beats of 2 lanes; row 1 (position 2) sees 3 keys, row 0 sees 2. One head.
    const problem: Problem = {
      heads: 1,
      kvHeads: 1,
      headDimension: 16,
      window: 0,
      sink: 0,
      rows: 2,
      queryPosition: 1,
      runs: [{ firstPosition: 0, count: 3 }],
    };
    const run = runAssembly(`${configure(problem, 64)}\n${attend(problem, 0)}\nhalt`, machines.odd.hw, {
      values: false,
    });
    const { started, finished } = run.stamps('attention.attend');
    // 8 beats need one partial output: C = 2·8 + 4. Scan + K₀ + (max(K₁, 29) + V₀ + β) + (29 + V₁ + β) + update + outputs.
    expect(finished - started).toBe(14 + 24 + (29 + 24 + 8) + (29 + 16 + 8) + (19 + 20) + (2 * 8 + 17));
  });

  /** Runs a problem with values and returns output rows, and the inputs as the machine had them. */
  function compute(problem: Problem, hw: HardwareModel) {
    const { heads, kvHeads, headDimension, rows, runs } = problem;
    const width = kvHeads * headDimension;
    const positions = runs.reduce((sum, { count }) => sum + count, 0);
    const elements = rows * heads * headDimension;
    const numbers = (count: number, seed: number) =>
      Array.from({ length: count }, (_, i) => Math.round(64 * Math.sin(seed + i * (1.3 + seed / 7))) / 64);
    const [query, keys, values] = [numbers(elements, 1), numbers(positions * width, 2), numbers(positions * width, 3)];
    const bytes = { float32: 4, float16: 2, bfloat16: 2 }[hw.kvStore.format];
    const directive = { float32: '.f32', float16: '.f16', bfloat16: '.bf16' }[hw.kvStore.format];
    const list = (row: readonly number[]) => row.map((value) => value.toExponential()).join(', ');
    const size = positions * width * bytes;
    let done = 0;
    const attends = runs.map(({ count }, index) => {
      const at = done * width * bytes;
      done += count;
      return attend(problem, index, at, size + at);
    });
    const output = 4096;
    const run = runAssembly(
      `.data query = 0x10000
      .f32 ${list(query)}
      .data keysAndValues = 0x20000
      ${directive} ${list(keys)}
      ${directive} ${list(values)}
      .reserve result = 0x40000, ${4 * elements}
      dma.load space=act, format=float32, local=0, remote=query, elements=${elements}, rows=1, remoteStride=0, localPitch=0 @post(attention)
      kvStore.fill dst=0, src=keysAndValues, bytes=${2 * size}, rows=1, stride=0 @post(attention)
      attention.sync @wait(dma, kvStore)
      ${configure(problem, output)}
      ${attends.join('\n')}
      attention.sync @post(dma)
      dma.store space=act, format=float32, local=${output}, remote=result, elements=${elements}, rows=1, remoteStride=0, localPitch=0 @wait(attention)
      halt`,
      hw,
    );
    return { query, keys, values, result: floatsAt(run.machine, 0x40000, elements), run };
  }

  /** Plain attention in float64: all scores, softmax, weighted sum. */
  function exact(problem: Problem, { query, keys, values }: ReturnType<typeof compute>): number[] {
    const { heads, kvHeads, headDimension: d, rows, runs } = problem;
    const stored = runs.flatMap(({ firstPosition, count }) =>
      Array.from({ length: count }, (_, i) => firstPosition + i),
    );
    return Array.from({ length: rows * heads }, (_, item) => {
      const row = Math.floor(item / heads);
      const kvHead = Math.floor((item % heads) / (heads / kvHeads));
      const seen = runs.flatMap((positions) => visible(problem, row, positions));
      if (seen.length === 0) return new Array<number>(d).fill(0);
      const start = (p: number) => (stored.indexOf(p) * kvHeads + kvHead) * d;
      const scores = seen.map((p) => {
        let sum = 0;
        for (let i = 0; i < d; i++) sum += (query[item * d + i] as number) * (keys[start(p) + i] as number);
        return 0.25 * sum;
      });
      const weights = scores.map((score) => Math.exp(score - Math.max(...scores)));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return Array.from({ length: d }, (__, i) =>
        weights.reduce(
          (sum, weight, j) => sum + (weight * (values[start(seen[j] as number) + i] as number)) / total,
          0,
        ),
      );
    }).flat();
  }

  it.each([
    ['kv260', 'float32'],
    ['kv260', 'float16'],
    ['odd', 'bfloat16'],
  ])('gives the softmax-weighted values on %s with %s entries, over several runs', (name, format) => {
    // Values are multiples of 2⁻⁶ up to 1: float16 and bfloat16 with 8 bits hold them (bfloat16 from ½ on too).
    const hw = hardware(name, 'memory.kind=ideal', `kvStore.format=${format}`, 'attention.stateElements=16384');
    fc.assert(
      fc.property(problems({ count: 8, position: 30 }), (problem) => {
        const computed = compute(problem, hw);
        const expected = exact(problem, computed);
        expected.forEach((value, i) => {
          expect(Math.abs((computed.result[i] as number) - value), `element ${i}`).toBeLessThan(3e-6);
        });
      }),
      { numRuns: 12, seed: 20 },
    );
  });

  it('gives 0 where no position is visible, and takes no time for it', () => {
    const problem: Problem = {
      heads: 2,
      kvHeads: 1,
      headDimension: 16,
      window: 0,
      sink: 0,
      rows: 2,
      queryPosition: 3,
      runs: [{ firstPosition: 4, count: 2 }],
    };
    const { result, run } = compute(problem, machines.odd.hw);
    expect(result.slice(0, 32)).toEqual(new Array(32).fill(0));
    expect(result.slice(32).some((value) => value !== 0)).toBe(true);
    const { started, finished } = run.stamps('attention.attend');
    expect(finished - started).toBe(14 + 8 + 2 * (29 + 8 + 8) + (19 + 20) + (4 * 8 + 17));
  });

  it('holds the write port of the activation buffer only in the last run', () => {
    const starts = (options: string) => {
      const run = runAssembly(
        `attention.configure heads=1, kvHeads=1, headDimension=32, window=0, sink=0, scale=1.0, query=0, output=64
        attention.attend keys=0, values=0, firstPosition=0, count=300, queryPosition=400, rows=1, options=${options}
        vector.dequantise dst=1024, src=0, scale=0, rows=1, elements=16, dstPitch=16, srcPitch=16
        halt`,
        machines.wide.hw,
        { values: false },
      );
      const done = run.stamps('attention.attend').finished;
      return run.stamps('vector.dequantise').started - done;
    };
    expect(starts('first')).toBeLessThan(0);
    expect(starts('first|last')).toBe(1);
  });

  it('refuses to attend before it is configured', () => {
    expect(() =>
      runAssembly(
        'attention.attend keys=0, values=0, firstPosition=0, count=1, queryPosition=0, rows=1, options=first|last\nhalt',
        machines.odd.hw,
      ),
    ).toThrow(
      'error[MCH008] instruction 0 (attention.attend): no attention.configure came before it (configure heads and buffers first)',
    );
  });

  it('refuses more rows × heads × elements than it keeps', () => {
    expect(() =>
      runAssembly(
        `attention.configure heads=4, kvHeads=4, headDimension=128, window=0, sink=0, scale=1.0, query=0, output=1024
        attention.attend keys=0, values=0, firstPosition=0, count=1, queryPosition=0, rows=2, options=first|last
        halt`,
        hardware('odd', 'memory.kind=ideal'),
      ),
    ).toThrow(
      'error[MCH006] instruction 1 (attention.attend): rows × heads × headDimension is 1024, more than attention.stateElements (770)',
    );
  });
});
