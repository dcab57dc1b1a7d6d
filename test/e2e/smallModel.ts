/** The small trained model, compiled for a machine; shared by the end-to-end tests. */
import { readFileSync } from 'node:fs';
import { memoryModule } from '../../src/cli/assembly.ts';
import { openKernels } from '../../src/cli/kernels.ts';
import { type CompileOptions, compile } from '../../src/compiler/index.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import type { ProgramImage } from '../../src/isa/index.ts';
import { Run, type RunOptions, type RunRequest } from '../../src/machine/run.ts';
import { loadModel, openTokenizer } from '../../src/model/index.ts';
import { directoryOnDisk } from '../model/files.ts';

export const modelPath = 'models/tern-stories-5m';
const directory = directoryOnDisk(modelPath);

export const graph = loadModel(directory);
export const tokenizer = openTokenizer({ tokenizerJson: directory.read('tokenizer.json'), origin: modelPath }, graph);

export interface GoldenContinuation {
  readonly prompt: string;
  readonly prompt_ids: readonly number[];
  readonly output_ids: readonly number[];
}

/** Greedy continuations by another implementation, in float32 (see the model card). */
export const golden: readonly GoldenContinuation[] = JSON.parse(
  readFileSync(`${modelPath}/golden.json`, 'utf8'),
).golden;

export function compileSmall(hw: HardwareModel, options: Partial<CompileOptions> = {}): ProgramImage {
  return compile(graph, hw, { weights: 'pack', ...options });
}

/** What makes a run fast; of no influence on what it does. Each run needs its own. */
export async function fastOptions(threads: number): Promise<Pick<RunOptions, 'kernels' | 'memoryModule'>> {
  const { kernels, note } = await openKernels(threads);
  const module = await memoryModule();
  if (!kernels || !module) throw new Error(note ?? 'no memory module');
  return { kernels, memoryModule: module };
}

/** Runs to the halt: greedy, stopping at the model’s stop token, unless told otherwise. */
export function runToHalt(
  image: ProgramImage,
  hw: HardwareModel,
  request: Partial<RunRequest> & Pick<RunRequest, 'prompt' | 'maxNewTokens'>,
  options: Partial<RunOptions> = {},
): Run {
  const run = new Run(
    image,
    hw,
    { temperature: 0, topK: 1, seed: 0, stopTokens: graph.eosTokenIds, ...request },
    { values: true, dense: false, ...options },
  );
  while (!run.advance(1_000_000));
  return run;
}

/** The new tokens of a run, without the stop token. */
export function outputOf(run: Run): number[] {
  return run.tokens.map(({ token }) => token).filter((token) => !graph.eosTokenIds.includes(token));
}

/**
 * The stated bound of a logit of `kv260` (10-bit head) against the float32 reference with the full-precision
 * head. Where an activation lies midway between two int8 values, one ulp decides how it rounds, and that moves the
 * logits by hundredths; two orders of the same float32 operations differ by up to 0.36.
 */
export const logitBound = 0.5;
/** Most positions have no such flip: their root-mean-square logit error is below this, by the format of keys and values. */
export const typicalLogitError = { float32: 0.05, float16: 0.08 };
