/**
 * FlightLLM: LLaMA2-7B on a token machine. Programs are compiled for buckets of positions; their times, and how long
 * each unit is busy, come from running every instruction. No parameter was fitted.
 */
import { compile } from '../compiler/index.ts';
import { bytesPerInstruction } from '../isa/table.ts';
import type { ModelGraph } from '../model/graph.ts';
import { lowerDecode, lowerPrefill, roundUp, type StepPrograms } from './flightllm/lower.ts';
import { loadTokenMachine, type TokenMachine } from './flightllm/machine.ts';
import { countInstructions, type UnitName, unitNames } from './flightllm/program.ts';
import { type Published, type PublishedStep, publishedU280, publishedVhk158 } from './flightllm/published.ts';
import { runTokenPrograms } from './flightllm/simulate.ts';
import type { PaperInputs } from './inputs.ts';
import type { PaperFigure, PaperMachine } from './paperMachine.ts';
import { checkLimit } from './requests.ts';

/** The machine of the paper, four dies on a VHK158. */
export const createFlightLlmVhk158 = (inputs: PaperInputs): PaperMachine =>
  createFlightLlm('flightllm-vhk158', publishedVhk158, inputs, true);

/** The same design with the three dies and the memory of a U280. */
export const createFlightLlmU280 = (inputs: PaperInputs): PaperMachine =>
  createFlightLlm('flightllm-u280', publishedU280, inputs, false);

function createFlightLlm(
  name: string,
  published: Published,
  inputs: PaperInputs,
  comparesPrograms: boolean,
): PaperMachine {
  const { file, text } = inputs.description(name);
  const machine = loadTokenMachine(text, file);
  const model = inputs.graph('llama2-7b');
  const limit = 'positions that its programs are compiled for';
  const decode = (context: number) => {
    checkLimit(name, `--context ${context}`, context, machine.maxPositions, limit);
    const known = published.decode[roundUp(context, machine.bucket.decode)];
    return stepFigures('decode', 'MV', context, lowerDecode(model, machine, context), machine, known);
  };
  const prefill = (prompt: number) => {
    checkLimit(name, `--prompt ${prompt}`, prompt, machine.maxPositions, limit);
    const known = published.prefill[roundUp(prompt, machine.bucket.prefill)];
    return stepFigures('prefill', 'MM', prompt, lowerPrefill(model, machine, prompt), machine, known);
  };
  return {
    name,
    source: published.source,
    decode,
    prefill,
    figures: () => [
      ...numbers(published.decode).flatMap((context) => decode(context).filter(isPublished)),
      ...numbers(published.prefill).flatMap((prompt) => prefill(prompt).filter(isPublished)),
      ...published.generation.map((generation) => generationFigure(generation, model, machine)),
      ...(comparesPrograms ? programFigures(model, machine, inputs) : []),
    ],
  };
}

const numbers = (record: Readonly<Record<number, unknown>>) => Object.keys(record).map(Number);
const isPublished = (figure: PaperFigure) => figure.published !== undefined;

/** Total, busy time of every unit that works, instructions and bytes of one step. */
function stepFigures(
  step: 'decode' | 'prefill',
  matrixUnit: UnitName,
  context: number,
  programs: StepPrograms,
  machine: TokenMachine,
  known: PublishedStep | undefined,
): PaperFigure[] {
  const { totalMilliseconds, busyMilliseconds, instructions } = runTokenPrograms(programs);
  const figure = (
    name: string,
    simulated: number,
    unit: string,
    source: number | undefined,
    tolerance: number | undefined,
  ): PaperFigure => ({
    figure: name,
    context,
    simulated,
    unit,
    kind: 'predicted',
    ...(source === undefined || tolerance === undefined ? {} : { published: source, tolerance }),
  });
  const total = step === 'decode' ? 'decode step' : 'prefill';
  const busy = (unit: UnitName) => {
    const source = unit === 'LD' ? known?.load : unit === matrixUnit ? known?.matrix : undefined;
    return figure(`${step}, ${unit} busy`, busyMilliseconds[unit], 'ms', source, known?.tolerance);
  };
  const count = unitNames.reduce((sum, unit) => sum + instructions[unit], 0);
  return [
    figure(total, totalMilliseconds, 'ms', known?.total, known?.tolerance),
    ...unitNames.filter((unit) => busyMilliseconds[unit] > 0).map(busy),
    figure(`${step}, instructions`, count, 'instructions', known?.instructions, known && 5 * known.tolerance),
    // The source gives two digits.
    figure(`${step}, program`, bytesOf(instructions, machine), 'bytes', known?.programBytes, 0.02),
  ];
}

const bytesOf = (instructions: Readonly<Record<UnitName, number>>, { instructionWords }: TokenMachine) =>
  unitNames.reduce((sum, unit) => sum + instructions[unit] * instructionWords[unit] * 4, 0);

/** Steps one after another, each in the bucket that its position falls into. */
function generationFigure(
  { after, tokens, milliseconds }: Published['generation'][number],
  model: ModelGraph,
  machine: TokenMachine,
): PaperFigure {
  const stepsOf = new Map<number, number>();
  for (let position = after + 1; position <= after + tokens; position++) {
    const bucket = roundUp(position, machine.bucket.decode);
    stepsOf.set(bucket, (stepsOf.get(bucket) ?? 0) + 1);
  }
  const simulated = [...stepsOf].reduce(
    (sum, [bucket, steps]) => sum + steps * runTokenPrograms(lowerDecode(model, machine, bucket)).totalMilliseconds,
    0,
  );
  return {
    figure: `${tokens} decode steps`,
    context: after,
    published: milliseconds,
    simulated,
    unit: 'ms',
    tolerance: 0.001,
    kind: 'predicted',
  };
}

/** The bytes of one program per bucket beside those of lutra's one looped program for a model of the same shape. */
function programFigures(model: ModelGraph, machine: TokenMachine, inputs: PaperInputs): PaperFigure[] {
  const { bucket, maxPositions } = machine;
  const all = (unit: number, lower: typeof lowerDecode) => {
    let sum = 0;
    for (let positions = unit; positions <= maxPositions; positions += unit) {
      sum += bytesOf(countInstructions(lower(model, machine, positions)), machine);
    }
    return sum;
  };
  const { code } = compile(model, inputs.hardware('kv260'), { weights: 'none', maxPositions });
  const figure = (name: string, simulated: number): PaperFigure => ({
    figure: name,
    context: maxPositions,
    simulated,
    unit: 'bytes',
    kind: 'predicted',
  });
  return [
    figure(`decode, ${maxPositions / bucket.decode} programs`, all(bucket.decode, lowerDecode)),
    figure(`prefill, ${maxPositions / bucket.prefill} programs`, all(bucket.prefill, lowerPrefill)),
    figure('one looped program, lutra on kv260', code.length * bytesPerInstruction),
  ];
}
