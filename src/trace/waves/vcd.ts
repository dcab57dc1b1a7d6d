import { blockBytes, type TraceFacts, type WriteBlock } from '../facts.ts';
import { nothing, type Signal } from './signals.ts';
import type { WaveFile } from './trace.ts';

const newline = 0x0a;
const space = 0x20;
const hash = 0x23;
const zero = 0x30;
const letterB = 0x62;
const letterS = 0x73;
const letterX = 0x78;
/** Characters of identifiers. */
const firstCharacter = 0x21;
const characters = 94;
/** Longest line of a change, an identifier and a text of a program included. */
const lineBytes = 4096;

/** Name of a signal as the declaration and viewers have it: with its range where it is a number. */
export function signalName({ name, bits, texts }: Signal): string {
  return texts ? name : `${name}[${bits - 1}:0]`;
}

/** Scopes in the order in which they come, each with its signals. */
export function scopesOf(
  signals: readonly Signal[],
): { scope: string; members: { signal: Signal; index: number }[] }[] {
  const scopes = new Map<string, { signal: Signal; index: number }[]>();
  signals.forEach((signal, index) => {
    scopes.set(signal.scope, [...(scopes.get(signal.scope) ?? []), { signal, index }]);
  });
  return [...scopes].map(([scope, members]) => ({ scope, members }));
}

/** The scope that holds all others. */
export const topScope = 'lutra';

/** Bytes of a text, by number in a list of texts that may grow. */
export class EncodedTexts {
  private readonly encoder = new TextEncoder();
  private readonly lists = new Map<readonly string[], Uint8Array[]>();
  private readonly none = this.encoder.encode('-');

  of(texts: readonly string[], number: number): Uint8Array {
    if (number === nothing) return this.none;
    let list = this.lists.get(texts);
    if (!list) {
      list = [];
      this.lists.set(texts, list);
    }
    list[number] ??= this.encoder.encode(texts[number]);
    return list[number];
  }
}

/** A value change dump (IEEE 1364), with GTKWave’s signals of texts; Surfer reads them too. Times are picoseconds. */
export function vcdFile(facts: TraceFacts, signals: readonly Signal[], write: WriteBlock): WaveFile {
  return new VcdFile(facts, signals, write);
}

class VcdFile implements WaveFile {
  private readonly signals: readonly Signal[];
  private readonly write: WriteBlock;
  private readonly identifiers: readonly Uint8Array[];
  private readonly texts = new EncodedTexts();
  private readonly encoder = new TextEncoder();
  private readonly block = new Uint8Array(blockBytes + lineBytes);
  private length = 0;

  constructor(facts: TraceFacts, signals: readonly Signal[], write: WriteBlock) {
    this.signals = signals;
    this.write = write;
    this.identifiers = signals.map((_, index) => this.encoder.encode(identifier(index)));
    this.write(this.encoder.encode(header(facts, signals)));
  }

  time(picoseconds: number): void {
    const { block } = this;
    block[this.length++] = hash;
    this.decimal(picoseconds);
    block[this.length++] = newline;
    if (this.length >= blockBytes) this.flush();
  }

  change(signal: number, value: number): void {
    const { bits, texts } = this.signals[signal] as Signal;
    const { block } = this;
    if (texts) {
      block[this.length++] = letterS;
      this.put(this.texts.of(texts, value));
    } else {
      block[this.length++] = letterB;
      this.binary(value, bits);
    }
    block[this.length++] = space;
    this.put(this.identifiers[signal] as Uint8Array);
    block[this.length++] = newline;
    if (this.length >= blockBytes) this.flush();
  }

  finish(): void {
    this.flush();
  }

  /** Without leading zeros, which readers add; what does not fit loses its upper bits. */
  private binary(value: number, bits: number): void {
    const { block } = this;
    if (value === nothing) {
      block[this.length++] = letterX;
      return;
    }
    const word = bits < 32 ? value & ((1 << bits) - 1) : value >>> 0;
    for (let bit = Math.max(0, 31 - Math.clz32(word)); bit >= 0; bit--)
      block[this.length++] = zero + ((word >>> bit) & 1);
  }

  /** Digits of a whole number, at most 16 of them. */
  private decimal(value: number): void {
    const { block } = this;
    const high = Math.floor(value / 1e8);
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits += 1;
    let at = this.length + digits;
    this.length = at;
    let rest = value - high * 1e8;
    for (let digit = 0; digit < 8 && at > this.length - digits; digit++) {
      block[--at] = zero + (rest % 10);
      rest = (rest / 10) | 0;
    }
    for (rest = high; at > this.length - digits; rest = Math.floor(rest / 10)) block[--at] = zero + (rest % 10);
  }

  private put(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) this.block[this.length++] = bytes[at]!;
  }

  private flush(): void {
    if (this.length > 0) this.write(this.block.subarray(0, this.length));
    this.length = 0;
  }
}

function identifier(index: number): string {
  const digit = String.fromCharCode(firstCharacter + (index % characters));
  return index < characters ? digit : digit + identifier(Math.floor(index / characters) - 1);
}

function header({ machine, clockHz }: TraceFacts, signals: readonly Signal[]): string {
  const scopes = scopesOf(signals).flatMap(({ scope, members }) => [
    `$scope module ${scope} $end`,
    ...members.map(({ signal, index }) => {
      const [type, bits] = signal.texts ? ['string', 1] : ['wire', signal.bits];
      return `$var ${type} ${bits} ${identifier(index)} ${signalName(signal).replace('[', ' [')} $end`;
    }),
    '$upscope $end',
  ]);
  return `${[
    `$comment lutra: ${machine} at ${clockHz} Hz; a cycle takes ${1e12 / clockHz} units of time $end`,
    '$timescale 1ps $end',
    `$scope module ${topScope} $end`,
    ...scopes,
    '$upscope $end',
    '$enddefinitions $end',
  ].join('\n')}\n`;
}
