/**
 * What simulations cost, in exact counts: somebody who makes the simulator do more sees it here, whatever the clock says.
 * Fewer is better; `npx vitest run test/e2e/counts.test.ts -u` records the new counts.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memoryModule } from '../../src/cli/assembly.ts';
import { compile } from '../../src/compiler/index.ts';
import { assemble, programImage } from '../../src/isa/index.ts';
import { type Effort, Machine } from '../../src/machine/machine.ts';
import { Run } from '../../src/machine/run.ts';
import { parseConfig, shapeOnlyModel } from '../../src/model/index.ts';
import { hardware } from '../machine/harness.ts';
import { randomHardware, randomProgram } from '../machine/randomProgram.ts';
import { compileSmall, golden, runToHalt } from './smallModel.ts';

interface Counts extends Effort {
  readonly cycles: number;
  /** Instructions that the front end executed, and those that units finished. */
  readonly instructions: number;
  readonly events: number;
  readonly bursts: number;
  /** Decisions of the memory controller. */
  readonly dramAccesses: number;
}

function countsOf(machine: Machine, events: number): Counts {
  const { bursts, rowHits, rowMisses, rowConflicts } = machine.memory.statistics;
  return {
    cycles: machine.cycle,
    instructions: machine.instructions,
    events,
    bursts,
    dramAccesses: rowHits + rowMisses + rowConflicts,
    ...machine.effort,
  };
}

/** Component by component. */
function combine(a: Counts, b: Counts, sign: 1 | -1): Counts {
  const keys = Object.keys(a) as (keyof Counts)[];
  return Object.fromEntries(keys.map((key) => [key, a[key] + sign * b[key]])) as unknown as Counts;
}

function counter() {
  let events = 0;
  const sink = {
    instruction: () => {
      events += 1;
    },
    token: () => {},
  };
  return { sink, events: () => events };
}

/** Eight tokens of the small model, with values. */
function smallModel(module: WebAssembly.Module | undefined): Counts {
  const hw = hardware('kv260');
  const { sink, events } = counter();
  const prompt = golden[0]?.prompt_ids ?? [];
  const options = { sinks: [sink], ...(module ? { memoryModule: module } : {}) };
  const run = runToHalt(compileSmall(hw), hw, { prompt, maxNewTokens: 8 }, options);
  expect(run.tokens).toHaveLength(8);
  return countsOf(run.machine, events());
}

/** One decode step of a model of 0.73 billion weights, time only: from its third token to its fourth. */
function decodeStep(module: WebAssembly.Module | undefined): Counts {
  const hw = hardware('kv260');
  const path = 'models/bitnet-0.73b/config.json';
  const image = compile(shapeOnlyModel(parseConfig(readFileSync(path), path), 'bitnet-0.73b'), hw, { weights: 'none' });
  const { sink, events } = counter();
  const at: Counts[] = [];
  const request = { prompt: [1], maxNewTokens: 5, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
  const run = new Run(image, hw, request, {
    values: false,
    dense: false,
    sinks: [sink],
    onToken: () => at.push(countsOf(run.machine, events())),
    ...(module ? { memoryModule: module } : {}),
  });
  while (!run.advance(1_000_000));
  return combine(at[3] as Counts, at[2] as Counts, -1);
}

/** Forty random programs, each on its machine, with values. */
function randomPrograms(module: WebAssembly.Module | undefined): Counts {
  const all = Array.from({ length: 40 }, (_, seed): Counts => {
    const hw = randomHardware(seed);
    const { source, commandWords } = randomProgram(seed, hw);
    const { sink, events } = counter();
    const machine = new Machine(programImage(assemble(source, 'random.lasm', { hw }), hw), hw, {
      values: true,
      dense: false,
      trace: sink,
      cycleLimit: 1_000_000,
      ...(module ? { memoryModule: module } : {}),
    });
    machine.store.write(0, new Uint8Array(Uint32Array.from(commandWords).buffer));
    while (!machine.advance(100_000));
    return countsOf(machine, events());
  });
  return all.reduce((sum, one) => combine(sum, one, 1));
}

describe('the work that a simulation does', () => {
  it('is what it was', async () => {
    const module = await memoryModule();
    expect(module).toBeDefined();
    const programs = { smallModel, decodeStep, randomPrograms };
    const counts = Object.fromEntries(
      Object.entries(programs).map(([name, count]) => {
        const plain = count(undefined);
        const assembled = count(module);
        // However memory is timed, it is timed the same.
        expect({ ...assembled, memoryCalls: 0 }).toEqual({ ...plain, memoryCalls: 0 });
        return [name, { ...assembled, memoryCallsOfPlainMemory: plain.memoryCalls }];
      }),
    );
    const record = { regenerate: 'npx vitest run test/e2e/counts.test.ts -u', ...counts };
    await expect(`${JSON.stringify(record, null, 2)}\n`).toMatchFileSnapshot('../../golden/counts.json');
  });
});
