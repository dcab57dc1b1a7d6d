import type { Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { type IssueUnit, issueUnits } from '../../isa/table.ts';
import type { TraceSink } from '../../trace/events.ts';
import type { Work } from '../../trace/work.ts';
import type { ValueEngine } from '../values/engine.ts';
import { Accounting } from './accounting.ts';
import type { Command, Timing } from './command.ts';
import { cycleClass } from './cycleClasses.ts';
import type { Edge } from './edge.ts';
import type { BeginObserver, CycleLook, UnitLook } from './look.ts';
import type { Ports } from './ports.ts';
import type { Prepared } from './prepare.ts';
import type { RaceDetector } from './races.ts';
import { restoreFields, type Saved, saveFields } from './saving.ts';
import { type Clock, joinClock, newClock, type Semaphores } from './semaphores.ts';
import { type SpanListeners, Spans } from './spans.ts';
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
  /** Undefined: nobody wants to know where cycles go but for their sums. */
  readonly listeners: SpanListeners | undefined;
  /** Undefined: time only. */
  readonly values: ValueEngine | undefined;
  /** Without values: groups that a shortlist is taken to have. */
  readonly assumedGroups: number;
  readonly requestTransfer: (transfer: TransferRequest, cycle: number) => void;
  /** Asks for an evaluation of a unit at `cycle`. */
  readonly wake: (unit: number, cycle: number) => void;
  /** A command left the queue of a unit, to begin. */
  readonly began: (unit: number, cycle: number) => void;
  /** A command of some unit finished. */
  readonly ended: (cycle: number) => void;
  readonly onBegin: BeginObserver | undefined;
  /** What an instruction touches and does, checked; asked once for each, in the order in which a unit starts them. */
  readonly prepare: (command: Command) => Prepared;
  /** What may stop the machine from outside of its program. */
  readonly edge: Edge | undefined;
}

export const never = Number.POSITIVE_INFINITY;

/** How the time of a command follows from that of its transfer. */
export interface TransferTiming {
  readonly firstDelay: number;
  readonly lastDelay: number;
  readonly moving: number;
}

const state = ['accounting', 'queue', 'headAt', 'queued', 'arriving', 'waiting', 'headPorts', 'sequence', 'clock']
  // Of the running command.
  .concat([
    'active',
    'work',
    'startedAt',
    'firstAt',
    'finishAt',
    'tableBuild',
    'pipeline',
    'memoryLatency',
    'memoryBandwidth',
    'portsHeld',
  ])
  .concat(['firstDelay', 'lastDelay', 'moving']);

/** What the head of a unit’s queue waits for, beside the numbers of the units. */
const nothing = -1;
const port = issueUnits.length;

/**
 * An in-order unit with a command queue. A subclass says which ports a command needs, how long it takes and what it
 * waits for; this class does the rest: queue, semaphores, ports, stamps, accounting, race check.
 */
export abstract class Unit {
  readonly index: number;
  readonly accounting: Accounting;
  protected readonly around: Surroundings;
  private readonly name: IssueUnit;
  private readonly depth: number;
  /** A ring. */
  private readonly queue: (Command | undefined)[];
  private headAt = 0;
  private queued = 0;
  private arriving: Command | undefined;
  /** Unit or `port` that the head of the queue has been found to wait for, or `nothing`. */
  private waiting = nothing;
  /** Ports that the head of the queue needs, once it was asked; −1: not yet. */
  private headPorts = -1;

  // Of the running command.
  private active: Command | undefined;
  private work: Work = {};
  private startedAt = 0;
  private firstAt = 0;
  private finishAt = never;
  private tableBuild = 0;
  private pipeline = 0;
  private memoryLatency = 0;
  private memoryBandwidth = 0;
  private portsHeld = 0;
  private firstDelay = 0;
  private lastDelay = 0;
  private moving = 0;
  /** Memory’s answer to its transfer. */
  private readonly transferred = (firstBeat: number, finished: number, lastBeat: number): void => {
    this.firstAt = firstBeat + this.firstDelay;
    this.finishAt = finished + this.lastDelay;
    // The cycle of the start counts for the first data.
    this.memoryBandwidth = Math.max(0, lastBeat - firstBeat - (this.moving - 1));
    this.memoryLatency = this.finishAt - this.startedAt - this.moving - this.memoryBandwidth;
    this.around.wake(this.index, this.finishAt);
  };

  private sequence = 0;
  private readonly clock: Clock = newClock();

  constructor(name: IssueUnit, depth: number, around: Surroundings) {
    this.index = issueUnits.indexOf(name);
    this.name = name;
    this.accounting = new Accounting(around.listeners && new Spans(this.index, around.listeners));
    this.depth = depth;
    this.queue = new Array(depth).fill(undefined);
    this.around = around;
  }

  /** Ports of `sharedPorts` that a command holds. */
  protected abstract portsFor(command: Command): number;

  /** Begins a command: returns its timing, or undefined after it has asked for a `transfer`. */
  protected abstract start(command: Command, cycle: number): Timing | undefined;

  /** The unit that a command waits for beyond semaphores and ports, or −1. */
  protected waitsForUnit(_command: Command): number {
    return nothing;
  }

  /** Called when a command finishes, for effects on other units beyond semaphores. */
  protected finished(_command: Command, _clock: Clock): void {}

  /** Names of the fields that change, beside those of all units. */
  protected ownState(): readonly string[] {
    return [];
  }

  save(): Saved {
    return saveFields(this, [...state, ...this.ownState()]);
  }

  restore(saved: Saved): void {
    restoreFields(this, saved);
  }

  hasRoom(): boolean {
    return this.queued < this.depth;
  }

  /** Commands in the queue. */
  get waitingCommands(): number {
    return this.queued;
  }

  /** A command from the front end, in the queue after the commit. */
  push(command: Command): void {
    this.arriving = command;
  }

  get busy(): boolean {
    return this.active !== undefined || this.queued > 0 || this.arriving !== undefined;
  }

  /** Whether the head of the queue has been found to wait for a count, or for room, of this unit. */
  waitsFor(unit: number): boolean {
    return this.waiting === unit;
  }

  /** Whether the head of the queue has been found to wait for one of these ports. */
  waitsForPort(mask: number): boolean {
    return this.waiting === port && (this.headPorts & mask) !== 0;
  }

  /** Moves time. */
  commit(cycle: number): void {
    if (!this.arriving) return;
    const at = this.headAt + this.queued;
    this.queue[at < this.depth ? at : at - this.depth] = this.arriving;
    this.queued += 1;
    this.arriving = undefined;
    if (this.queued === 1 && this.active === undefined) this.around.wake(this.index, cycle + 1);
  }

  /** Reads the present, decides what happens in `cycle`; returns when to ask again. */
  evaluate(cycle: number): number {
    if (this.active) {
      if (this.finishAt > cycle) return this.finishAt;
      this.finish(this.active, cycle);
    }
    const head = this.queued === 0 ? undefined : this.queue[this.headAt];
    if (!head) {
      this.accounting.enter(cycleClass.idle, cycle);
      return never;
    }
    this.waiting = this.obstacle(head);
    if (this.waiting === nothing) {
      this.begin(head, cycle);
      return this.finishAt;
    }
    const entered = this.waiting === port ? cycleClass.port : cycleClass.wait + this.waiting;
    this.accounting.enter(entered, cycle, head.pc, head.marks);
    return never;
  }

  /** Why the head of the queue cannot start. */
  private obstacle(head: Command): number {
    const missing = head.wait === 0 ? nothing : this.around.semaphores.firstMissing(head.wait, this.index);
    const other = missing >= 0 ? missing : this.waitsForUnit(head);
    if (other >= 0) return other;
    // What a command needs depends on nothing but the commands that its unit has started before.
    if (this.headPorts < 0) this.headPorts = this.portsFor(head);
    return this.around.ports.blocker(this.headPorts, this.index) >= 0 ? port : nothing;
  }

  private begin(command: Command, cycle: number): void {
    const { semaphores, ports, races } = this.around;
    this.queue[this.headAt] = undefined;
    this.headAt = this.headAt + 1 === this.depth ? 0 : this.headAt + 1;
    this.queued -= 1;
    this.around.began(this.index, cycle);
    this.active = command;
    this.startedAt = cycle;
    this.portsHeld = this.headPorts;
    this.headPorts = -1;
    ports.acquire(this.portsHeld, this.index);
    joinClock(this.clock, command.clock);
    semaphores.take(command.wait, this.index, this.clock);
    this.sequence += 1;
    this.accounting.begin(cycle, command.pc, command.marks);
    const { footprints, work } = this.around.prepare(command);
    races.enter(this.index, this.sequence, command, this.clock, footprints);
    this.work = work;
    this.finishAt = never;
    this.tableBuild = 0;
    this.pipeline = 0;
    this.memoryLatency = 0;
    this.memoryBandwidth = 0;
    this.around.onBegin?.(this.index, command, footprints, cycle);
    // What would write outside of its window stops the machine before it is finished; nothing must have come of it.
    if (!this.around.edge?.escapes(footprints)) this.around.values?.execute(command);
    const timing = this.start(command, cycle);
    if (timing) {
      this.firstAt = cycle + timing.first;
      this.finishAt = cycle + timing.finish;
      this.tableBuild = timing.tableBuild ?? 0;
      this.pipeline = timing.pipeline ?? 0;
    }
  }

  /**
   * Asks memory for the transfer of the command that begins in `cycle`. The first result is there `firstDelay` after the
   * first beat, and the command is finished `lastDelay` after the last; at full rate it takes `moving` cycles.
   */
  protected transfer(
    asked: Omit<TransferRequest, 'user' | 'onFinished'>,
    { firstDelay, lastDelay, moving }: TransferTiming,
    cycle: number,
  ): void {
    this.firstDelay = firstDelay;
    this.lastDelay = lastDelay;
    this.moving = moving;
    const { write, gather, streams, delay } = asked;
    const request = { user: this.index, write, gather, streams, delay, onFinished: this.transferred };
    this.around.requestTransfer(request, cycle);
  }

  private finish(command: Command, cycle: number): void {
    const { semaphores, ports, trace } = this.around;
    const { tableBuild, pipeline, memoryLatency, memoryBandwidth } = this;
    this.active = undefined;
    this.clock[this.index] = this.sequence;
    this.accounting.split(tableBuild, pipeline, memoryLatency, memoryBandwidth, cycle);
    if (command.post !== 0) semaphores.post(command.post, this.index, this.clock);
    ports.release(this.portsHeld, this.index);
    this.finished(command, this.clock);
    this.around.ended(cycle);
    const event = {
      unit: this.name,
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
    const slow = tableBuild + pipeline + memoryLatency + memoryBandwidth;
    trace.instruction(event, this.work, cycle - this.startedAt - slow, command.values);
  }

  look(): UnitLook {
    const { active, startedAt: started, finishAt: finish } = this;
    return {
      ...this.lookAtCycles(),
      wait: this.isBlocked() ? this.describeWait() : undefined,
      name: this.name,
      active: active && { command: active, started, finish },
      queue: Array.from(
        { length: this.queued },
        (_, place) => this.queue[(this.headAt + place) % this.depth] as Command,
      ),
      depth: this.depth,
      begun: this.sequence,
    };
  }

  /** What it was found to wait for may be there by now. */
  private isBlocked(): boolean {
    const head = this.active ? undefined : this.queue[this.headAt];
    return head !== undefined && this.waiting !== nothing && this.obstacle(head) !== nothing;
  }

  lookAtCycles(): CycleLook {
    return { class: this.accounting.current, since: this.accounting.currentSince };
  }

  /** Why the unit does not move, in words, for the watchdog; undefined if it has nothing to do. */
  describeWait(): { text: string; on: number } | undefined {
    const head = this.active ?? this.queue[this.headAt];
    if (!head) return undefined;
    const name = `${this.name} (${head.spec.name}, instruction ${head.pc})`;
    if (this.active) return { text: `${name} waits for memory`, on: -1 };
    const missing = this.around.semaphores.firstMissing(head.wait, this.index);
    if (missing >= 0) return { text: `${name} waits for a post of ${issueUnits[missing]}`, on: missing };
    const other = this.waitsForUnit(head);
    if (other >= 0) return { text: `${name} waits for ${issueUnits[other]} to make room`, on: other };
    const holder = this.around.ports.blocker(this.portsFor(head), this.index);
    return { text: `${name} waits for a buffer port held by ${issueUnits[holder]}`, on: holder };
  }
}
