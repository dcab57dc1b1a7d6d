import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeFloat } from '../src/base/float.ts';
import type { HardwareModel } from '../src/hw/index.ts';
import { type AssembledProgram, assemble, formatFloat, programImage, verifyProgram } from '../src/isa/index.ts';
import { Machine } from '../src/machine/machine.ts';
import { commandBlock } from '../src/machine/run.ts';
import { table } from '../src/report/format.ts';
import type { InstructionEvent, TokenEvent } from '../src/trace/events.ts';
import { hardware } from './hw/models.ts';

const folder = new URL('../programs/', import.meta.url);
const regenerate = 'npx vitest run test/programs.test.ts -u';

function names(ending: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort();
}

// Read before any test runs, because a missing expectation is written by the test that misses it.
const programs = names('.lasm');
const expectations = names('.expect');

/** `; show NAME TYPE COUNT`: elements of a segment that belong into the expectation. */
interface Show {
  readonly name: string;
  readonly type: keyof typeof readers;
  readonly count: number;
}

const readers = {
  f32: [4, (view: DataView, at: number) => view.getFloat32(at, true)],
  f16: [2, (view: DataView, at: number) => decodeFloat('float16', view.getUint16(at, true))],
  i32: [4, (view: DataView, at: number) => view.getInt32(at, true)],
  i8: [1, (view: DataView, at: number) => view.getInt8(at)],
} as const;

interface ProgramRun {
  readonly hw: HardwareModel;
  readonly model: string;
  readonly program: AssembledProgram;
  readonly machine: Machine;
  readonly events: readonly InstructionEvent[];
  readonly tokens: readonly TokenEvent[];
  readonly shows: readonly Show[];
  /** Elements of a segment at the end of the run. */
  readonly elements: (name: string, type: Show['type'], count: number) => number[];
}

/** Words after `; NAME:` or `; NAME`, once for each such line. */
function directives(source: string, name: string): string[][] {
  return [...source.matchAll(new RegExp(`^; ${name}:? (.*)$`, 'gm'))].map(([, text = '']) => text.trim().split(/\s+/));
}

function runProgram(name: string): ProgramRun {
  const source = readFileSync(new URL(`${name}.lasm`, folder), 'utf8');
  const [[model = '', ...overrides] = []] = directives(source, 'hw');
  const hw = hardware(model, ...overrides);
  const program = assemble(source, `programs/${name}.lasm`, { hw });
  expect(verifyProgram(program.instructions, hw, program.segments, { labels: program.labels })).toEqual([]);
  const image = programImage(program, hw);
  const events: InstructionEvent[] = [];
  const tokens: TokenEvent[] = [];
  const machine = new Machine(image, hw, {
    values: true,
    dense: false,
    trace: { instruction: (event) => events.push(event), token: (event) => tokens.push(event) },
    cycleLimit: 100_000,
  });
  const [prompt] = directives(source, 'prompt');
  if (prompt) {
    const request = { prompt: prompt.map(Number), maxNewTokens: 0, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
    machine.store.write(0, commandBlock(request, image));
  }
  while (!machine.advance(10_000));
  const elements: ProgramRun['elements'] = (segment, type, count) => {
    const [size, read] = readers[type];
    const bytes = machine.store.read(program.constants.get(segment) as number, size * count);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: count }, (_, i) => read(view, size * i));
  };
  const shows = directives(source, 'show').map(([segment = '', type = '', count = '']) => ({
    name: segment,
    type: type as Show['type'],
    count: Number(count),
  }));
  return { hw, model: [model, ...overrides].join(' '), program, machine, events, tokens, shows, elements };
}

const scratch = new DataView(new ArrayBuffer(4));

function text(value: number, type: Show['type']): string {
  if (type.startsWith('i')) return String(value);
  scratch.setFloat32(0, value);
  return formatFloat(scratch.getUint32(0)).replace(/f$/, '');
}

const perLine = 8;

/** The text of an expectation. */
function report(name: string, { model, machine, events, tokens, shows, elements }: ProgramRun): string {
  const stamps = ['fetched', 'issued', 'started', 'first', 'finished'] as const;
  const rows = events.map((event) => [String(event.pc), event.name, ...stamps.map((stamp) => String(event[stamp]))]);
  const units = Object.entries(machine.counters.snapshot(machine.cycle)).map(([unit, classes]) => [
    unit,
    Object.entries(classes)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', '),
  ]);
  const memory = shows.flatMap(({ name: segment, type, count }) => {
    const values = elements(segment, type, count).map((value) => text(value, type));
    const lines = Array.from(
      { length: Math.ceil(count / perLine) },
      (_, line) => `    ${values.slice(perLine * line, perLine * (line + 1)).join(' ')}`,
    );
    return [`  ${segment} ${type}`, ...lines];
  });
  return [
    `# written by: ${regenerate}`,
    `program: ${name}.lasm`,
    `hardware: ${model}`,
    `cycles: ${machine.cycle}`,
    `instructions: ${machine.instructions}`,
    '',
    'unit instructions, in the order in which they finished:',
    ...table([['pc', 'instruction', ...stamps], ...rows], 'numbers'),
    '',
    `tokens: ${tokens.length === 0 ? 'none' : tokens.map(({ token, cycle }) => `${token} in cycle ${cycle}`).join(', ')}`,
    '',
    'cycles by unit and class:',
    ...table(units, 'left'),
    ...(memory.length > 0 ? ['', 'memory:', ...memory] : []),
    '',
  ].join('\n');
}

describe('programs', () => {
  it('come in pairs: every program has an expectation, and every expectation a program', () => {
    const hint = `a new expectation is written by ${regenerate}; read it before you keep it`;
    expect(
      programs.filter((name) => !expectations.includes(name)),
      hint,
    ).toEqual([]);
    expect(
      expectations.filter((name) => !programs.includes(name)),
      'expectations without a program',
    ).toEqual([]);
    expect(
      readdirSync(folder).filter((name) => !/\.(lasm|expect)$/.test(name)),
      'other files',
    ).toEqual([]);
    expect(programs.length).toBeGreaterThanOrEqual(8);
  });

  it.each(programs)('%s does what its expectation says', async (name) => {
    const expectation = new URL(`${name}.expect`, folder);
    await expect(report(name, runProgram(name))).toMatchFileSnapshot(expectation.pathname);
  });
});

function expectClose(actual: readonly number[], exact: readonly number[], bound: number): void {
  expect(actual.length).toBe(exact.length);
  exact.forEach((value, i) => {
    expect(Math.abs((actual[i] as number) - value), `element ${i}: ${actual[i]} and ${value}`).toBeLessThanOrEqual(
      bound,
    );
  });
}

/**
 * The digits of a tile's words on the odd machine: five columns of six in slices of three and of two columns and one that
 * does not exist, 4 bytes each; beats of 8 bytes. `digit` reads one of a slice's digits.
 */
function wordsAt(
  { machine, program }: ProgramRun,
  segment: string,
  tile: number,
  words: number,
  digit: (slice: Uint8Array, index: number) => number,
): number[][] {
  const stride = 8 * Math.ceil((4 * words) / 8);
  const begin = (program.constants.get(segment) as number) + tile * 2 * stride;
  return Array.from({ length: words }, (_, word) =>
    Array.from({ length: 30 }, (__, index) => {
      const slice = Math.floor(index / 18);
      return digit(machine.store.read(begin + slice * stride + 4 * word, 4), index - 18 * slice);
    }),
  );
}

/** Five base-3 digits to a byte, first digit most significant. */
const trit = (slice: Uint8Array, index: number) =>
  (Math.floor((slice[Math.floor(index / 5)] as number) / 3 ** (4 - (index % 5))) % 3) - 1;

/** Eight bits to a byte, first bit least significant. */
const sign = (slice: Uint8Array, index: number) => 2 * (((slice[index >> 3] as number) >> (index & 7)) & 1) - 1;

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

/** Softmax-weighted sum of the rows of values, in float64. */
function softmaxAttention(
  query: readonly number[],
  keys: readonly number[][],
  values: readonly number[][],
  scale: number,
) {
  const scores = keys.map((key) => scale * dot(query, key));
  const weights = scores.map((score) => Math.exp(score - Math.max(...scores)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return query.map(
    (_, i) =>
      dot(
        weights,
        values.map((value) => value[i] as number),
      ) / total,
  );
}

function rowsOf(numbers: readonly number[], width: number): number[][] {
  return Array.from({ length: numbers.length / width }, (_, row) => numbers.slice(row * width, (row + 1) * width));
}

describe('programs, computed another way', () => {
  it('matmul-tile', () => {
    const { elements } = runProgram('matmul-tile');
    const weights = [
      [1, 0, -1, 1],
      [1, 1, 1, 1],
      [0, -1, 0, 1],
    ];
    expect(elements('sums', 'i32', 3)).toEqual(weights.map((row) => dot(row, [5, 7, 100, -3])));
  });

  it('weight-stream', () => {
    const run = runProgram('weight-stream');
    const inputs = run.elements('inputs', 'i8', 48);
    const sums = [0, 0, 0, 0, 0];
    const tiles = Array.from({ length: 8 }, (_, tile) => wordsAt(run, 'weights', tile, 1, trit)[0] as number[]);
    tiles.forEach((word, tile) => {
      for (let column = 0; column < 5; column++) {
        const weights = word.slice(6 * column, 6 * column + 6);
        sums[column] = (sums[column] as number) + dot(weights, inputs.slice(6 * tile, 6 * tile + 6));
      }
    });
    expect(run.elements('sums', 'i32', 5)).toEqual(sums);
    // What the program is about: loads run beside products.
    const loads = run.events.filter(({ name }) => name === 'weightBuffer.load');
    const products = run.events.filter(({ name }) => name === 'matmul.run');
    const beside = products.filter(({ started, finished }) =>
      loads.some((load) => load.started < finished && load.finished > started),
    );
    expect(beside.length).toBeGreaterThanOrEqual(6);
  });

  it('wide-head', () => {
    const run = runProgram('wide-head');
    const { elements } = run;
    const hidden = elements('hidden', 'f32', 6);
    const planes = wordsAt(run, 'weights', 0, 4, sign);
    const weight = (column: number, input: number) =>
      planes.reduce((sum, plane, p) => sum + 2 ** p * (plane[6 * column + input] as number), 0);
    const exact = [0, 1, 2, 3, 4].map(
      (column) =>
        0.0625 *
        dot(
          hidden,
          hidden.map((_, input) => weight(column, input)),
        ),
    );
    // A level is rounded by at most a half, of 32512 for the largest magnitude, 2.
    expectClose(elements('logits', 'f32', 5), exact, 0.0625 * 6 * 15 * (0.51 / 32512) * 2);
    const limbs = elements('limbs', 'i8', 12);
    hidden.forEach((value, i) => {
      const level = 256 * (limbs[i] as number) + (limbs[6 + i] as number);
      expect(Math.abs(level - (value / 2) * 32512)).toBeLessThanOrEqual(0.51);
    });
  });

  it('norm', () => {
    const { elements } = runProgram('norm');
    const gains = elements('gains', 'f32', 20);
    const exact = rowsOf(elements('rows', 'f32', 40), 20).flatMap((row) => {
      const root = Math.sqrt(dot(row, row) / 20 + 1e-5);
      return row.map((value, i) => (value / root) * (gains[i] as number));
    });
    expectClose(elements('normed', 'f32', 40), exact, 3e-6);
  });

  it('rope', () => {
    const { elements } = runProgram('rope');
    const y = elements('sums', 'i32', 8).map((sum) => sum * (2 / 127) * 0.01);
    const exact = y.map((value, i) => {
      const inHead = i % 4;
      const angle = 3 / 10000 ** ((2 * (inHead % 2)) / 4);
      const pair = y[inHead < 2 ? i + 2 : i - 2] as number;
      return value * Math.cos(angle) + (inHead < 2 ? -pair : pair) * Math.sin(angle);
    });
    expectClose(elements('rotated', 'f32', 8), exact, 2e-6);
  });

  it('feed-forward', () => {
    const run = runProgram('feed-forward');
    const hidden = run.elements('hidden', 'f32', 6);
    const gains = run.elements('gains', 'f32', 6);
    const root = Math.sqrt(dot(hidden, hidden) / 6 + 1e-5);
    const normed = hidden.map((value, i) => (value / root) * (gains[i] as number));
    const amax = Math.max(...normed.map(Math.abs));
    const levels = normed.map((value) => Math.round((127 * value) / amax));
    const [gate = [], up = []] = wordsAt(run, 'weights', 0, 2, trit).map((word) =>
      rowsOf(word, 6).map((weights) => dot(weights, levels) * (amax / 127)),
    );
    const exact = gate.map((sum, i) => {
      const g = 0.5 * sum;
      return (hidden[i] as number) + (g / (1 + Math.exp(-g))) * 0.25 * (up[i] as number);
    });
    expectClose(run.elements('result', 'f32', 5), exact, 2e-6);
  });

  it('attention-prefill', () => {
    const { elements } = runProgram('attention-prefill');
    // The store keeps bfloat16: the upper half of a float32, rounded to nearest even.
    const stored = (values: number[]) =>
      values.map((value) => {
        scratch.setFloat32(0, value);
        const bits = scratch.getUint32(0);
        scratch.setUint32(0, (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000);
        return scratch.getFloat32(0);
      });
    const queries = rowsOf(elements('queries', 'f32', 24), 4);
    const keys = rowsOf(stored(elements('keys', 'f32', 20)), 4);
    const values = rowsOf(stored(elements('values', 'f32', 20)), 4);
    const exact = queries.flatMap((query, item) => {
      const visible = 3 + Math.floor(item / 2);
      return softmaxAttention(query, keys.slice(0, visible), values.slice(0, visible), 0.5);
    });
    expectClose(elements('output', 'f32', 24), exact, 1e-6);
  });

  it('attention-decode', () => {
    const { elements } = runProgram('attention-decode');
    const seen = (rows: number[][]) => rows.filter((_, position) => position < 2 || position > 29 - 12);
    const [keys = [], values = []] = ['keys', 'values'].map((name) => seen(rowsOf(elements(name, 'f16', 120), 4)));
    expect(keys.length).toBe(14);
    const exact = softmaxAttention(elements('query', 'f32', 4), keys, values, 0.5);
    expectClose(elements('output', 'f32', 4), exact, 1e-6);
  });

  it('kv-spill', () => {
    const { elements } = runProgram('kv-spill');
    const rows = rowsOf(elements('rows', 'f32', 12), 4);
    const half = (value: number) => {
      const step = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value) || 1)), -14) - 10);
      return Math.round(value / step) * step;
    };
    const [, second = [], third = []] = rows.map((row) => row.map(half));
    expect(elements('back', 'f16', 8)).toEqual([...second, ...third]);
    expect(elements('away', 'f16', 12)).toEqual([1, 2, 3, 4, 0, 0, 0, 0, ...second]);
  });

  it('position-loop', () => {
    const { elements } = runProgram('position-loop');
    const exact = [6, 0, 3, 3, 5].flatMap((token, position) =>
      [0, 1, 2, 3].map((i) => 4 * token + i + (4 * position + i) / 64),
    );
    expect(elements('stored', 'f32', 20)).toEqual(exact);
  });

  it('semaphores', () => {
    const { elements } = runProgram('semaphores');
    expect(elements('squares', 'f32', 24)).toEqual(Array.from({ length: 24 }, (_, i) => (1 + i / 2) ** 2));
  });

  it('sampling', () => {
    const tokens = runProgram('sampling').tokens.map(({ token }) => token);
    // The three best are 1, 4 and 2; the hash of docs/machine.md chooses among them.
    const mix = (value: number) => {
      let x = value;
      x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
      x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
      return (x ^ (x >>> 16)) >>> 0;
    };
    const weights = [1, 1, Math.exp(1.25 - 2)];
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const expected = [1];
    for (let step = 1; step < 8 && expected.at(-1) !== 2; step++) {
      const u = (mix(7 ^ mix((step + 0x9e3779b9) | 0)) >>> 8) / 2 ** 24;
      expected.push(
        [1, 4, 2][weights.findIndex((_, i) => dot(weights.slice(0, i + 1), [1, 1, 1]) > u * total)] as number,
      );
    }
    expect(tokens).toEqual(expected);
    expect(tokens.length).toBeGreaterThan(2);
  });
});
