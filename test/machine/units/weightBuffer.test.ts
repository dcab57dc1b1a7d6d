import { describe, expect, it } from 'vitest';
import { derive } from '../../../src/hw/derive.ts';
import { hardware, integersAt, runAssembly } from '../harness.ts';

/** Two tables of two inputs, three columns: a ternary word has 12 digits in 3 bytes, a binary one 12 bits in 2. */
function machine(...overrides: string[]) {
  const shape = ['matmul.group=2', 'matmul.tables=2', 'matmul.columns=3', 'matmul.accumulatorElements=600'];
  return hardware('odd', ...shape, ...overrides);
}

const inputs = `
  .data inputs = 0x2000
  .i8 1, 2, 3, 4
  .reserve sums = 0x3000, 64
    dma.load space=input, format=int8, local=0, remote=inputs, elements=4, rows=1, remoteStride=0, localPitch=4 @post(matmul)`;

/** Stores the sums of two words that stand behind each other from word 5 on, as two steps of one block. */
const product = (alphabet: string) => `
    matmul.run input=0, weights=5, output=0, rows=1, blocks=1, steps=2, alphabet=${alphabet}, planes=1, inputPitch=4 @wait(weightBuffer, dma) @post(dma)
    dma.store space=acc, format=int32, local=0, remote=sums, elements=6, rows=1, remoteStride=0, localPitch=6 @wait(matmul)
    halt`;

describe('weightBuffer', () => {
  it('keeps ternary words as they lie in memory', () => {
    const hw = machine('memory.kind=ideal');
    expect(derive(hw).ternary.wordBytes).toBe(derive(hw).wordBytes);
    const run = runAssembly(
      `.data weights = 0x1000
      .trits 1, 1, 1, 1,  1, 0, -1, 0,  0, -1, 0, 1
      .trits -1, -1, 0, 0,  0, 0, 0, 0,  0, 1, 1, 0
      ${inputs}
      weightBuffer.load dst=5, src=weights, words=2, alphabet=ternary @post(matmul)
      ${product('ternary')}`,
      hw,
    );
    expect(integersAt(run.machine, 0x3000, 6)).toEqual([10, -2, 2, -3, 0, 5]);
  });

  it('spreads binary words, which are shorter in memory, over the same words', () => {
    const hw = machine('memory.kind=ideal');
    expect(derive(hw).binary.wordBytes).toBeLessThan(derive(hw).wordBytes);
    const run = runAssembly(
      `.data weights = 0x1000
      .bits 1, 1, 1, 1,  1, 0, 0, 0,  0, 1, 0, 1
      .bits 0, 0, 0, 0,  1, 1, 0, 0,  0, 0, 0, 1
      ${inputs}
      weightBuffer.load dst=5, src=weights, words=2, alphabet=binary @post(matmul)
      ${product('binary')}`,
      hw,
    );
    expect(integersAt(run.machine, 0x3000, 6)).toEqual([10, -8, 2, -10, -4, -2]);
  });

  it('loads two halves of a tile one after the other, at any word', () => {
    const run = runAssembly(
      `.data weights = 0x1000
      .trits repeat(12, 1)
      .trits repeat(12, -1)
      ${inputs}
      weightBuffer.load dst=6, src=weights, words=1, alphabet=ternary
      weightBuffer.load dst=5, src=weights+3, words=1, alphabet=ternary @post(matmul)
      ${product('ternary')}`,
      machine('memory.kind=ideal'),
    );
    expect(integersAt(run.machine, 0x3000, 6)).toEqual([-10, -10, -10, 10, 10, 10]);
  });

  it('has its first word one cycle after the first beat and finishes one cycle after the last', () => {
    // One port of 8 bytes without latency: a burst is issued the cycle after the request, arrives at once and moves
    // a beat in every cycle from then on.
    const hw = machine('memory.kind=ideal', 'memory.ports=1', 'memory.burstBeats=24');
    const words = 16;
    const bytes = words * derive(hw).ternary.wordBytes;
    expect(bytes).toBe(48);
    const run = runAssembly(
      `.reserve weights = 0x1000, 64\nweightBuffer.load dst=0, src=weights, words=${words}, alphabet=ternary\nhalt`,
      hw,
    );
    const { started, first, finished } = run.stamps('weightBuffer.load');
    const firstBeat = started + 2;
    const lastBeat = firstBeat + bytes / 8 - 1;
    expect([first, finished]).toEqual([firstBeat + 1, lastBeat + 1]);
    const classes = run.machine.counters.snapshot(run.machine.cycle).weightBuffer;
    expect(classes).toMatchObject({ working: bytes / 8, memory: finished - started - bytes / 8 });
  });

  it('takes as long for a binary tile as its bytes need', () => {
    const hw = hardware('kv260', 'memory.kind=ideal');
    const cycles = (alphabet: 'ternary' | 'binary') => {
      const run = runAssembly(
        `.reserve weights = 0x10000, 65536\nweightBuffer.load dst=0, src=weights, words=256, alphabet=${alphabet}\nhalt`,
        hw,
      );
      const { started, finished } = run.stamps('weightBuffer.load');
      return finished - started;
    };
    const { ternary, binary, portBytesPerCycle } = derive(hw);
    expect([ternary.wordBytes, binary.wordBytes]).toEqual([208, 130]);
    for (const [alphabet, { wordBytes }] of [
      ['ternary', ternary],
      ['binary', binary],
    ] as const) {
      const beats = (256 * wordBytes) / portBytesPerCycle;
      expect(cycles(alphabet)).toBeGreaterThanOrEqual(beats);
      expect(cycles(alphabet)).toBeLessThan(beats * 1.1 + 20);
    }
  });

  const loadBesideProduct = `
    .reserve weights = 0x1000, 4096
    matmul.run input=0, weights=0, output=0, rows=1, blocks=8, steps=12, alphabet=ternary, planes=1, inputPitch=0
    weightBuffer.load dst=200, src=weights, words=100, alphabet=ternary
    halt`;

  it('fills while the engine reads other words', () => {
    const run = runAssembly(loadBesideProduct, machine('memory.kind=ideal', 'weightBuffer.columnsPerBank=1'));
    expect(run.stamps('weightBuffer.load').started).toBeLessThan(run.stamps('matmul.run').finished);
  });

  it('waits for the engine where two columns share the ports of a bank', () => {
    const run = runAssembly(loadBesideProduct, machine('memory.kind=ideal', 'weightBuffer.columnsPerBank=2'));
    const load = run.stamps('weightBuffer.load');
    expect(load.issued).toBeLessThan(run.stamps('matmul.run').finished);
    // The port is free after the commit of the cycle in which the engine finishes.
    expect(load.started).toBe(run.stamps('matmul.run').finished + 1);
    expect(run.machine.counters.snapshot(run.machine.cycle).weightBuffer?.port).toBe(load.started - load.issued - 1);
  });

  it('makes the engine wait likewise', () => {
    const [, first = '', second = ''] = /(matmul\.run.*)\n\s*(weightBuffer\.load.*)/.exec(loadBesideProduct) ?? [];
    const swapped = `.reserve weights = 0x1000, 4096\n${second}\n${first}\nhalt`;
    const run = runAssembly(swapped, machine('memory.kind=ideal', 'weightBuffer.columnsPerBank=2'));
    expect(run.stamps('matmul.run').started).toBe(run.stamps('weightBuffer.load').finished + 1);
  });
});
