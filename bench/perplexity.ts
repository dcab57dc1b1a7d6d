/**
 * Perplexity of the small model’s held-out synthetic text through the machine, token by token (teacher forcing), beside
 * the model card’s figure. `npx tsx bench/perplexity.ts [EVERY]` scores every EVERY-th document only.
 */
import { parseArgs } from 'node:util';
import { defaultHardware, defaultModel, modelDirectory, readText } from '../src/cli/files.ts';
import { compile } from '../src/compiler/index.ts';
import { loadHardwareModel } from '../src/hw/index.ts';
import { scoreTokens } from '../src/machine/score.ts';
import { loadModel, openTokenizer } from '../src/model/index.ts';
import { negativeLogLikelihood, scoringWindows } from '../src/report/perplexity.ts';

const { positionals } = parseArgs({ allowPositionals: true });
const every = Number(positionals[0] ?? 1);
const hw = loadHardwareModel(readText(defaultHardware), defaultHardware);
const directory = modelDirectory(defaultModel);
const graph = loadModel(directory);
const image = compile(graph, hw, { weights: 'pack' });
const tokenizer = openTokenizer({ tokenizerJson: directory.read('tokenizer.json'), origin: '' }, graph);
const text = readText(`${defaultModel}/heldout_synthetic.txt`);
const documents = text.split('<|endoftext|>').filter((document, index) => document !== '' && index % every === 0);
const ids = documents.map((document) => tokenizer.encode(document).slice(1));
let loss = 0;
let tokens = 0;
for (const { tokens: window, promptLength } of scoringWindows(ids, graph.bosTokenId, graph.maxPositions)) {
  scoreTokens(image, hw, window, promptLength, (position, logits) => {
    loss += negativeLogLikelihood(logits, window[position + 1] as number);
    tokens += 1;
  });
  process.stderr.write(`\r${tokens} tokens, perplexity so far ${Math.exp(loss / tokens).toFixed(4)}  `);
}
const card = JSON.parse(readText(`${defaultModel}/golden.json`)).heldout.synthetic;
process.stderr.write('\n');
console.log(`documents     ${documents.length}, ${tokens} tokens`);
console.log(`machine       ${Math.exp(loss / tokens).toFixed(4)} perplexity per token (${hw.name}, ${graph.name})`);
console.log(`model card    ${card.perplexity.toFixed(4)} over ${card.tokens} tokens`);
console.log(`ratio         ${(Math.exp(loss / tokens) / card.perplexity).toFixed(4)}`);
