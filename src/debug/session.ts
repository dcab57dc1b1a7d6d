/**
 * A run that can be stopped anywhere, looked at, and taken back.
 *
 * A session stands before a cycle: everything of earlier cycles has happened, nothing of this one. Between two cycles in
 * which something happens the machine is the same, so the session may stand anywhere between them.
 */
import { LutraError } from '../base/diagnostics.ts';
import { issueUnits } from '../isa/index.ts';
import type { Command } from '../machine/kernel/command.ts';
import { Machine } from '../machine/machine.ts';
import type { TokenEvent } from '../trace/events.ts';
import { type Begun, Breakpoints } from './breakpoints.ts';
import { History, type Snapshot } from './history.ts';
import { Names } from './names.ts';
import type { DebugTarget } from './target.ts';
import { Writers, type Written } from './writers.ts';

const never = Number.POSITIVE_INFINITY;
/** Evaluated cycles between two states that are kept, and between two chances to interrupt. */
const snapshotSteps = 1024;
const turnSteps = 4096;

/** How often something has happened. */
interface Counts {
  readonly instructions: number;
  readonly tokens: number;
  /** Commands that each unit has begun. */
  readonly begun: readonly number[];
}

/** What a session knows beside the machine. */
interface State {
  readonly counts: Counts;
  readonly writers: ReadonlyMap<string, readonly Written[]>;
  readonly latest: readonly (Command | undefined)[];
}

/** Where to stop, whatever comes first. */
export interface Goal {
  readonly cycle?: number;
  /** So many more of these. */
  readonly instructions?: number;
  readonly tokens?: number;
  readonly begun?: { readonly unit: number; readonly count: number };
  /** Stop at breakpoints too. */
  readonly breakpoints: boolean;
}

export type What = { readonly kind: 'instruction' | 'token' } | { readonly kind: 'unit'; readonly unit: number };

/** Why a run has stopped; empty: because it got where it was to go. */
export type Stop = readonly string[];

export class Session {
  readonly target: DebugTarget;
  readonly names: Names;
  readonly machine: Machine;
  readonly breakpoints: Breakpoints;
  readonly writers = new Writers();
  readonly history: History<State>;
  tokens: TokenEvent[] = [];
  /** The command that each unit has begun last, those that only synchronise apart. */
  latest: (Command | undefined)[] = issueUnits.map(() => undefined);
  /** Set from outside: stop as soon as possible. */
  interrupted = false;
  private position = 0;
  private begun: number[] = issueUnits.map(() => 0);
  private begins: Begun[] = [];
  private steps = 0;
  /** Why the machine cannot go on, if it cannot. */
  private end: string | undefined;

  constructor(target: DebugTarget) {
    const { image, hw, commandBlock, values, cycleLimit, assumedGroups } = target;
    this.target = target;
    this.names = new Names(target);
    this.breakpoints = new Breakpoints(this.names);
    this.machine = new Machine(image, hw, {
      values,
      dense: false,
      executeAhead: false,
      trace: { instruction: () => {}, token: (event) => this.tokens.push(event) },
      onBegin: (unit, command, footprints, cycle) => this.begins.push({ unit, command, footprints, cycle }),
      ...(cycleLimit === undefined ? {} : { cycleLimit }),
      ...(assumedGroups === undefined ? {} : { assumedGroups }),
    });
    this.machine.store.write(0, commandBlock);
    this.history = new History(target.historyBytes);
    this.keep();
  }

  /** The cycle that comes next; after the halt, the length of the run. */
  get cycle(): number {
    return this.position;
  }

  get counts(): Counts {
    return { instructions: this.machine.instructions, tokens: this.tokens.length, begun: [...this.begun] };
  }

  /** Why nothing more will happen, or undefined. */
  get over(): string | undefined {
    if (this.end !== undefined) return this.end;
    return this.machine.halted && this.position >= this.machine.cycle
      ? `the program has halted after ${this.machine.cycle} cycles`
      : undefined;
  }

  /** Runs forward, up to a goal; gives control back now and then. */
  *forward(goal: Goal): Generator<void, Stop> {
    const from = this.position;
    const { instructions, tokens, begun } = this.counts;
    const reached = () =>
      (goal.instructions !== undefined && this.machine.instructions - instructions >= goal.instructions) ||
      (goal.tokens !== undefined && this.tokens.length - tokens >= goal.tokens) ||
      (goal.begun !== undefined &&
        count(this.begun, goal.begun.unit) - count(begun, goal.begun.unit) >= goal.begun.count);
    this.interrupted = false;
    for (let step = 1; ; step++) {
      if (this.over !== undefined) return [this.over];
      const due = goal.breakpoints ? this.breakpoints.due(this.machine, from) : { cycle: never, reasons: [] };
      const stop = Math.min(goal.cycle ?? never, due.cycle);
      if (stop <= this.machine.cycle) {
        this.position = stop;
        return due.cycle === stop ? due.reasons.map((breakpoint) => this.hit(breakpoint, '')) : [];
      }
      const failure = yield* this.evaluate();
      if (failure !== undefined) return [failure];
      const hits = goal.breakpoints ? this.breakpoints.hitBy(this.begins) : [];
      const begun = hits.map(({ breakpoint, text }) => this.hit(breakpoint, text));
      if (begun.length > 0 || reached()) {
        const end = this.over === undefined ? [] : [this.over];
        return [...begun, ...(goal.breakpoints ? this.dueHere(from) : []), ...end];
      }
      if (step % turnSteps === 0) yield;
      if (this.interrupted) return ['interrupted'];
    }
  }

  /** Breakpoints that would have stopped the run here if nothing else had. */
  private dueHere(from: number): string[] {
    const { cycle, reasons } = this.breakpoints.due(this.machine, from);
    return cycle === this.position ? reasons.map((breakpoint) => this.hit(breakpoint, '')) : [];
  }

  /** Goes to a cycle, earlier or later, without stopping before. */
  *to(cycle: number): Generator<void, Stop> {
    const earlier = cycle < this.position;
    const snapshot = this.history.latest((kept) => kept.cycle <= cycle);
    if (earlier || snapshot.cycle > this.position) this.restore(snapshot);
    const stop = yield* this.forward({ cycle, breakpoints: false });
    if (earlier) this.breakpoints.wentBack(this.position);
    return stop;
  }

  /** Goes back to where the last but `count` of something happened, before it did; to the start if there were fewer. */
  *back(what: What, times: number): Generator<void, Stop> {
    const of = (counts: Counts) =>
      what.kind === 'unit' ? count(counts.begun, what.unit) : counts[what.kind === 'token' ? 'tokens' : 'instructions'];
    const wanted = of(this.counts) - times;
    if (wanted < 0) {
      const stop = yield* this.to(0);
      return stop.length > 0 ? stop : ['this is the start of the run'];
    }
    this.interrupted = false;
    this.restore(this.history.latest(({ state }) => of(state.counts) <= wanted));
    for (let step = 1; ; step++) {
      const before = this.machine.cycle;
      const failure = yield* this.evaluate();
      if (failure !== undefined) return [failure];
      if (of(this.counts) > wanted) return yield* this.to(before);
      if (step % turnSteps === 0) yield;
      if (this.interrupted) return ['interrupted'];
    }
  }

  /** Evaluates the next cycle in which something happens; says why that was impossible, if it was. */
  private *evaluate(): Generator<void, string | undefined> {
    const { machine } = this;
    const cycle = machine.cycle;
    this.begins = [];
    try {
      machine.advance(1);
    } catch (error) {
      if (!(error instanceof LutraError) || error.exit === 'internal') throw error;
      return yield* this.fail(error, cycle);
    }
    this.position = cycle + 1;
    for (const { unit, command, footprints } of this.begins) {
      this.begun[unit] = count(this.begun, unit) + 1;
      if (!command.spec.name.endsWith('.sync')) this.latest[unit] = command;
      this.writers.note(unit, command, footprints, cycle);
    }
    this.steps += 1;
    if (this.steps >= snapshotSteps) this.keep();
    return undefined;
  }

  /** A deadlock and the cycle limit come between cycles; other faults in the middle of one, before which to stop. */
  private *fail(error: LutraError, cycle: number): Generator<void, string> {
    const text = error.message;
    if (error.exit === 'no') this.position = this.machine.cycle;
    else {
      // Half of the cycle has happened.
      this.restore(this.history.latest((kept) => kept.cycle <= cycle));
      yield* this.to(cycle);
    }
    this.end = error.exit === 'no' ? text : undefined;
    return error.exit === 'no' ? text : `${text}; this is the state before that cycle`;
  }

  private hit(breakpoint: { id: number; text: string; hits: number; temporary: boolean }, text: string): string {
    breakpoint.hits += 1;
    if (breakpoint.temporary) this.breakpoints.remove(breakpoint.id);
    return `breakpoint ${breakpoint.id}, ${breakpoint.text}${text === '' ? '' : `: ${text}`}`;
  }

  private keep(): void {
    this.steps = 0;
    this.history.add({
      cycle: this.position,
      machine: this.machine.save(),
      state: { counts: this.counts, writers: this.writers.save(), latest: [...this.latest] },
    });
  }

  private restore({ cycle, machine, state }: Snapshot<State>): void {
    this.machine.restore(machine);
    this.position = cycle;
    this.tokens = this.tokens.slice(0, state.counts.tokens);
    this.begun = [...state.counts.begun];
    this.latest = [...state.latest];
    this.writers.restore(state.writers as ReadonlyMap<never, readonly Written[]>);
    this.steps = 0;
    this.end = undefined;
  }
}

function count(counts: readonly number[], unit: number): number {
  return counts[unit] as number;
}
