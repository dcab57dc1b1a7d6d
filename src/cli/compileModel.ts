/**
 * A model to a program image. Packed images are kept in the cache directory under the digest of everything that decides
 * what is in them, so the second run of a model on a machine packs nothing.
 */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { LutraError } from '../base/diagnostics.ts';
import { canonicalJson, sha256Hex } from '../base/digest.ts';
import type { ByteSource } from '../base/safetensors.ts';
import { type PlannedProgram, packedSegments, packInMemory } from '../compiler/index.ts';
import type { HardwareModel } from '../hw/index.ts';
import { type ProgramImage, parseImage } from '../isa/index.ts';
import { type ModelDirectory, type ModelGraph, wholeDigestBytes } from '../model/index.ts';
import { imageEntry, removeOldEntries, touch } from './cache.ts';
import { exists, fileSource, packageRoot } from './files.ts';
import { compilerOptions, openGraph, openModelDirectory, planModel, tokenizerFiles } from './modelSource.ts';
import type { CompileOptions } from './options.ts';
import { packAtOnce, packFile } from './packFile.ts';
import { type Packer, packerOf, packingModule, plainPacker } from './packKernels.ts';

/** A model and what it is compiled for. */
interface CompileTask {
  /** As the user gave it. */
  readonly path: string;
  readonly directory: ModelDirectory;
  readonly graph: ModelGraph;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly hw: HardwareModel;
  readonly options: CompileOptions;
  readonly progress: (text: string) => void;
}

export interface CompiledModel {
  readonly image: ProgramImage;
  readonly graph: ModelGraph;
  /** What the image keeps of the model directory. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The model’s directory as the user gave it. */
  readonly origin: string;
}

/**
 * A model directory or its config.json to a verified image that carries its tokenizer. `check` is told how many bytes of
 * contents the image has before they are made.
 */
export async function compileModel(
  path: string,
  hw: HardwareModel,
  options: CompileOptions,
  progress: (text: string) => void,
  check: (contentBytes: number) => void = () => {},
): Promise<CompiledModel> {
  const directory = openModelDirectory(path);
  const graph = openGraph(directory, options);
  const files = options.coprocessor === true ? new Map<string, Uint8Array>() : tokenizerFiles(directory);
  const image = await imageOf({ path, directory, graph, files, hw, options, progress }, check);
  return { image, graph, files, origin: directory.name };
}

async function imageOf(task: CompileTask, check: (contentBytes: number) => void): Promise<ProgramImage> {
  if (task.options.timingOnly === true) return plan(task, plainPacker).image;
  const keeps = task.options.cache !== false;
  const entry = keeps ? imageEntry(imageKey(task)) : undefined;
  const kept = entry === undefined ? undefined : openEntry(entry, task);
  if (kept) {
    check(kept.segments.reduce((sum, { data }) => sum + (data?.bytes ?? 0), 0));
    return kept;
  }
  const module = await packingModule();
  const program = plan(task, packerOf(module));
  const packed = packedSegments(program.jobs);
  check(program.image.segments.reduce((sum, { name, bytes }) => sum + (packed.has(name) ? bytes : 0), 0));
  const made = entry === undefined ? undefined : await makeEntry(entry, program, task, module);
  return made ?? inModel(task, () => packInMemory(program, task.progress));
}

/** The program without contents, with the files that it keeps. */
function plan(task: CompileTask, { weights, pack }: Packer): PlannedProgram {
  const { directory, hw, options } = task;
  const { image, jobs } = inModel(task, () => {
    const graph = openGraph(directory, options, { kernels: weights, digest: task.graph.digest });
    return planModel(graph, hw, options, pack);
  });
  return { image: task.files.size === 0 ? image : { ...image, files: task.files }, jobs };
}

/** A fault that has no place of its own lies in the model. */
function inModel<T>({ directory }: CompileTask, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof LutraError)) throw error;
    const place = { file: directory.name };
    throw new LutraError(error.diagnostics.map((diagnostic) => ({ ...diagnostic, place: diagnostic.place ?? place })));
  }
}

/** Names everything that decides what is in an image. */
function imageKey({ directory, graph, files, hw, options }: CompileTask): string {
  return sha256Hex(
    canonicalJson({
      compiler: compilerDigest(),
      model: { name: graph.name, digest: graph.digest, largeFiles: largeFiles(directory, options) },
      files: Object.fromEntries([...files].map(([name, bytes]) => [name, sha256Hex(bytes)])),
      hw,
      options: compilerOptions(options),
    }),
  );
}

/**
 * The digest of a model reads samples of files above some size. So that no change of one goes unnoticed here, they are
 * also named by what the file system knows of them: a copy is packed again, a changed file always.
 */
function largeFiles({ name: root }: ModelDirectory, { weights }: CompileOptions): string[] {
  if (weights !== undefined) return [];
  return readdirSync(root)
    .filter((file) => file.endsWith('.safetensors'))
    .sort()
    .flatMap((file) => {
      const { size, ino, dev, mtimeNs, ctimeNs } = statSync(join(root, file), { bigint: true });
      return size > wholeDigestBytes ? [[file, size, dev, ino, mtimeNs, ctimeNs].join(' ')] : [];
    });
}

/** Folders of `src` whose sources decide what the compiler makes. */
const compilerFolders = ['base', 'compiler', 'hw', 'isa', 'model', 'numerics'];

function compilerDigest(): string {
  const sources = compilerFolders.flatMap((folder) => {
    const root = join(packageRoot, 'src', folder);
    return readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .sort()
      .map((file) => [folder, file, sha256Hex(readFileSync(join(root, file)))]);
  });
  return sha256Hex(canonicalJson(sources));
}

/** Opens an image that was kept. One that is damaged is removed, or made again when that turns out later. */
function openEntry(entry: string, task: CompileTask): ProgramImage | undefined {
  if (!exists(entry)) return undefined;
  try {
    let source = fileSource(entry);
    const current: ByteSource = {
      name: source.name,
      size: source.size,
      read: (offset, length) => source.read(offset, length),
      fill: (offset, target) => source.fill(offset, target),
    };
    const repair = () => {
      try {
        packAtOnce(entry, plan(task, plainPacker), task.progress);
        source = fileSource(entry);
        return true;
      } catch (error) {
        if (!(error instanceof LutraError)) throw error;
        return false;
      }
    };
    const image = parseImage(current, repair);
    touch(entry);
    return image;
  } catch (error) {
    if (!(error instanceof LutraError)) throw error;
    rmSync(entry, { force: true });
    return undefined;
  }
}

/** Packs into the cache; undefined where nothing can be kept there. */
async function makeEntry(
  entry: string,
  program: PlannedProgram,
  task: CompileTask,
  module: WebAssembly.Module | undefined,
): Promise<ProgramImage | undefined> {
  const { hw, options, graph } = task;
  const source = { path: task.path, digest: graph.digest, hw, options, module };
  const count = (options.threads ?? availableParallelism()) - 1;
  try {
    await packFile(entry, program, task.progress, { count, source });
  } catch (error) {
    // A full or read-only disk costs time, not the run.
    if (error instanceof LutraError && error.diagnostics.every(({ code }) => code === 'IO004')) return undefined;
    return inModel(task, () => {
      throw error;
    });
  }
  removeOldEntries(entry);
  return openEntry(entry, task);
}
