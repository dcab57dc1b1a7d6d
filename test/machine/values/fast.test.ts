import { describe, expect, it } from 'vitest';
import { openKernels } from '../../../src/cli/kernels.ts';
import { assemble, programImage } from '../../../src/isa/index.ts';
import { Machine } from '../../../src/machine/machine.ts';
import type { Kernels } from '../../../src/machine/values/kernels.ts';
import type { InstructionEvent } from '../../../src/trace/events.ts';
import { hardware, integersAt, runAssembly } from '../harness.ts';
import { randomHardware, randomProgram } from '../randomProgram.ts';

interface Outcome {
  readonly events: readonly InstructionEvent[];
  readonly tokens: readonly number[];
  /** What the program left in memory, region by region. */
  readonly memory: readonly string[];
}

function run(seed: number, kernels: Kernels | undefined): Outcome {
  const hw = randomHardware(seed);
  const program = randomProgram(seed, hw);
  const image = programImage(assemble(program.source, 'random.lasm', { hw }), hw);
  const events: InstructionEvent[] = [];
  const tokens: number[] = [];
  const trace = {
    instruction: (event: InstructionEvent) => events.push(event),
    token: ({ token }: { token: number }) => tokens.push(token),
  };
  const machine = new Machine(image, hw, { values: true, dense: false, trace, kernels, cycleLimit: 1_000_000 });
  machine.store.write(0, new Uint8Array(Uint32Array.from(program.commandWords).buffer));
  while (!machine.advance(100_000));
  const memory = program.results.map(
    ({ name, address, bytes }) => `${name} ${Buffer.from(machine.store.read(address, bytes)).toString('base64')}`,
  );
  return { events, tokens, memory };
}

async function kernelsOf(threads: number): Promise<Kernels> {
  const { kernels, note } = await openKernels(threads);
  if (!kernels) throw new Error(note);
  return kernels;
}

describe('random programs give the same values by the plain functions and by the kernels', () => {
  it.each([
    [1, 60],
    [2, 30],
    [3, 10],
  ])('on %i threads', async (threads, programs) => {
    for (let seed = 0; seed < programs; seed++) {
      const kernels = await kernelsOf(threads);
      expect(run(seed, kernels), `seed ${seed}`).toEqual(run(seed, undefined));
    }
  });
});

describe('weights by kernels', () => {
  // Two tables of two inputs, four columns in one slice: a word is 16 digits in 4 bytes.
  const hw = hardware(
    'odd',
    'matmul.group=2',
    'matmul.tables=2',
    'matmul.columns=4',
    'matmul.accumulatorElements=600',
    'memory.ports=1',
    'memory.kind=ideal',
  );
  const product = (first: number, words: number, to: string) => `
    matmul.run input=0, weights=${first}, output=0, rows=1, blocks=1, steps=${words}, alphabet=ternary, planes=1, inputPitch=4 @wait(weightBuffer, dma) @post(dma)
    dma.store space=acc, format=int32, local=0, remote=${to}, elements=${4 * words}, rows=1, remoteStride=0, localPitch=${4 * words} @wait(matmul) @post(weightBuffer, matmul)`;
  const source = `
    .data inputs = 0x2000
    .i8 1, 2, 3, 4
    .data first = 0x2100
    .i8 17, 33, -91, 5,  8, 3, 121, 100,  11, 22, 44, 55,  66, 77, 88, 99
    .data second = 0x2200
    .i8 1, 2, 3, 4,  5, 6, 7, 8,  90, 80, 70, 60,  13, 26, 39, 52
    .reserve written = 0x3000, 64
    .reserve one = 0x4000, 128
    .reserve two = 0x4100, 128
    .reserve three = 0x4200, 128
    ; what was written just now is loaded as weights
    dma.load space=input, format=int8, local=8, remote=first, elements=16, rows=1, remoteStride=0, localPitch=16
    dma.store space=input, format=int8, local=8, remote=written, elements=16, rows=1, remoteStride=0, localPitch=16 @post(weightBuffer)
    dma.load space=input, format=int8, local=0, remote=inputs, elements=4, rows=1, remoteStride=0, localPitch=4 @post(matmul)
    weightBuffer.load dst=4, src=written, words=4, alphabet=ternary @wait(dma) @post(matmul)
    ${product(4, 2, 'one')}
    ; a load of constants over one of its words, and then words of both, and one that was never loaded
    weightBuffer.load dst=6, src=second, words=4, alphabet=ternary @wait(dma) @post(matmul)
    matmul.sync @wait(dma) @post(dma)
    dma.sync @wait(matmul) @post(matmul)
    ${product(4, 7, 'two')}
    ; a part of that load
    weightBuffer.sync @wait(dma) @post(matmul)
    matmul.sync @wait(dma) @post(dma)
    dma.sync @wait(matmul) @post(matmul)
    ${product(7, 2, 'three')}
    matmul.sync @wait(dma)
    weightBuffer.sync @wait(dma)
    halt`;
  const sums = (kernels?: Kernels) => {
    const { machine } = runAssembly(source, hw, kernels ? { kernels } : {});
    return [0x4000, 0x4100, 0x4200].map((address) => integersAt(machine, address, 28));
  };

  it('are what the plain functions make of written, overlapping, partial and missing loads', async () => {
    const expected = sums();
    expect(new Set(expected.flat()).size).toBeGreaterThan(10);
    expect(sums(await kernelsOf(1))).toEqual(expected);
    expect(sums(await kernelsOf(2))).toEqual(expected);
  });
});
