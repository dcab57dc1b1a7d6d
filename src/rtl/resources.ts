/**
 * What the Verilog costs on a device, from what a synthesis tool counted: cells to LUT, FF, block RAM, UltraRAM and DSP,
 * and tables of them. The estimate before synthesis is `estimateResources` of the hardware model.
 */
import { LutraError } from '../base/diagnostics.ts';
import type { Resources } from '../hw/index.ts';
import { issueUnits } from '../isa/table.ts';
import type { VerilogFile } from './render.ts';

/** The module that holds the units together; its row counts all that is in none of them. */
export const restModule = 'lutra';

/** Modules with a row of their own, in the order of the table. */
export const synthesisedUnits: readonly string[] = [
  ...issueUnits,
  'buffers',
  'memory',
  'control',
  'counters',
  restModule,
];

const none: Resources = { lut: 0, ff: 0, bram36: 0, uram288: 0, dsp: 0 };

/** Cells of 7 series and UltraScale+ as Yosys names them, by what they take of the device. */
const costs: readonly (readonly [RegExp, Partial<Resources>])[] = [
  [/^(LUT[1-6]|LUT6_2|INV|SRL16E?|SRLC16E?|SRLC32E)$/, { lut: 1 }],
  // LUTs as memory: 64 × 1 bits, or 32 × 2, of one LUT; a second read port doubles them.
  [/^RAM(16|32|64)X1S(_1)?$/, { lut: 1 }],
  [/^RAM(16|32|64)X1D(_1)?$/, { lut: 2 }],
  [/^RAM128X1S(_1)?$/, { lut: 2 }],
  [/^RAM(128X1D|256X1S|32M|64M)$/, { lut: 4 }],
  [/^RAM(32M16|64M8|256X1D|512X1S)$/, { lut: 8 }],
  [/^(FD[RSCP]E(_1)?|LD[CP]E)$/, { ff: 1 }],
  [/^RAMB18E[12]$/, { bram36: 0.5 }],
  [/^RAMB36E[12]$/, { bram36: 1 }],
  [/^URAM288(_BASE)?$/, { uram288: 1 }],
  [/^DSP48E[12]$/, { dsp: 1 }],
  // Parts of a slice that come with its LUTs, and clock buffers.
  [/^(CARRY[48]|MUXF[789]|MUXCY|XORCY|BUFG(CE)?|VCC|GND)$/, {}],
];

/**
 * Resources of a netlist. `ignore` names modules that are in the netlist and not to be counted.
 * @throws LutraError RTL010 for a cell that is not known, because a count that leaves something out would be wrong
 */
export function countCells(cells: Readonly<Record<string, number>>, ignore: readonly string[] = []): Resources {
  const sum = { ...none };
  for (const [cell, count] of Object.entries(cells)) {
    if (ignore.includes(cell)) continue;
    const cost = costs.find(([pattern]) => pattern.test(cell))?.[1];
    if (!cost) {
      const message = `the netlist has ${count} cells ${cell}, whose cost is not known`;
      throw new LutraError({ code: 'RTL010', message, exit: 'internal' });
    }
    for (const name of Object.keys(cost) as (keyof Resources)[]) sum[name] += count * (cost[name] as number);
  }
  return sum;
}

/** What `stat -json` of Yosys prints, as far as it is read. */
interface YosysStatistics {
  readonly modules: Readonly<Record<string, { readonly num_cells_by_type?: Readonly<Record<string, number>> }>>;
}

function malformed(what: string): LutraError {
  return new LutraError({ code: 'RTL011', message: `Yosys printed ${what}`, exit: 'tool' });
}

/** Behind the modules Yosys 0.23 prints the hierarchy of a design as plain text, which is no JSON. */
function modulesOnly(text: string): string {
  const end = /\n {3}\},\n/.exec(text);
  return end ? `${text.slice(0, end.index)}\n}}` : text;
}

/**
 * Cells of the hierarchy below `top`, by type, from the text of `stat -json`.
 * @throws LutraError RTL011 for a text that is not that
 */
export function parseStatistics(text: string, top: string): Record<string, number> {
  let modules: YosysStatistics['modules'] | undefined;
  try {
    ({ modules } = JSON.parse(modulesOnly(text)) as YosysStatistics);
  } catch {
    throw malformed('statistics that are not JSON');
  }
  const found = modules?.[`\\${top}`];
  if (!modules || !found) throw malformed(`statistics without ${top}`);
  const all = modules;
  const cells: Record<string, number> = {};
  const add = (module: string, times: number) => {
    for (const [type, count] of Object.entries(all[module]?.num_cells_by_type ?? {})) {
      // Names of modules are written with a backslash (or `$paramod`) as keys and without one as types.
      const inner = [`\\${type}`, type].find((name) => all[name]?.num_cells_by_type !== undefined);
      if (inner === undefined) cells[type] = (cells[type] ?? 0) + times * count;
      else add(inner, times * count);
    }
  };
  add(`\\${top}`, 1);
  return cells;
}

/** The slowest path of a netlist, without routing. */
export interface SlowestPath {
  readonly picoseconds: number;
  /** Name of the wire at which the path begins, and of the one at which it ends. */
  readonly from: string;
  readonly to: string;
}

/**
 * Reads what `sta` of Yosys prints; undefined for a module without a path.
 * A path is listed from its end to its beginning: time, cell and port on one line, the wire on the next.
 */
export function parsePath(text: string): SlowestPath | undefined {
  const arrival = /Latest arrival time in '.*' is (\d+):\n([\s\S]*)/.exec(text);
  if (!arrival) return undefined;
  const [listing = ''] = (arrival[2] as string).split(/\n\s*\n/);
  const lines = listing.split('\n').map((line) => line.trim());
  const wires = lines.filter((line) => line.startsWith('\\')).map((line) => line.replace(/^\\/, '').replace(/ /g, ''));
  return { picoseconds: Number(arrival[1]), from: wires.at(-1) ?? '', to: wires[0] ?? '' };
}

/** Names that may be those of modules which a file instantiates. */
function instantiated({ text }: VerilogFile): string[] {
  const code = text.replace(/\/\/.*$/gm, '');
  return [...code.matchAll(/^\s*(\w+)\s+(?:#\(|\w+\s*\()/gm)].map(([, name]) => name as string);
}

/** The files that hold `top` and all that it is made of, each behind those that it needs. */
export function compileOrder(files: readonly VerilogFile[], top: string): VerilogFile[] {
  const byModule = new Map(files.map((file) => [file.path.replace(/\.\w+$/, ''), file]));
  const ordered = new Set<VerilogFile>();
  const visit = (module: string) => {
    const file = byModule.get(module);
    if (!file) return;
    // A module that instantiates itself does not exist here; leaving it out of the map ends the search all the same.
    byModule.delete(module);
    for (const name of instantiated(file)) visit(name);
    ordered.add(file);
  };
  visit(top);
  return [...ordered];
}

/** The files that hold `top` and all that it is made of, in the order of `files`. */
export function filesBelow(
  files: readonly VerilogFile[],
  top: string,
  leaveOut: readonly string[] = [],
): VerilogFile[] {
  const byModule = new Map(files.map((file) => [file.path.replace(/\.\w+$/, ''), file]));
  const wanted = new Set<string>();
  const visit = (module: string) => {
    const file = byModule.get(module);
    if (!file || wanted.has(module)) return;
    wanted.add(module);
    if (leaveOut.includes(module)) return;
    for (const name of instantiated(file)) visit(name);
  };
  visit(top);
  return [...byModule].filter(([module]) => wanted.has(module)).map(([, file]) => file);
}

/** One row of the table. */
export interface UnitResources {
  readonly unit: string;
  readonly resources: Resources;
  readonly path: SlowestPath | undefined;
  /** LUT and FF on 7 series, whose multiply-accumulates Yosys packs into DSP slices; undefined: not asked for. */
  readonly sevenSeries: { readonly lut: number; readonly ff: number } | undefined;
}

export function totalResources(units: readonly { readonly resources: Resources }[]): Resources {
  const sum = { ...none };
  for (const { resources } of units) {
    for (const name of Object.keys(sum) as (keyof Resources)[]) sum[name] += resources[name];
  }
  return sum;
}

/** For 7 series, which has no UltraRAM: the same Verilog with block RAM in its place. */
export function withoutUltraRam(files: readonly VerilogFile[]): VerilogFile[] {
  return files.map(({ path, text }) => ({ path, text: text.replaceAll('"ultra"', '"block"') }));
}
