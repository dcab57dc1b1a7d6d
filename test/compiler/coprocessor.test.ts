import { describe, expect, test } from 'vitest';
import { type CoprocessorOptions, type CoprocessorPlan, compileCoprocessor } from '../../src/compiler/coprocessor.ts';
import { ternariseRows } from '../../src/compiler/quantise.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { ModelGraph } from '../../src/model/graph.ts';
import type { InstructionEvent } from '../../src/trace/events.ts';
import { machine, testGraph } from './models.ts';

const shape = {
  hiddenSize: 48,
  intermediateSize: 104,
  layerCount: 2,
  heads: 4,
  kvHeads: 2,
  headDimension: 12,
  vocabularySize: 70,
  maxPositions: 16,
};

/** The bitnet-kv260 engine, smaller: four columns on four ports, two rows at a time. */
const paired = [
  'matmul.rowsPerStep=2',
  'matmul.columns=4',
  'matmul.maxRows=4',
  'matmul.accumulatorElements=512',
  'matmul.inputElements=4096',
  'vector.lanes=1',
  'vector.maxRows=2',
  'attention.maxRows=2',
];

const machines: Readonly<Record<string, () => HardwareModel>> = {
  odd: () => machine('odd'),
  tiny: () => machine('tiny'),
  'kv260 with two rows per step': () => machine('kv260', ['matmul.rowsPerStep=2']),
  'mid with two rows per step, small buffers': () => machine('mid', [...paired, 'weightBuffer.words=64']),
};

const random = (() => {
  let state = 12345;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
})();

function run(graph: ModelGraph, hw: HardwareModel, options: CoprocessorOptions) {
  const image = compileCoprocessor(graph, hw, options);
  const events: InstructionEvent[] = [];
  const trace = { instruction: (event: InstructionEvent) => events.push(event), token: () => {} };
  const values = options.weights !== 'none';
  const simulated = new Machine(image, hw, { values, dense: false, trace, cycleLimit: 10_000_000 });
  const address = (name: string) => image.segments.find((segment) => segment.name === name)?.address as number;
  const plan = image.metadata.plan as CoprocessorPlan;
  const finish = () => {
    while (!simulated.advance(10_000));
    return simulated.cycle;
  };
  return { image, events, machine: simulated, address, plan, finish };
}

describe.each(Object.entries(machines))('products on %s', (_, make) => {
  test('every sum in memory is the dot product', () => {
    const hw = make();
    const graph = testGraph(shape);
    const rows = Math.min(3, hw.matmul.maxRows);
    const { machine: simulated, address, plan, finish } = run(graph, hw, { rows, headRows: 1 });
    const inputs = new Map<string, Int8Array[]>();
    const products = [
      ...graph.layers.flatMap((layer, index) =>
        plan.layer.map((product) => ({ product, layer, index, tensors: tensorsOf(product.name, layer) })),
      ),
      { product: plan.head!, layer: undefined, index: graph.layers.length, tensors: [] },
    ];
    for (const { product, index } of products) {
      const width = product.name === 'down' ? shape.intermediateSize : shape.hiddenSize;
      const list = Array.from({ length: product.rows }, () => Int8Array.from({ length: width }, () => random() & 255));
      inputs.set(`${index} ${product.name}`, list);
      list.forEach((row, r) => {
        const at = address('inputs') + index * plan.inputStride + product.inputs.offset + r * product.inputs.rowBytes;
        simulated.store.write(at, new Uint8Array(row.buffer));
      });
    }
    finish();
    for (const { product, index, tensors } of products) {
      const columns =
        product.name === 'head'
          ? [ternariseRows(graph.head, 0, shape.vocabularySize).levels]
          : tensors.map((tensor) => tensor.readRows(0, tensor.rows));
      inputs.get(`${index} ${product.name}`)?.forEach((row, r) => {
        const wanted = columns.flatMap((weights) => dots(weights, row));
        expect(wanted).toHaveLength(product.columns);
        const at = address('sums') + index * plan.sumStride + product.sums.offset + r * product.sums.rowBytes;
        const bytes = simulated.store.read(at, 4 * product.columns);
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        expect(wanted.map((__, i) => view.getInt32(4 * i, true))).toEqual(wanted);
      });
    }
  });

  test('takes the same time without values, and one product after the other', () => {
    const hw = make();
    const graph = testGraph(shape);
    const timed = run(graph, hw, { weights: 'none', headRows: 1 });
    const valued = run(graph, hw, { headRows: 1 });
    expect(timed.finish()).toBe(valued.finish());
    let end = 0;
    let product = '';
    for (const { name, started, finished, marks } of [...timed.events].sort((a, b) => a.started - b.started)) {
      if (name.endsWith('.sync')) continue;
      const key = `${marks.layer} ${marks.operation}`;
      if (key !== product) {
        expect(name).toBe('dma.load');
        expect(started).toBeGreaterThanOrEqual(end);
        product = key;
      }
      end = Math.max(end, finished);
    }
  });
});

function tensorsOf(name: string, layer: ModelGraph['layers'][number]) {
  const { query, key, value, output, gate, up, down } = layer;
  return { qkv: [query, key, value], o: [output], ffn: [gate, up], down: [down] }[name] ?? [];
}

function dots(weights: Int8Array, row: Int8Array): number[] {
  return Array.from({ length: weights.length / row.length }, (_, column) =>
    row.reduce((sum, value, i) => sum + value * (weights[column * row.length + i] as number), 0),
  );
}

test('two rows cost what one costs, three what four cost', () => {
  const hw = machine('mid', [...paired, 'memory.kind=ideal']);
  const graph = testGraph({ ...shape, hiddenSize: 240, headDimension: 60 });
  const working = [1, 2, 3, 4].map((rows) => {
    const { machine: simulated, events, finish } = run(graph, hw, { weights: 'none', rows });
    const cycles = finish();
    // A sync works for one cycle.
    const syncs = events.filter(({ name }) => name === 'matmul.sync').length;
    return (simulated.counters.snapshot(cycles)['matmul']?.['working'] ?? 0) - syncs;
  });
  expect(working[1]).toBe(working[0]);
  expect(working[2]).toBe(2 * (working[0] ?? 0));
  expect(working[3]).toBe(working[2]);
});

describe('what does not fit is refused', () => {
  const graph = testGraph(shape);
  const refused = (hw: HardwareModel, options: CoprocessorOptions) => () => compileCoprocessor(graph, hw, options);
  test('rows', () => {
    expect(refused(machine('tiny'), { rows: 99 })).toThrow(
      /CMP050.*product qkv of 99 rows cannot be run: the engine takes \d+ rows.*from 1 to \d+ rows/s,
    );
    expect(refused(machine('tiny'), { rows: 1.5 })).toThrow(/CMP050/);
  });
  test('a tile', () => {
    expect(refused(machine('tiny', ['weightBuffer.words=8']), {})).toThrow(/CMP051.*a slot of the weight buffer has 0/);
  });
  test('memory', () => {
    const small = machine('odd', ['memory.kind=ideal', 'memory.capacityBytes=16384']);
    expect(refused(small, {})).toThrow(/CMP052.*memory has 16384.*raise memory.capacityBytes to at least/s);
  });
});
