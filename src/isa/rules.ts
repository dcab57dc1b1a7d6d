/**
 * What the operands of an instruction must satisfy beyond their ranges: alignment, limits of the units, shapes that fit
 * each other. The static verifier asks with NaN for values that only registers know, the machine with all values; every
 * condition is written as a comparison that is false for NaN.
 */
import { largestHeadDimension, maximumPlanes, powerOfTwoUp } from '../hw/derive.ts';
import { alphabets } from '../hw/operands.ts';
import { type AttentionShape, type MachineShape, memoryFormatBytes } from './footprint.ts';
import {
  type InstructionSpec,
  instructionTable,
  type MemoryFormat,
  memoryFormats,
  type Space,
  spaces,
} from './table.ts';

type Values = Readonly<Record<string, number>>;
type Check = (values: Values, shape: MachineShape, attention: AttentionShape | undefined) => string | undefined;

/** Rules that `renderIsaManual` prints; kept beside the code that enforces them. */
export const ruleSentences: readonly string[] = [
  '`rows`, `elements`, `blocks`, `steps`, `planes`, `words`, `bytes`, `count`, `heads`, `kvHeads` and `headDimension` are at least 1.',
  'Rows in `act`, `acc` and `coef` that the vector unit or `kvStore.append` read or write begin at multiples of `vector.lanes`; with more than one row the pitches are multiples of it too. A single `scale` may lie anywhere.',
  'Quantisations: `dst` and `dstPitch` are multiples of `vector.lanes`. `matmul.run` reads `input` anywhere; its `output` is a multiple of `matmul.columns`, and with `rowsPerStep` above 1 of `accWordElements`.',
  'With more than one row, a pitch is not smaller than the row that it separates from the next; `dstPitch` of the quantisations is never smaller than `elements`.',
  '`vector.dequantise`: with `columns`, `scale` is a multiple of `vector.lanes`; with `wide`, `srcPitch` is one too and at least `elements`, even for one row. `vector.dequantiseGate`: `upOffset` is a multiple of `vector.lanes`.',
  '`vector.add`, `multiply` and `norm`: `dst` is the very rows of a source or does not overlap its span.',
  '`vector.dequantiseRope`: `headDimension` is a multiple of 2 × `vector.lanes` and divides `elements`.',
  '`dma`: `act` and `coef` hold floats (memory format float32, bfloat16 or float16), `input` int8, `acc` int32; memory addresses are multiples of `portBytes`, local ones of `portBytes` ÷ bytes of the memory format; with more than one row `remoteStride` and `localPitch` too. `elements` is free.',
  '`dma.gather`: memory addresses and strides are also multiples of `gatherAlignmentBytes`, or of the power of two that holds a row if that is less.',
  '`weightBuffer.load`: `src` is a multiple of `portBytes`, `dst` of `sliceWordsPerBeat` of its alphabet. `matmul.run` names the alphabet with which its words were loaded (not checked).',
  '`kvStore.append`: `dst` is a multiple of `vector.lanes` × bytes of a stored element; with more than one row `elements` is a multiple of `vector.lanes`. `fill` and `spill`: all addresses, `bytes` and, with more than one row, `stride` are multiples of `portBytes`.',
  '`attention`: `headDimension` is a multiple of `attention.lanes` and at most 256; `query` and `output` are multiples of `attention.lanes`, `keys` and `values` of `attention.lanes` × bytes of a stored element.',
  '`matmul.run`: `planes` is 1 for ternary and 1 to 12 for binary; at most `matmul.maxRows` rows; blocks × T × G products of −128 and the largest weight fit 32 bits.',
  'Quantisations and dequantisations: at most `vector.maxRows` rows.',
  '`attention`: `kvHeads` divides `heads`; at most `attention.maxRows` rows, `scoreDepth` positions, and rows × heads × headDimension at most `stateElements`.',
  '`sampler.begin`: `topK` is from 1 to `sampler.candidates`.',
  '`sampler.select` and `next` need a shortlist: `sampler.shortlist`.',
  '`ld`: the address is a multiple of 4.',
];

/** The first rule that the operands break, as a sentence, or undefined. `values` in the order of `spec.operands`. */
export function operandFault(
  spec: InstructionSpec,
  values: readonly number[],
  shape: MachineShape,
  attention?: AttentionShape,
): string | undefined {
  const plan = plans.get(spec.name) ?? noPlan;
  for (const index of plan.positive) {
    if ((values[index] as number) < 1) return `${spec.operands[index]?.name} is 0`;
  }
  if (!plan.checks) return undefined;
  const named: Record<string, number> = {};
  spec.operands.forEach((operand, index) => {
    named[operand.name] = values[index] as number;
  });
  for (const check of plan.checks) {
    const fault = check(named, shape, attention);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const positiveNames = new Set([
  'rows',
  'elements',
  'blocks',
  'steps',
  'planes',
  'words',
  'bytes',
  'count',
  'heads',
  'kvHeads',
  'headDimension',
]);

interface Plan {
  readonly positive: readonly number[];
  readonly checks: readonly Check[] | undefined;
}
/** Addresses that must be multiples of the lanes, and pitches that must be if there are several rows. */
function aligned(...names: readonly string[]): Check {
  const pitches = new Set(names.filter((name) => name.toLowerCase().endsWith('pitch')));
  return (values, { hw }) => {
    const { lanes } = hw.vector;
    for (const name of names) {
      const value = values[name] as number;
      if (value % lanes > 0 && (!pitches.has(name) || (values.rows as number) > 1)) {
        return `${name} ${value} is not a multiple of vector.lanes (${lanes})`;
      }
    }
    return undefined;
  };
}

/** The same for some rows only, where a value does not matter for one. */
function betweenRows(check: Check): Check {
  return (values, shape, attention) => ((values.rows as number) > 1 ? check(values, shape, attention) : undefined);
}

function pitchHolds(pitch: string, row: string): Check {
  return (values) => {
    if ((values.rows as number) > 1 && (values[pitch] as number) < (values[row] as number)) {
      return `${pitch} ${values[pitch]} is smaller than ${row} ${values[row]}`;
    }
    return undefined;
  };
}

function atMost(name: string, field: string, limit: (shape: MachineShape) => number): Check {
  return (values, shape) => {
    const value = values[name] as number;
    return value > limit(shape) ? `${name} ${value} is more than ${field} (${limit(shape)})` : undefined;
  };
}

function multipleOf(name: string, what: string, size: (values: Values, shape: MachineShape) => number): Check {
  return (values, shape) => {
    const value = values[name] as number;
    const step = size(values, shape);
    return Math.abs(value % step) > 0 ? `${name} ${value} is not a multiple of ${step} (${what})` : undefined;
  };
}

const scaleRows = atMost('rows', 'vector.maxRows', ({ hw }) => hw.vector.maxRows);
const vectorLanes = (_: Values, { hw }: MachineShape) => hw.vector.lanes;
const attentionLanes = (_: Values, { hw }: MachineShape) => hw.attention.lanes;
const vectorBytes = (_: Values, { hw, derived }: MachineShape) => hw.vector.lanes * derived.kvElementBytes;
const attentionBytes = (_: Values, { hw, derived }: MachineShape) => hw.attention.lanes * derived.kvElementBytes;
const beat = (_: Values, { derived }: MachineShape) => derived.portBytes;
const formatOf = (values: Values) => memoryFormats[values.format as number] as MemoryFormat;
const formatBytes = (values: Values) => memoryFormatBytes[formatOf(values)];
const beatElements = (values: Values, { derived }: MachineShape) => derived.portBytes / formatBytes(values);

const formatsOf: Partial<Record<Space, readonly MemoryFormat[]>> = {
  act: ['float32', 'bfloat16', 'float16'],
  coef: ['float32', 'bfloat16', 'float16'],
  input: ['int8'],
  acc: ['int32'],
};

const transfer: readonly Check[] = [
  (values) => {
    const space = spaces[values.space as number] as Space;
    const formats = formatsOf[space];
    if (!formats) return `dma does not reach ${space}`;
    const format = formatOf(values);
    return formats.includes(format) ? undefined : `${space} is not stored as ${format} but as ${formats.join(', ')}`;
  },
  multipleOf('remote', 'portBytes', beat),
  multipleOf('local', 'elements of a beat', beatElements),
  betweenRows(multipleOf('remoteStride', 'portBytes', beat)),
  betweenRows(multipleOf('localPitch', 'elements of a beat', beatElements)),
  pitchHolds('localPitch', 'elements'),
];

const gatherStep = (values: Values, { derived }: MachineShape) =>
  Math.min(derived.gatherAlignmentBytes, powerOfTwoUp((values.elements as number) * formatBytes(values)));
const gather: readonly Check[] = [
  ...transfer,
  multipleOf('remote', 'alignment of gathered rows', gatherStep),
  betweenRows(multipleOf('remoteStride', 'alignment of gathered rows', gatherStep)),
];

const kvTransfer = (kv: string, memory: string): readonly Check[] => [
  multipleOf(kv, 'portBytes', beat),
  multipleOf(memory, 'portBytes', beat),
  multipleOf('bytes', 'portBytes', beat),
  betweenRows(multipleOf('stride', 'portBytes', beat)),
];

const quantise: readonly Check[] = [
  aligned('src', 'gain', 'srcPitch', 'dst'),
  multipleOf('dstPitch', 'vector.lanes', vectorLanes),
  scaleRows,
  ({ dstPitch, elements }) =>
    (dstPitch as number) < (elements as number)
      ? `dstPitch ${dstPitch} is smaller than elements ${elements}`
      : undefined,
  pitchHolds('srcPitch', 'elements'),
];

const dequantise: readonly Check[] = [
  aligned('dst', 'src', 'dstPitch', 'srcPitch'),
  scaleRows,
  pitchHolds('dstPitch', 'elements'),
  pitchHolds('srcPitch', 'elements'),
];

/** A stream may overwrite exactly what it reads, or what it does not read: anything between would depend on its depth. */
function sameOrApart(source: string, dstPitch: string, srcPitch: string): Check {
  return ({ dst, [source]: src, rows, elements, [dstPitch]: to, [srcPitch]: from }) => {
    const span = (pitch: number | undefined) => ((rows as number) - 1) * (pitch as number) + (elements as number);
    const same = dst === src && (rows === 1 || to === from);
    const overlap = (dst as number) < (src as number) + span(from) && (src as number) < (dst as number) + span(to);
    return !same && overlap ? `dst overlaps ${source} without being the same rows` : undefined;
  };
}

const elementwise: readonly Check[] = [
  aligned('dst', 'a', 'b', 'pitch'),
  pitchHolds('pitch', 'elements'),
  sameOrApart('a', 'pitch', 'pitch'),
  sameOrApart('b', 'pitch', 'pitch'),
];

const checks: Readonly<Record<string, readonly Check[]>> = {
  ld: [multipleOf('address', 'bytes of a word', () => 4)],
  'dma.load': transfer,
  'dma.gather': gather,
  'dma.store': transfer,
  'weightBuffer.load': [
    multipleOf('src', 'portBytes', beat),
    multipleOf('dst', 'sliceWordsPerBeat', ({ alphabet }, { derived }) => {
      const name = alphabets[alphabet as number];
      return name === undefined ? Number.NaN : derived[name].sliceWordsPerBeat;
    }),
  ],
  'matmul.run': [
    multipleOf('output', 'matmul.columns', (_, { hw }) => hw.matmul.columns),
    multipleOf('output', 'accWordElements', (_, { derived }) =>
      derived.rowsPerStep > 1 ? derived.accWordElements : 1,
    ),
    atMost('rows', 'matmul.maxRows', ({ hw }) => hw.matmul.maxRows),
    ({ alphabet, planes, blocks }, { derived }) => {
      const count = planes as number;
      if (alphabets[alphabet as number] === 'ternary') {
        return count > 1 ? `ternary weights have one plane, not ${count}` : undefined;
      }
      if (count > maximumPlanes) return `binary weights have at most ${maximumPlanes} planes, not ${count}`;
      const inputs = (blocks as number) * derived.blockInputs;
      return inputs * 128 * (2 ** count - 1) >= 2 ** 31
        ? `sums of ${inputs} inputs and ${count}-bit weights could pass 32 bits`
        : undefined;
    },
  ],
  'vector.quantise': quantise,
  'vector.quantiseWide': quantise,
  'vector.dequantise': [
    ...dequantise,
    // Wide rows lie in pairs, so their pitch matters even for one row.
    ({ options, srcPitch, elements }, { hw }) => {
      const { lanes } = hw.vector;
      if (!((options as number) & 2)) return undefined;
      if ((srcPitch as number) % lanes > 0) return `srcPitch ${srcPitch} is not a multiple of vector.lanes (${lanes})`;
      return (srcPitch as number) < (elements as number)
        ? `srcPitch ${srcPitch} is smaller than elements ${elements}`
        : undefined;
    },
    (values, shape) => ((values.options as number) & 1 ? aligned('scale')(values, shape, undefined) : undefined),
  ],
  'vector.dequantiseGate': [...dequantise, aligned('upOffset')],
  'vector.dequantiseRope': [
    ...dequantise,
    aligned('table'),
    multipleOf('headDimension', '2 × vector.lanes', (_, { hw }) => 2 * hw.vector.lanes),
    multipleOf('elements', 'headDimension', ({ headDimension }) => headDimension as number),
  ],
  'vector.add': elementwise,
  'vector.multiply': elementwise,
  'vector.norm': [
    aligned('dst', 'src', 'gain', 'dstPitch', 'srcPitch'),
    pitchHolds('dstPitch', 'elements'),
    pitchHolds('srcPitch', 'elements'),
    sameOrApart('src', 'dstPitch', 'srcPitch'),
  ],
  'attention.configure': [
    multipleOf('query', 'attention.lanes', attentionLanes),
    multipleOf('output', 'attention.lanes', attentionLanes),
    multipleOf('headDimension', 'attention.lanes', attentionLanes),
    atMost('headDimension', 'its largest value', () => largestHeadDimension),
    multipleOf('heads', 'kvHeads', ({ kvHeads }) => kvHeads as number),
    ({ heads, headDimension }, { hw }) => {
      const elements = (heads as number) * (headDimension as number);
      return elements > hw.attention.stateElements
        ? `heads × headDimension is ${elements}, more than attention.stateElements (${hw.attention.stateElements})`
        : undefined;
    },
  ],
  'attention.attend': [
    multipleOf('keys', 'bytes of attention.lanes stored elements', attentionBytes),
    multipleOf('values', 'bytes of attention.lanes stored elements', attentionBytes),
    atMost('rows', 'attention.maxRows', ({ hw }) => hw.attention.maxRows),
    atMost('count', 'attention.scoreDepth', ({ hw }) => hw.attention.scoreDepth),
    ({ rows }, { hw }, attention) => {
      const elements = attention ? (rows as number) * attention.heads * attention.headDimension : Number.NaN;
      return elements > hw.attention.stateElements
        ? `rows × heads × headDimension is ${elements}, more than attention.stateElements (${hw.attention.stateElements})`
        : undefined;
    },
  ],
  'kvStore.append': [
    aligned('src', 'pitch'),
    multipleOf('dst', 'bytes of vector.lanes stored elements', vectorBytes),
    betweenRows(multipleOf('elements', 'vector.lanes', vectorLanes)),
    pitchHolds('pitch', 'elements'),
  ],
  'kvStore.fill': kvTransfer('dst', 'src'),
  'kvStore.spill': kvTransfer('src', 'dst'),
  'sampler.begin': [
    ({ topK }) => ((topK as number) < 1 ? 'topK is 0' : undefined),
    atMost('topK', 'sampler.candidates', ({ hw }) => hw.sampler.candidates),
  ],
  'sampler.select': [needsShortlist],
  'sampler.next': [needsShortlist],
};

function needsShortlist(_: Values, { hw }: MachineShape): string | undefined {
  return hw.sampler.shortlist === undefined ? 'the machine has no sampler.shortlist' : undefined;
}

const noPlan: Plan = { positive: [], checks: undefined };

/** What to check, by assembly name. */
const plans: ReadonlyMap<string, Plan> = new Map(
  instructionTable.map((spec) => [
    spec.name,
    {
      positive: spec.operands.flatMap(({ name }, index) => (positiveNames.has(name) ? [index] : [])),
      checks: checks[spec.name],
    },
  ]),
);
