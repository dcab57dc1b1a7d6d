/**
 * A machine without cycles, written apart from the simulator: it runs the front end, collects what is issued, and plays
 * the units' queues in any order that semaphores and queue depths allow.
 */

import { mailboxDepth } from '../../src/hw/derive.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import {
  attentionShape,
  type Footprint,
  footprintsOverlap,
  machineShape,
  resolvedFootprint,
} from '../../src/isa/footprint.ts';
import type { ProgramImage } from '../../src/isa/image.ts';
import type { Instruction } from '../../src/isa/instruction.ts';
import { issueUnits } from '../../src/isa/table.ts';

const unitCount = issueUnits.length;
/** What puts something into the mailbox. */
const givers: ReadonlySet<string> = new Set(['sampler.pick', 'sampler.next']);

export interface Host {
  readonly prompt: number;
  readonly limit: number;
  /** The tokens that the sampler picks, in order; then token 1. */
  readonly picks?: readonly number[];
  readonly stop?: number;
  /** What the shortlist of a two-pass head gives for each token: a list, or the mark of one that was too short. */
  readonly shortlist?: readonly number[];
  /** Bit pattern. */
  readonly temperature?: number;
}

export interface Operation {
  readonly index: number;
  readonly pc: number;
  readonly unit: number;
  readonly instruction: Instruction;
  readonly values: readonly number[];
}

export interface Run {
  /** Everything in program order; of the front end only what has semaphores or receives. */
  readonly operations: Operation[];
  readonly emitted: number[];
  readonly steps: number;
}

/** Runs the front end as if every instruction finished at once. */
export function interpret(image: ProgramImage, host: Host, stepLimit = 5_000_000): Run {
  const memory = (address: number): number => {
    const word = address / 4;
    if (word === 0) return host.prompt;
    if (word === 1) return host.limit;
    if (word === 2) return host.temperature ?? 0;
    if (word === 3) return 1;
    if (word >= 5 && word <= 8) return word === 5 && host.stop !== undefined ? host.stop : -1;
    return word >= 16 ? (word - 16) % 7 : 0;
  };
  const registers = new Int32Array(32);
  const operations: Operation[] = [];
  const emitted: number[] = [];
  const mailbox: number[] = [];
  const shortlist = host.shortlist ?? [];
  let listed = 0;
  let picks = 0;
  let pc = 0;
  let steps = 0;
  for (; ; steps++) {
    if (steps > stepLimit) throw new Error('the front end does not halt');
    const instruction = image.code[pc];
    if (!instruction) throw new Error(`no instruction ${pc}`);
    const { spec } = instruction;
    const values = instruction.values.map((value, i) => {
      const raw = typeof value === 'number' ? value : registers[value.register]! + value.offset;
      return spec.operands[i]?.kind.type === 'integer' ? raw | 0 : raw >>> 0;
    });
    const unit = issueUnits.indexOf(spec.unit);
    if (unit !== 0 || instruction.wait !== 0 || spec.name === 'recv') {
      operations.push({ index: operations.length, pc, unit, instruction, values });
    }
    const [x = 0, y = 0, z = 0] = values;
    let next = pc + 1;
    switch (spec.name) {
      case 'halt':
        return { operations, emitted, steps };
      case 'li':
        registers[x] = y;
        break;
      case 'add':
        registers[x] = y + z;
        break;
      case 'sub':
        registers[x] = y - z;
        break;
      case 'mul':
        registers[x] = Math.imul(y, z);
        break;
      case 'min':
        registers[x] = Math.min(y, z);
        break;
      case 'max':
        registers[x] = Math.max(y, z);
        break;
      case 'and':
        registers[x] = y & z;
        break;
      case 'or':
        registers[x] = y | z;
        break;
      case 'ld':
        registers[x] = memory(y);
        break;
      case 'shr':
        registers[x] = y >>> z;
        break;
      case 'jmp':
        next = x;
        break;
      case 'beq':
        if (x === y) next = z;
        break;
      case 'bne':
        if (x !== y) next = z;
        break;
      case 'blt':
        if (x < y) next = z;
        break;
      case 'bge':
        if (x >= y) next = z;
        break;
      case 'loop':
        registers[x] = registers[x]! - 1;
        if (registers[x] !== 0) next = y;
        break;
      case 'recv':
        if (mailbox.length === 0) throw new Error(`instruction ${pc} receives what nobody gives`);
        registers[x] = mailbox.shift() as number;
        break;
      case 'sampler.pick':
        mailbox.push(host.picks?.[picks] ?? 1);
        picks += 1;
        break;
      case 'sampler.next':
        if (x & 1) listed = 0;
        mailbox.push(shortlist[listed] ?? -1);
        if (!(x & 1)) listed += 1;
        if (mailbox.length > mailboxDepth) throw new Error('more is asked for than the mailbox holds');
        break;
      case 'emit':
        emitted.push(x);
        break;
      case 'mark':
        break;
      default:
        if (unit === 0 && spec.name !== 'sync') throw new Error(`the interpreter does not know ${spec.name}`);
    }
    pc = next;
  }
}

/** What each operation of a run touches. */
export function footprints(run: Run, hw: HardwareModel): (readonly Footprint[])[] {
  const shape = machineShape(hw);
  let attention: ReturnType<typeof attentionShape> | undefined;
  return run.operations.map(({ instruction: { spec }, values }) => {
    if (spec.name === 'attention.configure') attention = attentionShape(values);
    return resolvedFootprint(spec, values, shape, attention);
  });
}

/** For every operation, the operations whose counts it takes (and, for a receive, the pick). */
export function takenFrom(run: Run): number[][] {
  const given: number[][] = Array.from({ length: unitCount * unitCount }, () => []);
  const taken = new Array<number>(unitCount * unitCount).fill(0);
  const picks: number[] = [];
  let received = 0;
  return run.operations.map(({ index, unit, instruction }) => {
    const sources: number[] = [];
    for (let from = 0; from < unitCount; from++) {
      if (!((instruction.wait >> from) & 1)) continue;
      const pair = from * unitCount + unit;
      const source = given[pair]![taken[pair]!];
      if (source === undefined) {
        throw new Error(
          `operation ${index} (${instruction.spec.name}, instruction ${run.operations[index]?.pc}) takes a count of ${issueUnits[from]} that nothing before it gives`,
        );
      }
      taken[pair]! += 1;
      sources.push(source);
    }
    for (let to = 0; to < unitCount; to++) {
      if ((instruction.post >> to) & 1) given[unit * unitCount + to]!.push(index);
    }
    if (givers.has(instruction.spec.name)) picks.push(index);
    if (instruction.spec.name === 'recv') sources.push(picks[received++] as number);
    return sources;
  });
}

/**
 * Two operations of different units that touch the same place, one of them writing, with nothing between them that
 * orders them; undefined if there are none. Exact: happens-before does not depend on durations.
 */
export function findRace(run: Run, hw: HardwareModel): string | undefined {
  const sources = takenFrom(run);
  const touched = footprints(run, hw);
  const clocks: Int32Array[] = [];
  const unitClock = Array.from({ length: unitCount }, () => new Int32Array(unitCount).fill(-1));
  const memoryReads = new Map<string, Access>();
  const open = new Map<string, { reads: Access[]; writes: Access[] }>();
  for (const { index, unit } of run.operations) {
    const clock = unitClock[unit]!;
    join(clock, unitClock[0]!);
    for (const source of sources[index]!) join(clock, clocks[source]!);
    for (const footprint of touched[index]!) {
      const { space, write } = footprint;
      const lists = open.get(space) ?? { reads: [], writes: [] };
      open.set(space, lists);
      const earlierReads = space === 'ddr' ? [...memoryReads.values()] : lists.reads;
      for (const other of write ? [...earlierReads, ...lists.writes] : lists.writes) {
        if (other.unit === unit || other.index <= clock[other.unit]!) continue;
        if (footprintsOverlap(other.footprint, footprint)) return describe(run, other.index, index, space);
      }
      // Whatever races with an access that this one covers and follows races with this one too.
      const stays = (other: Access) =>
        !(covers(footprint, other.footprint) && (other.unit === unit || other.index <= clock[other.unit]!));
      if (space === 'ddr' && !write) {
        // Memory is read again and again from the same places; the latest read of each is enough.
        const key = `${unit}:${footprint.begin}:${footprint.end}`;
        memoryReads.set(key, { footprint, index, unit });
        continue;
      }
      lists.reads = lists.reads.filter(stays);
      if (write) lists.writes = lists.writes.filter(stays);
      lists[write ? 'writes' : 'reads'].push({ footprint, index, unit });
    }
    clock[unit] = index;
    clocks[index] = clock.slice();
  }
  return undefined;
}

interface Access {
  readonly footprint: Footprint;
  readonly index: number;
  readonly unit: number;
}

function covers(outer: Footprint, inner: Footprint): boolean {
  return outer.rows === 1 && outer.begin <= inner.begin && inner.end <= outer.end;
}

function join(target: Int32Array, other: Int32Array): void {
  for (let i = 0; i < target.length; i++) if (other[i]! > target[i]!) target[i] = other[i]!;
}

function describe(run: Run, first: number, second: number, space: string): string {
  const name = (index: number) => {
    const operation = run.operations[index]!;
    return `${operation.instruction.spec.name} (instruction ${operation.pc}, operation ${index})`;
  };
  return `${space}: ${name(first)} and ${name(second)}`;
}

export interface Played {
  /** Order in which operations finished, by index. */
  readonly finished: Int32Array;
  readonly started: Int32Array;
  readonly highestCount: number;
}

/**
 * Plays a run with queues and random durations; time is the number of the event. Throws if nothing can move.
 * `random` gives numbers from 0 to 1.
 */
export function play(run: Run, hw: HardwareModel, random: () => number): Played {
  const depths = issueUnits.map((unit) => (unit === 'frontEnd' ? 1 : hw[unit].queueDepth));
  const queues: number[][] = Array.from({ length: unitCount }, () => []);
  const active = new Array<number>(unitCount).fill(-1);
  const due = new Array<number>(unitCount).fill(0);
  const counts = new Int32Array(unitCount * unitCount);
  const started = new Int32Array(run.operations.length).fill(-1);
  const finished = new Int32Array(run.operations.length).fill(-1);
  let picks = 0;
  let highestCount = 0;
  let next = 0;
  let time = 0;
  const canTake = (unit: number, wait: number) =>
    issueUnits.every((_, from) => !((wait >> from) & 1) || counts[from * unitCount + unit]! > 0);
  const take = (unit: number, wait: number) => {
    for (let from = 0; from < unitCount; from++) if ((wait >> from) & 1) counts[from * unitCount + unit]! -= 1;
  };
  const finish = (index: number) => {
    const { unit, instruction } = run.operations[index]!;
    finished[index] = time;
    if (givers.has(instruction.spec.name)) picks += 1;
    for (let to = 0; to < unitCount; to++) {
      if (!((instruction.post >> to) & 1)) continue;
      const pair = unit * unitCount + to;
      counts[pair]! += 1;
      highestCount = Math.max(highestCount, counts[pair]!);
    }
  };
  while (next < run.operations.length || active.some((index) => index >= 0) || queues.some((q) => q.length > 0)) {
    time += 1;
    let moved = false;
    for (let unit = 1; unit < unitCount; unit++) {
      if (active[unit]! >= 0 && due[unit]! <= time) {
        finish(active[unit]!);
        active[unit] = -1;
        moved = true;
      }
    }
    for (let unit = 1; unit < unitCount; unit++) {
      const head = queues[unit]![0];
      if (active[unit]! >= 0 || head === undefined) continue;
      const { instruction } = run.operations[head]!;
      if (!canTake(unit, instruction.wait)) continue;
      if (givers.has(instruction.spec.name) && picks === mailboxDepth) continue;
      take(unit, instruction.wait);
      queues[unit]!.shift();
      active[unit] = head;
      started[head] = time;
      due[unit] = time + 1 + Math.floor(random() ** 4 * 40);
      moved = true;
    }
    while (next < run.operations.length) {
      const { unit, instruction } = run.operations[next]!;
      if (unit === 0) {
        if (instruction.spec.name === 'recv' && picks === 0) break;
        if (!canTake(0, instruction.wait)) break;
        if (instruction.spec.name === 'recv') picks -= 1;
        take(0, instruction.wait);
        started[next] = time;
        finish(next);
      } else if (queues[unit]!.length < depths[unit]!) queues[unit]!.push(next);
      else break;
      next += 1;
      moved = true;
    }
    if (moved) continue;
    const pending = active.flatMap((index, unit) => (index >= 0 ? [due[unit]!] : []));
    if (pending.length === 0) throw new Error(`deadlock at operation ${next} of ${run.operations.length}`);
    time = Math.min(...pending) - 1;
  }
  return { started, finished, highestCount };
}
