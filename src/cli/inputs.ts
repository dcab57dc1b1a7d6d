/**
 * From what the user named to what can run: hardware model, model or image or assembly, tokenizer.
 */
import os from 'node:os';
import { join } from 'node:path';
import { type Diagnostic, LutraError } from '../base/diagnostics.ts';
import { type HardwareModel, loadHardwareModel } from '../hw/index.ts';
import { assemble, checkImageFor, type ProgramImage, parseImage, programImage, verifyProgram } from '../isa/index.ts';
import { openTokenizer, type Tokenizer, type TokenizerModel } from '../model/index.ts';
import { compileModel } from './compileModel.ts';
import { defaultHardware, exists, fileSource, hardwareFolder, hardwareNames, isDirectory, readText } from './files.ts';
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
  /** Of assembly text: the line of each instruction. */
  readonly sourceLines?: readonly number[];
  /** What verification noticed and let pass. */
  readonly warnings: readonly Diagnostic[];
}

/**
 * Opens what `path` names: a program image, assembly text (`.lasm`), or a model directory or `config.json`, which is
 * compiled. Whatever it is, it has been verified for `hw` afterwards.
 */
export async function openProgram(
  path: string,
  hw: HardwareModel,
  options: CompileOptions,
  progress: (text: string) => void,
): Promise<Program> {
  if (!exists(path)) {
    throw new LutraError({
      code: 'IO001',
      place: { file: path },
      message: 'cannot be read: no such file or directory',
      hint: 'give a model directory, a config.json, a program image or a .lasm file',
    });
  }
  if (isDirectory(path) || path.endsWith('.json')) {
    const { image, graph, files, origin } = await compileModel(path, hw, options, progress, checkMemory);
    return { image, tokenizer: tokenizerOf(files, origin, graph), warnings: [] };
  }
  if (path.endsWith('.lasm')) return { ...assembleFile(path, hw), tokenizer: undefined };
  const image = parseImage(fileSource(path));
  inFile(path, () => checkImageFor(image, hw));
  if (options.timingOnly !== true) {
    checkHasWeights(image, path);
    inFile(path, () => checkMemory(image.segments.reduce((sum, { data }) => sum + (data?.bytes ?? 0), 0)));
  }
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

/** Throws LutraError CLI011 for contents that this computer cannot hold in memory. */
function checkMemory(contentBytes: number): void {
  // Without a limit of its own, a process has none or an impossible one.
  const memoryBytes = Math.min(os.totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  if (contentBytes <= memoryBytes) return;
  const grouped = (bytes: number) => bytes.toLocaleString('en-US');
  throw new LutraError({
    code: 'CLI011',
    message: `the program has ${grouped(contentBytes)} bytes of weights and other contents, and this computer ${grouped(memoryBytes)} bytes of memory`,
    hint: 'run it with --timing-only, which needs none of them',
  });
}

/** Assembly text to a verified image. */
export function assembleFile(path: string, hw: HardwareModel): Pick<Program, 'image' | 'warnings' | 'sourceLines'> {
  const program = assemble(readText(path), path, { hw });
  const { labels, segments, sourceLines } = program;
  const warnings = verifyProgram(program.instructions, hw, segments, { labels, file: path });
  return { image: programImage(program, hw), warnings, sourceLines };
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
