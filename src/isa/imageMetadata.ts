/** The header of a program image: JSON strings in the metadata of a safetensors file, and their checks. */
import { z } from 'zod';
import { type Diagnostic, LutraError } from '../base/diagnostics.ts';
import { canonicalJson, sha256Hex } from '../base/digest.ts';
import { isaDigest } from './isaDigest.ts';
import { type Segment, segmentKinds } from './segments.ts';

/** Version of the file format; raised when older readers would misread it. */
export const imageVersion = '3';
export const versionKey = 'lutra.image';
/** SHA-256 of all other metadata, the digests of the contents among them, so that no damage goes unnoticed. */
export const digestKey = 'lutra.digest';
/** By the name of a tensor the digests of its pieces, see `pieceDigests`. */
export const piecesKey = 'lutra.pieces';

/** What the image was compiled for and from. */
export interface ImageMetadata {
  readonly hardwareName: string;
  readonly hardwareDigest: string;
  /** Digest word of the instruction set that the code is written in. */
  readonly isaDigest: number;
  /** `none` for hand-written programs. */
  readonly modelName: string;
  readonly modelDigest: string;
  readonly maxPositions: number;
  readonly vocabularySize: number;
  readonly bosTokenId: number;
  readonly eosTokenIds: readonly number[];
  /** Names for the numbers of `mark operation`. */
  readonly operations: readonly string[];
  /** JSON: what the compiler planned, for reports. */
  readonly plan: unknown;
}

const natural = z.int().min(0);
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in hexadecimal');

const sections = {
  'lutra.hardware': z.strictObject({ name: z.string().min(1), digest }),
  'lutra.isa': z.strictObject({ digest: natural.max(2 ** 32 - 1) }),
  'lutra.model': z.strictObject({
    name: z.string().min(1),
    digest: z.string().min(1),
    maxPositions: natural,
    vocabularySize: natural,
    bosTokenId: z.int(),
    eosTokenIds: z.array(z.int()),
    operations: z.array(z.string()),
  }),
  'lutra.memory': z.strictObject({
    codeAddress: natural,
    memoryBytes: natural,
    segments: z.array(
      z.strictObject({
        name: z.string().min(1),
        kind: z.enum(segmentKinds),
        address: natural,
        bytes: natural,
        stored: z.boolean(),
      }),
    ),
  }),
  'lutra.labels': z.record(z.string(), natural),
  'lutra.plan': z.unknown(),
  [piecesKey]: z.record(z.string(), z.string()),
} as const;

type Section = keyof typeof sections;

export interface ImageHeader {
  readonly metadata: ImageMetadata;
  readonly codeAddress: number;
  readonly memoryBytes: number;
  readonly segments: readonly (Omit<Segment, 'data'> & { readonly stored: boolean })[];
  readonly labels: ReadonlyMap<string, number>;
  readonly pieces: ReadonlyMap<string, string>;
}

/** The metadata strings of an image; equal headers give equal strings. */
export function headerStrings(header: ImageHeader): Record<string, string> {
  const { metadata, codeAddress, memoryBytes, segments, labels, pieces } = header;
  const { hardwareName, hardwareDigest, isaDigest, modelName, modelDigest, plan, ...model } = metadata;
  const values: Record<Section, unknown> = {
    'lutra.hardware': { name: hardwareName, digest: hardwareDigest },
    'lutra.isa': { digest: isaDigest },
    'lutra.model': { name: modelName, digest: modelDigest, ...model },
    'lutra.memory': { codeAddress, memoryBytes, segments },
    'lutra.labels': Object.fromEntries(labels),
    'lutra.plan': plan ?? null,
    [piecesKey]: Object.fromEntries(pieces),
  };
  const strings = Object.entries(values).map(([key, value]) => [key, canonicalJson(value)]);
  return { [versionKey]: imageVersion, ...Object.fromEntries(strings) };
}

/** What `digestKey` holds: a digest of the other metadata strings. */
export function headerDigest(strings: Readonly<Record<string, string>>): string {
  const { [digestKey]: _, ...others } = strings;
  return sha256Hex(canonicalJson(others));
}

/** Reads and checks the metadata strings; throws `LutraError` IMG001 (no image), IMG002 (version), IMG003 (field), IMG011 (instruction set). */
export function parseHeader(strings: Readonly<Record<string, string>>, file: string): ImageHeader {
  const version = Object.hasOwn(strings, versionKey) ? strings[versionKey] : undefined;
  if (version === undefined) {
    throw imageError('IMG001', file, 'this is no program image', 'lutra compile makes one from a model');
  }
  if (version !== imageVersion) {
    const hint = 'compile it again with this lutra';
    throw imageError(
      'IMG002',
      file,
      `image format ${version} is not ${imageVersion}, the one that is understood`,
      hint,
    );
  }
  const faults: Diagnostic[] = [];
  const hardware = read('lutra.hardware', strings, file, faults);
  const isa = read('lutra.isa', strings, file, faults);
  const model = read('lutra.model', strings, file, faults);
  const memory = read('lutra.memory', strings, file, faults);
  const labels = read('lutra.labels', strings, file, faults);
  const plan = read('lutra.plan', strings, file, faults);
  const pieces = read(piecesKey, strings, file, faults);
  if (faults.length > 0 || !hardware || !isa || !model || !memory || !labels || !pieces) throw new LutraError(faults);
  if (isa.digest !== isaDigest) {
    const message = `the program is written in instruction set ${hex(isa.digest)}, not ${hex(isaDigest)}`;
    throw imageError('IMG011', file, message, 'compile it again with this lutra');
  }
  const { name: modelName, digest: modelDigest, ...rest } = model;
  return {
    metadata: {
      hardwareName: hardware.name,
      hardwareDigest: hardware.digest,
      isaDigest: isa.digest,
      modelName,
      modelDigest,
      ...rest,
      plan,
    },
    ...memory,
    labels: new Map(Object.entries(labels)),
    pieces: new Map(Object.entries(pieces)),
  };
}

const hex = (word: number) => word.toString(16).padStart(8, '0');

function read<S extends Section>(
  key: S,
  strings: Readonly<Record<string, string>>,
  file: string,
  faults: Diagnostic[],
): z.infer<(typeof sections)[S]> | undefined {
  const fault = (message: string) =>
    faults.push({ code: 'IMG003', place: { file }, message: `metadata ${key}${message}` });
  if (!Object.hasOwn(strings, key)) {
    fault(' is missing');
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(strings[key] as string);
  } catch {
    fault(' is not JSON');
    return undefined;
  }
  const result = sections[key].safeParse(value);
  if (result.success) return result.data as z.infer<(typeof sections)[S]>;
  for (const { path, message } of result.error.issues)
    fault(`${path.map((part) => `.${String(part)}`).join('')}: ${message}`);
  return undefined;
}

export function imageError(code: string, file: string, message: string, hint?: string): LutraError {
  return new LutraError({ code, place: { file }, message, ...(hint === undefined ? {} : { hint }) });
}
