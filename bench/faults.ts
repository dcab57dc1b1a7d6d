/**
 * How the emitted Verilog bears faults at its edge: `npx tsx bench/faults.ts [--count N] [--seed N]` injects faults of all
 * kinds at random times into random programs on tiny, odd and mid, by default 1,000 of them, in lock step with the machine,
 * each followed by a run without one on the same accelerator. It prints how they ended. Exit code 1 if one hung, was
 * different from the machine, wrote outside of its window, or left an accelerator that is not as good as new.
 */
import { parseArgs } from 'node:util';
import { faultTable } from '../src/cosim/faults/faultTable.ts';
import { type FaultRecord, injectFaults, isBorne } from '../src/cosim/index.ts';
import { table } from '../src/report/format.ts';
import { verilogOf } from '../test/cosim/harness.ts';
import { hardware } from '../test/machine/harness.ts';
import { faultRun } from './faultRuns.ts';

const { values: options } = parseArgs({
  options: { count: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});

const models = ['tiny', 'odd', 'mid'];
const seedsPerModel = 100_000;

/** Shares of the machines; a larger one takes longer. */
function countOf(model: string, total: number): number {
  const mid = Math.floor(total / 5);
  const odd = Math.floor((total - mid) / 2);
  return { tiny: total - mid - odd, odd, mid }[model] ?? 0;
}

function describe({ kind, seed, outcome, restart }: FaultRecord): string {
  const difference = outcome.difference ?? restart?.difference;
  const place = difference ? `cycle ${difference.cycle}, ${difference.where}: ${difference.what}` : 'no difference';
  return `seed ${seed}, ${kind}, ${outcome.end}${outcome.difference ? '' : ', restarted'}: ${place}`;
}

async function main(): Promise<number> {
  const records: FaultRecord[] = [];
  const startedAt = performance.now();
  for (const model of models) {
    const hw = hardware(model);
    const verilog = await verilogOf(hw);
    const count = countOf(model, Number(options.count));
    // Other programs and faults on each machine.
    const firstSeed = Number(options.seed) + seedsPerModel * models.indexOf(model);
    const runOf = (number: number) => faultRun(hw, firstSeed + number);
    const campaign = { instantiate: () => verilog.instantiate(), runOf, count, firstSeed };
    for (const record of injectFaults(campaign)) {
      records.push(record);
      if (!isBorne(record)) process.stderr.write(`${model}: ${describe(record)}\n`);
    }
    process.stderr.write(`${model}: ${count} faults\n`);
  }
  for (const line of table(faultTable(records), 'left')) console.log(line);
  console.log(`${records.length} faults in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  return records.every(isBorne) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
