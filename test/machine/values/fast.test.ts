import { describe, expect, it } from 'vitest';
import { openKernels } from '../../../src/cli/kernels.ts';
import { assemble, programImage } from '../../../src/isa/index.ts';
import { Machine } from '../../../src/machine/machine.ts';
import type { Kernels } from '../../../src/machine/values/kernels.ts';
import type { InstructionEvent } from '../../../src/trace/events.ts';
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
