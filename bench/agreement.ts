/**
 * How far the small model on the machine agrees with the float32 implementation that wrote its golden file, and with the
 * tfjs reference: `npx tsx bench/agreement.ts [PROMPTS [HEAD_BITS]] [FIELD=VALUE…]`.
 */
import { defaultHardware, defaultModel, modelDirectory, readText } from '../src/cli/files.ts';
import { compile } from '../src/compiler/index.ts';
import { loadHardwareModel } from '../src/hw/index.ts';
import { Run } from '../src/machine/run.ts';
import { scoreTokens } from '../src/machine/score.ts';
import { loadModel } from '../src/model/index.ts';
import { createReference } from '../src/reference/index.ts';
import { compareLogits } from '../src/report/agreement.ts';

const newTokens = 64;
const words = process.argv.slice(2);
const [prompts = 20, headBits = 10] = words.filter((word) => !word.includes('=')).map(Number);
const overrides = words.filter((word) => word.includes('='));
const hw = loadHardwareModel(readText(defaultHardware), defaultHardware, overrides);
const graph = loadModel(modelDirectory(defaultModel));
const image = compile(graph, hw, { weights: 'pack', headBits });
const reference = createReference(graph);
const golden: readonly { prompt_ids: number[]; output_ids: number[] }[] = JSON.parse(
  readText(`${defaultModel}/golden.json`),
).golden.slice(0, prompts);

let identical = 0;
let largest = 0;
let squares = 0;
let count = 0;
console.log('prompt  first difference                      largest logit difference');
for (const [index, { prompt_ids, output_ids }] of golden.entries()) {
  const request = { prompt: prompt_ids, maxNewTokens: newTokens, temperature: 0, topK: 1, seed: 0 };
  const run = new Run(image, hw, { ...request, stopTokens: graph.eosTokenIds }, { values: true, dense: false });
  while (!run.advance(1_000_000));
  const expected = output_ids.slice(0, newTokens);
  const at = expected.findIndex((token, position) => run.tokens[position]?.token !== token);

  const text = [...prompt_ids, ...expected];
  reference.reset();
  const logits = reference.logits(text);
  let worst = 0;
  scoreTokens(image, hw, text, prompt_ids.length, (position, machine) => {
    const row = logits[position] as Float32Array;
    const difference = compareLogits(machine, row);
    squares += difference.squares;
    worst = Math.max(worst, difference.largest);
    count += row.length;
  });
  largest = Math.max(largest, worst);
  let note = 'none';
  if (at < 0) identical += 1;
  else {
    const row = logits[prompt_ids.length - 1 + at] as Float32Array;
    const gap = (row[expected[at] as number] as number) - (row[run.tokens[at]?.token as number] as number);
    note = `token ${at}, reference logits ${Math.abs(gap).toFixed(4)} apart`;
  }
  console.log(`${String(index).padStart(6)}  ${note.padEnd(36)}  ${worst.toFixed(4)}`);
}
console.log(`first ${newTokens} tokens identical   ${identical} of ${golden.length} prompts (${headBits}-bit head)`);
console.log(
  `largest logit difference    ${largest.toFixed(4)}, root mean square ${Math.sqrt(squares / count).toFixed(4)}`,
);
