import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CompiledModule } from 'verilator-wasm';
import { exitCodes } from '../../base/diagnostics.ts';
import { faultTable } from '../../cosim/faults/faultTable.ts';
import { type FaultRecord, type FaultRun, injectFaults, isBorne } from '../../cosim/index.ts';
import { table } from '../../report/format.ts';
import type { Interrupt } from '../interrupt.ts';
import { type Progress, printJson, printLine } from '../output.ts';

/** How many faults, from which seed on. */
export interface FaultsAsked {
  readonly count: number;
  readonly seed: number;
  readonly json: boolean;
}

/** `lutra cosim --faults`: the program meets faults of all kinds, one after the other. Returns the exit code. */
export async function cosimFaults(
  verilog: CompiledModule,
  run: FaultRun,
  { count, seed, json }: FaultsAsked,
  progress: Progress,
  interrupt: Interrupt,
): Promise<number> {
  const records: FaultRecord[] = [];
  const campaign = { instantiate: () => verilog.instantiate(), runOf: () => run, count, firstSeed: seed };
  for (const record of injectFaults(campaign)) {
    records.push(record);
    progress.update(() => `${records.length} of ${count} faults`);
    await nextTurn();
    if (interrupt.asked) break;
  }
  progress.clear();
  const failed = records.filter((record) => !isBorne(record));
  if (json) {
    printJson({
      schema: 'lutra.faults/1',
      hardware: run.hw.name,
      seed,
      asked: count,
      borne: failed.length === 0,
      records,
    });
  } else {
    for (const line of table(faultTable(records), 'left')) printLine(line);
    for (const { kind, seed: at, outcome, restart } of failed) {
      const { cycle, where, what } = outcome.difference ?? restart?.difference ?? nothing;
      printLine(`fault     ${kind}, seed ${at}, ${outcome.end}: cycle ${cycle}, ${where}: ${what}`);
    }
    printLine(`verdict   ${records.length - failed.length} of ${records.length} faults borne on ${run.hw.name}`);
  }
  if (failed.length > 0) return exitCodes.no;
  return records.length === count ? exitCodes.ok : exitCodes.interrupted;
}

const nothing = { cycle: 0, where: 'control', what: 'no end' };
