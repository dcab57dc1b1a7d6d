import { traceFacts } from '../../src/cli/traceFacts.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { assemble, issueUnits, type ProgramImage, programImage } from '../../src/isa/index.ts';
import { Machine } from '../../src/machine/machine.ts';
import type { InstructionEvent, MarkContext, TokenEvent, TraceSink } from '../../src/trace/events.ts';
import type { TraceFacts, WriteBlock } from '../../src/trace/facts.ts';
import { type Probe, probes } from '../../src/trace/probe.ts';
import { everything, type Selection } from '../../src/trace/selection.ts';
import type { TraceWriter } from '../../src/trace/writer.ts';
import { randomHardware, randomProgram } from '../machine/randomProgram.ts';

export interface Span {
  readonly unit: string;
  readonly cycleClass: string;
  readonly from: number;
  readonly to: number;
  readonly pc: number;
  readonly marks: MarkContext | undefined;
}

export type Call =
  | {
      readonly what: 'state';
      readonly unit: number;
      readonly cycleClass: string;
      readonly pc: number;
      readonly cycle: number;
      readonly marks: MarkContext | undefined;
    }
  | { readonly what: 'queue'; readonly unit: number; readonly depth: number; readonly cycle: number }
  | {
      readonly what: 'semaphore';
      readonly from: number;
      readonly to: number;
      readonly count: number;
      readonly cycle: number;
    }
  | { readonly what: 'port'; readonly port: number; readonly holder: number; readonly cycle: number };

/** Everything that a run said. */
export interface Recorded {
  readonly facts: TraceFacts;
  readonly image: ProgramImage;
  readonly instructions: (InstructionEvent & { readonly bytes: number; readonly values: readonly number[] })[];
  readonly spans: Span[];
  readonly tokens: TokenEvent[];
  readonly calls: Call[];
  cycles: number;
}

type OpenWriter = (facts: TraceFacts, selection: Selection, write: WriteBlock) => TraceWriter;

export interface Traced extends Recorded {
  /** What each writer wrote. */
  readonly bytes: Uint8Array[];
  readonly writers: TraceWriter[];
}

/** A sink and a probe that keep all that they are told. */
export function recorder(
  image: ProgramImage,
  hw: HardwareModel,
): { recorded: Recorded; sink: TraceSink; probe: Probe } {
  const recorded: Recorded = {
    facts: traceFacts(image, hw, undefined),
    image,
    instructions: [],
    spans: [],
    tokens: [],
    calls: [],
    cycles: 0,
  };
  const { instructions, spans, tokens, calls } = recorded;
  return {
    recorded,
    sink: {
      instruction: (event, work, _full, values) =>
        instructions.push({ ...event, bytes: work?.memoryBytes ?? 0, values: values ?? [] }),
      token: (event) => tokens.push(event),
      span: (unit, cycleClass, from, to, pc, marks) => spans.push({ unit, cycleClass, from, to, pc, marks }),
    },
    probe: {
      state: (unit, cycleClass, pc, cycle, marks) => calls.push({ what: 'state', unit, cycleClass, pc, cycle, marks }),
      queue: (unit, depth, cycle) => calls.push({ what: 'queue', unit, depth, cycle }),
      semaphore: (from, to, count, cycle) => calls.push({ what: 'semaphore', from, to, count, cycle }),
      port: (port, holder, cycle) => calls.push({ what: 'port', port, holder, cycle }),
    },
  };
}

/** A random program, run with these writers and with a recorder. */
export function traceRandom(seed: number, opens: readonly OpenWriter[], selection: Selection = everything): Traced {
  const hw = randomHardware(seed);
  const { source, commandWords } = randomProgram(seed, hw);
  return traceProgram(source, commandWords, hw, opens, selection);
}

export function traceProgram(
  source: string,
  commandWords: readonly number[],
  hw: HardwareModel,
  opens: readonly OpenWriter[],
  selection: Selection = everything,
): Traced {
  const image = programImage(assemble(source, 'test.lasm', { hw }), hw);
  return traceImage(image, new Uint8Array(Uint32Array.from(commandWords).buffer), hw, opens, selection);
}

/** Runs an image for its times, with these writers and with a recorder. */
export function traceImage(
  image: ProgramImage,
  command: Uint8Array,
  hw: HardwareModel,
  opens: readonly OpenWriter[],
  selection: Selection = everything,
): Traced {
  const { recorded, sink, probe } = recorder(image, hw);
  const blocks: Uint8Array[][] = opens.map(() => []);
  const writers = opens.map((open, index) =>
    open(recorded.facts, selection, (bytes) => {
      blocks[index]?.push(bytes.slice());
      return true;
    }),
  );
  const sinks = [sink, ...writers.flatMap((writer) => writer.sink ?? [])];
  const machine = new Machine(image, hw, {
    values: false,
    dense: false,
    cycleLimit: 100_000_000,
    trace: {
      instruction: (...event) => {
        for (const each of sinks) each.instruction(...event);
      },
      token: (event) => {
        for (const each of sinks) each.token(event);
      },
      span: (...event) => {
        for (const each of sinks) each.span?.(...event);
      },
    },
    probe: probes([probe, ...writers.flatMap((writer) => writer.probe ?? [])]) as Probe,
  });
  machine.store.write(0, command);
  while (!machine.advance(100_000));
  recorded.cycles = machine.cycle;
  for (const writer of writers) writer.finish(machine.cycle);
  return { ...recorded, writers, bytes: blocks.map((list) => new Uint8Array(Buffer.concat(list))) };
}

/** Units as numbers. */
export const unitNumber = (name: string): number => (issueUnits as readonly string[]).indexOf(name);
