/**
 * The description of a token machine: six in-order units that wait for tokens of each other, as FlightLLM's
 * (arXiv 2401.03868) profile describes it. One JSON file per machine in `hw-models/papers`.
 *
 * Errors: PAP003 a field, PAP004 a rule between fields; all faults of a file together, each with its place.
 */
import { z } from 'zod';
import { LutraError } from '../../base/diagnostics.ts';
import { parseJson } from '../../base/json.ts';
import { linearNames } from '../../model/graph.ts';

const count = z
  .int()
  .min(1)
  .max(2 ** 40);
const share = z.number().gt(0).max(1);
const roles = Object.keys(linearNames) as (keyof typeof linearNames)[];

const tokenMachineSchema = z.strictObject({
  kind: z.literal('token-machine'),
  name: z.string().min(1),
  description: z.string().optional(),
  notes: z.array(z.string()).optional(),
  clockHz: count,
  /** Dies that work on a step together; each at `efficiency` of its share. */
  dies: z.strictObject({ count: count.max(64), efficiency: share }),
  maxPositions: count,
  /** A program is compiled for a multiple of so many positions or tokens. */
  bucket: z.strictObject({ decode: count, prefill: count }),
  /** Rows and columns of the blocks that matrices are cut into. */
  block: count,
  /** Rows and columns of the blocks of an attention mask. */
  maskBlock: count,
  hbm: z.strictObject({
    bytesPerSecond: z.number().gt(0),
    channels: count.max(1024),
    capacityBytes: count,
    sameChannelEfficiency: share,
    crossChannelEfficiency: share,
  }),
  /** Matrix by matrix: a prompt. */
  matrix: z.strictObject({ macsPerCycle: count, tileRows: count, tileColumns: count }),
  /** Matrix by vector: a decode step. */
  vector: z.strictObject({ macsPerCycle: count, tileColumns: count }),
  misc: z.strictObject({
    lanes: count,
    /** How often an operation reads its operands. */
    passes: z.strictObject({ elementwise: count, silu: count, softmax: count, norm: count }),
  }),
  buffers: z.strictObject({
    /** Activations of a prompt; weights, keys and values of a decode step. Lines are per channel. */
    a: z.strictObject({ lines: count, channels: count.max(1024), matrixLineBytes: count, vectorLineBytes: count }),
    /** Weights, keys and values of a prompt; the vector of a decode step. */
    b: z.strictObject({ lines: count, matrixLineBytes: count }),
    /** Indices of sparse weights, half of the weights' bytes; sized as if all were sparse. */
    meta: z.strictObject({ lines: count, lineBytes: count }),
    output: z.strictObject({ lines: count, channels: count.max(1024), lineBytes: count }),
  }),
  formats: z.strictObject({
    weightBits: count.max(8),
    /** Share of the weights of a projection that is left; 1 where nothing is said. */
    density: z.partialRecord(z.enum(roles), share),
    biases: z.array(z.enum(roles)),
    biasBytes: count.max(8),
  }),
  instructionWords: z.strictObject({ LD: count, ST: count, MM: count, MV: count, MISC: count, SYS: count }),
});

export type TokenMachine = z.infer<typeof tokenMachineSchema>;

/** What must hold between fields, with the field that is reported. */
const rules: readonly {
  readonly path: readonly string[];
  readonly holds: (machine: TokenMachine) => boolean;
  readonly message: (machine: TokenMachine) => string;
}[] = [
  multiple(['bucket', 'decode'], 'block', ({ bucket, block }) => [bucket.decode, block]),
  multiple(['bucket', 'prefill'], 'matrix.tileRows', ({ bucket, matrix }) => [bucket.prefill, matrix.tileRows]),
  multiple(['maxPositions'], 'bucket.prefill', ({ maxPositions, bucket }) => [maxPositions, bucket.prefill]),
  multiple(['maxPositions'], 'bucket.decode', ({ maxPositions, bucket }) => [maxPositions, bucket.decode]),
  multiple(['maskBlock'], 'block', ({ maskBlock, block }) => [maskBlock, block]),
  multiple(['matrix', 'tileRows'], 'block', ({ matrix, block }) => [matrix.tileRows, block]),
  multiple(['vector', 'tileColumns'], 'block · buffers.a.channels', ({ vector, block, buffers }) => [
    vector.tileColumns,
    block * buffers.a.channels,
  ]),
  {
    path: ['matrix', 'tileColumns'],
    holds: ({ matrix, block }) => matrix.tileColumns === block,
    message: ({ matrix, block }) => `${matrix.tileColumns} is not block = ${block}; a tile is one block wide`,
  },
  {
    path: ['buffers', 'a', 'channels'],
    holds: ({ buffers, hbm }) => buffers.a.channels <= hbm.channels && buffers.output.channels <= hbm.channels,
    message: ({ hbm }) => `the buffers use more channels than hbm.channels = ${hbm.channels}`,
  },
];

function multiple(path: readonly string[], other: string, values: (machine: TokenMachine) => [number, number]) {
  return {
    path,
    holds: (machine: TokenMachine) => values(machine)[0] % values(machine)[1] === 0,
    message: (machine: TokenMachine) => {
      const [value, unit] = values(machine);
      return `${value} is not a multiple of ${other} = ${unit}`;
    },
  };
}

/** Reads and checks a description. Throws LutraError PAP003, PAP004 or JSON0xx. */
export function loadTokenMachine(text: string, file: string): TokenMachine {
  const json = parseJson(text, file);
  const parsed = tokenMachineSchema.safeParse(json.value);
  if (!parsed.success) {
    throw new LutraError(
      parsed.error.issues.map(({ path, message }) => {
        const steps = path.map((step) => (typeof step === 'symbol' ? String(step) : step));
        const field = steps.length === 0 ? 'the machine' : steps.join('.');
        return { code: 'PAP003', place: json.placeOf(steps), message: `${field}: ${message}` };
      }),
    );
  }
  const machine = parsed.data;
  const broken = rules.filter(({ holds }) => !holds(machine));
  if (broken.length > 0) {
    throw new LutraError(
      broken.map(({ path, message }) => ({
        code: 'PAP004',
        place: json.placeOf(path),
        message: `${path.join('.')}: ${message(machine)}`,
      })),
    );
  }
  return machine;
}

/** How long things take, in milliseconds; the dies share all of it. */
export interface Timing {
  /** Bytes between a buffer and its own channels of the HBM, `channels` of them at once. */
  same(bytes: number, channels: number): number;
  /** Bytes from a channel that belongs to another buffer. */
  cross(bytes: number): number;
  cycles(count: number): number;
}

export function timingOf({ clockHz, dies, hbm }: TokenMachine): Timing {
  const speed = dies.count * dies.efficiency;
  const channelBytes = (hbm.bytesPerSecond / hbm.channels) * 1e-3 * speed;
  return {
    same: (bytes, channels) => bytes / (channelBytes * channels * hbm.sameChannelEfficiency),
    cross: (bytes) => bytes / (channelBytes * hbm.crossChannelEfficiency),
    cycles: (cycles) => cycles / (clockHz * 1e-3 * speed),
  };
}
