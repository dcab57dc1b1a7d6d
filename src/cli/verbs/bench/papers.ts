import { exitCodes } from '../../../base/diagnostics.ts';
import { createPaperMachine, isOutside, paperMachineNames, paperRows, paperTable } from '../../../papers/index.ts';
import { printJson, printLine, printNote } from '../../output.ts';
import { paperInputs } from '../../paperInputs.ts';

export interface PapersOptions {
  /** Names; empty: every machine. */
  readonly machine: readonly string[];
  readonly context?: number;
  readonly prompt?: number;
  readonly json?: boolean;
}

/**
 * `lutra bench papers`: published machines, their figures beside the simulated ones, or the simulation at a point of
 * the reader's own. Returns the exit code: 1 when a figure is outside of its tolerance.
 */
export function benchPapersVerb({ machine, json, ...point }: PapersOptions): number {
  const inputs = paperInputs();
  const names = machine.length > 0 ? [...new Set(machine)] : paperMachineNames;
  const machines = names.map((name) => createPaperMachine(name, inputs));
  const rows = machines.flatMap((one) => paperRows(one, point));
  const outside = rows.filter(isOutside);
  if (json) printJson({ schema: 'lutra.bench.papers/1', rows });
  else {
    for (const line of paperTable(rows)) printLine(line);
    for (const { name, source } of machines) printLine(`${name}: ${source}`);
  }
  for (const { machine: name, figure, context, ratio, tolerance } of outside) {
    const at = context === null ? '' : ` at ${context}`;
    printNote(`${name}: ${figure}${at} is ${ratio?.toFixed(3)} of the published figure, tolerance ±${tolerance}`);
  }
  return outside.length === 0 ? exitCodes.ok : exitCodes.no;
}
