/** Checks of the KV store and of attention, which reads what the store keeps. */
import { largestHeadDimension } from '../hw/derive.ts';
import type { Author } from './author.ts';
import { randomBytes, randomFloats } from './patterns.ts';
import { commonMultiple } from './signature.ts';

/** What attention is tried with. Elements of `act`: keys, values, queries, output, one behind the other. */
export interface Story {
  readonly heads: number;
  readonly headDimension: number;
  readonly rows: number;
  /** Positions of the first run, and of all. */
  readonly first: number;
  readonly positions: number;
  /** Elements of all keys, and of all values. */
  readonly stored: number;
  /** Elements of all queries, and of the output. */
  readonly queries: number;
}

/** Undefined where the machine is too small for any. */
export function storyOf(author: Author): Story | undefined {
  const { hw, shape, align } = author;
  const { kvElementBytes } = shape.derived;
  const step = commonMultiple(hw.attention.lanes, hw.vector.lanes);
  const bank = hw.vector.activationElements / hw.vector.activationBanks;
  for (const [times, heads, wantedRows, least] of [
    [2, 2, 3, 7],
    [1, 2, 2, 5],
    [1, 1, 1, 2],
  ] as const) {
    const headDimension = step * times * (times === 2 && step < 8 ? 2 : 1);
    const rows = Math.min(wantedRows, hw.attention.maxRows);
    // As many positions as make whole beats.
    let positions = least;
    while ((positions * headDimension) % align !== 0) positions += 1;
    const stored = positions * headDimension;
    const queries = Math.ceil((rows * heads * headDimension) / align) * align;
    const first = Math.ceil(positions / 2);
    if (
      headDimension <= largestHeadDimension &&
      first <= hw.attention.scoreDepth &&
      rows * heads * headDimension <= hw.attention.stateElements &&
      2 * (stored + queries) <= bank &&
      2 * stored * kvElementBytes <= hw.kvStore.bytes
    )
      return { heads, headDimension, rows, first, positions, stored, queries };
  }
  return undefined;
}

export function keyChecks(author: Author): void {
  const { hw, shape } = author;
  const { portBytes, kvElementBytes } = shape.derived;
  const story = storyOf(author);
  if (story) {
    author.check('kvStore', `rows of numbers, kept as ${hw.kvStore.format}`, () => {
      stageKeys(author, story);
      author.wait('kvStore');
      author.collectKeys(0, 2 * story.stored * kvElementBytes);
      author.verifyResults();
    });
  }
  author.check('kvStore', 'rows with strides, forwards and backwards', () => {
    const [rows, width, stride] = [4, 2 * portBytes, 3 * portBytes];
    const source = author.memory.constant('keysStrided', () => randomBytes(2 * rows * stride, 0x6e7));
    const extent = rows * stride;
    const room = author.memory.room('scratch', 2 * extent);
    author.transfer('load', 'input', 0, source, extent);
    author.transfer('store', 'input', 0, room, extent);
    author.transfer('store', 'input', 0, `${room}+${extent}`, extent);
    author.wait('dma');
    const fill = (src: string, step: number) =>
      author.line(`kvStore.fill dst=0, src=${src}, bytes=${width}, rows=${rows}, stride=${step}`);
    const spill = (dst: string, step: number) =>
      author.line(`kvStore.spill src=0, dst=${dst}, bytes=${width}, rows=${rows}, stride=${step}`);
    fill(`${source}+${extent}`, stride);
    spill(room, stride);
    fill(`${source}+${2 * extent - stride}`, -stride);
    spill(`${room}+${extent}`, stride);
    author.wait('kvStore');
    author.verify(room, 2 * extent);
  });
}

/** Numbers to `act`, and the keys and values among them to the store; the store may still be at it. */
export function stageKeys(author: Author, story: Story): void {
  const { stored, queries, positions, headDimension } = story;
  const { kvElementBytes } = author.shape.derived;
  const elements = 2 * (stored + queries);
  const constant = author.memory.constant('attended', () => randomFloats(elements, 0xa77));
  author.stage([{ space: 'act', local: 0, elements, constant }]);
  for (const [index, where] of [0, stored].entries()) {
    author.line(
      `kvStore.append src=${where}, dst=${index * stored * kvElementBytes}, rows=${positions}, elements=${headDimension}, pitch=${headDimension}`,
    );
  }
}

export function configure(author: Author, story: Story, more: string): void {
  const { stored, queries, heads, headDimension } = story;
  author.line(
    `attention.configure heads=${heads}, kvHeads=1, headDimension=${headDimension}, ${more}, query=${2 * stored}, output=${2 * stored + queries}`,
  );
}

/** A run over some of the positions that `stageKeys` brought to the store. */
export function attend(author: Author, story: Story, from: number, to: number, queryPosition: number, options: string) {
  const { stored, headDimension, rows } = story;
  const { kvElementBytes } = author.shape.derived;
  const row = headDimension * kvElementBytes;
  author.line(
    `attention.attend keys=${from * row}, values=${stored * kvElementBytes + from * row}, firstPosition=${from}, count=${to - from}, queryPosition=${queryPosition}, rows=${rows}, options=${options}`,
  );
}

export function attentionChecks(author: Author): void {
  const story = storyOf(author);
  if (!story) return;
  const { first, positions, rows, stored, queries } = story;
  const check = (what: string, body: () => void) =>
    author.check('attention', what, () => {
      stageKeys(author, story);
      author.wait('kvStore');
      body();
      author.wait('attention');
      author.collect([{ space: 'act', local: 2 * stored, elements: 2 * queries }]);
      author.verifyResults();
    });
  check('rows of a prompt, each seeing what is before it', () => {
    configure(author, story, 'window=0, sink=0, scale=0.5');
    attend(author, story, 0, first, Math.max(0, first - rows), 'first|last');
  });
  check('a step over two runs of positions', () => {
    configure(author, story, 'window=0, sink=0, scale=0.25');
    attend(author, story, 0, first, positions - 1, 'first');
    attend(author, story, first, positions, positions - 1, 'last');
  });
  check('a window and sinks', () => {
    configure(author, story, 'window=2, sink=1, scale=1.0');
    attend(author, story, 0, first, positions - 1, 'first');
    attend(author, story, first, positions, positions - 1, 'last');
  });
}
