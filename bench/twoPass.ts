/**
 * What a two-pass head selects on the small model: `npx tsx bench/twoPass.ts [PROMPTS [COARSE_BITS …]]` writes greedy
 * texts with a head of one pass and with two-pass heads, compares them token for token, and counts the groups of rows
 * that were scored and the tokens that fell back to the whole head.
 */
import { defaultHardware, defaultModel, modelDirectory, readText } from '../src/cli/files.ts';
import { type CompileOptions, compile } from '../src/compiler/index.ts';
import { loadHardwareModel } from '../src/hw/index.ts';
import { Run } from '../src/machine/run.ts';
import { loadModel } from '../src/model/index.ts';

const newTokens = 64;
const [prompts = 20, ...bits] = process.argv.slice(2).map(Number);
const hw = loadHardwareModel(readText(defaultHardware), defaultHardware);
const graph = loadModel(modelDirectory(defaultModel));
const golden: readonly { prompt_ids: number[] }[] = JSON.parse(readText(`${defaultModel}/golden.json`)).golden;
const groups = Math.ceil(graph.vocabularySize / hw.matmul.columns);

interface Token {
  readonly token: number;
  /** Groups that were scored for it, the probe included. */
  readonly scored: number;
}

/** The greedy tokens of all prompts. */
function texts(options: CompileOptions): Token[][] {
  const image = compile(graph, hw, options);
  const operation = image.metadata.operations.indexOf('head');
  return golden.slice(0, prompts).map(({ prompt_ids }) => {
    const request = { prompt: prompt_ids, maxNewTokens: newTokens, temperature: 0, topK: 1, seed: 0 };
    const runs = new Map<number, number>();
    const tokens: Token[] = [];
    const sink = {
      instruction: ({ name, marks }: { name: string; marks: { operation: number; token: number } }) => {
        if (name === 'matmul.run' && marks.operation === operation) {
          // The mark of a token comes with its pick, so the head of token n + 1 is under that of token n.
          runs.set(marks.token + 1, (runs.get(marks.token + 1) ?? 0) + 1);
        }
      },
      token: () => {},
    };
    const run = new Run(
      image,
      hw,
      { ...request, stopTokens: graph.eosTokenIds },
      { values: true, dense: false, sinks: [sink], onToken: ({ token }) => tokens.push({ token, scored: 0 }) },
    );
    while (!run.advance(1_000_000));
    return tokens.map(({ token }, index) => ({ token, scored: runs.get(index) ?? 0 }));
  });
}

const quantile = (sorted: readonly number[], share: number) => sorted[Math.floor(share * (sorted.length - 1))];

const plain = texts({}).flat();
console.log(
  `${plain.length} tokens after ${prompts} prompts; the head is ${groups} groups of ${hw.matmul.columns} rows`,
);
console.log('coarse bits  same tokens  groups scored: median  mean  90 %  most  whole heads');
for (const headCoarseBits of bits.length > 0 ? bits : [2, 3, 4, 5, 6, 7]) {
  const tokens = texts({ head: 'two-pass', headCoarseBits }).flat();
  const same = tokens.filter(({ token }, index) => token === plain[index]?.token).length;
  const whole = tokens.filter(({ scored }) => scored >= groups).length;
  const scored = tokens.map((entry) => Math.min(entry.scored, groups)).sort((a, b) => a - b);
  const mean = scored.reduce((sum, count) => sum + count, 0) / scored.length;
  const columns = [
    String(headCoarseBits).padStart(11),
    `${same} of ${plain.length}`.padStart(13),
    String(quantile(scored, 0.5)).padStart(24),
    mean.toFixed(1).padStart(6),
    String(quantile(scored, 0.9)).padStart(6),
    String(scored.at(-1)).padStart(6),
    String(whole).padStart(13),
  ];
  console.log(columns.join(''));
}
