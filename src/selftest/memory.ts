/** Checks of memory and dma: every port, data lines, byte strobes, address lines, pages, strides, gathers, formats. */
import { hash } from '../base/hash.ts';
import type { Author } from './author.ts';
import { addressWindow } from './memoryPlan.ts';
import { dataLines, randomBytes, specialFloats, words } from './patterns.ts';
import { extraTurns } from './signature.ts';

/** Bytes of a row of memory that is moved from here to there. */
const copyBeats = 2;

/** Before the engine is known to work: few words, compared one by one. */
export function copyChecks(author: Author): void {
  const { ports } = author.hw.memory;
  const { portBytes } = author.shape.derived;
  author.check('dma', 'a few beats there and back through every port', () => {
    const bytes = copyBeats * portBytes;
    const source = author.memory.constant('copied', () => randomBytes(bytes * ports, 0xc0));
    const room = author.memory.room('copy', bytes * ports);
    for (let port = 0; port < ports; port++) {
      author.transfer('load', 'input', port * bytes, `${source}+${port * bytes}`, bytes);
    }
    for (let port = 0; port < ports; port++) {
      author.transfer('store', 'input', port * bytes, `${room}+${port * bytes}`, bytes);
    }
    author.wait('dma');
    author.compare(room, Math.min(64, (bytes * ports) / 4));
  });
}

export function memoryChecks(author: Author): void {
  author.check('memory', 'every data line of every port, both ways, read and written', () => lines(author));
  author.check('memory', 'every number of bytes in a beat, through every port', () => strobes(author));
  const bytes = addressWindow(author.hw);
  author.check('memory', `every address line of ${bytes / 2 ** 20} MiB`, () => addresses(author));
  author.check('memory', 'bursts that begin anywhere in a page and cross it', () => pages(author));
  author.check('dma', 'rows with strides, forwards and backwards', () => strides(author));
  author.check('dma', 'gathered rows', () => gathers(author));
  author.check('dma', 'formats of memory: float32, bfloat16, float16, int32, int8', () => formats(author));
}

/** As many bytes as fit `input`, in whole beats. */
function fitting(author: Author, bytes: number): number {
  const { portBytes } = author.shape.derived;
  const most = Math.min(bytes, author.hw.matmul.inputElements);
  return most - (most % portBytes);
}

/** dma changes the port with every transfer: so many loads, then so many stores, meet all of them. */
function lines(author: Author): void {
  const { ports } = author.hw.memory;
  const { portBytes } = author.shape.derived;
  const contents = dataLines(portBytes);
  const source = author.memory.constant('dataLines', () => contents);
  const bytes = fitting(author, contents.length);
  const room = author.memory.room('scratch', ports * bytes);
  const loading = author.label();
  const storing = author.label();
  author.line(`li r1, ${ports}`, `${loading}:`);
  author.transfer('load', 'input', 0, source, bytes);
  author.line(`loop r1, ${loading}`, `li r1, ${ports}`, `li r2, ${room}`, `${storing}:`);
  author.line(
    `dma.store input, int8, local=0, remote=r2, elements=${bytes}, rows=1, remoteStride=0, localPitch=0`,
    `add r2, r2, ${bytes}`,
    `loop r1, ${storing}`,
  );
  // What was stored through one port is read through all of them.
  author.wait('dma');
  author.verify(room, ports * bytes);
}

function strobes(author: Author): void {
  const { portBytes } = author.shape.derived;
  const { ports } = author.hw.memory;
  const bytes = fitting(author, Math.max(64, 2 * portBytes));
  const source = author.memory.constant('strobes', () => randomBytes(Math.max(64, 2 * portBytes) * 2, 0x57));
  const rows = portBytes * ports;
  const room = author.memory.room('scratch', rows * bytes);
  author.transfer('load', 'input', 0, source, bytes);
  const before = author.label();
  author.line(`li r1, ${rows}`, `li r2, ${room}`, `${before}:`);
  author.transfer('store', 'input', 0, 'r2', bytes);
  author.line(`add r2, r2, ${bytes}`, `loop r1, ${before}`);
  author.transfer('load', 'input', 0, `${source}+${Math.max(64, 2 * portBytes)}`, bytes);
  const port = author.label();
  const row = author.label();
  author.line(`li r2, ${room}`, `li r4, ${ports}`, `${port}:`, `li r3, ${portBytes}`, `${row}:`);
  author.line('dma.store input, int8, local=0, remote=r2, elements=r3, rows=1, remoteStride=0, localPitch=0');
  author.line(`add r2, r2, ${bytes}`, `loop r3, ${row}`);
  // With so many transfers more every number of bytes meets every port.
  for (let more = extraTurns(portBytes, ports); more > 0; more--) {
    author.transfer('load', 'input', 0, `${source}+${Math.max(64, 2 * portBytes)}`, bytes);
  }
  author.line(`loop r4, ${port}`);
  author.wait('dma');
  author.verify(room, rows * bytes);
}

/** A beat at every power of two, all written before one is read. */
function addresses(author: Author): void {
  const { portBytes } = author.shape.derived;
  const half = addressWindow(author.hw) / 2;
  const offsets = [0];
  for (let offset = portBytes; offset < half; offset *= 2) offsets.push(offset);
  const marks = author.memory.constant('addressMarks', () => randomBytes(offsets.length * portBytes, 0xad));
  for (const order of [offsets, [...offsets].reverse()]) {
    author.transfer('load', 'input', 0, marks, offsets.length * portBytes);
    order.forEach((offset, index) => {
      author.transfer('store', 'input', index * portBytes, `far+${offset}`, portBytes);
    });
    for (const [index, offset] of offsets.entries()) {
      author.transfer('load', 'input', index * portBytes, `far+${offset}`, portBytes);
    }
    const room = author.memory.room('scratch', offsets.length * portBytes);
    author.transfer('store', 'input', 0, room, offsets.length * portBytes);
    author.wait('dma');
    author.verify(room, offsets.length * portBytes);
  }
}

function pages(author: Author): void {
  const { portBytes, burstBytes } = author.shape.derived;
  const bytes = fitting(author, 2 * burstBytes + 5 * portBytes);
  const source = author.memory.constant('paged', () => randomBytes(4 * burstBytes + 8192, 0x9a));
  const room = author.memory.room('pages', 3 * 4096 + 3 * burstBytes);
  const starts = [4096 - portBytes, 4096 - 3 * portBytes, 2048, 4096 - 64];
  const results = author.memory.room('scratch', starts.length * bytes);
  for (const [index, offset] of starts.entries()) {
    const start = offset - (offset % portBytes);
    author.transfer('load', 'input', 0, `${source}+${start}`, bytes);
    author.transfer('store', 'input', 0, `${room}+${start}`, bytes);
    author.transfer('load', 'input', 0, `${room}+${start}`, bytes);
    author.transfer('store', 'input', 0, `${results}+${index * bytes}`, bytes);
  }
  author.wait('dma');
  author.verify(results, starts.length * bytes);
}

interface Rows {
  readonly width: number;
  readonly rows: number;
}

/** Rows that are narrow enough for every machine. */
function rowsOf(author: Author): Rows {
  const { portBytes } = author.shape.derived;
  return { width: 3 * portBytes, rows: 5 };
}

function strides(author: Author): void {
  const { portBytes } = author.shape.derived;
  const { width, rows } = rowsOf(author);
  const stride = 5 * portBytes;
  const source = author.memory.constant('strided', () => randomBytes(2 * rows * stride, 0x57d));
  const room = author.memory.room('scratch', 2 * rows * stride);
  const extent = rows * stride;
  // Whatever lies between the rows is from here.
  author.transfer('load', 'input', 0, source, extent);
  author.transfer('store', 'input', 0, room, extent);
  author.transfer('store', 'input', 0, `${room}+${extent}`, extent);
  const move = (verb: string, remote: string, elements: number, step: number) =>
    author.line(
      `dma.${verb} input, int8, local=0, remote=${remote}, elements=${elements}, rows=${rows}, remoteStride=${step}, localPitch=${stride}`,
    );
  move('load', `${source}+${extent}`, width - 1, stride);
  move('store', room, width - 3, stride);
  move('load', `${source}+${extent + (rows - 1) * stride}`, width - 2, -stride);
  move('store', `${room}+${extent + (rows - 1) * stride}`, width, -stride);
  author.wait('dma');
  author.verify(room, 2 * extent);
}

function gathers(author: Author): void {
  const { portBytes } = author.shape.derived;
  const width = 2 * portBytes;
  const rows = 8;
  const source = author.memory.constant('gathered', () => randomBytes(rows * width, 0x6a7), width);
  const room = author.memory.room('scratch', rows * width);
  const again = author.label();
  // All of the rows, in an order that the front end computes: 3, 6, 1, 4, …
  author.line(`li r1, ${rows}`, 'li r2, 0', `li r4, ${room}`, `${again}:`, 'add r2, r2, 3', `and r2, r2, ${rows - 1}`);
  author.line(`mul r3, r2, ${width}`);
  author.transfer('load', 'input', 0, `${source}+${(rows - 1) * width}`, width);
  author.transfer('gather', 'input', 0, `r3+${source}`, width - 1);
  author.transfer('store', 'input', 0, 'r4', width);
  author.line(`add r4, r4, ${width}`, `loop r1, ${again}`);
  author.wait('dma');
  author.verify(room, rows * width);
}

/** Every format of floats into both buffers that hold them, and out of them again. */
function formats(author: Author): void {
  const elements = author.align * Math.ceil(specialFloats.length / author.align);
  const source = author.memory.constant('formats', () =>
    words([...specialFloats, ...Array.from({ length: elements }, (_, index) => hash(0xf0, index))]),
  );
  const inMemory = { float32: 4, bfloat16: 2, float16: 2 };
  let at = 0;
  const store = (space: string, format: string, bytes: number) => {
    author.line(
      `dma.store ${space}, ${format}, local=0, remote=scratch+${at}, elements=${elements}, rows=1, remoteStride=0, localPitch=0`,
    );
    at += elements * bytes;
  };
  const load = (space: string, format: string) =>
    author.line(
      `dma.load ${space}, ${format}, local=0, remote=${source}, elements=${elements}, rows=1, remoteStride=0, localPitch=0`,
    );
  for (const space of ['act', 'coef']) {
    for (const from of Object.keys(inMemory)) {
      load(space, from);
      for (const [to, bytes] of Object.entries(inMemory)) store(space, to, bytes);
    }
  }
  for (const [space, format, bytes] of [
    ['acc', 'int32', 4],
    ['input', 'int8', 1],
  ] as const) {
    load(space, format);
    store(space, format, bytes);
  }
  author.memory.room('scratch', at);
  author.wait('dma');
  author.verify('scratch', at);
}
