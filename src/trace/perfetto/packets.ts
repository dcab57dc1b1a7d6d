import { PbfWriter } from 'pbf';
import { blockBytes, type WriteBlock } from '../facts.ts';

/**
 * Packets of Perfetto's trace format (TracePacket, TrackEvent), as far as these traces use it. Field numbers and meanings
 * are those of its public description, protos/perfetto/trace; test/trace/perfetto.proto repeats them for the tests.
 */
const packetField = 1;
const packet = {
  timestamp: 8,
  sequence: 10,
  trackEvent: 11,
  internedData: 12,
  sequenceFlags: 13,
  trackDescriptor: 60,
} as const;
const descriptor = { uuid: 1, name: 2, parent: 5, counter: 8, childOrder: 11, rank: 12 } as const;
const counterDescriptor = { unit: 3, unitName: 6 } as const;
const event = {
  annotations: 4,
  type: 9,
  nameIid: 10,
  track: 11,
  name: 23,
  counterValue: 30,
  counterDouble: 44,
  flows: 47,
  endingFlows: 48,
} as const;
const annotation = { nameIid: 1, uintValue: 3, textIid: 17 } as const;
const interned = { eventNames: 2, annotationNames: 3, annotationTexts: 29 } as const;
const entry = { iid: 1, text: 2 } as const;

const incrementalStateCleared = 1;
const needsIncrementalState = 2;
/** Children in the order of their ranks. */
const explicitOrder = 3;
const countUnit = 2;
const sequenceId = 1;

const eventType = { sliceBegin: 1, sliceEnd: 2, instant: 3, counter: 4 } as const;

/** What is referred to by number once its text was said. */
export type Interned = keyof typeof interned;

export interface Track {
  readonly uuid: number;
  readonly name: string;
  /** 0: none. */
  readonly parent: number;
  readonly rank: number;
  /** A counter of this unit; `''`: of things. Undefined: slices and instants. */
  readonly counterUnit?: string;
}

/** An argument of an event: a number that is not negative, or an interned text. */
export interface Argument {
  readonly nameIid: number;
  readonly value: number;
  readonly isText: boolean;
}

/** Arguments as they are in an event. */
export function encodeArguments(list: readonly Argument[]): Uint8Array {
  const out = new PbfWriter();
  for (const each of list) out.writeMessage(event.annotations, encodedArgument, each);
  return out.finish().slice();
}

function encodedArgument({ nameIid, value, isText }: Argument, out: PbfWriter): void {
  out.writeVarintField(annotation.nameIid, nameIid);
  out.writeVarintField(isText ? annotation.textIid : annotation.uintValue, value);
}

/** Arguments and flows of one event at most. */
const mostArguments = 24;
const mostFlows = 16;

/** The event, track or text that is being put together, so that nothing is allocated for it. */
class Draft {
  time = 0;
  track = 0;
  type = 0;
  nameIid = 0;
  name = '';
  argumentCount = 0;
  readonly argumentNames = new Uint32Array(mostArguments);
  readonly argumentFields = new Uint8Array(mostArguments);
  readonly argumentValues = new Float64Array(mostArguments);
  encodedCount = 0;
  readonly encoded: Uint8Array[] = [];
  flowCount = 0;
  readonly flowFields = new Uint8Array(mostFlows);
  readonly flowIds = new Float64Array(mostFlows);
  declared: Track = { uuid: 0, name: '', parent: 0, rank: 0 };
  kind: Interned = 'eventNames';
  iid = 0;
  text = '';
}

/**
 * Writes packets in blocks; one sequence of packets, times in any order. A slice or an instant is put together by `begin`
 * or `instant`, then its arguments and flows, then `emit`.
 */
export class Packets {
  private readonly out = new PbfWriter(new Uint8Array(2 * blockBytes));
  private readonly draft = new Draft();
  private readonly write: WriteBlock;

  constructor(write: WriteBlock) {
    this.write = write;
    this.put(firstPacket);
  }

  declareTrack(track: Track): void {
    this.draft.declared = track;
    this.put(trackPacket);
  }

  /** Says what a number means from here on. */
  intern(kind: Interned, iid: number, text: string): void {
    const { draft } = this;
    draft.kind = kind;
    draft.iid = iid;
    draft.text = text;
    this.put(internedPacket);
  }

  begin(track: number, nanoseconds: number, nameIid: number): void {
    this.start(eventType.sliceBegin, track, nanoseconds);
    this.draft.nameIid = nameIid;
  }

  instant(track: number, nanoseconds: number, name: string): void {
    this.start(eventType.instant, track, nanoseconds);
    this.draft.nameIid = 0;
    this.draft.name = name;
  }

  /** An argument of the event: a number that is not negative. */
  number(nameIid: number, value: number): void {
    this.argument(nameIid, annotation.uintValue, value);
  }

  /** An argument of the event: an interned text. */
  interned(nameIid: number, textIid: number): void {
    this.argument(nameIid, annotation.textIid, textIid);
  }

  /** Arguments of the event that come again and again, from `encodeArguments`. */
  encoded(bytes: Uint8Array): void {
    const { draft } = this;
    draft.encoded[draft.encodedCount++] = bytes;
  }

  /** A flow that begins (or ends) at this event. */
  flow(id: number, ends: boolean): void {
    const { draft } = this;
    draft.flowFields[draft.flowCount] = ends ? event.endingFlows : event.flows;
    draft.flowIds[draft.flowCount++] = id;
  }

  emit(): void {
    // A block does not end within a slice: what ends with a block is a whole trace.
    this.out.writeMessage(packetField, eventPacket, this.draft);
  }

  end(track: number, nanoseconds: number): void {
    this.short(eventType.sliceEnd, track, nanoseconds, 0);
  }

  counter(track: number, nanoseconds: number, value: number): void {
    this.short(eventType.counter, track, nanoseconds, value);
  }

  /** A packet without arguments: most are. */
  private short(type: number, track: number, nanoseconds: number, value: number): void {
    const { out } = this;
    const whole = open(out, packetField);
    out.writeVarintField(packet.timestamp, nanoseconds);
    out.writeVarintField(packet.sequence, sequenceId);
    const inner = open(out, packet.trackEvent);
    out.writeVarintField(event.type, type);
    out.writeVarintField(event.track, track);
    if (type === eventType.counter) {
      if (Number.isInteger(value)) out.writeVarintField(event.counterValue, value);
      else out.writeDoubleField(event.counterDouble, value);
    }
    close(out, inner);
    close(out, whole);
    if (out.pos >= blockBytes) this.flush();
  }

  /** Hands on what was collected. */
  flush(): void {
    const { out } = this;
    if (out.pos > 0) this.write(out.buf.subarray(0, out.pos));
    out.pos = 0;
  }

  private start(type: number, track: number, nanoseconds: number): void {
    const { draft } = this;
    draft.type = type;
    draft.track = track;
    draft.time = nanoseconds;
    draft.argumentCount = 0;
    draft.encodedCount = 0;
    draft.flowCount = 0;
  }

  private argument(nameIid: number, field: number, value: number): void {
    const { draft } = this;
    const at = draft.argumentCount++;
    draft.argumentNames[at] = nameIid;
    draft.argumentFields[at] = field;
    draft.argumentValues[at] = value;
  }

  private put(content: (draft: Draft, out: PbfWriter) => void): void {
    this.out.writeMessage(packetField, content, this.draft);
    if (this.out.pos >= blockBytes) this.flush();
  }
}

function firstPacket(_draft: Draft, out: PbfWriter): void {
  out.writeVarintField(packet.sequence, sequenceId);
  out.writeVarintField(packet.sequenceFlags, incrementalStateCleared | needsIncrementalState);
}

function trackPacket(draft: Draft, out: PbfWriter): void {
  out.writeVarintField(packet.sequence, sequenceId);
  out.writeMessage(packet.trackDescriptor, trackDescriptor, draft.declared);
}

function trackDescriptor({ uuid, name, parent, rank, counterUnit }: Track, out: PbfWriter): void {
  out.writeVarintField(descriptor.uuid, uuid);
  out.writeStringField(descriptor.name, name);
  if (parent !== 0) out.writeVarintField(descriptor.parent, parent);
  if (counterUnit === undefined) out.writeVarintField(descriptor.childOrder, explicitOrder);
  else out.writeMessage(descriptor.counter, counterUnitOf, counterUnit);
  out.writeVarintField(descriptor.rank, rank);
}

function counterUnitOf(unit: string, out: PbfWriter): void {
  if (unit === '') out.writeVarintField(counterDescriptor.unit, countUnit);
  else out.writeStringField(counterDescriptor.unitName, unit);
}

function internedPacket(draft: Draft, out: PbfWriter): void {
  out.writeVarintField(packet.sequence, sequenceId);
  out.writeVarintField(packet.sequenceFlags, needsIncrementalState);
  out.writeMessage(packet.internedData, internedData, draft);
}

function internedData(draft: Draft, out: PbfWriter): void {
  out.writeMessage(interned[draft.kind], internedEntry, draft);
}

function internedEntry({ iid, text }: Draft, out: PbfWriter): void {
  out.writeVarintField(entry.iid, iid);
  out.writeStringField(entry.text, text);
}

function eventPacket(draft: Draft, out: PbfWriter): void {
  out.writeVarintField(packet.timestamp, draft.time);
  out.writeVarintField(packet.sequence, sequenceId);
  out.writeVarintField(packet.sequenceFlags, needsIncrementalState);
  out.writeMessage(packet.trackEvent, trackEvent, draft);
}

function trackEvent(draft: Draft, out: PbfWriter): void {
  out.writeVarintField(event.type, draft.type);
  out.writeVarintField(event.track, draft.track);
  if (draft.nameIid !== 0) out.writeVarintField(event.nameIid, draft.nameIid);
  else out.writeStringField(event.name, draft.name);
  for (let at = 0; at < draft.encodedCount; at++) {
    const bytes = draft.encoded[at]!;
    out.realloc(bytes.length);
    out.buf.set(bytes, out.pos);
    out.pos += bytes.length;
  }
  for (let at = 0; at < draft.argumentCount; at++) {
    const inner = open(out, event.annotations);
    out.writeVarintField(annotation.nameIid, draft.argumentNames[at]!);
    out.writeVarintField(draft.argumentFields[at]!, draft.argumentValues[at]!);
    close(out, inner);
  }
  for (let at = 0; at < draft.flowCount; at++) out.writeFixed64Field(draft.flowFields[at]!, draft.flowIds[at]!);
}

const bytesWire = 2;

/** Begins a message that takes less than 128 bytes, so that its length takes one; returns where that goes. */
function open(out: PbfWriter, field: number): number {
  out.writeTag(field, bytesWire);
  out.realloc(1);
  return out.pos++;
}

function close(out: PbfWriter, at: number): void {
  out.buf[at] = out.pos - at - 1;
}
