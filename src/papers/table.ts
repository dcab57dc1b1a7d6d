/** Published against simulated, as rows for machines and as a table for people. */
import { table } from '../report/format.ts';
import type { PaperFigure, PaperMachine } from './paperMachine.ts';

export interface PaperRow {
  readonly machine: string;
  readonly figure: string;
  readonly context: number | null;
  readonly published: number | null;
  readonly simulated: number;
  readonly unit: string;
  /** simulated / published. */
  readonly ratio: number | null;
  readonly tolerance: number | null;
  readonly kind: PaperFigure['kind'];
}

/** A point of the reader's own choosing; empty: all published figures. */
export interface PaperPoint {
  readonly context?: number;
  readonly prompt?: number;
}

/** The figures of `machine` at a point, or all published ones. Throws what the machine throws. */
export function paperRows(machine: PaperMachine, { context, prompt }: PaperPoint): PaperRow[] {
  const figures =
    context === undefined && prompt === undefined
      ? machine.figures()
      : [
          ...(context === undefined ? [] : machine.decode(context)),
          ...(prompt === undefined ? [] : machine.prefill(prompt)),
        ];
  return figures.map(({ figure, context: at, published, simulated, unit, tolerance, kind }) => ({
    machine: machine.name,
    figure,
    context: at ?? null,
    published: published ?? null,
    simulated,
    unit,
    ratio: published === undefined ? null : simulated / published,
    tolerance: tolerance ?? null,
    kind,
  }));
}

/** Whether the simulated figure lies outside of its tolerance; one without a published figure never does. */
export function isOutside({ ratio, tolerance, simulated }: PaperRow): boolean {
  if (!Number.isFinite(simulated)) return true;
  return ratio !== null && tolerance !== null && !(Math.abs(ratio - 1) <= tolerance);
}

/** The table of `lutra bench papers`; rows that are outside of their tolerance say so. */
export function paperTable(rows: readonly PaperRow[]): string[] {
  const heading = ['machine', 'figure', 'context', 'published', 'simulated', 'unit', 'ratio', 'tolerance', 'kind', ''];
  const cells = rows.map((row) => [
    row.machine,
    row.figure,
    row.context === null ? '·' : `${row.context}`,
    row.published === null ? '·' : number(row.published),
    number(row.simulated),
    row.unit,
    row.ratio === null ? '·' : row.ratio.toFixed(3),
    row.tolerance === null ? '·' : `±${Number((row.tolerance * 100).toPrecision(3))} %`,
    row.kind,
    isOutside(row) ? 'outside' : '',
  ]);
  return table([heading, ...cells], 'numbers').map((line) => line.slice(2));
}

/** Four significant digits, and every digit of a whole part. */
function number(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  const digits = Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.min(digits, 12), minimumFractionDigits: 0 });
}
