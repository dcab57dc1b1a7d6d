import type { HardwareModel } from '../hw/schema.ts';
import type { ProgramImage } from '../isa/image.ts';
import { Run, type RunOptions } from './run.ts';

/** Cycles with events per call of `advance`. */
const slice = 1_000_000;

/**
 * The machine’s logits for a given text (teacher forcing): `onLogits(i, logits)` gets the vocabulary’s logits after
 * `tokens[0…i]`, for i = promptLength − 1 … tokens.length − 2. The first `promptLength` tokens go in as the prompt
 * (prefill), each further one in place of the sampler’s pick (decode). `fast` makes it faster, not different.
 */
export function scoreTokens(
  image: ProgramImage,
  hw: HardwareModel,
  tokens: readonly number[],
  promptLength: number,
  onLogits: (position: number, logits: Float32Array) => void,
  fast: Pick<RunOptions, 'kernels' | 'memoryModule'> = {},
): void {
  const logits = new Float32Array(image.metadata.vocabularySize);
  let position = promptLength - 1;
  const run = new Run(
    image,
    hw,
    {
      prompt: tokens.slice(0, promptLength),
      maxNewTokens: tokens.length - promptLength,
      // A two-pass head makes all logits only for a draw; what is drawn does not matter.
      temperature: image.code.some(({ spec }) => spec.name === 'sampler.next') ? 1 : 0,
      topK: 1,
      seed: 0,
      stopTokens: [],
    },
    {
      values: true,
      dense: false,
      ...fast,
      samplerTap: {
        onLogits: (firstToken, tile) => logits.set(tile, firstToken),
        onPick: () => {
          onLogits(position, logits);
          position += 1;
          return tokens[position] as number;
        },
      },
    },
  );
  while (!run.advance(slice));
}
