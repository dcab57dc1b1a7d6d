/**
 * Runs programs of a token machine: each unit in order, start = max(unit free, all awaited tokens).
 *
 * Between two units tokens queue up in order, so the k-th wait of a unit for another takes the k-th token of that
 * other, whatever happens elsewhere; the order in which units are looked at does not matter.
 */
import { LutraError } from '../../base/diagnostics.ts';
import { type TokenProgram, type UnitName, unitNames } from './program.ts';

const units = unitNames.length;

export interface TokenRun {
  readonly totalMilliseconds: number;
  readonly busyMilliseconds: Readonly<Record<UnitName, number>>;
  readonly instructions: Readonly<Record<UnitName, number>>;
}

/** Called once per instruction, in the order in which each unit executes them. */
export type OnInstruction = (program: number, index: number, start: number, end: number) => void;

/** Instructions of a unit that have not started, as positions in the list of programs. */
interface Waiting {
  readonly program: number;
  readonly index: number;
}

/**
 * Runs `programs` one after another; one that stands in the list twice runs twice.
 * Throws LutraError PAP010 when units wait for tokens that never come.
 */
export function runTokenPrograms(programs: readonly TokenProgram[], onInstruction?: OnInstruction): TokenRun {
  const free = new Float64Array(units);
  const busy = new Float64Array(units);
  const executed = new Float64Array(units);
  /** Tokens from a to b at a · units + b, oldest first, and how many have been taken. */
  const tokens: number[][] = Array.from({ length: units * units }, () => []);
  const taken = new Int32Array(units * units);
  const waiting: Waiting[][] = Array.from({ length: units }, () => []);

  /** When the tokens that `unit` waits for have all been given, or −1. */
  const ready = (unit: number, waits: number): number => {
    let latest = 0;
    for (let mask = waits; mask !== 0; mask &= mask - 1) {
      const pair = (31 - Math.clz32(mask & -mask)) * units + unit;
      const time = (tokens[pair] as number[])[taken[pair] as number];
      if (time === undefined) return -1;
      if (time > latest) latest = time;
    }
    return latest;
  };
  const take = (unit: number, waits: number) => {
    for (let mask = waits; mask !== 0; mask &= mask - 1) {
      const pair = (31 - Math.clz32(mask & -mask)) * units + unit;
      const list = tokens[pair] as number[];
      taken[pair] = (taken[pair] as number) + 1;
      if (taken[pair] === list.length) {
        list.length = 0;
        taken[pair] = 0;
      }
    }
  };
  /** Executes one instruction if it can; returns the units that got a token, or −1. */
  const execute = (unit: number, number: number, index: number): number => {
    const { milliseconds, waits, releases } = programs[number] as TokenProgram;
    const awaited = waits[index] as number;
    const given = ready(unit, awaited);
    if (given < 0) return -1;
    take(unit, awaited);
    const start = Math.max(free[unit] as number, given);
    const duration = milliseconds[index] as number;
    const end = start + duration;
    free[unit] = end;
    busy[unit] = (busy[unit] as number) + duration;
    executed[unit] = (executed[unit] as number) + 1;
    onInstruction?.(number, index, start, end);
    const released = releases[index] as number;
    for (let mask = released; mask !== 0; mask &= mask - 1) {
      (tokens[unit * units + (31 - Math.clz32(mask & -mask))] as number[]).push(end);
    }
    return released;
  };
  /** Lets the units of a mask go on with what has been waiting. */
  const resume = (mask: number) => {
    for (let rest = mask; rest !== 0; ) {
      const bit = rest & -rest;
      rest &= rest - 1;
      const unit = 31 - Math.clz32(bit);
      const queue = waiting[unit] as Waiting[];
      while (queue.length > 0) {
        const { program, index } = queue[0] as Waiting;
        const released = execute(unit, program, index);
        if (released < 0) break;
        queue.shift();
        rest |= released;
      }
    }
  };

  for (const [number, program] of programs.entries()) {
    for (let index = 0; index < program.units.length; index++) {
      const unit = 31 - Math.clz32(program.units[index] as number);
      const queue = waiting[unit] as Waiting[];
      const released = queue.length > 0 ? -1 : execute(unit, number, index);
      if (released < 0) queue.push({ program: number, index });
      else if (released > 0) resume(released);
    }
  }
  if (waiting.some(({ length }) => length > 0)) throw stuck(programs, waiting, ready);
  const byUnit = (values: Float64Array) =>
    Object.fromEntries(unitNames.map((name, unit) => [name, values[unit]])) as Record<UnitName, number>;
  return {
    totalMilliseconds: Math.max(...free),
    busyMilliseconds: byUnit(busy),
    instructions: byUnit(executed),
  };
}

/** Names every unit that cannot go on and whose token it misses. */
function stuck(
  programs: readonly TokenProgram[],
  waiting: readonly (readonly Waiting[])[],
  ready: (unit: number, waits: number) => number,
): LutraError {
  const sentences = waiting.flatMap(([first], unit) => {
    if (first === undefined) return [];
    const waits = (programs[first.program] as TokenProgram).waits[first.index] as number;
    const missing = unitNames.filter((_, other) => (waits & (1 << other)) !== 0 && ready(unit, 1 << other) < 0);
    return [`${unitNames[unit]} waits for ${missing.join(' and ')}`];
  });
  return new LutraError({
    code: 'PAP010',
    message: `units of the token machine wait for tokens that never come: ${sentences.join(', ')}`,
    exit: 'internal',
  });
}
