import type { InstructionEvent, MarkContext, TokenEvent, TraceSink } from '../events.ts';
import { type InstructionFacts, segmentAt, type TraceFacts, type WriteBlock } from '../facts.ts';
import { Gate } from '../gate.ts';
import type { Probe } from '../probe.ts';
import { hasMarks, hasUnit, inRange, type Selection } from '../selection.ts';
import type { Work } from '../work.ts';
import type { TraceWriter } from '../writer.ts';
import { Bandwidth, binCycles, Counter, Counters } from './counters.ts';
import { Flows } from './flows.ts';
import { Names } from './names.ts';
import { Packets } from './packets.ts';
import { tracks, unitTracks } from './tracks.ts';

const frontEnd = 0;

/**
 * A trace for ui.perfetto.dev. Of each unit: a slice per instruction, beside it a slice per stretch of cycles in which it
 * waited, and the depth of its queue; of the front end, which runs through thousands of instructions, a slice per stretch
 * without waiting. Flows lead from who posted a count to who took it. Counters of memory, weights and the KV store, and
 * the tokens. Times are nanoseconds of the machine's clock, rounded to whole ones; arguments say the cycle.
 */
export function perfettoTrace(facts: TraceFacts, selection: Selection, write: WriteBlock): TraceWriter {
  return new PerfettoTrace(facts, selection, write);
}

class PerfettoTrace implements TraceWriter, TraceSink, Probe {
  readonly sink = this;
  readonly probe = this;
  written = 0;
  private readonly facts: TraceFacts;
  private readonly selection: Selection;
  private readonly packets: Packets;
  private readonly names: Names;
  private readonly unitNumbers: ReadonlyMap<string, number>;
  private readonly flows: Flows;
  private readonly gate: Gate;
  private readonly counters: Counters;
  private readonly queues: readonly (Counter | undefined)[];
  private readonly loadsReady: Counter;
  private readonly positions: Counter;
  private readonly bandwidth: Bandwidth;
  private readonly weightBuffer: number;
  private readonly matmul: number;
  private tokens = 0;

  constructor(facts: TraceFacts, selection: Selection, write: WriteBlock) {
    this.facts = facts;
    this.selection = selection;
    this.packets = new Packets(write);
    for (const track of tracks(facts, selection)) this.packets.declareTrack(track);
    this.names = new Names(facts, this.packets);
    this.unitNumbers = new Map(facts.units.map((name, unit) => [name, unit]));
    this.flows = new Flows(facts.units.length);
    this.gate = new Gate(selection);
    this.counters = new Counters(this.gate);
    const counter = (track: number) => this.counters.add(new Counter(this.packets, track, this.nanoseconds));
    this.queues = facts.units.map((_, unit) =>
      unit !== frontEnd && hasUnit(selection, unit) ? counter(unitTracks.queue(unit)) : undefined,
    );
    this.loadsReady = counter(unitTracks.loadsReady);
    this.positions = counter(unitTracks.positions);
    this.bandwidth = new Bandwidth(facts.units.length, selection, (cycle, bytes) => {
      const gigabytesPerSecond = (bytes / binCycles) * (facts.clockHz / 1e9);
      this.packets.counter(unitTracks.bandwidth, this.nanoseconds(cycle), gigabytesPerSecond);
    });
    this.weightBuffer = facts.units.indexOf('weightBuffer');
    this.matmul = facts.units.indexOf('matmul');
  }

  instruction(event: InstructionEvent, work?: Work, _fullRateCycles?: number, values?: readonly number[]): void {
    const unit = this.unitNumbers.get(event.unit) as number;
    const { started, finished, marks } = event;
    const { selection, packets } = this;
    const facts = this.facts.instructions[event.pc] as InstructionFacts;
    this.position(event);
    if (!hasUnit(selection, unit) || !hasMarks(selection, marks) || !inRange(selection, started, finished)) {
      this.flows.instruction(unit, facts.wait, facts.post, null);
      return;
    }
    const bytes = work?.memoryBytes ?? 0;
    if (bytes > 0) this.bandwidth.add(bytes, started, finished);
    packets.begin(unitTracks.instructions(unit), this.nanoseconds(started), this.names.event(facts.name));
    this.describe(event.pc, marks, started, finished);
    const { argument } = this.names;
    packets.number(argument.fetched, event.fetched);
    packets.number(argument.issued, event.issued);
    packets.number(argument.first, event.first);
    packets.number(argument.number, event.sequence);
    const address = facts.addressAt < 0 ? undefined : values?.[facts.addressAt];
    if (address !== undefined) this.memory(address, bytes);
    this.flows.instruction(unit, facts.wait, facts.post, packets);
    packets.emit();
    packets.end(unitTracks.instructions(unit), this.nanoseconds(finished));
    this.written += 1;
  }

  span(name: string, cycleClass: string, from: number, to: number, pc: number, marks: MarkContext | undefined): void {
    if (cycleClass === 'idle') return;
    const unit = this.unitNumbers.get(name) as number;
    const works = cycleClass === 'working';
    // What the others work on are their instructions.
    if (works && unit !== frontEnd) return;
    const { selection } = this;
    if (!hasUnit(selection, unit) || !hasMarks(selection, marks) || !inRange(selection, from, to)) return;
    const track = works ? unitTracks.instructions(unit) : unitTracks.waits(unit);
    this.packets.begin(track, this.nanoseconds(from), this.names.event(cycleClass));
    this.describe(pc, marks, from, to);
    this.packets.emit();
    this.packets.end(track, this.nanoseconds(to));
    this.written += 1;
  }

  token(event: TokenEvent): void {
    const index = this.tokens++;
    const { selection, packets } = this;
    if (!inRange(selection, event.cycle, event.cycle + 1)) return;
    if (selection.token !== undefined && selection.token !== index) return;
    const text = this.facts.tokenText?.(event.token);
    packets.instant(unitTracks.tokens, this.nanoseconds(event.cycle), text ?? `token ${event.token}`);
    packets.number(this.names.argument.token, index);
    packets.number(this.names.argument.id, event.token >>> 0);
    packets.number(this.names.argument.cycle, event.cycle);
    packets.emit();
  }

  state(unit: number, cycleClass: string, _pc: number, cycle: number, marks: MarkContext | undefined): void {
    this.bandwidth.state(unit, unit !== frontEnd && cycleClass === 'working', cycle);
    this.bandwidth.advance(cycle);
    this.gate.state(unit, marks);
    this.counters.look(cycle);
  }

  queue(unit: number, depth: number, cycle: number): void {
    this.counters.set(this.queues[unit], depth, cycle);
  }

  semaphore(from: number, to: number, count: number, cycle: number): void {
    if (from === this.weightBuffer && to === this.matmul) this.counters.set(this.loadsReady, count, cycle);
  }

  port(): void {}

  finish(): void {
    this.bandwidth.finish();
    this.packets.flush();
  }

  /** The arguments that every slice has. */
  private describe(pc: number, marks: MarkContext | undefined, from: number, to: number): void {
    const { packets, names } = this;
    const { argument } = names;
    packets.number(argument.cycle, from);
    packets.number(argument.cycles, to - from);
    if (pc >= 0) packets.encoded(names.place(pc));
    if (marks) packets.encoded(names.marks(marks));
  }

  private memory(address: number, bytes: number): void {
    const { packets, names } = this;
    const segment = segmentAt(this.facts.segments, address);
    if (segment >= 0) packets.interned(names.argument.memory, names.segment(segment));
    packets.number(names.argument.address, address);
    packets.number(names.argument.bytes, bytes);
  }

  /** `mark pass` says how many positions earlier passes have left in the KV store. */
  private position({ marks, issued }: InstructionEvent): void {
    if (marks.pass >= 0) this.counters.set(this.positions, marks.pass, issued);
  }

  private readonly nanoseconds = (cycle: number): number => Math.round((cycle * 1e9) / this.facts.clockHz);
}
