/**
 * Opens a run directory (`lutra run --out`). What is read of it has the digest that was written with it, and the shape
 * that this version knows.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { LutraError } from '../base/diagnostics.ts';
import { sha256Hex } from '../base/digest.ts';
import { parseJson } from '../base/json.ts';
import { type HardwareModel, hardwareDigest, loadHardwareModel } from '../hw/index.ts';
import { type Summary, summarySchema } from '../report/summary.ts';
import { summaryShape } from '../report/summaryShape.ts';
import { exists, isDirectory, lutraVersion, readBytes } from './files.ts';
import { type RunFile, runFileShape, runSchema } from './runFile.ts';

/** A run directory that is whole and was written by a lutra with the same schemas. */
export interface OpenedRun {
  /** As it was given. */
  readonly directory: string;
  /** What was asked for. */
  readonly run: RunFile;
  readonly hw: HardwareModel;
  /** What came of it; `finished` is false for a run that was stopped. */
  readonly summary: Summary;
  /** Whether the run left such a file. */
  has(name: string): boolean;
  /**
   * The text of one of its files. Throws DIR002 if the run left none, DIR003 if it is not as it was written.
   */
  text(name: string): string;
  /** One of its JSON files. Throws as `text`, and DIR003 or DIR004 where it does not have this schema and shape. */
  json<T>(name: string, schema: string, shape: z.ZodType<T>): T;
}

const digestsShape = z.object({
  hardware: z.string(),
  model: z.string(),
  files: z.record(z.string(), z.string()),
});

const writeAgain = 'repeat the run with --out, or copy the directory again';

/**
 * Opens a run directory. Throws `LutraError` DIR001 for what is none, DIR002 for one that lacks a file, DIR003 for one
 * that is damaged, DIR004 for one of another version of lutra.
 */
export function openRun(directory: string): OpenedRun {
  refuseNoRun(directory);
  const at = (name: string) => join(directory, name);
  const run = object(at('run.json'));
  refuseOtherVersion(at('run.json'), run, runSchema);
  const digests = shaped(at('digests.json'), digestsShape, object(at('digests.json')));
  const has = (name: string) => Object.hasOwn(digests.files, name);
  const text = (name: string): string => {
    if (!has(name)) throw incomplete(directory, name);
    if (!exists(at(name))) throw incomplete(directory, name);
    const bytes = readBytes(at(name));
    if (sha256Hex(bytes) !== digests.files[name]) {
      throw damaged(at(name), 'does not have the digest that was written with it (digests.json)');
    }
    return new TextDecoder().decode(bytes);
  };
  const json = <T>(name: string, schema: string, shape: z.ZodType<T>): T => {
    text(name);
    const value = object(at(name));
    refuseOtherVersion(at(name), value, schema);
    return shaped(at(name), shape, value);
  };
  for (const name of ['run.json', 'summary.json', 'hardware.json']) text(name);

  const runFile = shaped(at('run.json'), runFileShape, run);
  const summary = json('summary.json', summarySchema, summaryShape);
  const hw = loadHardwareModel(text('hardware.json'), at('hardware.json'));
  if (hardwareDigest(hw) !== runFile.hardware.digest) {
    throw damaged(at('hardware.json'), 'is not the machine that run.json names');
  }
  return { directory, run: runFile, hw, summary, has, text, json };
}

function refuseNoRun(directory: string): void {
  const hint = 'give a directory that lutra run --out made';
  const refuse = (message: string) => {
    throw new LutraError({ code: 'DIR001', place: { file: directory }, message, hint });
  };
  if (!exists(directory)) refuse('there is no such directory');
  if (!isDirectory(directory)) refuse('is a file, not a run directory');
  const there = (name: string) => exists(join(directory, name));
  if (there('run.json') && there('digests.json') && there('summary.json') && there('hardware.json')) return;
  if (there('summary.json') && there('hardware.json') && there('digests.json')) {
    throw new LutraError({
      code: 'DIR004',
      place: { file: directory },
      message: 'has no run.json: it was written by an earlier version of lutra, or the file was removed',
      hint: 'repeat the run with --out',
    });
  }
  const found = ['run.json', 'summary.json', 'hardware.json', 'digests.json', 'host.json', 'trace.jsonl'].filter(there);
  if (found.length === 0) refuse('is not a run directory');
  const missing = ['run.json', 'summary.json', 'hardware.json', 'digests.json'].find((name) => !there(name));
  throw incomplete(directory, missing as string);
}

function incomplete(directory: string, name: string): LutraError {
  return new LutraError({
    code: 'DIR002',
    place: { file: directory },
    message: `is incomplete: it has no ${name}`,
    hint: `a run writes its directory when it ends; ${writeAgain}`,
  });
}

function damaged(file: string, message: string): LutraError {
  return new LutraError({ code: 'DIR003', place: { file }, message, hint: `the file was changed; ${writeAgain}` });
}

/** The object in a JSON file. */
function object(file: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJson(new TextDecoder().decode(readBytes(file)), file).value;
  } catch (error) {
    if (!(error instanceof LutraError) || !error.diagnostics[0]?.code.startsWith('JSON')) throw error;
    throw damaged(file, `is not JSON: ${error.diagnostics[0].message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw damaged(file, 'is not a JSON object');
}

function refuseOtherVersion(file: string, value: Readonly<Record<string, unknown>>, schema: string): void {
  if (value.schema === schema) return;
  const [name] = schema.split('/') as [string];
  const theirs = typeof value.schema === 'string' && value.schema.startsWith(`${name}/`) ? value.schema : undefined;
  if (theirs === undefined) throw damaged(file, `does not name the schema ${schema}`);
  const writer = typeof value.lutra === 'string' ? ` by lutra ${value.lutra}` : '';
  throw new LutraError({
    code: 'DIR004',
    place: { file },
    message: `was written${writer} in the form ${theirs}, and lutra ${lutraVersion()} reads ${schema}`,
    hint: 'open it with the version that wrote it, or repeat the run',
  });
}

function shaped<T>(file: string, shape: z.ZodType<T>, value: unknown): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue && issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
  throw damaged(file, `does not have the form of this version: ${path}${issue?.message ?? 'it cannot be read'}`);
}
