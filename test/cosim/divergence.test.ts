import type { CompiledModule, Simulation } from 'verilator-wasm';
import { beforeAll, expect, it } from 'vitest';
import { selector, withMutants } from '../../bench/mutants.ts';
import { mutations } from '../../bench/mutationList.ts';
import { traceFacts } from '../../src/cli/traceFacts.ts';
import { buildVerilog, disturbance, Lockstep, type LockstepJob, waveformAround } from '../../src/cosim/index.ts';
import { assemble, issueUnits, programImage } from '../../src/isa/index.ts';
import { counterClass } from '../../src/rtl/counterClasses.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { templatesFromDisk } from '../rtl/templates.ts';
import { readVcd } from '../trace/vcdReader.ts';
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

  it('is shown in a waveform of the cycles around, of both sides, in one time', () => {
    const margin = 200;
    const { cycle } = difference('start-late') as { cycle: number };
    const facts = traceFacts(job().image, hw, undefined);
    const shown = waveformAround(faulty('start-late'), job(), facts, cycle, margin);
    const dump = new TextDecoder().decode(shown.waveform);
    const { signals, end } = readVcd(dump);
    const period = 1e12 / hw.clockHz;
    const from = cycle - margin;
    const edges = signals.get('TOP.clk_i')?.filter(([, value]) => value === '1') ?? [];
    // A cycle begins with the edge at the end of the one before.
    expect(edges.map(([time]) => time)).toEqual(edges.map((_, index) => Math.round((from + index) * period)));
    expect(edges.length).toBe(2 * margin + 2);
    expect(end).toBe(Math.round((cycle + 1 + margin) * period));

    /** The value in a cycle, as the edge at its end finds it. */
    const at = (name: string, when: number) => {
      const changes = signals.get(name);
      if (!changes) throw new Error(`no signal ${name}`);
      return changes.findLast(([time]) => time < Math.round((when + 1) * period))?.[1];
    };
    const units = issueUnits.slice(1);
    const queues = (when: number) => [
      units.map((unit) => at(`lutra.${unit}.queue`, when)),
      units.map((unit) => at(`TOP.lutra.u_${unit}_control.u_queue.count_q`, when)),
    ];
    const counts = (when: number) => [
      at('lutra.semaphores.dma_to_vector', when),
      at(`TOP.lutra.u_vector_control.g_semaphore[${issueUnits.indexOf('dma')}].u_semaphore.count_q`, when),
    ];
    const states = (when: number) => [
      units.map((unit) => stateNumber(at(`lutra.${unit}.state`, when) as string)),
      units.map((unit) => Number(at(`TOP.lutra.u_${unit}_control.class_o`, when))).map(running),
    ];
    const seen = new Set<string>();
    for (let when = from; when < cycle; when++) {
      for (const [machine, verilog] of [queues(when), counts(when), states(when)]) expect(verilog).toEqual(machine);
      seen.add(JSON.stringify([queues(when), counts(when), states(when)]));
    }
    expect(seen.size).toBeGreaterThan(5);
    // In the cycle of the difference it shows.
    const vector = units.indexOf('vector');
    expect(states(cycle).map((all) => all[vector])).toEqual([1, counterClass('port')]);
    expect(at('lutra.vector.pc', cycle)).toBe('2');
    const view = shown.view('difference.vcd').split('\n');
    expect(view).toContain('verilog.TOP.trace_started_o[7:0]');
    expect(view).toContain('machine.lutra.vector.state');
    expect(view.find((line) => line.startsWith('*'))?.split(' ')[1]).toBe(String(cycle * period));
    const names = view.filter((line) => /^(machine|verilog)\./.test(line)).map((line) => line.replace(/^\w+\./, ''));
    expect(names.length).toBeGreaterThan(60);
    expect(names.filter((name) => !signals.has(name.replace(/\[.*$/, '')))).toEqual([]);
  });
});

/** Number of a state of the machine in hardware; a running instruction is 1, whatever its cycles count as at its end. */
function stateNumber(state: string): number {
  return state === 'working' ? 1 : counterClass(state);
}

/** Likewise of the Verilog, which says live what a cycle of a running instruction counts as. */
function running(hardwareClass: number): number {
  return hardwareClass >= 1 && hardwareClass <= 4 ? 1 : hardwareClass;
}

/** The cycle of `started` in a list of stamps. */
function startOf(stamps: string | undefined): number {
  return Number(/started (\d+)/.exec(stamps ?? '')?.[1]);
}
