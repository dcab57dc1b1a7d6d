/** The traces that a run writes: which, where, of which part of the run. */
import { deflateSync, gzipSync } from 'node:zlib';
import { LutraError } from '../base/diagnostics.ts';
import { issueUnits } from '../isa/index.ts';
import type { TraceSink } from '../trace/events.ts';
import type { TraceFacts } from '../trace/facts.ts';
import { jsonLinesTrace } from '../trace/jsonLines.ts';
import { perfettoTrace } from '../trace/perfetto/trace.ts';
import { type Probe, probes } from '../trace/probe.ts';
import { everything, type Selection } from '../trace/selection.ts';
import { fstFile } from '../trace/waves/fst.ts';
import { gtkwFile } from '../trace/waves/gtkw.ts';
import { waveTrace } from '../trace/waves/trace.ts';
import { vcdFile } from '../trace/waves/vcd.ts';
import type { TraceWriter } from '../trace/writer.ts';
import {
  checkOutputFile,
  createFile,
  type GrowingDirectory,
  isInside,
  outputPlace,
  shortName,
  viewName,
} from './files.ts';
import type { TraceOptions } from './options.ts';
import { printWarning } from './output.ts';
import { TraceFile } from './traceFile.ts';

interface Format {
  readonly option: string;
  readonly asked: (options: TraceOptions) => string | true | undefined;
  /** In a run directory. */
  readonly name: string;
  readonly open: (facts: TraceFacts, selection: Selection, file: TraceFile) => TraceWriter;
  /** With a save file for GTKWave beside it. */
  readonly hasView?: boolean;
}

/** Kept free in a run directory while traces grow, so that a full disk leaves room for what the run has to say. */
const reservedBytes = 1 << 21;

/** Little is gained by more. */
const compression = {
  deflate: (bytes: Uint8Array) => deflateSync(bytes, { level: 1 }),
  gzip: (bytes: Uint8Array) => gzipSync(bytes),
};

const formats: readonly Format[] = [
  {
    option: '--trace-perfetto',
    asked: (options) => options.tracePerfetto,
    name: 'trace.pftrace',
    open: (facts, selection, file) => perfettoTrace(facts, selection, file.write),
  },
  {
    option: '--trace-vcd',
    asked: (options) => options.traceVcd,
    name: 'trace.vcd',
    open: (facts, selection, file) =>
      waveTrace(facts, selection, (known, signals) => vcdFile(known, signals, file.write)),
    hasView: true,
  },
  {
    option: '--trace-fst',
    asked: (options) => options.traceFst,
    name: 'trace.fst',
    open: (facts, selection, file) =>
      waveTrace(facts, selection, (known, signals) =>
        fstFile(known, signals, file.write, compression, (header) => file.rewrite(header)),
      ),
    hasView: true,
  },
  {
    option: '--trace-jsonl',
    asked: (options) => options.traceJsonl,
    name: 'trace.jsonl',
    open: (facts, selection, file) => jsonLinesTrace(facts, selection, file.write),
  },
];

/** What a run directory and the traces have to do with each other. */
interface Outputs extends TraceOptions {
  readonly out?: string;
  readonly force?: boolean;
}

/** Refuses traces that cannot be written, before any work is done. Throws LutraError CLI007, CLI009, IO003, IO004. */
export function checkTraces(options: Outputs): void {
  const files = new Set<string>();
  for (const { option, asked, name, hasView } of formats) {
    const file = asked(options);
    if (file === undefined) continue;
    if (file === true) {
      if (options.out !== undefined) continue;
      throw new LutraError({
        code: 'CLI007',
        message: `${option} needs a file name where there is no run directory`,
        hint: 'add a file name, or --out DIRECTORY',
        exit: 'usage',
      });
    }
    if (options.out !== undefined && isInside(file, options.out)) {
      throw new LutraError({
        code: 'CLI009',
        place: { file },
        message: 'lies in the run directory, which is written as a whole',
        hint: `${option} without a name puts ${name} there`,
        exit: 'usage',
      });
    }
    if (files.has(file)) {
      throw usage('CLI015', `two traces are to be written to ${file}`, 'give each a name of its own');
    }
    files.add(file);
    checkOutputFile(file, options.force === true);
    if (hasView) checkOutputFile(viewName(file), options.force === true);
  }
  const selection = readSelection(options);
  if (selection !== everything && !asksForTraces(options)) {
    const asked = formats.map(({ option }) => option).join(', ');
    throw usage(
      'CLI015',
      'a part of the run is selected for a trace, and no trace is asked for',
      `add one of ${asked}`,
    );
  }
}

export function asksForTraces(options: TraceOptions): boolean {
  return formats.some(({ asked }) => asked(options) !== undefined);
}

/** The part of the run that traces are to hold. Throws LutraError CLI015 for a range without cycles, or unknown units. */
function readSelection(options: TraceOptions): Selection {
  const {
    traceFrom: from = 0,
    traceTo: to = everything.to,
    traceUnits,
    traceToken: token,
    traceLayer: layer,
  } = options;
  if (from >= to) {
    const message = `--trace-from ${from} --trace-to ${to} is an empty range: it ends before cycle ${to}`;
    throw usage('CLI015', message, 'give a --trace-to that is larger');
  }
  const units = traceUnits === undefined ? everything.units : unitMask(traceUnits);
  const selection = { from, to, units, token, layer };
  const whole = from === 0 && to === everything.to && units === everything.units;
  return whole && token === undefined && layer === undefined ? everything : selection;
}

function unitMask(list: string): number {
  let mask = 0;
  for (const name of list.split(',').map((part) => part.trim())) {
    const unit = (issueUnits as readonly string[]).indexOf(name);
    if (unit < 0) {
      const message = `--trace-units: ${JSON.stringify(name)} is not a unit`;
      throw usage('CLI015', message, `there are ${issueUnits.join(', ')}`);
    }
    mask |= 1 << unit;
  }
  return mask;
}

function usage(code: string, message: string, hint: string): LutraError {
  return new LutraError({ code, message, hint, exit: 'usage' });
}

export interface Traces {
  readonly sinks: readonly TraceSink[];
  readonly probe: Probe | undefined;
  /** Ends the traces of a run that got to `cycle`, and warns of what is not in them. */
  finish(cycle: number): void;
}

/** Opens the traces that were asked for; a bare option puts its trace into the run directory. */
export function openTraces(options: Outputs, directory: GrowingDirectory | undefined, facts: () => TraceFacts): Traces {
  const selection = readSelection(options);
  const known = asksForTraces(options) ? facts() : undefined;
  const wanted = formats.some(({ asked }) => asked(options) === true);
  const release = (wanted && directory?.reserve(reservedBytes)) || (() => {});
  const opened = formats.flatMap(({ asked, name, open, hasView }) => {
    const path = asked(options);
    const place = typeof path === 'string' ? outputPlace(path, options.force === true) : directory?.place(name);
    if (path === undefined || !place || !known) return [];
    const file = new TraceFile(place, release);
    const writer = open(known, selection, file);
    const view = hasView ? (waveform: string) => gtkwFile(known, selection, waveform) : undefined;
    return [{ file, writer, view }];
  });
  const writers = opened.map(({ writer }) => writer);
  return {
    sinks: writers.flatMap(({ sink }) => sink ?? []),
    probe: probes(writers.flatMap(({ probe }) => probe ?? [])),
    finish(cycle) {
      release();
      for (const { file, writer, view } of opened) {
        writer.finish(cycle);
        const { path, bytes, failure } = file.finish();
        if (failure) printWarning(incomplete(path, bytes, failure));
        if (view) writeView(path, view(shortName(path)), directory, options);
      }
      const [first] = writers;
      if (first && selection !== everything && writers.every(({ written }) => written === 0)) {
        printWarning(empty(selection, cycle));
      }
    },
  };
}

/** Writes the save file of a waveform. Where there is no room for it, the waveform is worth as much without. */
function writeView(waveform: string, text: string, directory: GrowingDirectory | undefined, options: Outputs): void {
  try {
    const inside = directory && options.out !== undefined && isInside(waveform, options.out);
    const path = viewName(waveform);
    const file = inside ? directory.create(shortName(path)) : createFile(path, options.force === true);
    file.write(text);
    file.finish();
  } catch (error) {
    if (!(error instanceof LutraError)) throw error;
    for (const diagnostic of error.diagnostics) printWarning(diagnostic);
  }
}

function incomplete(path: string, bytes: number, { diagnostics }: LutraError) {
  const why = diagnostics[0]?.message ?? 'it could not be written';
  return { code: 'TRC001', place: { file: path }, message: `the trace ends early, after ${bytes} bytes: ${why}` };
}

function empty({ from, to, token, layer, units }: Selection, cycle: number) {
  const parts = [
    ...(from > 0 || to !== everything.to ? [`cycles ${from} to ${Math.min(to, cycle)}`] : []),
    ...(units === everything.units ? [] : [issueUnits.filter((_, unit) => (units >> unit) & 1).join(', ')]),
    ...(token === undefined ? [] : [`token ${token}`]),
    ...(layer === undefined ? [] : [`layer ${layer}`]),
  ];
  return {
    code: 'TRC002',
    message: `nothing that the run did is in the selected part (${parts.join(', ')}), so the traces are empty`,
    hint: `the run had ${cycle} cycles`,
  };
}
