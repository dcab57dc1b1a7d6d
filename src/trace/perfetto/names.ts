import type { MarkContext } from '../events.ts';
import { type InstructionFacts, operationName, type SegmentFacts, type TraceFacts } from '../facts.ts';
import { type Argument, encodeArguments, type Interned, type Packets } from './packets.ts';

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
  private readonly places: (Uint8Array | undefined)[];
  /** The same marks come with many events. */
  private readonly encodedMarks = new WeakMap<MarkContext, Uint8Array>();
  private texts = 0;

  constructor(facts: TraceFacts, packets: Packets) {
    this.facts = facts;
    this.packets = packets;
    this.segments = new Uint32Array(facts.segments.length);
    this.places = new Array(facts.instructions.length).fill(undefined);
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

  /** The arguments that say which instruction it is. */
  place(pc: number): Uint8Array {
    const known = this.places[pc];
    if (known) return known;
    const { text, line } = this.facts.instructions[pc] as InstructionFacts;
    const { argument } = this;
    const encoded = encodeArguments([
      number(argument.pc, pc),
      { nameIid: argument.instruction, value: this.text(text), isText: true },
      number(argument.line, line),
    ]);
    this.places[pc] = encoded;
    return encoded;
  }

  /** The arguments that say what part of the model it belongs to. */
  marks(marks: MarkContext): Uint8Array {
    let encoded = this.encodedMarks.get(marks);
    if (!encoded) {
      const { argument } = this;
      const { layer, operation, token, pass } = marks;
      encoded = encodeArguments([
        ...(layer < 0 ? [] : [number(argument.layer, layer)]),
        ...(operation < 0 ? [] : [{ nameIid: argument.operation, value: this.operation(operation), isText: true }]),
        ...(token < 0 ? [] : [number(argument.token, token)]),
        ...(pass < 0 ? [] : [number(argument.pass, pass)]),
      ]);
      this.encodedMarks.set(marks, encoded);
    }
    return encoded;
  }

  segment(index: number): number {
    this.segments[index] ||= this.text((this.facts.segments[index] as SegmentFacts).name);
    return this.segments[index]!;
  }

  private operation(operation: number): number {
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

const number = (nameIid: number, value: number): Argument => ({ nameIid, value, isText: false });
