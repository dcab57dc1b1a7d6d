import { expect, test } from 'vitest';
import { type AttentionShape, machineShape } from '../../src/isa/footprint.ts';
import { operandFault } from '../../src/isa/rules.ts';
import { type InstructionSpec, instructionsByName } from '../../src/isa/table.ts';
import { hardware } from '../hw/models.ts';

// The fields that the messages below show, whatever the model says by now.
const pinned = [
  'vector.lanes=16',
  'vector.maxRows=8',
  'matmul.maxRows=8',
  'attention.lanes=32',
  'attention.maxRows=8',
  'attention.scoreDepth=512',
  'attention.stateElements=20480',
  'kvStore.format=float16',
  'sampler.candidates=64',
];
const shape = machineShape(hardware('kv260', ...pinned));
const attention: AttentionShape = { heads: 16, kvHeads: 4, headDimension: 64, query: 0, output: 0 };

/** Operands that keep all rules. */
const sound: Record<string, Record<string, number>> = {
  ld: { rd: 1, address: 64 },
  'dma.load': { space: 4, format: 0, local: 4, remote: 64, elements: 15, rows: 2, remoteStride: 64, localPitch: 16 },
  'dma.gather': {
    space: 4,
    format: 1,
    local: 8,
    remote: 3072,
    elements: 1500,
    rows: 2,
    remoteStride: 5120,
    localPitch: 1504,
  },
  'weightBuffer.load': { dst: 0, src: 0, words: 4, alphabet: 0 },
  'matmul.run': {
    input: 1,
    weights: 0,
    output: 8,
    rows: 2,
    blocks: 1,
    steps: 2,
    alphabet: 1,
    planes: 8,
    options: 0,
    inputPitch: 1,
  },
  'vector.quantise': { dst: 48, src: 16, gain: 32, rows: 2, elements: 100, dstPitch: 144, srcPitch: 112, epsilon: 0 },
  'vector.quantiseWide': { dst: 48, src: 16, gain: 32, rows: 1, elements: 100, dstPitch: 144, srcPitch: 1, epsilon: 0 },
  'vector.dequantise': { dst: 0, src: 0, scale: 5, rows: 2, elements: 32, dstPitch: 32, srcPitch: 32, options: 0 },
  'vector.dequantiseGate': {
    dst: 0,
    src: 0,
    scale: 5,
    rows: 2,
    elements: 32,
    dstPitch: 32,
    srcPitch: 64,
    function: 0,
    upOffset: 32,
  },
  'vector.dequantiseRope': {
    dst: 0,
    src: 0,
    scale: 5,
    rows: 2,
    elements: 64,
    dstPitch: 64,
    srcPitch: 64,
    headDimension: 32,
    table: 16,
  },
  'vector.add': { dst: 0, a: 0, b: 32, rows: 2, elements: 10, pitch: 16 },
  'vector.norm': { dst: 0, src: 0, gain: 16, rows: 2, elements: 10, dstPitch: 16, srcPitch: 16, epsilon: 0 },
  'attention.configure': {
    heads: 16,
    kvHeads: 4,
    headDimension: 64,
    window: 0,
    sink: 0,
    scale: 0,
    query: 0,
    output: 32,
  },
  'attention.attend': { keys: 64, values: 128, firstPosition: 0, count: 512, queryPosition: 0, rows: 8, options: 0 },
  'kvStore.append': { src: 16, dst: 32, rows: 2, elements: 16, pitch: 16 },
  'kvStore.fill': { dst: 16, src: 32, bytes: 48, rows: 2, stride: -64 },
  'kvStore.spill': { src: 16, dst: 32, bytes: 48, rows: 1, stride: 1 },
  'sampler.begin': { temperature: 0, topK: 1, seed: 0, step: 0 },
  'sampler.scan': { src: 3, elements: 1, firstToken: 0 },
};

function check(name: string, changes: Record<string, number>): string | undefined {
  const spec = instructionsByName.get(name) as InstructionSpec;
  const named = { ...sound[name], ...changes };
  return operandFault(
    spec,
    spec.operands.map((operand) => named[operand.name] as number),
    shape,
    attention,
  );
}

test.each(Object.keys(sound))('%s: sound operands keep the rules', (name) => {
  expect(check(name, {})).toBeUndefined();
});

test.each(Object.keys(sound))('%s: values that are not known break none', (name) => {
  const spec = instructionsByName.get(name) as InstructionSpec;
  for (const operand of spec.operands.filter(({ bits }) => bits === 32)) {
    expect(check(name, { [operand.name]: Number.NaN })).toBeUndefined();
  }
});

test.each<[string, Record<string, number>, string]>([
  ['ld', { address: 66 }, 'address 66 is not a multiple of 4 (bytes of a word)'],
  ['dma.load', { rows: 0 }, 'rows is 0'],
  ['dma.load', { elements: 0 }, 'elements is 0'],
  ['dma.load', { space: 1 }, 'dma does not reach weights'],
  ['dma.load', { space: 0 }, 'dma does not reach ddr'],
  ['dma.load', { space: 6 }, 'dma does not reach kv'],
  ['dma.load', { format: 4 }, 'act is not stored as int8 but as float32, bfloat16, float16'],
  ['dma.load', { space: 3 }, 'acc is not stored as float32 but as int32'],
  ['dma.load', { space: 2 }, 'input is not stored as float32 but as int8'],
  ['dma.load', { remote: 72 }, 'remote 72 is not a multiple of 16 (portBytes)'],
  ['dma.load', { local: 6 }, 'local 6 is not a multiple of 4 (elements of a beat)'],
  ['dma.load', { format: 1, local: 4 }, 'local 4 is not a multiple of 8 (elements of a beat)'],
  ['dma.load', { localPitch: 18 }, 'localPitch 18 is not a multiple of 4 (elements of a beat)'],
  ['dma.load', { remoteStride: -8 }, 'remoteStride -8 is not a multiple of 16 (portBytes)'],
  ['dma.load', { localPitch: 12 }, 'localPitch 12 is smaller than elements 15'],
  ['dma.gather', { remote: 3584 }, 'remote 3584 is not a multiple of 1024 (alignment of gathered rows)'],
  [
    'dma.gather',
    { remoteStride: 3072 + 16 },
    'remoteStride 3088 is not a multiple of 1024 (alignment of gathered rows)',
  ],
  [
    'dma.gather',
    { elements: 65, rows: 1, remote: 128 },
    'remote 128 is not a multiple of 256 (alignment of gathered rows)',
  ],
  ['weightBuffer.load', { src: 8 }, 'src 8 is not a multiple of 16 (portBytes)'],
  ['matmul.run', { output: 4 }, 'output 4 is not a multiple of 8 (matmul.columns)'],
  ['weightBuffer.load', { words: 0 }, 'words is 0'],
  ['matmul.run', { rows: 9 }, 'rows 9 is more than matmul.maxRows (8)'],
  ['matmul.run', { alphabet: 0 }, 'ternary weights have one plane, not 8'],
  ['matmul.run', { planes: 13 }, 'binary weights have at most 12 planes, not 13'],
  ['matmul.run', { steps: 0 }, 'steps is 0'],
  ['vector.quantise', { src: 8 }, 'src 8 is not a multiple of vector.lanes (16)'],
  ['vector.quantise', { gain: 1 }, 'gain 1 is not a multiple of vector.lanes (16)'],
  ['vector.quantise', { srcPitch: 100 }, 'srcPitch 100 is not a multiple of vector.lanes (16)'],
  ['vector.quantise', { srcPitch: 96 }, 'srcPitch 96 is smaller than elements 100'],
  ['vector.quantise', { dst: 8 }, 'dst 8 is not a multiple of vector.lanes (16)'],
  ['vector.quantise', { dstPitch: 130, rows: 1 }, 'dstPitch 130 is not a multiple of 16 (vector.lanes)'],
  ['vector.quantise', { dstPitch: 96, rows: 1 }, 'dstPitch 96 is smaller than elements 100'],
  ['vector.quantise', { rows: 9 }, 'rows 9 is more than vector.maxRows (8)'],
  ['vector.dequantise', { dst: 8 }, 'dst 8 is not a multiple of vector.lanes (16)'],
  ['vector.dequantise', { options: 1 }, 'scale 5 is not a multiple of vector.lanes (16)'],
  ['vector.dequantise', { options: 2, rows: 1, srcPitch: 40 }, 'srcPitch 40 is not a multiple of vector.lanes (16)'],
  ['vector.dequantise', { options: 2, rows: 1, srcPitch: 16 }, 'srcPitch 16 is smaller than elements 32'],
  ['vector.dequantise', { dstPitch: 16 }, 'dstPitch 16 is smaller than elements 32'],
  ['vector.dequantiseGate', { upOffset: 40 }, 'upOffset 40 is not a multiple of vector.lanes (16)'],
  ['vector.dequantiseRope', { headDimension: 16 }, 'headDimension 16 is not a multiple of 32 (2 × vector.lanes)'],
  ['vector.dequantiseRope', { elements: 48 }, 'elements 48 is not a multiple of 32 (headDimension)'],
  ['vector.dequantiseRope', { table: 8 }, 'table 8 is not a multiple of vector.lanes (16)'],
  ['vector.add', { b: 8 }, 'b 8 is not a multiple of vector.lanes (16)'],
  ['vector.add', { pitch: 0 }, 'pitch 0 is smaller than elements 10'],
  ['vector.add', { dst: 32, a: 16, pitch: 32, rows: 1, elements: 20 }, 'dst overlaps a without being the same rows'],
  [
    'vector.norm',
    { dst: 16, src: 0, rows: 2, elements: 16, dstPitch: 32, srcPitch: 32 },
    'dst overlaps src without being the same rows',
  ],
  ['vector.norm', { gain: 8 }, 'gain 8 is not a multiple of vector.lanes (16)'],
  ['attention.configure', { kvHeads: 3 }, 'heads 16 is not a multiple of 3 (kvHeads)'],
  [
    'attention.configure',
    { heads: 128, headDimension: 256 },
    'heads × headDimension is 32768, more than attention.stateElements (20480)',
  ],
  [
    'attention.configure',
    { heads: 1, kvHeads: 1, headDimension: 40 },
    'headDimension 40 is not a multiple of 32 (attention.lanes)',
  ],
  ['attention.configure', { headDimension: 288 }, 'headDimension 288 is more than its largest value (256)'],
  ['attention.configure', { query: 16 }, 'query 16 is not a multiple of 32 (attention.lanes)'],
  ['attention.configure', { output: 16 }, 'output 16 is not a multiple of 32 (attention.lanes)'],
  ['attention.configure', { heads: 0 }, 'heads is 0'],
  ['attention.attend', { keys: 1 }, 'keys 1 is not a multiple of 64 (bytes of attention.lanes stored elements)'],
  ['attention.attend', { count: 513 }, 'count 513 is more than attention.scoreDepth (512)'],
  ['attention.attend', { rows: 9 }, 'rows 9 is more than attention.maxRows (8)'],
  ['kvStore.append', { src: 8 }, 'src 8 is not a multiple of vector.lanes (16)'],
  ['kvStore.append', { dst: 16 }, 'dst 16 is not a multiple of 32 (bytes of vector.lanes stored elements)'],
  ['kvStore.append', { elements: 10 }, 'elements 10 is not a multiple of 16 (vector.lanes)'],
  ['kvStore.fill', { dst: 8 }, 'dst 8 is not a multiple of 16 (portBytes)'],
  ['kvStore.fill', { src: 8 }, 'src 8 is not a multiple of 16 (portBytes)'],
  ['kvStore.fill', { bytes: 8 }, 'bytes 8 is not a multiple of 16 (portBytes)'],
  ['kvStore.fill', { stride: 8 }, 'stride 8 is not a multiple of 16 (portBytes)'],
  ['kvStore.spill', { dst: 8 }, 'dst 8 is not a multiple of 16 (portBytes)'],
  ['kvStore.fill', { bytes: 0 }, 'bytes is 0'],
  ['sampler.begin', { topK: 0 }, 'topK is 0'],
  ['sampler.begin', { topK: 65 }, 'topK 65 is more than sampler.candidates (64)'],
])('%s %o', (name, changes, message) => {
  expect(check(name, changes)).toBe(message);
});

test('words of a load begin with a beat of every slice', () => {
  const narrow = machineShape(hardware('odd'));
  const spec = instructionsByName.get('weightBuffer.load') as InstructionSpec;
  expect(operandFault(spec, [2, 8, 1, 0], narrow)).toBeUndefined();
  expect(operandFault(spec, [3, 8, 1, 0], narrow)).toBe('dst 3 is not a multiple of 2 (sliceWordsPerBeat)');
});

test('one row needs no pitch', () => {
  expect(check('vector.add', { rows: 1, pitch: 0 })).toBeUndefined();
  expect(check('dma.load', { rows: 1, localPitch: 1, remoteStride: 1 })).toBeUndefined();
  expect(check('kvStore.append', { rows: 1, elements: 10 })).toBeUndefined();
});

test('attention state: rows × heads × headDimension', () => {
  const spec = instructionsByName.get('attention.attend') as InstructionSpec;
  const large = { ...attention, heads: 64 };
  expect(operandFault(spec, [0, 0, 0, 1, 0, 8, 0], shape, large)).toBe(
    'rows × heads × headDimension is 32768, more than attention.stateElements (20480)',
  );
});
