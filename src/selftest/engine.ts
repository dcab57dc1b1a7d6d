/** Checks of the weight buffer and the matmul engine: sums compared one by one first, for all other checks rely on them. */
import { maximumPlanes, sumPitchElements } from '../hw/derive.ts';
import { tileSlices } from '../hw/slices.ts';
import type { Author } from './author.ts';
import { randomBytes, randomIntegers, words } from './patterns.ts';

const alphabets = ['ternary', 'binary'] as const;
type Alphabet = (typeof alphabets)[number];

/** Columns whose sums are compared one by one; what comes after has all of them. */
const columnsCompared = 64;
/** Bytes of the tile and of the inputs with which the weight buffer is gone through. */
const tileBytes = 32768;
/** Sums that are there before. */
const largestSums = 8192;

interface Product {
  readonly weights: number | string;
  readonly alphabet: Alphabet;
  readonly rows: number;
  readonly blocks: number;
  readonly steps: number;
  readonly planes: number;
  readonly output?: number;
  readonly accumulate?: boolean;
}

function run(author: Author, product: Product, sync = ''): void {
  const { weights, alphabet, rows, blocks, steps, planes, output = 0, accumulate = false } = product;
  const options = `options=${accumulate ? 'accumulate' : 'none'}, inputPitch=${inputPitch(author, blocks)}`;
  const shape = `rows=${rows}, blocks=${blocks}, steps=${steps}, alphabet=${alphabet}, planes=${planes}`;
  author.line(`matmul.run input=0, weights=${weights}, output=${output}, ${shape}, ${options} ${sync}`);
}

/** Not a multiple of anything, so that rows begin anywhere in a word. */
const inputPitch = (author: Author, blocks: number) => blocks * author.shape.derived.blockInputs + 1;

/** Fills as much of `input` as rows of so many blocks take. */
function stageInputs(author: Author, rows: number, blocks: number): void {
  const { portBytes } = author.shape.derived;
  const { inputElements } = author.hw.matmul;
  const most = Math.min(inputElements, tileBytes + 4096);
  const constant = author.memory.constant('inputs', () => randomBytes(most, 0x1f).map((byte) => byte | 1));
  const wanted = Math.ceil((rows * inputPitch(author, blocks)) / portBytes) * portBytes;
  author.stage([{ space: 'input', local: 0, elements: Math.min(most, wanted), constant }]);
}

/** Bytes that are digits of an alphabet; `inverted` turns every digit round. */
function digits(author: Author, alphabet: Alphabet, bytes: number, inverted = false): string {
  const largest = alphabet === 'ternary' ? 242 : 255;
  return author.memory.constant(`${alphabet}${inverted ? 'Inverted' : ''}`, () =>
    Uint8Array.from(randomIntegers(bytes, alphabet.length, 0, largest), (byte) => (inverted ? largest - byte : byte)),
  );
}

function load(author: Author, dst: number | string, src: string, count: number, alphabet: Alphabet): void {
  author.line(`weightBuffer.load dst=${dst}, src=${src}, words=${count}, alphabet=${alphabet}`);
}

/** Compares the first step of the first row, column by column, once the engine has finished. */
function compareColumns(author: Author): void {
  const { portBytes } = author.shape.derived;
  const count = Math.min(author.hw.matmul.columns, columnsCompared);
  const sums = author.memory.room('columns', 4 * columnsCompared + portBytes);
  author.wait('matmul');
  author.transfer('store', 'acc', 0, sums, count);
  author.wait('dma');
  author.compare(sums, count);
}

export function engineChecks(author: Author): void {
  for (const alphabet of alphabets) {
    author.check('matmul', `${alphabet} weights, every column compared by itself`, () => {
      stageInputs(author, 1, 1);
      load(
        author,
        0,
        digits(author, alphabet, walkOf(author, alphabet).bytes),
        walkOf(author, alphabet).align,
        alphabet,
      );
      author.wait('weightBuffer');
      run(author, { weights: 0, alphabet, rows: 1, blocks: 1, steps: 1, planes: 1 });
      compareColumns(author);
    });
  }
  for (const alphabet of alphabets) {
    author.check('weightBuffer', `${alphabet} words over the whole buffer, through every port, both ways`, () => {
      for (const inverted of [false, true]) walk(author, alphabet, inverted);
      author.loadSignature();
      author.verifyResults();
    });
  }
  author.check('matmul', 'several rows, blocks and steps, sums added to sums', () => shapes(author));
  author.check('matmul', `weights of 1 to ${maximumPlanes} bits`, () => planes(author));
}

/**
 * How the whole weight buffer is gone through: in windows of `count` words, `blocks` × `steps` of which are multiplied,
 * with so many steps that the engine reads a word in every cycle.
 */
function walkOf(author: Author, alphabet: Alphabet) {
  const { hw, shape } = author;
  const { derived } = shape;
  const { sliceBytes, sliceWordsPerBeat: align, wordBytes, buildCycles } = derived[alphabet];
  const { columns, accumulatorElements, inputElements } = hw.matmul;
  const most = Math.max(align, Math.floor(Math.min(tileBytes / wordBytes, hw.weightBuffer.words) / align) * align);
  const sums = Math.floor(Math.min(accumulatorElements, largestSums) / columns);
  const least = Math.max(1, Math.min(most, sums, Math.max(buildCycles, derived.inputLoadCycles)));
  const blocks = Math.max(1, Math.min(Math.floor(most / least), Math.floor((inputElements - 1) / derived.blockInputs)));
  const steps = Math.min(sums, Math.floor(most / blocks));
  const count = Math.max(align, Math.floor((blocks * steps) / align) * align);
  const windows = Math.floor(hw.weightBuffer.words / count);
  const tile = derived.weightSlices * tileSlices(count, sliceBytes, derived).bytes;
  return { align, count, windows, blocks: Math.floor(count / steps), steps, bytes: tile + windows * derived.portBytes };
}

/** Fills the buffer, every window with other words, and only then reads it. */
function walk(author: Author, alphabet: Alphabet, inverted: boolean): void {
  const { count, windows, blocks, steps, bytes } = walkOf(author, alphabet);
  const { portBytes } = author.shape.derived;
  const src = digits(author, alphabet, bytes, inverted);
  stageInputs(author, 1, blocks);
  const filling = author.label();
  author.line(`li r1, ${windows}`, 'li r2, 0', `li r3, ${src}`, `${filling}:`);
  load(author, 'r2', 'r3', count, alphabet);
  author.line(`add r2, r2, ${count}`, `add r3, r3, ${portBytes}`, `loop r1, ${filling}`);
  author.wait('weightBuffer');
  const product = { alphabet, rows: 1, blocks, steps, planes: 1 };
  stageSums(author, steps * author.hw.matmul.columns);
  const reading = author.label();
  author.line(`li r1, ${windows}`, 'li r2, 0', `${reading}:`);
  run(author, { ...product, weights: 'r2', accumulate: true });
  author.line(`add r2, r2, ${count}`, `loop r1, ${reading}`);
  author.wait('matmul');
  author.collect([{ space: 'acc', local: 0, elements: wholeBeats(author, steps * author.hw.matmul.columns) }]);
}

/** Elements of `acc` that are whole beats, and as many at least if there is room. */
function wholeBeats(author: Author, elements: number): number {
  const beat = author.shape.derived.portBytes / 4;
  const most = Math.floor(Math.min(author.hw.matmul.accumulatorElements, largestSums) / beat) * beat;
  return Math.min(most, Math.ceil(elements / beat) * beat);
}

/** Words behind those of the signature. */
function free(author: Author): { readonly place: number; readonly words: number } {
  const { ternary, binary } = author.shape.derived;
  const align = Math.max(ternary.sliceWordsPerBeat, binary.sliceWordsPerBeat);
  const place = Math.ceil(author.signature.words / align) * align;
  return { place, words: author.hw.weightBuffer.words - place };
}

/** Loads words behind those of the signature, as many as there are of the tile, while the engine reads the signature. */
export function loadBeside(author: Author, round: number): void {
  const { place, words: room } = free(author);
  const { align, count, bytes } = walkOf(author, 'ternary');
  const loaded = Math.min(count, Math.floor(room / align) * align);
  const src = `${digits(author, 'ternary', bytes)}+${round * author.shape.derived.portBytes}`;
  if (loaded > 0) load(author, place, src, loaded, 'ternary');
}

/** As large a product as there is room for. */
function shapes(author: Author): void {
  const { hw, shape } = author;
  const { columns, maxRows, accumulatorElements, inputElements } = hw.matmul;
  const { place, words: room } = free(author);
  const fits = (rows: number, blocks: number, steps: number) =>
    blocks * steps <= room &&
    rows * inputPitch(author, blocks) <= inputElements &&
    rows * sumPitchElements(steps, columns, shape.derived) <= accumulatorElements;
  const [rows, blocks, steps] = [
    [maxRows, 3, 2],
    [Math.min(maxRows, 2), 2, 2],
    [1, 2, 1],
    [1, 1, 1],
  ].find(([r, b, s]) => fits(r as number, b as number, s as number)) as [number, number, number];
  const pitch = sumPitchElements(steps, columns, shape.derived);
  const elements = Math.floor(accumulatorElements / author.align) * author.align;
  const used = Math.min(elements, Math.ceil((rows * pitch) / author.align) * author.align);
  for (const alphabet of alphabets) {
    const { align, bytes } = walkOf(author, alphabet);
    const count = Math.min(room, Math.ceil((blocks * steps) / align) * align);
    load(author, place, `${digits(author, alphabet, bytes)}+${2 * shape.derived.portBytes}`, count, alphabet);
    author.wait('weightBuffer');
    stageInputs(author, rows, blocks);
    stageSums(author, used);
    run(author, { weights: place, alphabet, rows, blocks, steps, planes: 1, accumulate: alphabet === 'ternary' });
    run(author, { weights: place, alphabet, rows, blocks: 1, steps, planes: 1, accumulate: alphabet === 'ternary' });
    author.wait('matmul');
    author.collect([{ space: 'acc', local: 0, elements: used }]);
  }
  author.verifyResults();
}

/** Sums that were there before, so that nothing depends on what the buffer held. */
export function stageSums(author: Author, elements: number, low = -200000, high = 200000): void {
  const { accumulatorElements } = author.hw.matmul;
  const constant = author.memory.constant('sumsBefore', () =>
    words(randomIntegers(Math.min(accumulatorElements, largestSums), 0x5a, low, high)),
  );
  author.stage([{ space: 'acc', local: 0, elements: wholeBeats(author, elements), constant }]);
}

function planes(author: Author): void {
  const { hw } = author;
  const { place, words: room } = free(author);
  const { align, bytes } = walkOf(author, 'binary');
  const most = Math.min(maximumPlanes, room);
  const src = digits(author, 'binary', bytes);
  load(author, place, src, Math.min(room, Math.ceil(most / align) * align), 'binary');
  author.wait('weightBuffer');
  const slot = author.accAlign;
  const slots = Math.max(
    1,
    Math.min(most, Math.floor(hw.matmul.accumulatorElements / slot), Math.floor(largestSums / slot)),
  );
  for (let first = 1; first <= most; first += slots) {
    stageInputs(author, 1, 1);
    stageSums(author, slots * slot);
    for (let number = first; number < Math.min(most + 1, first + slots); number++) {
      const output = (number - first) * slot;
      run(author, { weights: place, alphabet: 'binary', rows: 1, blocks: 1, steps: 1, planes: number, output });
    }
    author.wait('matmul');
    author.collect([{ space: 'acc', local: 0, elements: slots * slot }]);
  }
  author.verifyResults();
}
