import type { InstructionEvent, MarkContext, TokenEvent, TraceSink } from '../events.ts';
import { operationName, type TraceFacts } from '../facts.ts';
import { Gate } from '../gate.ts';
import type { Probe } from '../probe.ts';
import { inRange, type Selection } from '../selection.ts';
import type { TraceWriter } from '../writer.ts';
import { nothing, planSignals, type Signal, type SignalPlan, unitSignal } from './signals.ts';

/** A file of waveforms. */
export interface WaveFile {
  /** A new time, in picoseconds; later than the one before. The first one begins the file. */
  time(picoseconds: number): void;
  /** The value of a signal from that time on. All signals have one at the first time. */
  change(signal: number, value: number): void;
  finish(): void;
}

export type OpenWaveFile = (facts: TraceFacts, signals: readonly Signal[]) => WaveFile;

/**
 * The machine as signals, for waveform viewers: what each unit does, its queue, semaphores, buffer ports, tokens. Of the
 * changes within one cycle only the last is shown, as in hardware. Where a token or a layer is selected, the signals of a
 * unit have a value while it is at an instruction of it, and all others change only while some unit is.
 */
export function waveTrace(facts: TraceFacts, selection: Selection, open: OpenWaveFile): TraceWriter {
  return new WaveTrace(facts, selection, open);
}

class WaveTrace implements TraceWriter, TraceSink, Probe {
  readonly sink = this;
  readonly probe = this;
  written = 0;
  private readonly facts: TraceFacts;
  private readonly selection: Selection;
  private readonly plan: SignalPlan;
  private readonly file: WaveFile;
  private readonly gate: Gate;
  private open = false;
  /** What signals are, and what the file last said that they are. */
  private readonly values: Float64Array;
  private readonly shown: Float64Array;
  /** Signals that may have changed in the cycle `at`. */
  private readonly dirty: Uint16Array;
  private readonly isDirty: Uint8Array;
  private dirtyCount = 0;
  private at = 0;
  /** The cycle whose time the file has been told last. */
  private timedAt = 0;
  private begun = false;
  private tokens = 0;
  private marks: MarkContext | undefined;
  private operation = nothing;

  constructor(facts: TraceFacts, selection: Selection, open: OpenWaveFile) {
    this.facts = facts;
    this.selection = selection;
    this.plan = planSignals(facts, selection);
    const { signals } = this.plan;
    this.file = open(facts, signals);
    this.gate = new Gate(selection);
    this.values = Float64Array.from(signals, ({ initial }) => initial);
    this.shown = new Float64Array(signals.length).fill(Number.NaN);
    this.dirty = new Uint16Array(signals.length);
    this.isDirty = new Uint8Array(signals.length);
  }

  instruction(_event: InstructionEvent): void {}

  token({ token, cycle }: TokenEvent): void {
    this.tokens += 1;
    this.move(cycle);
    this.set(this.plan.tokens, this.tokens);
    this.set(this.plan.tokens + 1, token >>> 0);
  }

  state(unit: number, cycleClass: string, pc: number, cycle: number, marks: MarkContext | undefined): void {
    this.move(cycle);
    const selected = this.gate.state(unit, marks);
    this.look();
    const first = this.plan.units[unit] as number;
    if (first < 0) return;
    // The unit leaves what was selected: that shows, though nothing may be open any more.
    const open = this.open || (!selected && inRange(this.selection, cycle, cycle + 1));
    const has = selected && pc >= 0;
    this.set(first + unitSignal.state, selected ? this.plan.states.of(cycleClass) : nothing, open);
    this.set(first + unitSignal.pc, has ? pc : nothing, open);
    this.set(first + unitSignal.instruction, has ? pc : nothing, open);
    this.set(first + unitSignal.operation, has ? this.operationOf(marks) : nothing, open);
    this.set(first + unitSignal.layer, has && marks ? marks.layer : nothing, open);
    this.set(first + unitSignal.token, has && marks ? marks.token : nothing, open);
    if (this.open && selected) this.written += 1;
  }

  queue(unit: number, depth: number, cycle: number): void {
    this.move(cycle);
    const first = this.plan.units[unit] as number;
    if (first >= 0) this.set(first + unitSignal.queue, depth);
  }

  semaphore(from: number, to: number, count: number, cycle: number): void {
    this.move(cycle);
    this.set(this.plan.semaphores[from * this.facts.units.length + to] as number, count);
  }

  port(port: number, holder: number, cycle: number): void {
    this.move(cycle);
    this.set(this.plan.ports[port] as number, holder);
  }

  finish(cycle: number): void {
    const end = Math.min(cycle, this.selection.to);
    if (this.begun) this.show();
    else this.begin();
    if (end > this.timedAt) this.time(end);
    this.file.finish();
  }

  /** Time goes on: what changed in the cycle before is known now. */
  private move(cycle: number): void {
    if (cycle === this.at) return;
    if (this.begun) this.show();
    else if (cycle > this.selection.from) this.begin();
    this.at = cycle;
    this.look();
  }

  /** Whether common signals are shown; what they missed shows when they are again. */
  private look(): void {
    const open = this.gate.open(this.at);
    if (open && !this.open) for (let signal = 0; signal < this.values.length; signal++) this.touch(signal);
    this.open = open;
  }

  private set(signal: number, value: number, open = this.open): void {
    if (signal < 0 || this.values[signal] === value) return;
    this.values[signal] = value;
    if (open) this.touch(signal);
  }

  private touch(signal: number): void {
    if (this.isDirty[signal] === 1) return;
    this.isDirty[signal] = 1;
    this.dirty[this.dirtyCount++] = signal;
  }

  /** Writes what has changed. */
  private show(): void {
    const { dirty, dirtyCount, values, shown } = this;
    this.dirtyCount = 0;
    if (dirtyCount === 0) return;
    let timed = false;
    for (let at = 0; at < dirtyCount; at++) {
      const signal = dirty[at]!;
      this.isDirty[signal] = 0;
      if (shown[signal] === values[signal]) continue;
      if (!timed) this.time(this.at);
      timed = true;
      shown[signal] = values[signal]!;
      this.file.change(signal, values[signal]!);
    }
  }

  /** The file begins with what everything is in the first cycle of the trace. */
  private begin(): void {
    this.begun = true;
    this.time(this.selection.from);
    for (let signal = 0; signal < this.values.length; signal++) {
      this.shown[signal] = this.values[signal]!;
      this.file.change(signal, this.values[signal]!);
    }
  }

  /** Number of the text of an operation; the same marks come again and again. */
  private operationOf(marks: MarkContext | undefined): number {
    if (marks !== this.marks) {
      this.marks = marks;
      const known = marks && marks.operation >= 0;
      this.operation = known ? this.plan.operations.of(operationName(this.facts, marks.operation)) : nothing;
    }
    return this.operation;
  }

  private time(cycle: number): void {
    this.timedAt = cycle;
    this.file.time(this.picoseconds(cycle));
  }

  private picoseconds(cycle: number): number {
    return Math.round((cycle * 1e12) / this.facts.clockHz);
  }
}
