/** What a host reads of a run that is over, against what the machine says. */
import { registerWord } from '../host/registerAccess.ts';
import { stopCode } from '../isa/stopCauses.ts';
import { issueUnits } from '../isa/table.ts';
import type { Stop } from '../machine/kernel/edge.ts';
import { counterClasses } from '../rtl/counterClasses.ts';
import { controlMagic, controlRegister, controlVersion, counterOffset, tokenFifoDepth } from '../rtl/registers.ts';
import type { Difference } from './axiPort.ts';
import type { VerilogBench } from './bench.ts';
import type { LockstepRun } from './lockstepRun.ts';

/** How many were read, and the first that is not as it should be. */
export interface Compared {
  readonly count: number;
  readonly difference: Difference | undefined;
}

/** A register and what it should hold. */
export type WantedRegister = readonly [name: string, value: number];

/** State, length and tokens of a run that has halted or was stopped, read as a host reads them that has slept through it. */
export function endRegisters(run: LockstepRun): WantedRegister[] {
  const { machine } = run.expected;
  const kept = run.tokens.slice(0, tokenFifoDepth);
  const lost = run.tokens.length > kept.length ? ['tokenLost'] : [];
  return [
    ['magic', controlMagic],
    ['version', controlVersion],
    ['control', registerWord('control', { done: 1, idle: 1, ready: 1 })],
    // Reading it has cleared what says that a run has ended.
    ['control', registerWord('control', { idle: 1 })],
    ['status', registerWord('status', named([machine.stopped ? 'stopped' : 'halted', ...lost]))],
    ['error', errorWord(machine.stopped)],
    ['errorAddress', machine.stopped?.address ?? 0],
    ['reset', 0],
    ['cyclesLow', machine.cycle % 2 ** 32],
    ['cyclesHigh', Math.floor(machine.cycle / 2 ** 32)],
    ['tokenCount', kept.length],
    ...kept.map((token) => ['token', token >>> 0] as const),
    ['tokenCount', 0],
    ['token', 0xffff_ffff],
  ];
}

/** Register `error` of a run that was stopped so, or was not. */
export function errorWord(stop: Pick<Stop, 'cause' | 'unit' | 'port' | 'response'> | undefined): number {
  if (!stop) return 0;
  const { cause, unit, port, response } = stop;
  return registerWord('error', { code: stopCode(cause), unit, port, response });
}

export function compareRegisters(bench: VerilogBench, cycle: number, wanted: readonly WantedRegister[]): Compared {
  for (const [index, [name, value]] of wanted.entries()) {
    const found = bench.read(controlRegister(name).offset);
    if (found === value) continue;
    const values = { machine: String(value), verilog: String(found) };
    return { count: index, difference: { cycle, where: 'control', what: `register ${name}`, ...values } };
  }
  return { count: wanted.length, difference: undefined };
}

/** Classes of which an instruction is made; until it ends the machine counts all its cycles as `working`. */
const parts: ReadonlySet<string> = new Set(['working', 'pipeline', 'tableBuild', 'memoryBandwidth', 'memoryLatency']);

/** Every counter of every unit. Of one that was stopped inside an instruction, the parts of it are counted together. */
export function compareCounters(bench: VerilogBench, { expected: { machine } }: LockstepRun): Compared {
  const { counters, cycle } = machine;
  const looks = machine.look().units;
  let count = 0;
  for (const [unit, name] of issueUnits.entries()) {
    const inside = machine.stopped !== undefined && looks.some((look) => look.name === name && look.active);
    const pooled = { machine: 0, verilog: 0 };
    for (const [kind, names] of counterClasses.entries()) {
      const wanted = names.reduce((sum, text) => sum + counters.read(name, text, cycle), 0);
      const found = readCounter(bench, unit, kind);
      count += 1;
      if (inside && names.some((text) => parts.has(text))) {
        pooled.machine += wanted;
        pooled.verilog += found;
      } else if (found !== wanted) return { count, difference: different(cycle, name, names.join('/'), wanted, found) };
    }
    if (pooled.machine !== pooled.verilog) {
      return { count, difference: different(cycle, name, 'all of an instruction', pooled.machine, pooled.verilog) };
    }
  }
  return { count, difference: undefined };
}

/** Whether the classes of every unit add up to the length of the run. */
export function compareSums(bench: VerilogBench, cycles: number): Compared {
  for (const [unit, name] of issueUnits.entries()) {
    const sum = counterClasses.reduce((total, _, kind) => total + readCounter(bench, unit, kind), 0);
    if (sum !== cycles) return { count: unit, difference: different(cycles, name, 'all together', cycles, sum) };
  }
  return { count: issueUnits.length, difference: undefined };
}

function readCounter(bench: VerilogBench, unit: number, kind: number): number {
  const low = bench.read(counterOffset(unit, kind));
  return bench.read(counterOffset(unit, kind) + 4) * 2 ** 32 + low;
}

function different(cycle: number, where: string, what: string, machine: number, verilog: number): Difference {
  return { cycle, where, what: `counter ${what}`, machine: String(machine), verilog: String(verilog) };
}

function named(fields: readonly string[]): Record<string, number> {
  return Object.fromEntries(fields.map((name) => [name, 1]));
}
