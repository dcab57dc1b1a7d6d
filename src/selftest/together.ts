/** The last check: all units at once, each with data of its own, so that only ports, queues and memory are shared. */
import { attend, configure, stageKeys, storyOf } from './attention.ts';
import type { Author } from './author.ts';
import { loadBeside } from './engine.ts';
import { numbersOf } from './vector.ts';

const rounds = 3;

export function togetherCheck(author: Author): void {
  const { hw, align, signature } = author;
  const { blockInputs, portBytes, kvElementBytes, kvWordBytes } = author.shape.derived;
  const story = storyOf(author);
  const bank = hw.vector.activationElements / hw.vector.activationBanks;
  const attended = story ? 2 * (story.stored + story.queries) : 0;
  const keys = story ? Math.ceil((2 * story.stored * kvElementBytes) / kvWordBytes) * kvWordBytes : 0;
  // Behind the rows of attention: a row that dma brings, one that it takes away, and three for the vector unit.
  const row = (index: number) => Math.ceil(attended / align) * align + index * align;
  if (row(5) > bank) return;
  const filled = Math.min(4 * kvWordBytes, hw.kvStore.bytes - keys - ((hw.kvStore.bytes - keys) % kvWordBytes));
  const inputs = Math.ceil(Math.min(signature.pieceBytes, 16 * portBytes) / blockInputs) * blockInputs;
  const numbers = numbersOf(author);
  author.check('memory', 'all units at once', () => {
    if (story) stageKeys(author, story);
    author.wait('kvStore');
    author.stage([
      { space: 'act', local: row(0), elements: 5 * align, constant: numbers },
      { space: 'input', local: 0, elements: inputs, constant: 'inputs' },
    ]);
    author.clearSums();
    author.memory.room('meanwhile', rounds * 4 * align);
    if (story) configure(author, story, 'window=0, sink=0, scale=0.5');
    for (let round = 0; round < rounds; round++) {
      author.multiply(inputs);
      loadBeside(author, round);
      author.transfer('load', 'act', row(0), `${numbers}+${4 * align * round}`, align);
      author.transfer('store', 'act', row(1), `meanwhile+${4 * align * round}`, align);
      author.line(`vector.add dst=${row(2)}, a=${row(2)}, b=${row(3)}, rows=1, elements=${align}, pitch=${align}`);
      author.line(`vector.multiply dst=${row(4)}, a=${row(3)}, b=${row(4)}, rows=1, elements=${align}, pitch=${align}`);
      if (story)
        attend(
          author,
          story,
          0,
          story.first,
          story.positions - 1,
          round === 0 ? 'first' : round === rounds - 1 ? 'last' : 'none',
        );
      if (filled > 0)
        author.line(
          `kvStore.fill dst=${keys}, src=bytesPattern+${round * portBytes}, bytes=${filled}, rows=1, stride=0`,
        );
      author.line(
        'sampler.begin temperature=0.0, topK=1, seed=0, step=0',
        `sampler.scan src=${row(3)}, elements=${align}, firstToken=${1000 * round}`,
      );
      author.line('sampler.pick');
    }
    for (let round = 0; round < rounds; round++) {
      author.line('recv r1');
      author.expect('r1');
    }
    author.meet();
    if (story) author.collect([{ space: 'act', local: 2 * story.stored, elements: 2 * story.queries }]);
    author.collect([{ space: 'act', local: row(0), elements: 5 * align }]);
    if (filled > 0) author.collectKeys(keys, filled);
    author.compareSums();
    author.verifyResults();
    author.verify('meanwhile', rounds * 4 * align);
  });
}
