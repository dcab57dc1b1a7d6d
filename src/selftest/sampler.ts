/** Checks of the sampler: what it picks comes back through its mailbox. */
import type { Author } from './author.ts';
import { randomIntegers, words } from './patterns.ts';

const logits = 96;
/** Draws with a temperature. */
const draws = 6;
const mailbox = 4;

/** Equal ones, both zeros, NaN and infinities among numbers. */
function logitWords(length: number, seed: number): Uint8Array {
  const numbers = Float32Array.from(randomIntegers(length, seed, -24, 24), (value) => value / 8);
  const bits = new Uint32Array(numbers.buffer);
  bits.set([0x7fc00000, 0x80000000, 0x00000000, 0xff800000], 3);
  return words([...bits]);
}

export function samplerChecks(author: Author): void {
  const { hw, align } = author;
  const elements = Math.ceil(logits / align) * align;
  if (2 * elements > hw.vector.activationElements / hw.vector.activationBanks) return;
  const stage = () => {
    author.stage([
      {
        space: 'act',
        local: 0,
        elements,
        constant: author.memory.constant('logits', () => logitWords(elements, 0x109)),
      },
      {
        space: 'act',
        local: elements,
        elements,
        constant: author.memory.constant('bounds', () => words([...boundsOf(elements)])),
      },
    ]);
  };
  const begin = (temperature: string, topK: number, seed: number, step: number) =>
    author.line(`sampler.begin temperature=${temperature}, topK=${topK}, seed=${seed}, step=${step}`);
  const scan = (src: number, length: number, token: number) =>
    author.line(`sampler.scan src=${src}, elements=${length}, firstToken=${token}`);
  const receive = () => {
    author.line('recv r1');
    author.expect('r1');
  };
  author.check('sampler', 'the largest logit, in one scan and in several', () => {
    stage();
    for (const [from, length] of [
      [0, logits],
      [7, 20],
      [40, logits - 40],
    ] as const) {
      begin('0.0', 1, 0, 0);
      scan(from, length, 1000);
      if (from > 0) scan(0, 9, 5000);
      author.line('sampler.pick');
      receive();
    }
  });
  author.check('sampler', 'draws of the best, with seeds', () => {
    stage();
    for (let draw = 0; draw < draws; draw++) {
      begin(['1.0', '0.25', '3.5'][draw % 3] as string, 1 + ((draw * 7) % hw.sampler.candidates), 77 * draw - 5, draw);
      scan(draw, logits - draw, 100 * draw);
      author.line('sampler.pick');
      receive();
    }
  });
  author.check('sampler', 'more picks than the mailbox holds', () => {
    stage();
    begin('0.0', 1, 0, 0);
    for (let pick = 0; pick < mailbox + 1; pick++) {
      scan(8 + 8 * pick, 8, 1000 * pick);
      author.line('sampler.pick');
    }
    for (let pick = 0; pick < mailbox + 1; pick++) receive();
  });
  if (hw.sampler.shortlist === undefined) return;
  author.check('sampler', 'groups of the shortlist', () => {
    stage();
    const select = (from: number, length: number, group: number, options: string) =>
      author.line(
        `sampler.select src=${from}, bounds=${elements + from}, elements=${length}, firstGroup=${group}, options=${options}`,
      );
    const next = (options: string) => {
      author.line(`sampler.next options=${options}`);
      receive();
    };
    begin('0.0', 1, 0, 0);
    select(8, Math.min(40, 4 * hw.matmul.columns), 100, 'first');
    next('best');
    next('none');
    scan(8, 8, 0);
    for (let index = 0; index < 3; index++) next('none');
    // More groups than the list may hold, on most machines.
    select(8, logits - 8, 200, 'first');
    select(8, logits - 8, 300, 'none');
    next('none');
    next('best');
  });
}

/** Errors of the coarse logits, as floats. */
function boundsOf(length: number): Uint32Array {
  return new Uint32Array(Float32Array.from(randomIntegers(length, 0xb0, 0, 8), (value) => value / 16).buffer);
}
