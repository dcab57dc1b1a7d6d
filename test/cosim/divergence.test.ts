import type { CompiledModule, Simulation } from 'verilator-wasm';
import { beforeAll, expect, it } from 'vitest';
import { selector, withMutants } from '../../bench/mutants.ts';
import { mutations } from '../../bench/mutationList.ts';
import { buildVerilog, disturbance, Lockstep, type LockstepJob, waveformAround } from '../../src/cosim/index.ts';
import { assemble, programImage } from '../../src/isa/index.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { templatesFromDisk } from '../rtl/templates.ts';
import { cacheDirectory } from './harness.ts';

const hw = hardware('tiny');
const faults = ['start-late', 'count-two', 'write-ready', 'mul-carry'];
const chosen = mutations.filter(({ name }) => faults.includes(name));

const source = `
.data rows
    .f32 random(48, 1)
.reserve products, 192

    dma.load space=act, format=float32, local=0, remote=rows, elements=13, rows=3, remoteStride=64, localPitch=16 @post(vector)
    vector.add dst=64, a=0, b=0, elements=45, rows=1, pitch=48 @wait(dma)
    vector.multiply dst=128, a=64, b=0, elements=45, rows=1, pitch=48 @post(dma)
    dma.store space=act, format=float32, local=128, remote=products, elements=13, rows=3, remoteStride=64, localPitch=16 @wait(vector)
    halt
`;

describeVerilog('a machine that is not equal', () => {
  let verilog: CompiledModule;

  beforeAll(async () => {
    const templates = withMutants(templatesFromDisk(), chosen);
    verilog = await buildVerilog({ hw, templates, cacheDirectory, engine: 'verilator', waveform: true });
  }, 300_000);

  function faulty(name: string): Simulation {
    const simulation = verilog.instantiate();
    simulation.port(selector).set(chosen.findIndex((mutation) => mutation.name === name) + 1);
    return simulation;
  }

  function job(seed?: number): LockstepJob {
    const image = programImage(assemble(source, 'rows.lasm', { hw }), hw);
    const command = new Uint8Array();
    return seed === undefined ? { image, hw, command } : { image, hw, command, disturbance: disturbance(seed) };
  }

  function difference(name: string, seed?: number) {
    const lockstep = new Lockstep(faulty(name), job(seed));
    while (!lockstep.advance());
    return lockstep.result().difference;
  }

  it('is named with unit, instruction, cycle and both values', () => {
    const found = difference('start-late');
    expect(found).toMatchObject({ where: 'vector', what: expect.stringMatching(/vector.*instruction 2.*: started$/) });
    const [machine, verilog] = [startOf(found?.machine), startOf(found?.verilog)];
    expect([machine, verilog]).toEqual([found?.cycle, (found?.cycle ?? 0) + 1]);
  });

  it('is found by the monitors of AXI where memory hesitates', () => {
    const what = 'AXI: write data is held, unchanged, until it is taken';
    expect(difference('write-ready', 1)).toMatchObject({ where: 'memory port 0', what, verilog: 'broken' });
    expect(difference('write-ready')).toBeUndefined();
  });

  it('is found in memory and in counters after the halt', () => {
    expect(difference('mul-carry')).toMatchObject({ where: 'memory', what: expect.stringMatching(/^byte \d+ after/) });
    expect(difference('count-two')).toMatchObject({
      where: 'frontEnd',
      what: 'counter idle',
      machine: '1',
      verilog: '2',
    });
  });

  it('is shown in a waveform of the cycles around', () => {
    const margin = 20;
    const { cycle } = difference('start-late') as { cycle: number };
    const dump = new TextDecoder().decode(waveformAround(faulty('start-late'), job(), cycle, margin));
    const clock = /\$var wire +1 (\S+) clk_i \$end/.exec(dump)?.[1] ?? '';
    const risingEdges = dump.split('\n').filter((line) => line === `1${clock}`).length;
    expect(risingEdges).toBeGreaterThanOrEqual(2 * margin);
    expect(risingEdges).toBeLessThanOrEqual(2 * margin + 2);
    expect(dump).toContain('trace_started_o');
  });
});

/** The cycle of `started` in a list of stamps. */
function startOf(stamps: string | undefined): number {
  return Number(/started (\d+)/.exec(stamps ?? '')?.[1]);
}
