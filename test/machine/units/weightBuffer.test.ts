import { describe, expect, it } from 'vitest';
import { derive } from '../../../src/hw/derive.ts';
import { assemble, issueUnits, programImage } from '../../../src/isa/index.ts';
import { Machine } from '../../../src/machine/machine.ts';
import { hardware, integersAt, runAssembly } from '../harness.ts';

/**
 * Two tables of two inputs, three columns in two slices of two and one: a slice of a ternary word has 8 digits in 2 bytes,
 * one of a binary word 8 bits in 1. A beat has 8 bytes.
 */
function machine(...overrides: string[]) {
  const shape = ['matmul.group=2', 'matmul.tables=2', 'matmul.columns=3', 'matmul.accumulatorElements=600'];
  return hardware('odd', ...shape, ...overrides);
}

const inputs = `
  .data inputs = 0x2000
  .i8 1, 2, 3, 4
  .reserve sums = 0x3000, 64
    dma.load space=input, format=int8, local=0, remote=inputs, elements=4, rows=1, remoteStride=0, localPitch=4 @post(matmul)`;

/** Stores the sums of two words that stand behind each other from word `first` on, as two steps of one block. */
const product = (alphabet: string, first = 8) => `
    matmul.run input=0, weights=${first}, output=0, rows=1, blocks=1, steps=2, alphabet=${alphabet}, planes=1, inputPitch=4 @wait(weightBuffer, dma) @post(dma)
    dma.store space=acc, format=int32, local=0, remote=sums, elements=6, rows=1, remoteStride=0, localPitch=6 @wait(matmul)
    halt`;

describe('weightBuffer', () => {
  it('joins the slices of ternary words', () => {
    const hw = machine('memory.kind=ideal');
    expect(derive(hw)).toMatchObject({ weightSlices: 2, sliceColumns: 2, ternary: { sliceBytes: 2 } });
    const run = runAssembly(
      `.data weights = 0x1000
      .trits 1, 1, 1, 1,  1, 0, -1, 0
      .trits -1, -1, 0, 0,  0, 0, 0, 0
      .align 8
      .trits 0, -1, 0, 1, 1
      .i8 -1                         ; padding
      .trits 0, 1, 1, 0
      ${inputs}
      weightBuffer.load dst=8, src=weights, words=2, alphabet=ternary @post(matmul)
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
      .binaryWords 1, 1, 1, 1,  1, 0, 0, 0,  0, 1, 0, 1
      .binaryWords 0, 0, 0, 0,  1, 1, 0, 0,  0, 0, 0, 1
      ${inputs}
      weightBuffer.load dst=8, src=weights, words=2, alphabet=binary @post(matmul)
      ${product('binary')}`,
      hw,
    );
    expect(integersAt(run.machine, 0x3000, 6)).toEqual([10, -8, 2, -10, -4, -2]);
  });

  it('loads two halves of a tile one after the other, at any beat of words', () => {
    const run = runAssembly(
      `.data weights = 0x1000
      .ternaryWords repeat(48, 1)
      .tile
      .ternaryWords repeat(48, -1)
      ${inputs}
      weightBuffer.load dst=12, src=weights, words=4, alphabet=ternary
      weightBuffer.load dst=8, src=weights+16, words=4, alphabet=ternary @post(matmul)
      ${product('ternary', 11)}`,
      machine('memory.kind=ideal'),
    );
    expect(integersAt(run.machine, 0x3000, 6)).toEqual([-10, -10, -10, 10, 10, 10]);
  });

  it('has its first word loadLatency after the first beat and finishes loadLatency after the last', () => {
    // One port of 8 bytes without latency: a burst is issued 4 cycles after the request, arrives at once and moves
    // a beat in every cycle from then on.
    const hw = machine('memory.kind=ideal', 'memory.ports=1', 'memory.burstBeats=24');
    const words = 16;
    const bytes = words * derive(hw).ternary.wordBytes;
    expect(bytes).toBe(64);
    const run = runAssembly(
      `.reserve weights = 0x1000, 64\nweightBuffer.load dst=0, src=weights, words=${words}, alphabet=ternary\nhalt`,
      hw,
    );
    const { started, first, finished } = run.stamps('weightBuffer.load');
    const firstBeat = started + 5;
    const lastBeat = firstBeat + bytes / 8 - 1;
    expect([first, finished]).toEqual([firstBeat + 4, lastBeat + 4]);
    const classes = run.machine.counters.snapshot(run.machine.cycle).weightBuffer;
    expect(classes).toMatchObject({ working: bytes / 8, memoryLatency: finished - started - bytes / 8 });
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
    expect([ternary.wordBytes, binary.wordBytes]).toEqual([224, 144]);
    for (const [alphabet, { wordBytes }] of [
      ['ternary', ternary],
      ['binary', binary],
    ] as const) {
      const beats = (256 * wordBytes) / portBytesPerCycle;
      expect(cycles(alphabet)).toBeGreaterThanOrEqual(beats);
      expect(cycles(alphabet)).toBeLessThan(beats * 1.1 + 20);
    }
  });

  it('streams every slice through its own port, in turns', () => {
    const bursts: (readonly [port: number, address: number, bytes: number, issued: number])[] = [];
    const hw = hardware('kv260', 'memory.kind=ideal');
    const program = assemble(
      '.reserve weights = 0x10000, 65536\nweightBuffer.load dst=0, src=weights, words=41, alphabet=ternary\nhalt',
      'slices.lasm',
      { hw },
    );
    const machine = new Machine(programImage(program, hw), hw, {
      values: true,
      dense: false,
      trace: { instruction: () => {}, token: () => {} },
      memory: {
        onIssue: (port, user, _write, address, bytes, issued) => {
          if (issueUnits[user] === 'weightBuffer') bursts.push([port, address, bytes, issued]);
        },
      },
    });
    while (!machine.advance(1000));
    // 41 slices of 56 bytes are 2296: a turn of 2048 bytes, two bursts, and 248, which are 16 beats.
    const issued = bursts[0]?.[3] as number;
    const ports = [0, 1, 2, 3];
    expect(bursts).toEqual([
      ...ports.map((port) => [port, 0x10000 + 2048 * port, 1024, issued]),
      ...ports.map((port) => [port, 0x10000 + 2048 * port + 1024, 1024, issued + 1]),
      ...ports.map((port) => [port, 0x10000 + 8192 + 256 * port, 248, issued + 2]),
    ]);
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
