import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derive, sumPitchElements } from '../../../src/hw/derive.ts';
import { hardware, integersAt, runAssembly } from '../harness.ts';

/** A machine small enough to write its words down: two tables of two inputs, three columns. */
function machine(...overrides: string[]) {
  const shape = ['matmul.group=2', 'matmul.tables=2', 'matmul.columns=3', 'matmul.accumulatorElements=600'];
  return hardware('odd', 'memory.kind=ideal', ...shape, ...overrides);
}

/** One tile of one block and one step, inputs 1, 2, 3, 4, and what the sums should be. */
const program = `
  .data weights = 0x1000
  .ternaryWords 1, 1, 1, 1,  1, 0, -1, 0,  0, -1, 0, 1
  .data inputs = 0x2000
  .i8 1, 2, 3, 4
  .reserve sums = 0x3000, 64
    weightBuffer.load dst=0, src=weights, words=1, alphabet=ternary @post(matmul)
    dma.load space=input, format=int8, local=0, remote=inputs, elements=4, rows=1, remoteStride=0, localPitch=4 @post(matmul)
    matmul.run input=0, weights=0, output=0, rows=1, blocks=1, steps=1, alphabet=ternary, planes=1, inputPitch=4 @wait(weightBuffer, dma) @post(dma)
    dma.store space=acc, format=int32, local=0, remote=sums, elements=3, rows=1, remoteStride=0, localPitch=3 @wait(matmul)
    halt`;

describe('matmul', () => {
  it.each(['select', 'half', 'full'])('multiplies a tile with %s tables', (form) => {
    const run = runAssembly(program, machine(`matmul.tableForm=${form}`));
    expect(integersAt(run.machine, 0x3000, 3)).toEqual([10, -2, 2]);
  });

  it('takes load + build + (rows·blocks − 1)·max(planes·steps, load, build) + planes·steps + matmulLatency', () => {
    const counts = fc.record({
      rows: fc.integer({ min: 1, max: 3 }),
      blocks: fc.integer({ min: 1, max: 5 }),
      steps: fc.integer({ min: 1, max: 12 }),
      planes: fc.integer({ min: 1, max: 4 }),
      tables: fc.constantFrom<readonly [string, number]>(
        ['select', 1],
        ['half', 1],
        ['half', 2],
        ['full', 1],
        ['full', 2],
        ['full', 4],
      ),
    });
    fc.assert(
      fc.property(counts, ({ rows, blocks, steps, planes, tables }) => {
        const [form, entries] = tables;
        const hw = machine(`matmul.tableForm=${form}`, `matmul.buildEntriesPerCycle=${entries}`, 'matmul.maxRows=4');
        const run = runAssembly(
          `matmul.run input=0, weights=0, output=0, rows=${rows}, blocks=${blocks}, steps=${steps}, alphabet=binary, planes=${planes}, inputPitch=${4 * blocks}\nhalt`,
          hw,
          { values: false },
        );
        const { started, first, finished } = run.stamps('matmul.run');
        const { matmulLatency, inputLoadCycles: load } = derive(hw);
        const stored = { select: 0, half: 2, full: 4 }[form] as number;
        // Two inputs, then the rows.
        const build = stored === 0 ? 0 : 2 + Math.ceil(stored / entries);
        expect(load).toBe(2); // four inputs, which may lie in two words of eight
        const read = planes * steps;
        const period = Math.max(read, build, load);
        expect(finished - started).toBe(load + build + (rows * blocks - 1) * period + read + matmulLatency);
        expect(first - started).toBe(load + build + 1 + matmulLatency);
        const classes = run.machine.counters.snapshot(run.machine.cycle).matmul;
        expect(classes?.working).toBe(rows * blocks * read);
        expect(classes?.pipeline).toBe(matmulLatency);
      }),
      { numRuns: 60 },
    );
  });

  /** Two columns, so that the sums of a step lie in one word. */
  const parallel = (rowsPerStep: number, ...more: string[]) =>
    machine(
      'matmul.columns=2',
      'matmul.accumulatorElements=512',
      'matmul.maxRows=8',
      'vector.maxRows=4',
      `matmul.rowsPerStep=${rowsPerStep}`,
      ...more,
    );

  it('reads each word once for rowsPerStep rows, and takes the time of one row for them', () => {
    const counts = fc.record({
      rowsPerStep: fc.constantFrom(1, 2, 4),
      rows: fc.integer({ min: 1, max: 8 }),
      blocks: fc.integer({ min: 1, max: 5 }),
      steps: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(counts, ({ rowsPerStep, rows, blocks, steps }) => {
        const hw = parallel(rowsPerStep, 'matmul.tableForm=half', 'matmul.buildEntriesPerCycle=1');
        const run = runAssembly(
          `matmul.run input=0, weights=0, output=0, rows=${rows}, blocks=${blocks}, steps=${steps}, alphabet=ternary, planes=1, inputPitch=${4 * blocks}\nhalt`,
          hw,
          { values: false },
        );
        const { started, finished } = run.stamps('matmul.run');
        const load = 2 * Math.min(rows, rowsPerStep);
        const build = 2 + 5;
        const turns = Math.ceil(rows / rowsPerStep) * blocks;
        const period = Math.max(steps, build, load);
        expect(finished - started).toBe(load + build + (turns - 1) * period + steps + derive(hw).matmulLatency);
        const classes = run.machine.counters.snapshot(run.machine.cycle).matmul;
        expect(classes?.working).toBe(turns * steps);
      }),
      { numRuns: 60 },
    );
  });

  it('puts the rows of a group into different banks of sums', () => {
    // A word is a step of two sums: five words are 1 modulo 2 and modulo 4, three and four are not both.
    expect(derive(parallel(2)).accWordElements).toBe(2);
    expect([1, 2, 4].map((rows) => sumPitchElements(5, 2, derive(parallel(rows))))).toEqual([10, 10, 10]);
    expect([1, 2, 4].map((rows) => sumPitchElements(4, 2, derive(parallel(rows))))).toEqual([8, 10, 10]);
    expect([1, 2, 4].map((rows) => sumPitchElements(3, 2, derive(parallel(rows))))).toEqual([6, 6, 10]);
    // Two steps to a word of four sums.
    const wide = { accWordElements: 4, rowsPerStep: 2 };
    expect([1, 2, 3, 5, 7].map((steps) => sumPitchElements(steps, 2, wide))).toEqual([4, 4, 12, 12, 20]);
    for (const rowsPerStep of [1, 2, 4]) {
      const hw = parallel(rowsPerStep);
      const pitch = sumPitchElements(3, 2, derive(hw));
      const run = runAssembly(
        `
  .data weights = 0x1000
  .ternaryWords ${[1, -1, 0, 1, 1, 0, 0, 1].join(', ')}, ${[1, 1, 1, 1, -1, -1, -1, -1].join(', ')}, ${[0, 0, 0, 1, 1, 0, 0, 0].join(', ')}
  .data inputs = 0x2000
  .i8 ${Array.from({ length: 24 }, (_, i) => (i * 7) % 19).join(', ')}
  .reserve sums = 0x3000, 1024
    weightBuffer.load dst=0, src=weights, words=3, alphabet=ternary @post(matmul)
    dma.load space=input, format=int8, local=0, remote=inputs, elements=24, rows=1, remoteStride=0, localPitch=24 @post(matmul)
    matmul.run input=0, weights=0, output=8, rows=5, blocks=1, steps=3, alphabet=ternary, planes=1, inputPitch=5 @wait(weightBuffer, dma) @post(dma)
    dma.store space=acc, format=int32, local=8, remote=sums, elements=6, rows=5, remoteStride=64, localPitch=${pitch} @wait(matmul)
    halt`,
        hw,
      );
      for (let row = 0; row < 5; row++) {
        const [a, b, c, d] = [0, 1, 2, 3].map((i) => ((5 * row + i) * 7) % 19) as [number, number, number, number];
        const all = a + b + c + d;
        expect(integersAt(run.machine, 0x3000 + 64 * row, 6)).toEqual([a - b + d, a + d, all, -all, d, a]);
      }
    }
  });

  it('adds to the sums that are there', () => {
    const twice = program.replace(
      /( *)(matmul\.run .*) @wait\(weightBuffer, dma\) @post\(dma\)/,
      '$1$2 @wait(weightBuffer, dma)\n$1$2, options=accumulate @post(dma)',
    );
    expect(twice).toContain('accumulate');
    const run = runAssembly(
      twice.replace('inputPitch=4, options=accumulate', 'options=accumulate, inputPitch=4'),
      machine(),
    );
    expect(integersAt(run.machine, 0x3000, 3)).toEqual([20, -4, 4]);
  });
});
