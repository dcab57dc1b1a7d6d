/** From a model to the programs of one decode step or one prompt, in buckets of positions. */
import { LutraError } from '../../base/diagnostics.ts';
import { type LinearRole, linearSize, type ModelShape } from '../../model/graph.ts';
import { createLowering, type Linear, type Lowering } from './context.ts';
import { lowerMatrixAttention, lowerMatrixLinear } from './lowerMatrix.ts';
import { lowerConcatenation, lowerVectorAttention, lowerVectorLinear } from './lowerVector.ts';
import type { TokenMachine } from './machine.ts';
import { LD, MISC, ST, type TokenProgram } from './program.ts';

/** All layers are alike, so the programs of one layer stand in the list once per layer. */
export type StepPrograms = readonly TokenProgram[];

/** The program of the bucket that `positions` fall into: a decode step whose last position is the new one. */
export function lowerDecode(model: ModelShape, machine: TokenMachine, positions: number): StepPrograms {
  const bucket = roundUp(positions, machine.bucket.decode);
  return lowerStep(model, machine, {
    rows: 1,
    linear: lowerVectorLinear,
    beforeAttention: (lowering, run) => {
      const cacheBytes = (bucket - 1) * model.kvHeads * model.headDimension;
      for (let cache = 0; cache < 2; cache++) run(() => lowerConcatenation(lowering, cacheBytes));
    },
    attention: (lowering, part) => lowerVectorAttention(lowering, { part, ...model }, bucket),
  });
}

/** The program of the bucket that a prompt of `tokens` falls into. */
export function lowerPrefill(model: ModelShape, machine: TokenMachine, tokens: number): StepPrograms {
  const rows = roundUp(tokens, machine.bucket.prefill);
  return lowerStep(model, machine, {
    rows,
    linear: (lowering, linear) => lowerMatrixLinear(lowering, linear, rows),
    beforeAttention: () => {},
    attention: (lowering, part) => lowerMatrixAttention(lowering, { part, ...model }, rows),
  });
}

export const roundUp = (value: number, unit: number) => Math.ceil(value / unit) * unit;

/** What a decode step and a prompt do differently. */
interface StepForm {
  readonly rows: number;
  readonly linear: (lowering: Lowering, linear: Linear) => void;
  readonly beforeAttention: (lowering: Lowering, run: (body: () => void) => void) => void;
  readonly attention: (lowering: Lowering, part: 'scores' | 'values') => void;
}

function lowerStep(model: ModelShape, machine: TokenMachine, form: StepForm): StepPrograms {
  checkModel(model, machine);
  const layer = lowerLayer(model, machine, form);
  const first = { ...layer, waits: layer.waits.with(0, 0) };
  const layers = Array.from({ length: model.layerCount }, (_, index) => (index === 0 ? first : layer));
  const end = createLowering(machine);
  const synchronise = end.timing.cycles(1);
  end.builder.operation(synchronise, () => lowerNorm(end, model.hiddenSize, form.rows));
  end.builder.operation(synchronise, () =>
    form.linear(end, { inputs: model.hiddenSize, columns: model.vocabularySize, density: 1, bias: false }),
  );
  // Nothing follows that waits for the last synchronisation.
  end.builder.releases.splice(-1, 1, 0);
  return [...layers, end.builder];
}

/** A layer; its first load waits for the operation before it, which the first layer of a step does not have. */
function lowerLayer(model: ModelShape, machine: TokenMachine, form: StepForm): TokenProgram {
  const lowering = createLowering(machine);
  const { builder, timing } = lowering;
  const synchronise = timing.cycles(1);
  const run = (body: () => void) => builder.operation(synchronise, body);
  const linear = (role: LinearRole, then?: Linear['then']) => {
    const { rows: columns, columns: inputs } = linearSize(model, role);
    const density = machine.formats.density[role] ?? 1;
    const bias = machine.formats.biases.includes(role);
    run(() => form.linear(lowering, { inputs, columns, density, bias, ...(then && { then }) }));
  };
  run(() => lowerNorm(lowering, model.hiddenSize, form.rows));
  linear('query', 'rope');
  linear('key', 'rope');
  linear('value');
  form.beforeAttention(lowering, run);
  run(() => form.attention(lowering, 'scores'));
  run(() => form.attention(lowering, 'values'));
  linear('output', 'elementwise');
  run(() => lowerNorm(lowering, model.hiddenSize, form.rows));
  linear('gate', 'silu');
  linear('up', 'elementwise');
  linear('down', 'elementwise');
  return builder;
}

/** Row by row through the output buffer, in place. */
function lowerNorm({ machine, timing, builder }: Lowering, columns: number, rows: number): void {
  const { buffers, misc } = machine;
  const { lines, lineBytes, channels } = buffers.output;
  const ahead = Math.floor(lines / Math.ceil(columns / (lineBytes * channels)));
  const move = timing.same(columns, 1);
  const cycles = Math.ceil(columns / misc.lanes) * misc.passes.norm;
  for (let row = 1; row <= rows; row++) {
    const later = row > ahead;
    const earlier = row + ahead <= rows;
    builder.issue(LD, move, later ? MISC : 0, MISC);
    builder.issue(MISC, timing.cycles(cycles), LD | (later ? ST : 0), ST | (earlier ? LD : 0));
    builder.issue(ST, move, MISC, earlier ? MISC : 0);
  }
}

/** Bytes of weights, biases, and the keys and values of the longest context. */
export function residentBytes(model: ModelShape, { formats, maxPositions }: TokenMachine): number {
  const { layerCount, hiddenSize, vocabularySize, kvHeads, headDimension } = model;
  const layer = (['query', 'key', 'value', 'output', 'gate', 'up', 'down'] as const).reduce((sum, role) => {
    const { rows, columns } = linearSize(model, role);
    const bias = formats.biases.includes(role) ? rows * formats.biasBytes : 0;
    return sum + (rows * columns * (formats.density[role] ?? 1) * formats.weightBits) / 8 + bias;
  }, 0);
  const head = (vocabularySize * hiddenSize * formats.weightBits) / 8;
  return Math.ceil(layerCount * (layer + 2 * kvHeads * headDimension * maxPositions) + head);
}

/** Throws LutraError PAP005 for a model that the machine cannot hold, with the rule and the figure. */
function checkModel(model: ModelShape, machine: TokenMachine): void {
  const { block, hbm, name } = machine;
  const refuse = (message: string, hint: string) =>
    new LutraError({ code: 'PAP005', message: `${name}: ${message}`, hint });
  if (model.kvHeads !== model.heads) {
    throw refuse(
      `${model.kvHeads} heads of keys and values for ${model.heads} of queries`,
      'its programs know multi-head attention only',
    );
  }
  for (const key of ['hiddenSize', 'intermediateSize', 'headDimension', 'vocabularySize'] as const) {
    if (model[key] % block === 0) continue;
    throw refuse(`${key} = ${model[key]} is not a multiple of its blocks of ${block}`, `a multiple of ${block}`);
  }
  const resident = residentBytes(model, machine);
  if (resident > hbm.capacityBytes) {
    throw refuse(
      `weights, keys and values take ${resident} bytes, its memory holds ${hbm.capacityBytes}`,
      'a smaller model, or a smaller maxPositions',
    );
  }
  for (const { buffer, lines, needed, why } of attentionNeeds(model, machine)) {
    if (lines >= needed) continue;
    throw refuse(
      `buffer ${buffer} has ${lines} lines, ${why} take ${needed}`,
      'a larger buffer, or a smaller maxPositions',
    );
  }
}

/** Attention cuts no inputs, so the longest rows must fit twice; so must the results of a tile of rows. */
function attentionNeeds(model: ModelShape, { maxPositions, block, vector, buffers }: TokenMachine) {
  const { a, b, meta, output } = buffers;
  const longest = Math.max(maxPositions, model.headDimension);
  return [
    {
      buffer: 'a',
      lines: a.lines,
      needed: 2 * Math.ceil((longest * vector.tileColumns) / a.channels / a.vectorLineBytes),
      why: 'two tiles of the values of a head',
    },
    {
      buffer: 'b',
      lines: b.lines,
      needed: 2 * Math.ceil((longest * block) / b.matrixLineBytes),
      why: 'two blocks of values',
    },
    { buffer: 'output', lines: output.lines, needed: (2 * longest) / block, why: 'two tiles of scores' },
    {
      buffer: 'output',
      lines: output.lines,
      needed: 2 * Math.ceil(model.hiddenSize / (output.lineBytes * output.channels)),
      why: 'two rows of a norm',
    },
    { buffer: 'meta', lines: meta.lines, needed: 2, why: 'two blocks of indices' },
  ];
}
