import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { layOut } from '../../src/compiler/compile.ts';
import { derive } from '../../src/hw/derive.ts';
import { machine, testGraph } from './models.ts';

const machines = ['kv260', 'tiny', 'odd'].map((name) => machine(name));
const bfloat16 = { gains: 'bfloat16', embedding: 'bfloat16' } as const;

const anyShape = fc.record({
  hiddenSize: fc.integer({ min: 1, max: 300 }),
  intermediateSize: fc.integer({ min: 1, max: 900 }),
  layerCount: fc.integer({ min: 1, max: 3 }),
  kvHeads: fc.integer({ min: 1, max: 3 }),
  groups: fc.integer({ min: 1, max: 2 }),
  headDimension: fc.constantFrom(32, 64, 96),
  vocabularySize: fc.integer({ min: 1, max: 3000 }),
  maxPositions: fc.integer({ min: 1, max: 300 }),
});

describe('tile and place', () => {
  it('covers every column once, inside every limit, for any shape that fits', () => {
    let fitted = 0;
    fc.assert(
      fc.property(anyShape, fc.constantFrom(...machines), (sizes, hw) => {
        const graph = testGraph({ ...sizes, heads: sizes.kvHeads * sizes.groups });
        const derived = derive(hw);
        let layout: ReturnType<typeof layOut>;
        try {
          layout = layOut(graph, hw, derived, bfloat16);
        } catch (error) {
          // The checks between the passes are our own faults and must never fire.
          if (error instanceof LutraError && error.exit === 'badInput') return;
          throw error;
        }
        fitted += 1;
        const { model, chip } = layout;
        for (const { name, used, capacity } of chip.buffers) expect(used, name).toBeLessThanOrEqual(capacity);
        for (const operation of [...model.layer, model.head]) {
          const seen = new Map(operation.outputs.map(({ name, columns }) => [name, new Uint8Array(columns)]));
          for (const { pieces, words, steps } of operation.tiles) {
            expect(words).toBe(operation.blocks * operation.planes * steps);
            const used = new Uint8Array(steps * hw.matmul.columns);
            for (const { output, first, columns, offset } of pieces) {
              expect(offset % hw.vector.lanes).toBe(0);
              for (let i = 0; i < columns; i++) {
                seen.get(output)![first + i]! += 1;
                used[offset + i]! += 1;
              }
            }
            expect(used.every((count) => count <= 1)).toBe(true);
          }
          for (const columns of seen.values()) expect(columns.every((count) => count === 1)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
    expect(fitted).toBeGreaterThan(20);
  });

  it('makes no tile wider than asked for, unless it has to', () => {
    const hw = machine('kv260');
    const graph = testGraph({
      hiddenSize: 300,
      intermediateSize: 900,
      layerCount: 1,
      kvHeads: 2,
      heads: 4,
      headDimension: 64,
      vocabularySize: 1000,
      maxPositions: 64,
    });
    const widths = (tileColumns?: number) => {
      const options = tileColumns === undefined ? {} : { tileColumns };
      const { model } = layOut(graph, hw, derive(hw), bfloat16, options);
      return [...model.layer, model.head].map(({ tiles }) => Math.max(...tiles.map(({ steps }) => steps * 8)));
    };
    const free = widths();
    const narrow = widths(32);
    expect(narrow.every((columns, index) => columns <= Math.max(64, free[index] as number))).toBe(true);
    // A head of queries is never cut, gate and up go together.
    expect(Math.max(...narrow)).toBeLessThanOrEqual(64);
    expect(Math.max(...free)).toBeGreaterThan(64);
  });
});
