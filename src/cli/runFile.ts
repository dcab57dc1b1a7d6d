/**
 * `run.json`: what a run was asked for. With the hardware model beside it, it is enough to compile and run the same
 * again. What does not change a result (threads, traces, `--dense`) is not in it, so that the same run gives the same
 * bytes.
 */
import { z } from 'zod';
import { sha256Hex } from '../base/digest.ts';
import { attentionOrders } from '../compiler/index.ts';
import { codeBytes } from '../isa/index.ts';
import type { RunRequest } from '../machine/run.ts';
import { isDirectory } from './files.ts';
import type { Program } from './inputs.ts';
import type { CompileOptions, RunVerbOptions } from './options.ts';
import type { Prompt } from './prompt.ts';

export const runSchema = 'lutra.run/1';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const whole = z.int().min(0);

/** Options that decide what the compiler makes of a model; see `CompileOptions` in options.ts. */
const compileOptions = z.strictObject({
  weights: z.string().exactOptional(),
  fuse: z.boolean(),
  headBits: whole.exactOptional(),
  rowGroups: whole.exactOptional(),
  head: z.enum(['exact', 'two-pass']).exactOptional(),
  headCoarseBits: whole.exactOptional(),
  rowsPerPass: whole.exactOptional(),
  tileColumns: whole.exactOptional(),
  maxPositions: whole.exactOptional(),
  activations: z.enum(['on-chip', 'spilled']).exactOptional(),
  attentionOrder: z.enum([...attentionOrders]).exactOptional(),
  timingOnly: z.boolean().exactOptional(),
  coprocessor: z.boolean().exactOptional(),
});

export const targetKinds = ['model', 'image', 'assembly'] as const;

export const runFileShape = z.strictObject({
  schema: z.literal(runSchema),
  /** Version of lutra that wrote it. */
  lutra: z.string(),
  target: z.strictObject({
    /** As it was given; null for the embedded model. */
    path: z.string().nullable(),
    kind: z.enum(targetKinds),
    model: z.string(),
    /** Of the model; `none` for a program that belongs to none. */
    modelDigest: z.string(),
    /** Of the instructions. */
    codeDigest: digest,
  }),
  hardware: z.strictObject({
    name: z.string(),
    digest,
    /** As it was given; null for the default. */
    file: z.string().nullable(),
    set: z.array(z.string()),
  }),
  options: compileOptions,
  /** Groups that the shortlists of a two-pass head were taken to have. */
  headGroups: whole.exactOptional(),
  maxCycles: whole.exactOptional(),
  /** Null where the prompt was not given as text. */
  prompt: z.string().nullable(),
  request: z.strictObject({
    prompt: z.array(whole).min(1),
    maxNewTokens: z.int().min(1),
    temperature: z.number().min(0),
    topK: whole,
    seed: whole,
    stopTokens: z.array(whole).max(4),
  }),
});

/** What `run.json` holds. */
export type RunFile = z.infer<typeof runFileShape>;

/** What of a command line decides the program. */
function decisive(options: CompileOptions): RunFile['options'] {
  const known: Readonly<Record<string, unknown>> = { ...options };
  const names = Object.keys(compileOptions.shape).filter((name) => known[name] !== undefined);
  return compileOptions.parse(Object.fromEntries(names.map((name) => [name, known[name]])));
}

function kindOf(path: string): (typeof targetKinds)[number] {
  if (isDirectory(path) || path.endsWith('.json')) return 'model';
  return path.endsWith('.lasm') ? 'assembly' : 'image';
}

/** What a run was asked for, in the form of `run.json`. */
export function runFile(asked: {
  readonly version: string;
  readonly target: string | undefined;
  readonly program: Program;
  readonly options: RunVerbOptions;
  readonly prompt: Prompt;
  readonly request: RunRequest;
}): RunFile {
  const { version, target, program, options, prompt, request } = asked;
  const { metadata } = program.image;
  return {
    schema: runSchema,
    lutra: version,
    target: {
      path: target ?? null,
      kind: target === undefined ? 'model' : kindOf(target),
      model: metadata.modelName,
      modelDigest: metadata.modelDigest,
      codeDigest: sha256Hex(codeBytes(program.image)),
    },
    hardware: {
      name: metadata.hardwareName,
      digest: metadata.hardwareDigest,
      file: options.hw ?? null,
      set: [...options.set],
    },
    options: decisive(options),
    ...(options.headGroups === undefined ? {} : { headGroups: options.headGroups }),
    ...(options.maxCycles === undefined ? {} : { maxCycles: options.maxCycles }),
    prompt: prompt.text,
    request: {
      ...request,
      prompt: [...request.prompt],
      stopTokens: [...request.stopTokens],
    },
  };
}
