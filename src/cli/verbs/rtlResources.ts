import { exitCodes } from '../../base/diagnostics.ts';
import { type SynthesisFamily, synthesise, type ToolOptions, yosysVersion } from '../../cosim/index.ts';
import { type HardwareModel, hardwareDigest, type Resources } from '../../hw/index.ts';
import { grouped, table } from '../../report/format.ts';
import {
  countCells,
  filesBelow,
  renderAll,
  restModule,
  synthesisedUnits,
  totalResources,
  type UnitResources,
  withoutUltraRam,
} from '../../rtl/index.ts';
import { cacheDirectory } from '../cache.ts';
import { readTemplates } from '../files.ts';
import { openHardware } from '../inputs.ts';
import { withInterrupt } from '../interrupt.ts';
import type { RtlVerbOptions } from '../options.ts';
import { Progress, printJson, printLine } from '../output.ts';

const tableForms = ['select', 'half', 'full'] as const;

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly hw: HardwareModel;
}

/** `lutra rtl --resources`: what Yosys counts, unit by unit. Returns the exit code. */
export async function resourcesVerb(options: RtlVerbOptions): Promise<number> {
  const hw = openHardware(options);
  const version = yosysVersion();
  const rows = options.tableForms === true ? formRows(options) : unitRows(hw, options.unit);
  const found = await eachRow('yosys', rows, options.json !== true, (row, limits) =>
    synthesiseUnit(row, options.crossCheck === true, limits),
  );
  if (!found) return exitCodes.interrupted;
  const whole = options.tableForms !== true;
  if (options.json === true) {
    printJson({
      schema: 'lutra.resources/1',
      hardware: { name: hw.name, digest: hardwareDigest(hw) },
      tool: version,
      family: 'xcup',
      units: found.map(({ unit, resources, path, sevenSeries }) => ({
        unit,
        ...resources,
        picoseconds: path?.picoseconds ?? null,
        path: path ?? null,
        ...(sevenSeries ? { sevenSeries } : {}),
      })),
      ...(whole ? { total: totalResources(found), board: hw.board.resources } : {}),
    });
  } else for (const line of describe(hw, version, found, whole)) printLine(line);
  return exitCodes.ok;
}

/** Runs a tool on one row after the other and shows how far it is; undefined if it was interrupted. */
export async function eachRow<R extends { readonly name: string }, T>(
  tool: string,
  rows: readonly R[],
  shown: boolean,
  run: (row: R, options: ToolOptions) => Promise<T | undefined>,
): Promise<T[] | undefined> {
  const progress = new Progress(shown);
  try {
    return await withInterrupt(async (interrupt) => {
      const results: T[] = [];
      for (const [index, row] of rows.entries()) {
        const startedAt = performance.now();
        const tick = () =>
          progress.update(() => {
            const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
            return `${tool}: ${row.name}, ${index + 1} of ${rows.length}, ${seconds} s`;
          });
        const result = await run(row, { cacheDirectory: cacheDirectory(), stopped: () => interrupt.asked, tick });
        if (result === undefined) return undefined;
        results.push(result);
      }
      return results;
    });
  } finally {
    progress.clear();
  }
}

function unitRows(hw: HardwareModel, only: readonly string[]): Row[] {
  const units = only.length > 0 ? synthesisedUnits.filter((unit) => only.includes(unit)) : synthesisedUnits;
  return units.map((unit) => ({ name: unit, unit, hw }));
}

/** The engine of the same hardware model with each form of tables. */
function formRows(options: RtlVerbOptions): Row[] {
  return tableForms.map((form) => ({
    name: `matmul, ${form}`,
    unit: 'matmul',
    hw: openHardware({ ...options, set: [...options.set, `matmul.tableForm=${form}`] }),
  }));
}

/** Undefined if it was stopped. */
async function synthesiseUnit(
  { name, unit, hw }: Row,
  crossCheck: boolean,
  options: ToolOptions,
): Promise<UnitResources | undefined> {
  const blackBoxes = unit === restModule ? synthesisedUnits.filter((other) => other !== unit) : [];
  const all = filesBelow(renderAll(hw, readTemplates()), unit, blackBoxes);
  const run = (family: SynthesisFamily) => {
    const files = family === 'xcup' ? all : withoutUltraRam(all);
    return synthesise({ files, top: unit, family, blackBoxes, flatten: true }, options);
  };
  const result = await run('xcup');
  const second = result && crossCheck ? await run('xc7') : undefined;
  if (!result || (crossCheck && !second)) return undefined;
  return {
    unit: name,
    resources: countCells(result.cells, blackBoxes),
    path: result.path ?? undefined,
    sevenSeries: second ? countCells(second.cells, blackBoxes) : undefined,
  };
}

const columns = ['lut', 'ff', 'bram36', 'uram288', 'dsp'] as const satisfies readonly (keyof Resources)[];

function describe(hw: HardwareModel, version: string, units: readonly UnitResources[], whole: boolean): string[] {
  const crossCheck = units.some(({ sevenSeries }) => sevenSeries !== undefined);
  const numbers = (resources: Resources) => columns.map((name) => grouped(resources[name]));
  const header = ['unit', 'LUT', 'FF', 'BRAM36', 'URAM', 'DSP', 'path ps'];
  const rows = units.map(({ unit, resources, path, sevenSeries }) => [
    unit === restModule ? 'queues and wiring' : unit,
    ...numbers(resources),
    path ? grouped(path.picoseconds) : '·',
    ...(crossCheck ? [grouped(sevenSeries?.lut ?? 0), grouped(sevenSeries?.ff ?? 0)] : []),
  ]);
  const total = totalResources(units);
  const { resources: board } = hw.board;
  const slowest = units.reduce((worst, unit) =>
    (unit.path?.picoseconds ?? 0) > (worst.path?.picoseconds ?? 0) ? unit : worst,
  );
  const sums = [
    ['total', ...numbers(total), grouped(slowest.path?.picoseconds ?? 0)],
    [hw.board.name, ...numbers(board)],
    ['used, %', ...columns.map((name) => (board[name] === 0 ? '·' : ((100 * total[name]) / board[name]).toFixed(1)))],
  ];
  const { path } = slowest;
  return [
    `${hw.name}: ${version}, synth_xilinx -family xcup, each unit by itself with all that is in it`,
    ...table([[...header, ...(crossCheck ? ['xc7 LUT', 'xc7 FF'] : [])], ...rows, ...(whole ? sums : [])], 'numbers'),
    ...(path ? [`slowest path: ${slowest.unit}, ${path.from} to ${path.to}`] : []),
    'LUT: logic, shift registers and LUT memory. ps: cells alone, before placement and routing; a yardstick, no promise.',
  ];
}
