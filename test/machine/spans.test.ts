import { describe, expect, it } from 'vitest';
import type { HardwareModel } from '../../src/hw/index.ts';
import { assemble, issueUnits, programImage } from '../../src/isa/index.ts';
import { sharedPorts } from '../../src/machine/kernel/ports.ts';
import { semaphoreMaximum } from '../../src/machine/kernel/semaphores.ts';
import { Machine, type MachineOptions } from '../../src/machine/machine.ts';
import type { InstructionEvent, MarkContext } from '../../src/trace/events.ts';
import type { Probe } from '../../src/trace/probe.ts';
import type { Span } from '../trace/traced.ts';
import { hardware } from './harness.ts';
import { type RandomProgram, withSeed } from './randomProgram.ts';

const programs = 40;

interface Listened {
  readonly machine: Machine;
  readonly spans: readonly Span[];
  readonly events: readonly InstructionEvent[];
  /** Every call of the probe: its name, its numbers, the cycle last. */
  readonly calls: readonly (readonly (string | number)[])[];
}

type Modes = Pick<MachineOptions, 'dense' | 'values'>;

/** A machine that somebody listens to, not yet run. */
function listen(source: string, commandWords: readonly number[], hw: HardwareModel, modes: Modes) {
  const spans: Span[] = [];
  const events: InstructionEvent[] = [];
  const calls: (string | number)[][] = [];
  const probe: Probe = {
    state: (unit, cycleClass, pc, cycle) => calls.push(['state', unit, cycleClass, pc, cycle]),
    queue: (...call) => calls.push(['queue', ...call]),
    semaphore: (...call) => calls.push(['semaphore', ...call]),
    port: (...call) => calls.push(['port', ...call]),
  };
  const trace = {
    instruction: (event: InstructionEvent) => events.push(event),
    token: () => {},
    span: (unit: string, cycleClass: string, from: number, to: number, pc: number, marks: MarkContext | undefined) =>
      spans.push({ unit, cycleClass, from, to, pc, marks }),
  };
  const image = programImage(assemble(source, 'test.lasm', { hw }), hw);
  const machine = new Machine(image, hw, { ...modes, trace, probe, cycleLimit: 1_000_000 });
  machine.store.write(0, new Uint8Array(Uint32Array.from(commandWords).buffer));
  return { machine, spans, events, calls };
}

function run({ source, commandWords }: RandomProgram, hw: HardwareModel, modes: Modes): Listened {
  const listened = listen(source, commandWords, hw, modes);
  while (!listened.machine.advance(100_000));
  return listened;
}

/** The spans of each unit follow each other from 0 to the end; throws at the first that does not. */
function checkTiling(spans: readonly Span[], cycles: number): void {
  const reached = new Map<string, number>(issueUnits.map((unit) => [unit, 0]));
  for (const { unit, from, to } of spans) {
    if (reached.get(unit) !== from || to <= from) throw new Error(`${unit}: ${reached.get(unit)}, then ${from}…${to}`);
    reached.set(unit, to);
  }
  for (const [unit, end] of reached) if (end !== cycles) throw new Error(`${unit} ends in ${end} of ${cycles}`);
}

function totals(spans: readonly Span[]): Record<string, Record<string, number>> {
  const sums: Record<string, Record<string, number>> = Object.fromEntries(issueUnits.map((unit) => [unit, {}]));
  for (const { unit, cycleClass, from, to } of spans) {
    const classes = sums[unit] as Record<string, number>;
    classes[cycleClass] = (classes[cycleClass] ?? 0) + to - from;
  }
  return sums;
}

/** Queues, semaphores and ports as the probe says they are; throws where hardware could not be in such a state. */
function replay(calls: Listened['calls'], hw: HardwareModel): Map<string, number> {
  const depths = issueUnits.map((unit) => (unit === 'frontEnd' ? 0 : hw[unit].queueDepth));
  const now = new Map<string, number>();
  let latest = 0;
  for (const call of calls) {
    const cycle = call[call.length - 1] as number;
    if (cycle < latest) throw new Error(`${call.join(' ')} after cycle ${latest}`);
    latest = cycle;
    if (call[0] === 'state') continue;
    const value = call[call.length - 2] as number;
    const key = call.slice(0, -2).join(' ');
    const most = { queue: depths[call[1] as number], semaphore: semaphoreMaximum, port: issueUnits.length - 1 };
    const limit = most[call[0] as keyof typeof most] as number;
    if (value < (call[0] === 'port' ? -1 : 0) || value > limit) throw new Error(`${call.join(' ')}: past ${limit}`);
    if (now.get(key) === value) throw new Error(`${call.join(' ')} changes nothing`);
    now.set(key, value);
  }
  return now;
}

describe('spans and the probe', () => {
  it('are the same whether every unit is evaluated in every cycle or not, and leave no cycle out', () => {
    for (let seed = 0; seed < programs; seed++) {
      withSeed(seed, (program, hw) => {
        const sparse = run(program, hw, { dense: false, values: false });
        const dense = run(program, hw, { dense: true, values: false });
        expect(dense.spans).toEqual(sparse.spans);
        expect(dense.calls).toEqual(sparse.calls);
        const { machine, spans } = sparse;
        checkTiling(spans, machine.cycle);
        expect(totals(spans)).toEqual(machine.counters.snapshot(machine.cycle));
        // Nobody listens: the same run.
        const trace = { instruction: () => {}, token: () => {} };
        const image = programImage(assemble(program.source, 'random.lasm', { hw }), hw);
        const silent = new Machine(image, hw, { dense: false, values: false, trace });
        silent.store.write(0, new Uint8Array(Uint32Array.from(program.commandWords).buffer));
        while (!silent.advance(100_000));
        expect(silent.cycle).toBe(machine.cycle);
        expect(silent.instructions).toBe(machine.instructions);
        expect(silent.counters.snapshot(silent.cycle)).toEqual(machine.counters.snapshot(machine.cycle));
      });
    }
  });

  it('agree with the stamps of every instruction', () => {
    for (let seed = 0; seed < programs; seed++) {
      withSeed(seed, (program, hw) => {
        const { spans, events, calls } = run(program, hw, { dense: false, values: false });
        const working = new Set(calls.filter(([name, , kind]) => name === 'state' && kind === 'working').map(String));
        for (const { unit, pc, started, finished, marks } of events) {
          const index = issueUnits.indexOf(unit as (typeof issueUnits)[number]);
          if (!working.has(`state,${index},working,${pc},${started}`)) throw new Error(`${unit} ${pc} at ${started}`);
          const own = spans.filter((span) => span.unit === unit && span.from >= started && span.to <= finished);
          const sum = own.reduce((cycles, { from, to }) => cycles + to - from, 0);
          const foreign = own.find((span) => span.pc !== pc || span.marks !== marks);
          if (sum !== finished - started || foreign) throw new Error(`${unit} ${pc}: ${sum} cycles from ${started}`);
        }
      });
    }
  });

  it('show queues, semaphores and ports that the hardware could have, all at rest after the end', () => {
    const changed = new Set<string>();
    for (let seed = 0; seed < programs; seed++) {
      withSeed(seed, (program, hw) => {
        const { calls } = run(program, hw, { dense: false, values: false });
        for (const [key, value] of replay(calls, hw)) {
          changed.add(key.split(' ')[0] as string);
          if (value !== (key.startsWith('port') ? -1 : 0)) throw new Error(`${key} ends at ${value}`);
        }
      });
    }
    expect([...changed].sort()).toEqual(['port', 'queue', 'semaphore']);
    expect(sharedPorts.length).toBeGreaterThan(0);
  });

  it('say on whose account a unit waits or is idle, and with which marks', () => {
    const source = [
      'mark layer, 7',
      'vector.sync @post(matmul)',
      'mark layer, 8',
      'matmul.sync @wait(vector)',
      'matmul.sync',
      'halt',
      '',
    ].join('\n');
    const { machine, spans, calls } = listen(source, [], hardware('tiny'), { dense: false, values: false });
    while (!machine.advance(100));
    const of = (name: string) => spans.filter(({ unit }) => unit === name);
    const first = of('matmul')[0];
    expect(first).toMatchObject({ cycleClass: 'idle', from: 0, pc: 3, marks: { layer: 8 } });
    expect(of('vector').map(({ cycleClass, pc }) => [cycleClass, pc])).toEqual([
      ['idle', 1],
      ['working', 1],
      ['idle', -1],
    ]);
    expect(of('vector')[1]?.marks).toMatchObject({ layer: 7, token: -1 });
    expect(of('vector')[2]?.marks).toBeUndefined();
    const layers = of('frontEnd').map(({ pc, marks }) => [pc, marks?.layer]);
    expect(layers).toContainEqual([0, -1]);
    expect(layers).toContainEqual([1, 7]);
    expect(layers).toContainEqual([3, 8]);
    expect(layers).not.toContainEqual([1, -1]);
    expect(layers).not.toContainEqual([3, 7]);
    const seen = calls.filter(([name, unit]) => name === 'state' && unit === 0).map(([, , , pc]) => pc);
    expect([...new Set(seen)]).toEqual([0, 1, 2, 3, 4, 5, -1]);
  });

  it('take what the front end works on without waiting for one stretch, as long as the marks stay', () => {
    const source = ['li r1, 9', 'again:', 'add r2, r2, 1', 'loop r1, again', 'halt', ''].join('\n');
    const { machine, spans } = listen(source, [], hardware('tiny'), { dense: false, values: false });
    while (!machine.advance(100));
    const working = spans.filter(({ unit, cycleClass }) => unit === 'frontEnd' && cycleClass === 'working');
    expect(machine.instructions).toBe(20);
    expect(working.length).toBeLessThan(4);
  });

  it('are all given when a run does not come to its end', () => {
    const stuck = listen('vector.sync @wait(matmul)\nhalt\n', [], hardware('tiny'), { dense: false, values: false });
    expect(() => stuck.machine.advance(10_000)).toThrow(/MCH001/);
    checkTiling(stuck.spans, stuck.machine.cycle);
    const last = stuck.spans.findLast(({ unit }) => unit === 'vector');
    expect(last).toMatchObject({ cycleClass: 'wait.matmul', pc: 0, to: stuck.machine.cycle });

    const endless = listen('again:\njmp again\n', [], hardware('tiny'), { dense: false, values: false });
    while (endless.machine.cycle < 1000) endless.machine.advance(10);
    endless.machine.endSpans();
    checkTiling(endless.spans, endless.machine.cycle);
    expect(totals(endless.spans)).toEqual(endless.machine.counters.snapshot(endless.machine.cycle));
  });
});
