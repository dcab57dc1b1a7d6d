/**
 * How good co-simulation is at finding defects: `npx tsx bench/mutations.ts [--only NAME …] [--json]` mutates the Verilog
 * templates in many places, one at a time, and prints which mutations were caught, by what, and caught/total. Exit code 1
 * if one survives, or if the unmutated Verilog is not equal.
 *
 * All mutations are built into one Verilog per machine, so that only the first run takes minutes.
 */
import { parseArgs } from 'node:util';
import { table } from '../src/report/format.ts';
import { cacheDirectory } from '../test/cosim/harness.ts';
import { templatesFromDisk } from '../test/rtl/templates.ts';
import { buildMutants, type Catch, hunt, type MutantMachine } from './mutationCampaign.ts';
import { type Mutation, mutations } from './mutationList.ts';
import { campaignMachines } from './mutationPrograms.ts';

const { values: options } = parseArgs({
  options: { only: { type: 'string', multiple: true }, json: { type: 'boolean' } },
});

/** The unmutated machine has to be equal, or nothing else means anything. */
function checkUnmutated({ machine, run }: MutantMachine): void {
  for (const program of machine.programs) {
    const found = run(0, program);
    if (found) throw new Error(`not mutated, yet different: ${describe(found)}`);
  }
}

function describe({ machine, program, cycle, where, what }: Catch): string {
  return `${machine}, ${program}, cycle ${cycle}: ${where}: ${what}`;
}

interface Result {
  readonly mutation: Mutation;
  readonly caught: Catch | undefined;
}

/** How many of each unit's mutations were caught. */
function byUnit(results: readonly Result[]): string[] {
  const units = [...new Set(results.map(({ mutation }) => mutation.unit))].sort();
  const rows = units.map((unit) => {
    const own = results.filter(({ mutation }) => mutation.unit === unit);
    return [unit, String(own.length), String(own.filter(({ caught }) => caught).length)];
  });
  return table([['unit', 'mutations', 'caught'], ...rows], 'numbers');
}

async function main(): Promise<number> {
  const chosen = mutations.map((mutation, index) => ({ mutation, number: index + 1 }));
  const wanted = chosen.filter(({ mutation }) => options.only === undefined || options.only.includes(mutation.name));
  if (wanted.length === 0) throw new Error(`no mutation is called ${options.only?.join(' or ')}`);
  const templates = templatesFromDisk();
  const machines: MutantMachine[] = [];
  for (const machine of campaignMachines()) {
    process.stderr.write(`building ${machine.name}\n`);
    const built = await buildMutants(machine, mutations, templates, cacheDirectory);
    checkUnmutated(built);
    machines.push(built);
  }
  const results: Result[] = [];
  for (const { mutation, number } of wanted) {
    const caught = hunt(number, machines);
    results.push({ mutation, caught });
    process.stderr.write(`${mutation.name}: ${caught ? describe(caught) : 'SURVIVES'}\n`);
  }
  const count = results.filter(({ caught }) => caught).length;
  if (options.json) console.log(JSON.stringify({ caught: count, total: results.length, results }, null, 2));
  else {
    const header = ['mutation', 'unit', 'what is wrong', 'caught on', 'by', 'in cycle', 'as'];
    const rows = results.map(({ mutation: { name, unit, what }, caught }) => [
      name,
      unit,
      what,
      ...(caught
        ? [caught.machine, caught.program, String(caught.cycle), `${caught.where}: ${caught.what}`]
        : ['SURVIVES']),
    ]);
    for (const line of table([header, ...rows], 'left')) console.log(line);
    console.log();
    for (const line of byUnit(results)) console.log(line);
    console.log(`caught ${count}/${results.length}`);
  }
  return count === results.length ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
