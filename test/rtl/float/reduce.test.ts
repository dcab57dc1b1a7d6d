import { type CompiledModule, compile } from 'verilator-wasm';
import { expect, it } from 'vitest';
import { createReducer } from '../../../src/numerics/reduce.ts';
import { describeVerilog } from '../../describeWith.ts';
import { createRandom, decode, directedPairs, encode, float32 } from './formats.ts';
import { renderLibrary } from './library.ts';

interface Shape {
  readonly lanes: number;
  readonly partials: number;
  readonly latency: number;
}

interface Row {
  /** Float32 products, as they enter. */
  readonly products: Float32Array;
  /** Idle cycles before it. */
  readonly gap: number;
}

function build({ lanes, partials, latency }: Shape): Promise<CompiledModule> {
  return compile({
    files: renderLibrary(),
    top: 'fp_reduce',
    parameters: { LANES: lanes, PARTIALS: partials, ADD_LATENCY: latency },
    warnings: 'error',
    xInitial: 'unique',
  });
}

/** Streams the rows; returns what is wrong with results and their cycles. */
function check(
  module: CompiledModule,
  { lanes, partials, latency }: Shape,
  rows: readonly Row[],
  seed: number,
): string[] {
  const sim = module.instantiate({ seed });
  const port = (name: string) => sim.port(name);
  const [reset, valid, last, values] = ['rst_ni', 'valid_i', 'last_i', 'values_i'].map(port);
  const [validOut, y] = [port('valid_o'), port('y_o')];
  const reducer = createReducer(lanes, partials);
  const total = (Math.log2(lanes) + 1 + Math.log2(partials)) * latency;
  const due = new Map<number, number>();
  const wrong: string[] = [];
  const random = createRandom(seed);
  const beat = new Float32Array(lanes);
  const beatBits = new Uint32Array(beat.buffer);
  let cycle = 0;
  const step = () => {
    sim.tick();
    // After the edge that ends cycle c, the outputs are those of cycle c + 1.
    cycle++;
    const expected = due.get(cycle);
    if (validOut.get() !== (expected === undefined ? 0 : 1)) wrong.push(`cycle ${cycle}: valid_o ${validOut.get()}`);
    else if (expected !== undefined && y.get() !== expected) wrong.push(`cycle ${cycle}: ${y.get()} for ${expected}`);
  };
  const idle = () => {
    valid!.set(0);
    // What last_i is does not matter then.
    last!.set(random() & 1);
    step();
  };
  reset!.set(0);
  for (let i = 0; i < 3; i++) sim.tick();
  reset!.set(1);
  const ones = new Float32Array(4096).fill(1);
  for (const { products, gap } of rows) {
    for (let i = 0; i < gap; i++) idle();
    const beats = Math.ceil(products.length / lanes);
    for (let j = 0; j < beats; j++) {
      beat.fill(0);
      beat.set(products.subarray(j * lanes, (j + 1) * lanes));
      if (lanes === 1) values!.set(beatBits[0]!);
      else values!.setWords(beatBits);
      valid!.set(1);
      last!.set(j === beats - 1 ? 1 : 0);
      if (j === beats - 1) due.set(cycle + total, encode(float32, reducer.dot(products, 0, ones, 0, products.length)));
      step();
    }
  }
  for (let i = 0; i < total + 2; i++) idle();
  return wrong.slice(0, 5);
}

/** Rows of all short lengths and some long ones, close together and apart. */
function randomRows({ lanes, partials }: Shape, count: number, seed: number): Row[] {
  const random = createRandom(seed);
  const { a } = directedPairs(float32, 4096, seed);
  return Array.from({ length: count }, (_, row) => {
    const beats = 1 + (random() % (row % 5 === 0 ? 5 * partials : row % 5 < 3 ? 2 : partials + 3));
    const elements = beats * lanes - (random() % lanes);
    const products = Float32Array.from({ length: elements }, () =>
      // Mostly numbers whose sums round, sometimes infinities, NaNs, subnormals and zeros of both signs.
      row % 4 === 0 ? decode(float32, a[random() % 4096]!) : (random() / 2 ** 31 - 1) * 2 ** (random() % 24),
    );
    return { products, gap: random() % 3 === 0 ? random() % (2 * partials) : 0 };
  });
}

const shapes: Shape[] = [
  { lanes: 16, partials: 8, latency: 4 },
  { lanes: 4, partials: 8, latency: 6 },
  { lanes: 2, partials: 4, latency: 4 },
  { lanes: 1, partials: 2, latency: 1 },
  { lanes: 4, partials: 1, latency: 1 },
];

describeVerilog('fp_reduce', { timeout: 120_000 }, () => {
  it.each(shapes)('$lanes lanes, $partials partial sums, add $latency', async (shape) => {
    const module = await build(shape);
    for (const seed of [20, 21]) expect(check(module, shape, randomRows(shape, 600, seed), seed)).toEqual([]);
  });
});
