import type { TraceFacts, WriteBlock } from '../facts.ts';
import { Bytes } from './bytes.ts';
import { nothing, type Signal } from './signals.ts';
import type { WaveFile } from './trace.ts';
import { EncodedTexts, scopesOf, signalName, topScope } from './vcd.ts';

/** What the format compresses with; from the host. */
export interface Compression {
  /** zlib format. */
  readonly deflate: (bytes: Uint8Array) => Uint8Array;
  readonly gzip: (bytes: Uint8Array) => Uint8Array;
}

/** Kinds of blocks. */
const blockKind = { header: 0, geometry: 3, hierarchy: 4, changes: 8 } as const;
/** Entries of the hierarchy. */
const entryKind = { scope: 254, upscope: 255 } as const;
const moduleScope = 0;
const wire = 16;
const text = 21;
/** Length of a signal whose values are texts, in the geometry. */
const variableLength = 0xffffffff;
const picosecond = -12;
const headerLength = 329;
const versionBytes = 128;
const dateBytes = 119;
/** Changes are compressed and written when so many bytes of them have come. */
const changeBytes = 1 << 19;
/** Less than this is not worth compressing. */
const leastToCompress = 32;

/**
 * GTKWave’s compressed waveform format (Fast Signal Trace), as its readers and Surfer’s take it: a header, the signals
 * (geometry and hierarchy), then blocks of changes, each with its table of times and one chain of changes per signal.
 * The signals come before the changes, so that a file that ends early can be read; `rewrite` replaces the beginning of
 * the file when its end is known.
 */
export function fstFile(
  facts: TraceFacts,
  signals: readonly Signal[],
  write: WriteBlock,
  compression: Compression,
  rewrite: (beginning: Uint8Array) => void,
): WaveFile {
  return new Fst(facts, signals, write, compression, rewrite);
}

class Fst implements WaveFile {
  private readonly facts: TraceFacts;
  private readonly signals: readonly Signal[];
  private readonly write: WriteBlock;
  private readonly compression: Compression;
  private readonly rewrite: (beginning: Uint8Array) => void;
  private readonly texts = new EncodedTexts();
  private readonly scopes: ReturnType<typeof scopesOf>;
  /** Of the block that is being filled: differences of times, and for each signal its changes. */
  private readonly times = new Bytes(1 << 16);
  private timeCount = 0;
  private firstTime = 0;
  private lastTime = 0;
  private readonly chains: readonly Bytes[];
  /** Position in the table of times of the latest change of each signal. */
  private readonly latest: Uint32Array;
  private collected = 0;
  /** Values at the beginning of the block, and now. */
  private readonly before: Float64Array;
  private readonly values: Float64Array;
  // Of the whole file.
  private blocks = 0;
  private begin = 0;
  private end = 0;

  constructor(
    facts: TraceFacts,
    signals: readonly Signal[],
    write: WriteBlock,
    compression: Compression,
    rewrite: (beginning: Uint8Array) => void,
  ) {
    this.rewrite = rewrite;
    this.facts = facts;
    this.signals = signals;
    this.write = write;
    this.compression = compression;
    this.scopes = scopesOf(signals);
    this.chains = signals.map(() => new Bytes());
    this.latest = new Uint32Array(signals.length);
    this.before = new Float64Array(signals.length).fill(nothing);
    this.values = new Float64Array(signals.length).fill(nothing);
    const start = new Bytes();
    start.put(this.header());
    start.put(this.geometry());
    start.put(this.hierarchy());
    write(start.view());
  }

  time(picoseconds: number): void {
    if (this.collected >= changeBytes) this.flush();
    if (this.timeCount === 0) this.firstTime = picoseconds;
    this.times.varint(this.timeCount === 0 ? picoseconds : picoseconds - this.lastTime);
    this.timeCount += 1;
    this.lastTime = picoseconds;
    this.collected += 2;
  }

  change(signal: number, value: number): void {
    const { bits, texts } = this.signals[signal] as Signal;
    const chain = this.chains[signal] as Bytes;
    const length = chain.length;
    const at = this.timeCount - 1;
    const delta = at - this.latest[signal]!;
    this.latest[signal] = at;
    this.values[signal] = value;
    if (texts) {
      const encoded = this.texts.of(texts, value);
      chain.varint(delta * 2);
      chain.varint(encoded.length);
      chain.put(encoded);
    } else if (value === nothing) {
      // The values of bits other than 0 and 1 are characters.
      chain.varint(delta * 2 + 1);
      for (let bit = 0; bit < bits; bit++) chain.byte(unknownBit);
    } else {
      chain.varint(delta * 2);
      const word = bits < 32 ? (value << (32 - bits)) >>> 0 : value >>> 0;
      for (let byte = 0; byte < Math.ceil(bits / 8); byte++) chain.byte((word >>> (24 - 8 * byte)) & 0xff);
    }
    this.collected += chain.length - length;
  }

  finish(): void {
    this.flush();
    this.rewrite(this.header());
  }

  private header(): Uint8Array {
    const { scopes, signals, facts } = this;
    const block = new Bytes(headerLength + 1);
    block.byte(blockKind.header);
    block.word(headerLength);
    block.word(this.begin);
    block.word(this.end);
    // By this the reader finds out about the order of bytes.
    block.put(new Uint8Array(new Float64Array([Math.E]).buffer));
    block.word(changeBytes);
    block.word(scopes.length + 1);
    block.word(signals.length);
    block.word(signals.length);
    block.word(this.blocks);
    block.byte(picosecond & 0xff);
    block.put(padded(`lutra: ${facts.machine} at ${facts.clockHz} Hz`, versionBytes));
    block.put(padded('', dateBytes));
    // Made by Verilog-like signals; time zero is zero.
    block.byte(0);
    block.word(0);
    return block.view();
  }

  /** The lengths of all signals. */
  private geometry(): Uint8Array {
    const lengths = new Bytes();
    for (const { bits, texts } of this.signals) lengths.varint(texts ? variableLength : bits);
    const block = new Bytes();
    const packed = this.packed(lengths.view());
    block.byte(blockKind.geometry);
    block.word(packed.length + 24);
    block.word(lengths.length);
    block.word(this.signals.length);
    block.put(packed);
    return block.view();
  }

  private hierarchy(): Uint8Array {
    const encoder = new TextEncoder();
    const tree = new Bytes();
    const name = (value: string) => {
      tree.put(encoder.encode(value));
      tree.byte(0);
    };
    const scope = (value: string) => {
      tree.byte(entryKind.scope);
      tree.byte(moduleScope);
      name(value);
      // The name of the module.
      name('');
    };
    scope(topScope);
    for (const { scope: inner, members } of this.scopes) {
      scope(inner);
      for (const { signal } of members) {
        tree.byte(signal.texts ? text : wire);
        // No direction.
        tree.byte(0);
        name(signalName(signal).replace('[', ' ['));
        tree.varint(signal.texts ? 0 : signal.bits);
        // Not another name of an earlier one.
        tree.varint(0);
      }
      tree.byte(entryKind.upscope);
    }
    tree.byte(entryKind.upscope);
    const packed = this.compression.gzip(tree.view());
    const block = new Bytes();
    block.byte(blockKind.hierarchy);
    block.word(packed.length + 16);
    block.word(tree.length);
    block.put(packed);
    return block.view();
  }

  /** Writes the changes that were collected as a block. */
  private flush(): void {
    if (this.timeCount === 0) return;
    const { signals } = this;
    const body = new Bytes(this.collected + 1024);
    const needed = this.chains.reduce((sum, chain) => sum + chain.length, 0);
    body.word(this.firstTime);
    body.word(this.lastTime);
    // Memory that the reader needs to unpack all chains.
    body.word(needed);
    this.frame(body);
    body.varint(signals.length);
    const places = this.chainsInto(body);
    const index = indexOf(places);
    body.put(index);
    body.word(index.length);
    const times = this.packed(this.times.view());
    body.put(times);
    body.word(this.times.length);
    body.word(times.length);
    body.word(this.timeCount);
    const block = new Bytes(body.length + 9);
    block.byte(blockKind.changes);
    block.word(body.length + 8);
    block.put(body.view());
    if (this.write(block.view())) {
      if (this.blocks === 0) this.begin = this.firstTime;
      this.blocks += 1;
      this.end = this.lastTime;
    }
    this.times.clear();
    this.timeCount = 0;
    this.collected = 0;
    for (const chain of this.chains) chain.clear();
    this.latest.fill(0);
    this.before.set(this.values);
  }

  /** The values of all numbers at the beginning of the block, a character per bit. */
  private frame(body: Bytes): void {
    const frame = new Bytes();
    this.signals.forEach(({ bits, texts }, signal) => {
      if (texts) return;
      const value = this.before[signal]!;
      for (let bit = bits - 1; bit >= 0; bit--) {
        frame.byte(value === nothing ? unknownBit : zeroBit + ((value >>> bit) & 1));
      }
    });
    const packed = this.packed(frame.view());
    body.varint(frame.length);
    body.varint(packed.length);
    body.varint(this.signals.length);
    body.put(packed);
  }

  /** Where each chain lies, from the byte that says how they are packed; 0: the signal has no changes. */
  private chainsInto(body: Bytes): number[] {
    const start = body.length;
    body.byte(packedByZlib);
    return this.chains.map((chain) => {
      if (chain.length === 0) return 0;
      const place = body.length - start;
      const packed = this.packed(chain.view());
      // What is stored as it is has no length here.
      body.varint(packed.length === chain.length ? 0 : chain.length);
      body.put(packed);
      return place;
    });
  }

  /** Compressed, or as it was where that would not be shorter: then the lengths are equal. */
  private packed(bytes: Uint8Array): Uint8Array {
    if (bytes.length < leastToCompress) return bytes;
    const packed = this.compression.deflate(bytes);
    return packed.length < bytes.length ? packed : bytes;
  }
}

const zeroBit = 0x30;
const unknownBit = 0x78;
const packedByZlib = 0x5a;

/** Differences between the places of chains, odd; runs of signals without one, even. */
function indexOf(places: readonly number[]): Uint8Array {
  const index = new Bytes();
  let last = 0;
  for (let at = 0; at < places.length; ) {
    if (places[at] !== 0) {
      index.positiveVarint((places[at]! - last) * 2 + 1);
      last = places[at]!;
      at += 1;
      continue;
    }
    const begin = at;
    while (at < places.length && places[at] === 0) at += 1;
    index.varint((at - begin) * 2);
  }
  return index.view();
}

function padded(value: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  new TextEncoder().encodeInto(value, bytes.subarray(0, length - 1));
  return bytes;
}
