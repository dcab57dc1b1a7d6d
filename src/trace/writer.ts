import type { TraceSink } from './events.ts';
import type { Probe } from './probe.ts';

/** Writes a trace of a run that gives it events, signals, or both. */
export interface TraceWriter {
  readonly sink: TraceSink | undefined;
  readonly probe: Probe | undefined;
  /** What it wrote so far of the selected part of the run: slices, lines, changes of signals. */
  readonly written: number;
  /** The run has ended, or will not go on, in `cycle`: hands on what is left. Called once. */
  finish(cycle: number): void;
}
