/**
 * From what the user named to what can run: hardware model, model or image or assembly, tokenizer.
 */
import { join } from 'node:path';
import { type Diagnostic, LutraError } from '../base/diagnostics.ts';
import { compile, compileCoprocessor } from '../compiler/index.ts';
import { type HardwareModel, loadHardwareModel } from '../hw/index.ts';
import { assemble, checkImageFor, type ProgramImage, parseImage, programImage, verifyProgram } from '../isa/index.ts';
import {
  loadModel,
  type ModelDirectory,
  type ModelGraph,
  openTokenizer,
  readConfig,
  shapeOnlyModel,
  syntheticModel,
  type Tokenizer,
  type TokenizerModel,
} from '../model/index.ts';
import {
  defaultHardware,
  exists,
  fileSource,
  hardwareFolder,
  hardwareNames,
  isDirectory,
  modelDirectory,
  readText,
  shortName,
} from './files.ts';
import type { CompileOptions, HardwareOptions } from './options.ts';

/** The hardware model of --hw; without it, the one that `program` is written for, or else the default. */
export function openHardware(options: HardwareOptions, program?: string): HardwareModel {
  const file = options.hw ?? bundledHardware(program);
  return loadHardwareModel(readText(file), file, [...options.set]);
}

/** A `.lasm` file may name one of lutra's hardware models in a comment, `; hw: NAME`. */
function bundledHardware(program: string | undefined): string {
  if (!program?.endsWith('.lasm')) return defaultHardware;
  const directive = /^\s*;\s*hw:(.*)$/;
  const lines = readText(program).split(/\r?\n/);
  const index = lines.findIndex((line) => directive.test(line));
  if (index === -1) return defaultHardware;
  const name = (lines[index] as string).replace(directive, '$1').trim();
  const names = hardwareNames();
  if (names.includes(name)) return join(hardwareFolder, `${name}.json`);
  throw new LutraError({
    code: 'CLI010',
    place: { file: program, line: index + 1 },
    message: `${JSON.stringify(name)} is not one of lutra's hardware models`,
    hint: `there are ${names.join(', ')}; --hw FILE takes another`,
  });
}

export interface Program {
  readonly image: ProgramImage;
  readonly tokenizer: Tokenizer | undefined;
  /** What verification noticed and let pass. */
  readonly warnings: readonly Diagnostic[];
}

/**
 * Opens what `path` names: a program image, assembly text (`.lasm`), or a model directory or `config.json`, which is
 * compiled. Whatever it is, it has been verified for `hw` afterwards.
 */
export function openProgram(
  path: string,
  hw: HardwareModel,
  options: CompileOptions,
  progress: (text: string) => void,
): Program {
  if (!exists(path)) {
    throw new LutraError({
      code: 'IO001',
      place: { file: path },
      message: 'cannot be read: no such file or directory',
      hint: 'give a model directory, a config.json, a program image or a .lasm file',
    });
  }
  if (isDirectory(path) || path.endsWith('.json')) return compileModel(path, hw, options, progress);
  if (path.endsWith('.lasm')) return { ...assembleFile(path, hw), tokenizer: undefined };
  const image = parseImage(fileSource(path));
  inFile(path, () => checkImageFor(image, hw));
  if (options.timingOnly !== true) checkHasWeights(image, path);
  const warnings = verifyProgram(image.code, hw, image.segments, { labels: image.labels, file: path });
  return { image, tokenizer: imageTokenizer(image, path), warnings };
}

/** Adds the file to faults that know no place. */
function inFile(file: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof LutraError)) throw error;
    throw new LutraError(error.diagnostics.map((diagnostic) => ({ place: { file }, ...diagnostic })));
  }
}

/** An image that was compiled with --timing-only has the places of its weights and nothing in them. */
function checkHasWeights(image: ProgramImage, path: string): void {
  const constants = ['ternary', 'head', 'coefficients', 'embedding', 'rope'];
  if (image.segments.every(({ kind, data }) => data !== undefined || !constants.includes(kind))) return;
  throw new LutraError({
    code: 'CLI008',
    place: { file: path },
    message: 'the image was compiled with --timing-only and holds no weights',
    hint: 'run it with --timing-only, or compile it again',
  });
}

/** Assembly text to a verified image. */
export function assembleFile(path: string, hw: HardwareModel): Pick<Program, 'image' | 'warnings'> {
  const program = assemble(readText(path), path, { hw });
  const { labels, segments } = program;
  const warnings = verifyProgram(program.instructions, hw, segments, { labels, file: path });
  return { image: programImage(program, hw), warnings };
}

/** A model directory or its config.json to a verified image that carries its tokenizer. */
export function compileModel(
  path: string,
  hw: HardwareModel,
  options: CompileOptions,
  progress: (text: string) => void,
): Program {
  if (!isDirectory(path) && shortName(path) !== 'config.json') {
    throw new LutraError({
      code: 'CLI006',
      place: { file: path },
      message: 'is no model',
      hint: 'give a model directory, or its config.json',
    });
  }
  const directory = modelDirectory(path);
  const graph = openGraph(directory, options);
  const weights = options.timingOnly === true ? 'none' : 'pack';
  if (options.coprocessor === true) {
    const rows = options.rowsPerPass ?? 1;
    const image = inModel(directory.name, () => compileCoprocessor(graph, hw, { weights, rows, headRows: 1 }));
    return { image, tokenizer: undefined, warnings: [] };
  }
  const compileOptions = {
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
    onTileProgress: progress,
  } as const;
  const image = inModel(directory.name, () => compile(graph, hw, compileOptions));
  const files = tokenizerFiles(directory);
  return {
    image: files.size === 0 ? image : { ...image, files },
    tokenizer: tokenizerOf(files, directory.name, graph),
    warnings: [],
  };
}

/** Compiles; a fault that has no place of its own lies in the model. */
function inModel(file: string, make: () => ProgramImage): ProgramImage {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof LutraError)) throw error;
    throw new LutraError(
      error.diagnostics.map((diagnostic) => ({ ...diagnostic, place: diagnostic.place ?? { file } })),
    );
  }
}

/** The model’s weights, made-up weights, or none at all. */
function openGraph(directory: ModelDirectory, options: CompileOptions): ModelGraph {
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
    return timingOnly ? shapeOnlyModel(readConfig(directory), name) : syntheticModel(readConfig(directory), name, seed);
  }
  // Weight files are looked at even without values: their formats decide how many bytes move.
  return timingOnly && !hasWeights(directory) ? shapeOnlyModel(readConfig(directory), name) : loadModel(directory);
}

const hasWeights = (directory: ModelDirectory) =>
  directory.open('model.safetensors') !== undefined || directory.read('model.safetensors.index.json') !== undefined;

/** What an image keeps of a model directory, so that it can be run alone. */
function tokenizerFiles(directory: ModelDirectory): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  if (!directory.read('tokenizer.json')) return files;
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja']) {
    const bytes = directory.read(name);
    if (bytes) files.set(name, bytes);
  }
  return files;
}

function imageTokenizer(image: ProgramImage, path: string): Tokenizer | undefined {
  return tokenizerOf(image.files ?? new Map(), path, image.metadata);
}

function tokenizerOf(
  files: ReadonlyMap<string, Uint8Array>,
  origin: string,
  model: TokenizerModel,
): Tokenizer | undefined {
  if (!files.has('tokenizer.json')) return undefined;
  return openTokenizer(
    {
      tokenizerJson: files.get('tokenizer.json'),
      tokenizerConfigJson: files.get('tokenizer_config.json'),
      chatTemplate: files.get('chat_template.jinja'),
      origin,
    },
    model,
  );
}
