import type { CompiledModule } from 'verilator-wasm';
import { beforeAll, expect, it } from 'vitest';
import { faultMutations } from '../../bench/faultMutations.ts';
import { faultRun } from '../../bench/faultRuns.ts';
import { selector, withMutants } from '../../bench/mutants.ts';
import { LutraError } from '../../src/base/diagnostics.ts';
import { buildVerilog, type FaultKind, type FaultRecord, injectFaults, isBorne } from '../../src/cosim/index.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { templatesFromDisk } from '../rtl/templates.ts';
import { cacheDirectory } from './harness.ts';

/** Faults of its kinds after which a mutation has survived. */
const tries = 24;

describeVerilog('what the Verilog does about faults, mutated', () => {
  const hw = hardware('tiny');
  let module: CompiledModule;

  beforeAll(async () => {
    const templates = withMutants(templatesFromDisk(), faultMutations);
    module = await buildVerilog({ hw, templates, cacheDirectory, engine: 'verilator', waveform: false });
  }, 900_000);

  /** The first fault that is not borne, or what the Verilog did not even answer. */
  function caught(number: number, kinds: readonly FaultKind[]): FaultRecord | LutraError | undefined {
    const instantiate = () => {
      const simulation = module.instantiate();
      simulation.port(selector).set(number);
      return simulation;
    };
    const runOf = (seed: number) => faultRun(hw, 500 + seed);
    try {
      const records = injectFaults({ instantiate, runOf, count: number === 0 ? 4 : tries, firstSeed: 1, kinds });
      for (const record of records) if (!isBorne(record)) return record;
      return undefined;
    } catch (error) {
      if (number > 0 && error instanceof LutraError) return error;
      throw error;
    }
  }

  it('is equal while no mutation is on', () => {
    expect(caught(0, ['error on a write', 'no data of a read'])).toBeUndefined();
  });

  it.each(faultMutations.map(({ name, what, kinds }, index) => [name, what, index + 1, kinds] as const))(
    '%s is noticed: %s',
    (_name, _what, number, kinds) => {
      expect(caught(number, kinds)).toBeDefined();
    },
  );
});
