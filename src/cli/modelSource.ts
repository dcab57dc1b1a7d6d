/** From a model directory to what the compiler takes: its graph, its tokenizer's files, the compiler's options. */
import { LutraError } from '../base/diagnostics.ts';
import {
  type PlannedProgram,
  type CompileOptions as ProgramOptions,
  planCoprocessor,
  planProgram,
} from '../compiler/index.ts';
import type { HardwareModel } from '../hw/index.ts';
// Not through the folder's index: threads that pack load this file, and need no tokenizer.
import { readConfig } from '../model/config.ts';
import type { ModelDirectory } from '../model/directory.ts';
import type { ModelGraph } from '../model/graph.ts';
import { type LoadOptions, loadModel } from '../model/load.ts';
import { shapeOnlyModel, syntheticModel } from '../model/synthetic.ts';
import type { PackKernels } from '../numerics/pack.ts';
import { isDirectory, modelDirectory, shortName } from './files.ts';
import type { CompileOptions } from './options.ts';

/** The model that `path`, a directory or its config.json, names. */
export function openModelDirectory(path: string): ModelDirectory {
  if (isDirectory(path) || shortName(path) === 'config.json') return modelDirectory(path);
  throw new LutraError({
    code: 'CLI006',
    place: { file: path },
    message: 'is no model',
    hint: 'give a model directory, or its config.json',
  });
}

/** The model’s weights, made-up weights, or none at all. `known` matters only to who reads weights. */
export function openGraph(directory: ModelDirectory, options: CompileOptions, known: LoadOptions = {}): ModelGraph {
  const { weights, timingOnly } = options;
  const name = shortName(directory.name);
  if (weights !== undefined) {
    const seed = Number(/^synthetic:(\d{1,10})$/.exec(weights)?.[1] ?? Number.NaN);
    if (!(seed < 2 ** 32)) {
      throw new LutraError({
        code: 'CLI002',
        message: `--weights ${weights}: not a source of weights`,
        hint: 'write synthetic:SEED with a seed from 0 to 4294967295, for example synthetic:1',
        exit: 'usage',
      });
    }
    return timingOnly
      ? shapeOnlyModel(readConfig(directory), name)
      : syntheticModel(readConfig(directory), name, seed, known.kernels);
  }
  // Weight files are looked at even without values: their formats decide how many bytes move.
  return timingOnly && !hasWeights(directory)
    ? shapeOnlyModel(readConfig(directory), name)
    : loadModel(directory, known);
}

const hasWeights = (directory: ModelDirectory) =>
  directory.open('model.safetensors') !== undefined || directory.read('model.safetensors.index.json') !== undefined;

/** What an image keeps of a model directory, so that it can be run alone. */
export function tokenizerFiles(directory: ModelDirectory): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  if (!directory.read('tokenizer.json')) return files;
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja']) {
    const bytes = directory.read(name);
    if (bytes) files.set(name, bytes);
  }
  return files;
}

/** The options of the compiler itself, in plain data: what decides what is in an image. */
export function compilerOptions(options: CompileOptions) {
  const weights: 'none' | 'pack' = options.timingOnly === true ? 'none' : 'pack';
  if (options.coprocessor === true) {
    return { coprocessor: { weights, rows: options.rowsPerPass ?? 1, headRows: 1 } } as const;
  }
  return {
    program: {
      weights,
      fuse: options.fuse,
      ...(options.headBits === undefined ? {} : { headBits: options.headBits }),
      ...(options.rowGroups === undefined ? {} : { rowGroups: options.rowGroups }),
      ...(options.head === undefined ? {} : { head: options.head }),
      ...(options.headCoarseBits === undefined ? {} : { headCoarseBits: options.headCoarseBits }),
      ...(options.rowsPerPass === undefined ? {} : { rowsPerPass: options.rowsPerPass }),
      ...(options.tileColumns === undefined ? {} : { tileColumns: options.tileColumns }),
      ...(options.maxPositions === undefined ? {} : { maxPositions: options.maxPositions }),
      ...(options.activations === undefined ? {} : { activations: options.activations }),
      ...(options.attentionOrder === undefined ? {} : { attentionOrder: options.attentionOrder }),
    },
  } as const;
}

/** The program without contents, and the jobs that make them. */
export function planModel(
  graph: ModelGraph,
  hw: HardwareModel,
  options: CompileOptions & Pick<ProgramOptions, 'firstPosition'>,
  kernels: PackKernels,
): PlannedProgram {
  const { program, coprocessor } = compilerOptions(options);
  const { firstPosition = 0 } = options;
  return coprocessor
    ? planCoprocessor(graph, hw, { ...coprocessor, kernels })
    : planProgram(graph, hw, { ...program, kernels, firstPosition });
}
