/** Ablations of where things are kept, and in which order prompts are attended to. */
import type { PaperInputs } from '../inputs.ts';
import { activationPlaceCosts, attentionOrderTimes, type PromptCost } from '../promptAblations.ts';
import type { Ablation } from './ablation.ts';
import { measure } from './measure.ts';

const model = 'bitnet-0.73b';
const prompt = 128;
const kvContext = 256;

/** Activations of a prompt on the chip, a few rows at a time through all layers, or in memory, all rows at a time. */
export function activations({ hardware, graph }: PaperInputs): Ablation[] {
  const costs = activationPlaceCosts(graph(model), hardware('kv260'), prompt);
  const forms = (value: (cost: PromptCost) => number) =>
    (['on-chip', 'spilled'] as const).map((place) => ({
      form: place,
      how: `--activations ${place}`,
      value: value(costs[place]),
    }));
  return [
    {
      name: 'activations',
      figure: `first token, ${model}, prompt ${prompt}`,
      unit: 'ms',
      forms: forms(({ milliseconds }) => milliseconds),
    },
    {
      name: 'activations',
      figure: `memory for a prompt of ${prompt}`,
      unit: 'MB',
      forms: forms(({ bytesRead, bytesWritten }) => (bytesRead + bytesWritten) / 1e6),
    },
  ];
}

/** The order in which queries of a prompt attend: from the first, masked work done, or from the last, none of it. */
export function attentionOrder({ hardware, graph }: PaperInputs): Ablation[] {
  const times = attentionOrderTimes(graph(model), hardware('kv260'), prompt, true);
  const published = { naive: 14.3, reversed: 7.6 };
  return [
    {
      name: 'prefill attention',
      figure: `attention of a layer, ${model}, prompt ${prompt}`,
      unit: 'ms',
      forms: (['naive', 'reversed'] as const).map((order) => ({
        form: order,
        how: `--activations spilled --attention-order ${order}`,
        value: times[order],
        published: published[order],
      })),
      source: 'TeLLMe v2, on its own lanes; `lutra bench papers` has it on the machine of the paper',
    },
  ];
}

/** Keys and values on the chip, or most of them in memory. */
export function keysAndValues({ hardware, graph }: PaperInputs): Ablation[] {
  const shape = graph(model);
  const large = 'kvStore.bytes=134217728';
  const value = (set: readonly string[]) =>
    measure(shape, hardware('kv260', [...set]), kvContext, { maxPositions: 320 }).tokensPerSecond;
  return [
    {
      name: 'keys and values',
      figure: `decoding, ${model}, context ${kvContext}`,
      unit: 'tokens/s',
      forms: [
        { form: 'in memory', how: '--max-positions 320', value: value([]) },
        { form: 'on the chip', how: `--max-positions 320 --set ${large}`, value: value([large]) },
      ],
    },
  ];
}
