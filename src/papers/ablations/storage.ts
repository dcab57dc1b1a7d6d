/** Ablations of where things are kept, and in which order prompts are attended to. */
import { attentionOrders } from '../../compiler/index.ts';
import type { PaperInputs } from '../inputs.ts';
import type { Ablation } from './ablation.ts';
import { type Measured, measure } from './measure.ts';

const model = 'bitnet-0.73b';
const prompt = 128;
const kvContext = 256;

const milliseconds = (cycles: number, clockHz: number) => (cycles / clockHz) * 1e3;

/** Activations of a prompt on the chip, a few rows at a time through all layers, or in memory, all rows at a time. */
export function activations({ hardware, graph }: PaperInputs): Ablation[] {
  const hw = hardware('kv260');
  const runs = (['on-chip', 'spilled'] as const).map((place) => ({
    form: place,
    how: `--activations ${place}`,
    result: measure(graph(model), hw, prompt, { activations: place }),
  }));
  const forms = (value: (result: Measured) => number) =>
    runs.map(({ form, how, result }) => ({ form, how, value: value(result) }));
  const bytes = ({ work: { prefill } }: Measured) =>
    Object.values(prefill).reduce((sum, { counts }) => sum + counts.memoryBytes, 0);
  return [
    {
      name: 'activations',
      figure: `first token, ${model}, prompt ${prompt}`,
      unit: 'ms',
      forms: forms(({ firstToken }) => milliseconds(firstToken, hw.clockHz)),
    },
    {
      name: 'activations',
      figure: `memory for a prompt of ${prompt}`,
      unit: 'MB',
      forms: forms((result) => bytes(result) / 1e6),
    },
  ];
}

/** The order in which queries of a prompt attend: from the first, masked work done, or from the last, none of it. */
export function attentionOrder({ hardware, graph }: PaperInputs): Ablation[] {
  const hw = hardware('kv260');
  const shape = graph(model);
  const published = { naive: 14.3, reversed: 7.6 };
  return [
    {
      name: 'prefill attention',
      figure: `attention of a layer, ${model}, prompt ${prompt}`,
      unit: 'ms',
      forms: [...attentionOrders].sort().map((order) => {
        const { work } = measure(shape, hw, prompt, { activations: 'spilled', attentionOrder: order });
        const cycles = work.prefill.attention?.busy.attention ?? 0;
        return {
          form: order,
          how: `--activations spilled --attention-order ${order}`,
          value: milliseconds(cycles / shape.layers.length, hw.clockHz),
          published: published[order],
        };
      }),
      source: 'TeLLMe v2, on its own lanes; ours have 16',
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
