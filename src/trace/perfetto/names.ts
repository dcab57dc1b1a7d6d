import { operationName, type SegmentFacts, type TraceFacts } from '../facts.ts';
import type { Interned, Packets } from './packets.ts';

const argumentNames = [
  'cycle',
  'cycles',
  'pc',
  'instruction',
  'line',
  'layer',
  'operation',
  'token',
  'pass',
  'fetched',
  'issued',
  'first',
  'number',
  'memory',
  'address',
  'bytes',
  'id',
] as const;
type ArgumentName = (typeof argumentNames)[number];

/** Interned texts: each is said when it is first needed. */
export class Names {
  /** Numbers of the names of arguments. */
  readonly argument: Readonly<Record<ArgumentName, number>>;
  private readonly facts: TraceFacts;
  private readonly packets: Packets;
  private readonly events = new Map<string, number>();
  private readonly operations = new Map<number, number>();
  private readonly segments: Uint32Array;
  private readonly instructions: Uint32Array;
  private texts = 0;

  constructor(facts: TraceFacts, packets: Packets) {
    this.facts = facts;
    this.packets = packets;
    this.segments = new Uint32Array(facts.segments.length);
    this.instructions = new Uint32Array(facts.instructions.length);
    this.argument = Object.fromEntries(
      argumentNames.map((name, index) => {
        packets.intern('annotationNames', index + 1, name);
        return [name, index + 1];
      }),
    ) as Record<ArgumentName, number>;
  }

  /** Number of the name of a slice. */
  event(name: string): number {
    let iid = this.events.get(name);
    if (iid === undefined) {
      iid = this.events.size + 1;
      this.events.set(name, iid);
      this.packets.intern('eventNames' satisfies Interned, iid, name);
    }
    return iid;
  }

  instruction(pc: number): number {
    this.instructions[pc] ||= this.text(this.facts.instructions[pc]!.text);
    return this.instructions[pc]!;
  }

  segment(index: number): number {
    this.segments[index] ||= this.text((this.facts.segments[index] as SegmentFacts).name);
    return this.segments[index]!;
  }

  operation(operation: number): number {
    let iid = this.operations.get(operation);
    if (iid === undefined) {
      iid = this.text(operationName(this.facts, operation));
      this.operations.set(operation, iid);
    }
    return iid;
  }

  private text(text: string): number {
    this.texts += 1;
    this.packets.intern('annotationTexts', this.texts, text);
    return this.texts;
  }
}
