/** Checks of the on-chip buffers: address lines, and both values of every bit of what is gone through. */
import type { Author } from './author.ts';
import { type PatternKind, pattern } from './patterns.ts';

/** Beats that are written before they are read. */
const windowBeats = 512;
/** Windows of a buffer that are gone through at most; a larger buffer has gaps between them. */
const mostWindows = 8;

interface Buffer {
  readonly name: 'act' | 'coef' | 'acc' | 'input' | 'kv';
  readonly unit: 'dma' | 'kvStore';
  /** Elements; bytes for `kv`. */
  readonly size: number;
  readonly elementBytes: number;
  /** Elements of a word of its RAM. */
  readonly wordElements: number;
  readonly kind: PatternKind;
  /** No instruction spans two of them. */
  readonly banks: number;
}

/** What part of a buffer the self-test goes through. */
export interface Coverage {
  readonly buffer: string;
  readonly bytes: number;
  readonly of: number;
}

function buffersOf({ hw, shape }: Author): Buffer[] {
  const { derived, sizes } = shape;
  const actBytes = hw.vector.format === 'float32' ? 4 : 2;
  const simple = (name: 'coef' | 'acc' | 'input', elementBytes: number, wordElements: number, kind: PatternKind) => ({
    name,
    unit: 'dma' as const,
    size: sizes[name],
    elementBytes,
    wordElements,
    kind,
    banks: 1,
  });
  return [
    simple('input', 1, derived.inputWordElements, 'bytes'),
    simple('acc', 4, derived.accWordElements, 'bytes'),
    {
      name: 'act',
      unit: 'dma',
      size: sizes.act,
      elementBytes: actBytes,
      wordElements: derived.actWordElements,
      kind: hw.vector.format,
      banks: hw.vector.activationBanks,
    },
    simple('coef', 4, derived.coefWordElements, 'float32'),
    {
      name: 'kv',
      unit: 'kvStore',
      size: sizes.kv,
      elementBytes: 1,
      wordElements: derived.kvWordBytes,
      kind: 'bytes',
      banks: 1,
    },
  ];
}

export function bufferChecks(author: Author): Coverage[] {
  return buffersOf(author).map((buffer) => {
    author.check(buffer.unit, `address lines of ${buffer.name}`, () => addressLines(author, buffer));
    let coverage: Coverage | undefined;
    author.check(buffer.unit, `words of ${buffer.name}, every bit both ways`, () => {
      coverage = words(author, buffer);
    });
    return coverage as Coverage;
  });
}

/** Elements at whose multiples transfers begin, in this buffer and in memory. */
const beat = ({ portBytes }: { portBytes: number }, { elementBytes }: Buffer) => Math.max(1, portBytes / elementBytes);

function move(
  author: Author,
  verb: 'load' | 'store',
  buffer: Buffer,
  local: number | string,
  remote: string,
  elements: number | string,
) {
  const { name, kind, elementBytes } = buffer;
  if (name === 'kv') {
    const sides = verb === 'load' ? `dst=${local}, src=${remote}` : `src=${local}, dst=${remote}`;
    author.line(`kvStore.${verb === 'load' ? 'fill' : 'spill'} ${sides}, bytes=${elements}, rows=1, stride=0`);
    return;
  }
  const format = kind === 'bytes' ? (elementBytes === 4 ? 'int32' : 'int8') : kind;
  const rest = `elements=${elements}, rows=1, remoteStride=0, localPitch=0`;
  author.line(`dma.${verb} ${name}, ${format}, local=${local}, remote=${remote}, ${rest}`);
}

/** A word at every power of two and the last one, all written before one is read. */
function addressLines(author: Author, buffer: Buffer): void {
  const { size, wordElements, elementBytes, banks } = buffer;
  const step = beat(author.shape.derived, buffer);
  const elements = Math.ceil(wordElements / step) * step;
  const bytes = elements * elementBytes;
  const places = new Set<number>();
  const bank = size / banks;
  for (let first = 0; first < size; first += bank) {
    for (let word = 0; word + elements <= bank; word = word === 0 ? elements : 2 * word) places.add(first + word);
    places.add(first + Math.floor((bank - elements) / elements) * elements);
  }
  const aligned = [...places].filter((place) => place % step === 0 && place >= 0 && place + elements <= size);
  const marks = marksOf(author, buffer);
  for (const [index, place] of aligned.entries())
    move(author, 'load', buffer, place, `${marks}+${index * bytes}`, elements);
  for (const [index, place] of aligned.entries())
    move(author, 'store', buffer, place, `scratch+${index * bytes}`, elements);
  author.memory.room('scratch', aligned.length * bytes);
  author.wait(buffer.unit);
  author.verify('scratch', aligned.length * bytes);
}

/** A pattern for address lines, long enough for every power of two. */
function marksOf(author: Author, buffer: Buffer): string {
  const step = beat(author.shape.derived, buffer);
  const elements = Math.ceil(buffer.wordElements / step) * step;
  const bytes = elements * buffer.elementBytes * (buffer.banks * Math.ceil(Math.log2(buffer.size) + 3));
  return author.memory.constant(`marks.${buffer.name}`, () => pattern(buffer.kind, bytes, 0x3a, false));
}

function words(author: Author, buffer: Buffer): Coverage {
  const { name, size, elementBytes, wordElements, kind, banks } = buffer;
  const { portBytes } = author.shape.derived;
  const step = Math.max(wordElements, beat(author.shape.derived, buffer));
  const bank = size / banks;
  const windowBytes = windowBeats * portBytes;
  const elements = Math.max(step, Math.floor(Math.min(bank, windowBytes / elementBytes) / step) * step);
  const windows = Math.min(Math.floor(bank / elements), mostWindows / banks);
  // From the first words to the last, with the gaps between them all alike.
  const stride = windows === 1 ? 0 : Math.floor((bank - elements) / (windows - 1) / step) * step;
  const bytes = elements * elementBytes;
  author.memory.room('scratch', bytes);
  for (const inverted of [false, true]) {
    const source = author.memory.constant(`${kind}${inverted ? 'Inverted' : 'Pattern'}`, () =>
      pattern(kind, windowBytes + mostWindows * portBytes, 0xb17, inverted),
    );
    // Sums cannot wait in the buffer that is tried out.
    const together = name !== 'acc';
    if (together) author.clearSums();
    for (let first = 0; first < banks; first++) {
      const again = author.label();
      author.line(`li r1, ${windows}`, `li r2, ${first * bank}`, `li r3, ${source}+${first * windows * portBytes}`);
      author.line(`${again}:`);
      // The engine may still read what was there before, and dma what the KV store has spilled.
      if (name === 'input') author.wait('matmul');
      if (name === 'kv') author.wait('dma');
      move(author, 'load', buffer, 'r2', 'r3', elements);
      move(author, 'store', buffer, 'r2', 'scratch', elements);
      author.wait(buffer.unit);
      if (together) author.addToSums('scratch', bytes);
      else author.verify('scratch', bytes);
      author.line(`add r2, r2, ${stride}`, `add r3, r3, ${portBytes}`, `loop r1, ${again}`);
    }
    if (together) author.compareSums();
  }
  return { buffer: name, bytes: banks * windows * bytes, of: size * elementBytes };
}
