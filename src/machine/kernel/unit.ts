import type { Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import type { Footprint } from '../../isa/footprint.ts';
import { type IssueUnit, issueUnits } from '../../isa/table.ts';
import type { TraceSink } from '../../trace/events.ts';
import type { Work } from '../../trace/work.ts';
import type { ValueEngine } from '../values/engine.ts';
import { Accounting } from './accounting.ts';
import type { Command, Timing } from './command.ts';
import type { Ports } from './ports.ts';
import type { RaceDetector } from './races.ts';
import { type Clock, joinClock, newClock, type Semaphores } from './semaphores.ts';
import type { MemoryStore } from './store.ts';
import type { TransferRequest } from './transfer.ts';

/** What a unit sees of the machine around it. */
export interface Surroundings {
  readonly hw: HardwareModel;
  readonly derived: Derived;
  readonly store: MemoryStore;
  readonly semaphores: Semaphores;
  readonly ports: Ports;
  readonly races: RaceDetector;
  readonly trace: TraceSink;
  /** Undefined: time only. */
  readonly values: ValueEngine | undefined;
  /** Without values: groups that a shortlist is taken to have. */
  readonly assumedGroups: number;
  readonly requestTransfer: (transfer: TransferRequest, cycle: number) => void;
  /** Asks for an evaluation of a unit at `cycle`. */
  readonly wake: (unit: number, cycle: number) => void;
  /** What an instruction touches, bounds checked. */
  readonly footprint: (command: Command) => readonly Footprint[];
  /** What an instruction does, counted; asked once for each, in the order in which a unit starts them. */
  readonly work: (command: Command) => Work;
}

/** The front end may be waiting for room in a queue, or for everybody to finish. */
const frontEndIndex = issueUnits.indexOf('frontEnd');

export const never = Number.POSITIVE_INFINITY;

/**
 * An in-order unit with a command queue. A subclass says which ports a command needs, how long it takes and what it
 * waits for; this class does the rest: queue, semaphores, ports, stamps, accounting, race check.
 */
export abstract class Unit {
  readonly index: number;
  readonly accounting = new Accounting();
  protected readonly around: Surroundings;
  private readonly queue: Command[] = [];
  private readonly depth: number;
  private arriving: Command | undefined;
  private active: Command | undefined;
  private startedAt = 0;
  private firstAt = 0;
  private finishAt = never;
  private parts: ReadonlyMap<string, number> | undefined;
  private portsHeld = 0;
  private sequence = 0;
  private readonly clock: Clock = newClock();

  constructor(name: IssueUnit, depth: number, around: Surroundings) {
    this.index = issueUnits.indexOf(name);
    this.depth = depth;
    this.around = around;
  }

  /** Ports of `sharedPorts` that a command holds. */
  protected abstract portsFor(command: Command): number;

  /**
   * Begins a command: returns its timing, or returns undefined after having asked memory for
   * a transfer that will call `finishTransfer`.
   */
  protected abstract start(command: Command, cycle: number): Timing | undefined;

  /** The unit that a command waits for beyond semaphores and ports, or −1. */
  protected waitsForUnit(_command: Command): number {
    return -1;
  }

  /** Called when a command finishes, for effects on other units beyond semaphores. */
  protected finished(_command: Command, _clock: Clock): void {}

  hasRoom(): boolean {
    return this.queue.length < this.depth;
  }

  /** A command from the front end, in the queue after the commit. */
  push(command: Command): void {
    this.arriving = command;
  }

  get busy(): boolean {
    return this.active !== undefined || this.queue.length > 0 || this.arriving !== undefined;
  }

  /** Moves time. */
  commit(cycle: number): void {
    if (!this.arriving) return;
    this.queue.push(this.arriving);
    this.arriving = undefined;
    this.around.wake(this.index, cycle + 1);
  }

  /** Reads the present, decides what happens in `cycle`; returns when to ask again. */
  evaluate(cycle: number): number {
    if (this.active && this.finishAt <= cycle) this.finish(this.active, cycle);
    const head = this.queue[0];
    if (!this.active && head) {
      const obstacle = this.obstacle(head);
      if (obstacle === undefined) this.begin(head, cycle);
      else this.accounting.enter(obstacle, cycle);
    } else if (!this.active) this.accounting.enter('idle', cycle);
    return this.active ? this.finishAt : never;
  }

  /** Why the head of the queue cannot start, as a class of `Accounting`. */
  private obstacle(head: Command): string | undefined {
    const other = this.missingUnit(head);
    if (other >= 0) return `wait.${issueUnits[other]}`;
    return this.around.ports.blocker(this.portsFor(head), this.index) >= 0 ? 'port' : undefined;
  }

  private missingUnit(head: Command): number {
    const missing = this.around.semaphores.firstMissing(head.wait, this.index);
    return missing >= 0 ? missing : this.waitsForUnit(head);
  }

  private begin(command: Command, cycle: number): void {
    const { semaphores, ports, races } = this.around;
    this.queue.shift();
    this.around.wake(frontEndIndex, cycle + 1);
    this.active = command;
    this.startedAt = cycle;
    this.portsHeld = this.portsFor(command);
    ports.acquire(this.portsHeld, this.index);
    joinClock(this.clock, command.clock);
    semaphores.take(command.wait, this.index, this.clock);
    this.sequence += 1;
    this.accounting.enter('working', cycle);
    races.enter(this.index, this.sequence, command, this.clock, this.around.footprint(command));
    this.finishAt = never;
    this.parts = undefined;
    this.around.values?.execute(command);
    const timing = this.start(command, cycle);
    if (timing) {
      this.firstAt = cycle + timing.first;
      this.finishAt = cycle + timing.finish;
      this.parts = timing.parts;
    }
  }

  /** Memory's answer to the transfer of the running command. */
  protected finishTransfer(first: number, finish: number, movingCycles: number): void {
    this.firstAt = first;
    this.finishAt = finish;
    this.parts = new Map([['memory', Math.max(0, finish - this.startedAt - movingCycles)]]);
    this.around.wake(this.index, finish);
  }

  private finish(command: Command, cycle: number): void {
    const { semaphores, ports, trace, work } = this.around;
    this.active = undefined;
    this.clock[this.index] = this.sequence;
    if (this.parts) this.accounting.split(this.parts, cycle);
    if (command.post !== 0) semaphores.post(command.post, this.index, this.clock.slice());
    ports.release(this.portsHeld, this.index);
    this.finished(command, this.clock);
    this.around.wake(frontEndIndex, cycle + 1);
    const event = {
      unit: issueUnits[this.index] as IssueUnit,
      pc: command.pc,
      name: command.spec.name,
      sequence: this.sequence - 1,
      fetched: command.fetched,
      issued: command.issued,
      started: this.startedAt,
      first: this.firstAt,
      finished: cycle,
      marks: command.marks,
    };
    let waited = 0;
    for (const cycles of this.parts?.values() ?? []) waited += cycles;
    trace.instruction(event, { ...work(command), fullRateCycles: cycle - this.startedAt - waited });
  }

  /** Why the unit does not move, in words, for the watchdog; undefined if it has nothing to do. */
  describeWait(): { text: string; on: number } | undefined {
    const head = this.active ?? this.queue[0];
    if (!head) return undefined;
    const name = `${issueUnits[this.index]} (${head.spec.name}, instruction ${head.pc})`;
    if (this.active) return { text: `${name} waits for memory`, on: -1 };
    const missing = this.around.semaphores.firstMissing(head.wait, this.index);
    if (missing >= 0) return { text: `${name} waits for a post of ${issueUnits[missing]}`, on: missing };
    const other = this.waitsForUnit(head);
    if (other >= 0) return { text: `${name} waits for ${issueUnits[other]} to make room`, on: other };
    const holder = this.around.ports.blocker(this.portsFor(head), this.index);
    return { text: `${name} waits for a buffer port held by ${issueUnits[holder]}`, on: holder };
  }
}
