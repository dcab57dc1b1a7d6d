/**
 * How good the self-test alone is at finding defects: `npx tsx bench/selfTestMutations.ts [--only NAME …] [--json]` runs
 * it on the Verilog with one mutation of bench/mutationList.ts at a time, with nothing beside it but a memory that answers
 * when it likes, as on a board, and prints which mutations its tokens or counters show.
 */
import { parseArgs } from 'node:util';
import type { CompiledModule } from 'verilator-wasm';
import { LutraError } from '../src/base/diagnostics.ts';
import { buildVerilog } from '../src/cosim/index.ts';
import type { HardwareModel } from '../src/hw/index.ts';
import { table } from '../src/report/format.ts';
import { renderAll, type Templates } from '../src/rtl/render.ts';
import { type SelfTest, selfTest } from '../src/selftest/index.ts';
import { cacheDirectory } from '../test/cosim/harness.ts';
import { templatesFromDisk } from '../test/rtl/templates.ts';
import { present, selector, withMutants } from './mutants.ts';
import { mutations } from './mutationList.ts';
import { campaignMachines } from './mutationPrograms.ts';
import { runAlone } from './selfTestAlone.ts';

const { values: options } = parseArgs({
  options: { only: { type: 'string', multiple: true }, machine: { type: 'string' }, json: { type: 'boolean' } },
});

interface Board {
  readonly name: string;
  readonly hw: HardwareModel;
  readonly test: SelfTest;
  readonly module: CompiledModule;
  readonly has: (number: number) => boolean;
}

async function boardOf(name: string, hw: HardwareModel, templates: Templates): Promise<Board> {
  const mutated = withMutants(templates, mutations);
  const verilog = renderAll(hw, mutated).map(({ text }) => text);
  const build = { hw, templates: mutated, cacheDirectory, engine: 'verilator', waveform: false } as const;
  const module = await buildVerilog(build);
  return { name, hw, test: selfTest(hw), module, has: (number) => present(number, verilog) };
}

/** What the self-test says of a mutation on a machine, 0 for none; undefined: it passes. */
function verdictOf({ hw, test, module }: Board, number: number): string | undefined {
  const simulation = module.instantiate();
  simulation.port(selector).set(number);
  try {
    return runAlone(simulation, hw, test);
  } catch (error) {
    // The registers do not answer any more.
    if (number === 0 || !(error instanceof LutraError)) throw error;
    return error.message;
  }
}

async function main(): Promise<number> {
  const numbered = mutations.map((mutation, index) => ({ mutation, number: index + 1 }));
  const wanted = numbered.filter(({ mutation }) => options.only === undefined || options.only.includes(mutation.name));
  const templates = templatesFromDisk();
  const boards: Board[] = [];
  for (const { name, hw } of campaignMachines()) {
    if (options.machine !== undefined && options.machine !== name) continue;
    process.stderr.write(`building ${name}\n`);
    const board = await boardOf(name, hw, templates);
    const said = verdictOf(board, 0);
    if (said !== undefined) throw new Error(`not mutated, yet it fails on ${name}: ${said}`);
    boards.push(board);
  }
  const rows: string[][] = [];
  for (const { mutation, number } of wanted) {
    const met = boards.filter(({ has }) => has(number));
    const found = met.map((board) => [board.name, verdictOf(board, number)] as const).find(([, said]) => said);
    rows.push([mutation.name, mutation.unit, mutation.what, found?.[0] ?? '', found?.[1] ?? 'not found']);
    process.stderr.write(`${rows.at(-1)?.join(' | ')}\n`);
  }
  const count = rows.filter(([, , , machine]) => machine !== '').length;
  if (options.json) console.log(JSON.stringify({ found: count, total: rows.length, rows }, null, 2));
  else {
    for (const line of table([['mutation', 'unit', 'what is wrong', 'found on', 'by'], ...rows], 'left'))
      console.log(line);
    console.log(`found ${count}/${rows.length}`);
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
