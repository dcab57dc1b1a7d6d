/**
 * Reads a Perfetto trace as Perfetto does, with a library that did not write it, and refuses what Perfetto would warn
 * of: unknown fields, events on tracks that were not declared, texts that were not said, slices that overlap, ends
 * without a beginning, flows without a source.
 */
import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

const schema = protobuf.parse(readFileSync('test/trace/perfetto.proto', 'utf8'), { keepCase: true }).root;
const traceType = schema.lookupType('perfetto.protos.Trace');

export type Arguments = Readonly<Record<string, number | string>>;

export interface Slice {
  readonly track: string;
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly args: Arguments;
  readonly flowsOut: readonly number[];
  readonly flowsIn: readonly number[];
}

export interface PerfettoContents {
  readonly tracks: ReadonlyMap<string, { readonly parent: string | undefined; readonly unit: string | undefined }>;
  readonly slices: readonly Slice[];
  readonly instants: readonly {
    readonly track: string;
    readonly name: string;
    readonly time: number;
    readonly args: Arguments;
  }[];
  /** By track, in the order of time. */
  readonly counters: ReadonlyMap<string, readonly (readonly [time: number, value: number])[]>;
}

interface Packet {
  readonly timestamp?: number;
  readonly trusted_packet_sequence_id?: number;
  readonly sequence_flags?: number;
  readonly track_descriptor?: Record<string, never>;
  readonly interned_data?: Record<string, { iid: number; name?: string; str?: Uint8Array }[]>;
  readonly track_event?: {
    readonly type: number;
    readonly track_uuid: number;
    readonly name_iid?: number;
    readonly name?: string;
    readonly counter_value?: number;
    readonly double_counter_value?: number;
    readonly debug_annotations?: { name_iid: number; uint_value?: number; string_value_iid?: number }[];
    readonly flow_ids?: number[];
    readonly terminating_flow_ids?: number[];
  };
}

export function readPerfetto(bytes: Uint8Array): PerfettoContents {
  const decoded = traceType.decode(bytes);
  const { packet: packets } = traceType.toObject(decoded, { longs: Number, enums: Number }) as { packet: Packet[] };
  // Decoding drops fields that the schema lacks; what is left of a packet without them is shorter.
  if (traceType.encode(decoded).finish().length !== bytes.length) throw new Error('a field that the schema lacks');

  const tracks = new Map<number, { name: string; parent: number | undefined; unit: string | undefined }>();
  const texts = {
    event_names: new Map(),
    debug_annotation_names: new Map(),
    debug_annotation_string_values: new Map(),
  };
  const events: {
    time: number;
    order: number;
    event: NonNullable<Packet['track_event']>;
    args: Arguments;
    name: string;
  }[] = [];
  const said = (kind: keyof typeof texts, iid: number): string => {
    const text = texts[kind].get(iid);
    if (text === undefined) throw new Error(`${kind} ${iid} was not said`);
    return text;
  };
  packets.forEach((packet, order) => {
    const flags = packet.sequence_flags ?? 0;
    if (packet.trusted_packet_sequence_id !== 1) throw new Error('a packet without its sequence');
    if (((flags & 1) === 1) !== (order === 0))
      throw new Error('incremental state is cleared elsewhere than at the start');
    const descriptor = packet.track_descriptor as Record<string, unknown> | undefined;
    if (descriptor) {
      const uuid = descriptor['uuid'] as number;
      const parent = descriptor['parent_uuid'] as number | undefined;
      if (uuid === 0 || tracks.has(uuid)) throw new Error(`track ${uuid} twice`);
      if (parent !== undefined && !tracks.has(parent)) throw new Error(`track ${uuid} comes before its parent`);
      const counter = descriptor['counter'] as { unit?: number; unit_name?: string } | undefined;
      const unit = counter && (counter.unit_name ?? (counter.unit === 2 ? 'count' : undefined));
      if (counter && unit === undefined) throw new Error('a counter without a unit');
      tracks.set(uuid, { name: descriptor['name'] as string, parent, unit });
    }
    for (const [kind, entries] of Object.entries(packet.interned_data ?? {})) {
      for (const { iid, name, str } of entries) {
        const known = texts[kind as keyof typeof texts];
        if (iid === 0 || known.has(iid)) throw new Error(`${kind} ${iid} twice`);
        known.set(iid, name ?? new TextDecoder('utf-8', { fatal: true }).decode(str));
      }
    }
    const event = packet.track_event;
    if (!event) return;
    if (packet.timestamp === undefined) throw new Error('an event without a time');
    if ((event.name_iid !== undefined || event.debug_annotations) && (flags & 2) === 0) throw new Error('needs state');
    const args = Object.fromEntries(
      (event.debug_annotations ?? []).map(({ name_iid, uint_value, string_value_iid }) => {
        const value =
          string_value_iid === undefined ? uint_value : said('debug_annotation_string_values', string_value_iid);
        if (value === undefined) throw new Error('an argument without a value');
        return [said('debug_annotation_names', name_iid), value];
      }),
    );
    const name = event.name_iid === undefined ? (event.name ?? '') : said('event_names', event.name_iid);
    events.push({ time: packet.timestamp, order, event, args, name });
  });

  // Perfetto sorts by time; what has the same time stays in the order of the file.
  events.sort((a, b) => a.time - b.time || a.order - b.order);
  const slices: Slice[] = [];
  const instants: { track: string; name: string; time: number; args: Arguments }[] = [];
  const counters = new Map<string, [number, number][]>();
  const open = new Map<number, (typeof events)[number]>();
  const flowing = new Set<number>();
  const flowsEver = new Set<number>();
  for (const entry of events) {
    const { time, event, name, args } = entry;
    const track = tracks.get(event.track_uuid);
    if (!track) throw new Error(`an event on track ${event.track_uuid}, which was not declared`);
    if ((track.unit !== undefined) !== (event.type === 4)) throw new Error(`${track.name}: counters and slices mixed`);
    if (event.type === 1) {
      if (open.has(event.track_uuid))
        throw new Error(`${track.name}: ${name} begins inside of another slice at ${time}`);
      if (name === '') throw new Error('a slice without a name');
      open.set(event.track_uuid, entry);
      for (const flow of event.terminating_flow_ids ?? []) {
        if (!flowing.delete(flow)) throw new Error(`flow ${flow} ends and was not begun`);
      }
      for (const flow of event.flow_ids ?? []) {
        if (flowsEver.has(flow)) throw new Error(`flow ${flow} begins twice`);
        flowsEver.add(flow);
        flowing.add(flow);
      }
    } else if (event.type === 2) {
      const begin = open.get(event.track_uuid);
      if (!begin) throw new Error(`${track.name}: an end at ${time} without a beginning`);
      open.delete(event.track_uuid);
      slices.push({
        track: track.name,
        name: begin.name,
        from: begin.time,
        to: time,
        args: begin.args,
        flowsOut: begin.event.flow_ids ?? [],
        flowsIn: begin.event.terminating_flow_ids ?? [],
      });
    } else if (event.type === 3) instants.push({ track: track.name, name, time, args });
    else if (event.type === 4) {
      const value = event.counter_value ?? event.double_counter_value;
      if (value === undefined || !Number.isFinite(value)) throw new Error(`${track.name}: no value`);
      const list = counters.get(track.name) ?? [];
      list.push([time, value]);
      counters.set(track.name, list);
    } else throw new Error(`type ${event.type}`);
  }
  if (open.size > 0) throw new Error('a slice never ends');
  const byName = new Map(
    [...tracks.values()].map(({ name, parent, unit }) => [
      name,
      { parent: parent === undefined ? undefined : tracks.get(parent)?.name, unit },
    ]),
  );
  if (byName.size !== tracks.size) throw new Error('two tracks of one name');
  return { tracks: byName, slices, instants, counters };
}
