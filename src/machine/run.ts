import { LutraError } from '../base/diagnostics.ts';
import type { HardwareModel } from '../hw/schema.ts';
import type { ProgramImage } from '../isa/image.ts';
import { commandHeaderBytes } from '../isa/segments.ts';
import { issueUnits } from '../isa/table.ts';
import type { InstructionEvent, TokenEvent, TraceSink } from '../trace/events.ts';
import type { Probe } from '../trace/probe.ts';
import type { Work } from '../trace/work.ts';

import { Machine } from './machine.ts';
import type { SamplerTap } from './values/engine.ts';
import type { Kernels } from './values/kernels.ts';

/** What the host asks of the machine: the command block. */
export interface RunRequest {
  /** Token ids, the begin-of-sequence token included. */
  readonly prompt: readonly number[];
  readonly maxNewTokens: number;
  /** 0: greedy. */
  readonly temperature: number;
  readonly topK: number;
  readonly seed: number;
  /** At most four. */
  readonly stopTokens: readonly number[];
}

export interface RunOptions {
  readonly values: boolean;
  readonly dense: boolean;
  readonly cycleLimit?: number;
  readonly sinks?: readonly TraceSink[];
  readonly probe?: Probe | undefined;
  readonly onToken?: (event: TokenEvent) => void;
  readonly samplerTap?: SamplerTap;
  /** Values by these instead of by the plain functions; the same bits. */
  readonly kernels?: Kernels | undefined;
  /** Without values: groups that each shortlist of a two-pass head is taken to have. */
  readonly assumedGroups?: number;
  /** See `MachineOptions`. */
  readonly memoryModule?: WebAssembly.Module;
}

/** Bytes that memory has moved. */
export interface Traffic {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Read and written by each unit that moved any. */
  readonly bytesByUnit: Readonly<Record<string, number>>;
}

/** What was counted when a token came out. */
export interface TokenMark extends TokenEvent, Traffic {}

const headerWords = commandHeaderBytes / 4;
const stopWords = 4;
const noToken = 0xffffffff;

/** Throws LutraError RUN001, RUN002 when a prompt of `length` tokens does not fit. */
export function checkPromptLength(length: number, maxPositions: number): void {
  if (length === 0) {
    throw new LutraError({ code: 'RUN001', message: 'the prompt is empty', hint: 'give at least one token' });
  }
  if (length > maxPositions) {
    throw new LutraError({
      code: 'RUN002',
      message: `the prompt has ${length} token${length === 1 ? '' : 's'}, and the program holds ${maxPositions} positions`,
      hint: 'shorten the prompt, or compile with more positions if the model allows it',
    });
  }
}

/** The command block as memory bytes (docs/machine.md, host). Throws LutraError RUN001–RUN004 on an impossible request. */
export function commandBlock(request: RunRequest, image: ProgramImage): Uint8Array {
  const { maxPositions, vocabularySize } = image.metadata;
  const { prompt, maxNewTokens } = request;
  checkPromptLength(prompt.length, maxPositions);
  if (request.stopTokens.length > stopWords) {
    throw new LutraError({
      code: 'RUN004',
      message: `there are ${request.stopTokens.length} stop tokens, and the machine looks for ${stopWords} at most`,
      hint: 'shorten eos_token_id in config.json and compile again, or run with --ignore-stop',
    });
  }
  const foreign = prompt.find((token) => token < 0 || token >= vocabularySize);
  if (foreign !== undefined) {
    throw new LutraError({
      code: 'RUN003',
      message: `prompt token ${foreign} is outside the model’s vocabulary of ${vocabularySize}`,
      hint: 'use the tokenizer that belongs to the model',
    });
  }
  const words = new Uint32Array(headerWords + prompt.length);
  words[0] = prompt.length;
  words[1] = Math.min(maxNewTokens, maxPositions - prompt.length + 1);
  new Float32Array(words.buffer)[2] = request.temperature;
  words[3] = request.topK;
  words[4] = request.seed;
  for (let i = 0; i < stopWords; i++) words[5 + i] = request.stopTokens[i] ?? noToken;
  words.set(prompt, headerWords);
  return new Uint8Array(words.buffer);
}

/** One run of a program: the machine, what the host asked and what came out so far. */
export class Run {
  readonly machine: Machine;
  readonly request: RunRequest;
  readonly tokens: TokenMark[] = [];

  constructor(image: ProgramImage, hw: HardwareModel, request: RunRequest, options: RunOptions) {
    this.request = request;
    const sinks = options.sinks ?? [];
    const spanSinks = sinks.filter(({ span }) => span !== undefined);
    const trace: TraceSink = {
      instruction: (event: InstructionEvent, work?: Work, fullRateCycles?: number, values?: readonly number[]) => {
        for (const sink of sinks) sink.instruction(event, work, fullRateCycles, values);
      },
      token: (event: TokenEvent) => {
        this.tokens.push({ ...event, ...this.traffic() });
        for (const sink of sinks) sink.token(event);
        options.onToken?.(event);
      },
      ...(spanSinks.length === 0
        ? {}
        : {
            span: (unit, cycleClass, from, to, pc, marks) => {
              for (const sink of spanSinks) sink.span?.(unit, cycleClass, from, to, pc, marks);
            },
          }),
    };
    this.machine = new Machine(image, hw, {
      values: options.values,
      dense: options.dense,
      trace,
      probe: options.probe,
      ...(options.cycleLimit === undefined ? {} : { cycleLimit: options.cycleLimit }),
      kernels: options.kernels,
      ...(options.samplerTap === undefined ? {} : { samplerTap: options.samplerTap }),
      ...(options.assumedGroups === undefined ? {} : { assumedGroups: options.assumedGroups }),
      ...(options.memoryModule === undefined ? {} : { memoryModule: options.memoryModule }),
    });
    // Without values the stop tokens cannot be recognised, and every pick would be token 0.
    const host = options.values ? request : { ...request, stopTokens: [] };
    this.machine.store.write(0, commandBlock(host, image));
  }

  /** See Machine.advance. */
  advance(steps: number): boolean {
    return this.machine.advance(steps);
  }

  /** Bytes that memory has moved so far. */
  traffic(): Traffic {
    const { bytesRead, bytesWritten } = this.machine.memory.statistics;
    const both = issueUnits.map((name, unit) => [name, (bytesRead[unit] as number) + (bytesWritten[unit] as number)]);
    return {
      bytesRead: sum(bytesRead),
      bytesWritten: sum(bytesWritten),
      bytesByUnit: Object.fromEntries(both.filter(([, bytes]) => bytes !== 0)),
    };
  }
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] as number;
  return total;
}
