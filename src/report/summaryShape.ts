/** The shape of `summary.json`, to read one back: what `Summary` says, checked. */
import { z } from 'zod';
import { workKinds } from '../trace/work.ts';
import { type Summary, summarySchema } from './summary.ts';
import { resources } from './work.ts';

const amount = z.number().min(0);
const whole = z.int().min(0);
const amounts = z.record(z.string(), amount);
const byUnit = z.record(z.string(), amounts);

const workCounts = z.record(z.enum(workKinds), amount);

const rooflineRow = z.object({
  bytes: amount,
  macs: amount,
  macsPerByte: amount.nullable(),
  limits: z.record(z.enum(resources), amount),
  memoryAtPeak: amount,
  limit: amount,
  boundBy: z.enum(resources).nullable(),
  cycles: amount,
  reached: amount.nullable(),
});
const rooflinePhase = z.object({ all: rooflineRow, operations: z.record(z.string(), rooflineRow) });

/** Fields that it does not know are left out, so that a summary may grow. */
export const summaryShape: z.ZodType<Summary> = z.object({
  schema: z.literal(summarySchema),
  model: z.object({ name: z.string(), digest: z.string() }),
  machine: z.object({ name: z.string(), digest: z.string(), board: z.string() }),
  prompt: z.string().nullable(),
  promptTokens: whole,
  sampling: z.object({
    maxTokens: whole,
    temperature: amount,
    topK: whole,
    seed: whole,
    stopTokens: z.array(whole),
  }),
  text: z.string(),
  tokens: z.array(whole),
  newTokens: whole,
  finished: z.boolean(),
  timingOnly: z.boolean(),
  assumedGroups: whole.exactOptional(),
  headGroups: amount.exactOptional(),
  cycles: z.object({ total: whole, firstToken: whole.nullable(), perToken: amount.nullable() }),
  simulated: z.object({
    clockHz: amount,
    tokensPerSecond: amount.nullable(),
    timeToFirstTokenSeconds: amount.nullable(),
  }),
  withHost: z.object({ hostMillisecondsPerToken: amount, tokensPerSecond: amount }).exactOptional(),
  memory: z.object({
    bytesRead: whole,
    bytesWritten: whole,
    bytesPerToken: amount.nullable(),
    bytesPerTokenByUnit: amounts.nullable(),
    bandwidthShare: amount.nullable(),
    peakBytesPerCycle: amount,
  }),
  instructions: whole,
  units: byUnit,
  operations: z.object({ prefill: byUnit, decode: byUnit }),
  exposed: z.object({ cycles: amount, share: amount }).nullable(),
  roofline: z.object({
    peakBytesPerCycle: amount,
    streamingBytesPerCycle: amount,
    macsPerCycle: amount,
    prefill: rooflinePhase,
    decode: rooflinePhase.nullable(),
  }),
  activity: z.object({ run: workCounts, perToken: workCounts.nullable() }),
  energy: z
    .object({
      kind: z.literal('estimate'),
      run: z.object({ joules: amount, watts: amount }),
      decode: z
        .object({
          watts: amount,
          joulesPerToken: amount,
          tokensPerJoule: amount,
          joulesBy: z.object({ board: amount, clock: amount, memory: amount, fabric: amount }),
        })
        .nullable(),
    })
    .nullable(),
  plan: z.unknown(),
});
