/** Ablations of the matmul engine: form of its tables, how often they are built, what loads hide. */
import { tableFormComparison } from '../../hw/resources.ts';
import type { PaperInputs } from '../inputs.ts';
import type { Ablation } from './ablation.ts';
import { measure } from './measure.ts';

const model = 'bitnet-0.73b';
const context = 64;

/** LUTs of TeLLMe’s engine with each form of tables; the throughput is the same. */
export function tableForms({ hardware }: PaperInputs): Ablation[] {
  return [
    {
      name: 'form of tables',
      figure: 'LUTs of the engine, estimate',
      unit: 'LUT',
      forms: tableFormComparison(hardware('kv260')).map(({ form, estimate, published }) => ({
        form,
        how: `--set matmul.tableForm=${form}`,
        value: estimate,
        published,
      })),
      source:
        'TeLLMe v2 (G 3, T 28, Q 8 assumed); its engine is of high-level synthesis, and the order differs: docs/hardware-model.md',
    },
  ];
}

/** Of LUT Tensor Core: tiles of this many columns, and tables built for each, or once. */
const narrowTile = 64;

/**
 * What the engine waits for its tables, by how often they are built: for every narrow tile, for the tiles that the
 * compiler makes, once for each input. Building goes on under the lookups of the block before, as far as those last.
 */
export function tableBuilding({ hardware, graph }: PaperInputs): Ablation[] {
  const shape = graph(model);
  const large = ['weightBuffer.words=131072', 'matmul.accumulatorElements=131072'];
  const forms = [
    { form: `per tile of ${narrowTile} columns`, set: [], options: { tileColumns: narrowTile } },
    { form: 'per tile as compiled', set: [], options: {} },
    { form: 'once per input', set: large, options: {} },
  ] as const;
  const results = forms.map(({ form, set, options }) => {
    const how = [
      ...('tileColumns' in options ? [`--tile-columns ${options.tileColumns}`] : []),
      ...set.map((field) => `--set ${field}`),
    ].join(' ');
    return { form, how, result: measure(shape, hardware('kv260', [...set]), 1, options) };
  });
  const waited = ({ matmul = {} }: Readonly<Record<string, Readonly<Record<string, number>>>>) =>
    (100 * (matmul.tableBuild ?? 0)) / (matmul.working ?? 1);
  const published = [24.1, undefined, 1.5];
  return [
    {
      name: 'building of tables',
      figure: 'wait for tables, share of lookups',
      unit: '%',
      forms: results.map(({ form, how, result }, index) => ({
        form,
        how,
        value: waited(result.units),
        ...(published[index] === undefined ? {} : { published: published[index] }),
      })),
      source: 'LUT Tensor Core (tiles of 64 columns; its tables have 8 entries, these 122)',
    },
    {
      name: 'building of tables',
      figure: `decoding, ${model}`,
      unit: 'tokens/s',
      forms: results.map(({ form, how, result }) => ({ form, how, value: result.tokensPerSecond })),
    },
  ];
}

/** Weights that stream while float work runs, or not. */
export function fusion({ hardware, graph }: PaperInputs): Ablation[] {
  const value = (fuse: boolean) => measure(graph(model), hardware('kv260'), context, { fuse }).tokensPerSecond;
  return [
    {
      name: 'fusion',
      figure: `decoding, ${model}, context ${context}`,
      unit: 'tokens/s',
      forms: [
        { form: 'not fused', how: '--no-fuse', value: value(false) },
        { form: 'fused', how: '', value: value(true) },
      ],
    },
  ];
}

/** Rows of a prompt pass in one group, or in two, one of which is in attention while the other is in the engine. */
export function rowGroups({ hardware, graph }: PaperInputs): Ablation[] {
  const hw = hardware('kv260');
  const value = (groups: 1 | 2) =>
    (measure(graph(model), hw, context, { rowGroups: groups }).firstToken / hw.clockHz) * 1e3;
  return [
    {
      name: 'groups of rows',
      figure: `first token, ${model}, prompt ${context}`,
      unit: 'ms',
      forms: [
        { form: 'one', how: '--row-groups 1', value: value(1) },
        { form: 'two, in turns', how: '--row-groups 2', value: value(2) },
      ],
    },
  ];
}

/** Codes of ternary weights in memory: what a wider one costs where memory bounds. */
export function weightBits({ hardware, graph }: PaperInputs): Ablation[] {
  const forms = [
    { form: '1.6 bits: five digits in a byte', how: '' },
    { form: '1.67 bits: three digits in five bits', how: 'weightBuffer.bitsPerWeight=1.6667' },
    { form: '2 bits', how: 'weightBuffer.bitsPerWeight=2' },
  ].map(({ form, how }) => ({
    form,
    how: how === '' ? '' : `--set ${how}`,
    result: measure(graph(model), hardware('kv260', how === '' ? [] : [how]), context),
  }));
  return [
    {
      name: 'bits of a weight',
      figure: `memory per token, ${model}`,
      unit: 'MB',
      forms: forms.map(({ form, how, result }) => ({ form, how, value: result.bytesPerToken / 1e6 })),
    },
    {
      name: 'bits of a weight',
      figure: `decoding, ${model}, context ${context}`,
      unit: 'tokens/s',
      forms: forms.map(({ form, how, result }) => ({ form, how, value: result.tokensPerSecond })),
    },
  ];
}
