/**
 * Places and routes a module by itself on the largest device of which everything is public: Lattice iCE40 HX8K, by Yosys
 * and nextpnr-ice40. It says nothing about the board, but of two versions of a unit it says which is faster, with wires.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LutraError } from '../../base/diagnostics.ts';
import { canonicalJson, sha256Hex } from '../../base/digest.ts';
import type { VerilogFile } from '../../rtl/render.ts';
import { parseStatistics } from '../../rtl/resources.ts';
import { runYosys, yosysVersion } from './synthesis.ts';
import { inWorkFolder, ResultCache, runProgram, type ToolOptions } from './toolRun.ts';

/** What the device holds (Lattice DS1040, table 1-1): logic cells of a LUT4 and a register, block RAMs of 4 kbit. */
export const placementDevice = { name: 'iCE40 HX8K', logicCells: 7680, blockRams: 32 } as const;

/** Placements that are not found by then are given up. */
const longestMilliseconds = 180_000;
/** nextpnr's answer depends on it. */
const seed = 1;
/** Asked for so that the tool tries; no unit of lutra is so fast on this device. */
const targetMegahertz = 200;
/** To be raised when something else is done with the same files. */
const recipe = 1;

export interface PlacementJob {
  readonly files: readonly VerilogFile[];
  /** A module whose clock is `clk_i`. */
  readonly top: string;
}

export interface Placement {
  /** As synthesised, with the registers around the module that stand for its neighbours. */
  readonly lut4: number;
  readonly registers: number;
  readonly blockRams: number;
  /** Null if it was not placed, which `why` explains. */
  readonly megahertz: number | null;
  readonly why: string | null;
}

/** First line of what nextpnr says of itself. Throws LutraError COS006 where it is missing. */
export function placementVersion(): string {
  const { error, stderr, stdout } = spawnSync('nextpnr-ice40', ['--version'], { encoding: 'utf8' });
  if (error) throw missing();
  return /Version (\S+?)\)?$/m.exec(`${stdout}${stderr}`)?.[1] ?? 'unknown version';
}

function missing(): LutraError {
  return new LutraError({
    code: 'COS006',
    message: 'nextpnr-ice40 is not installed; it places and routes units',
    hint: 'apt-get install nextpnr-ice40; without it --resources gives counts and paths without wires',
    exit: 'tool',
  });
}

interface Netlist {
  readonly modules: Readonly<
    Record<string, { readonly ports: Readonly<Record<string, { direction: string; bits: readonly unknown[] }>> }>
  >;
}

/**
 * Registers at every port of a module, so that all its paths begin and end in one, and three pins: inputs are shifted in,
 * outputs are folded into a signature that is shifted out, so that nothing is without use.
 */
export function harness(top: string, netlist: Netlist): string {
  const ports = Object.entries(netlist.modules[top]?.ports ?? {});
  const buses = (direction: string) => {
    let bits = 0;
    const connections: string[] = [];
    for (const [name, port] of ports) {
      if (port.direction !== direction || name === 'clk_i') continue;
      connections.push(`.${name}(${direction}s[${bits} +: ${port.bits.length}])`);
      bits += port.bits.length;
    }
    return { bits, connections };
  };
  const inputs = buses('input');
  const outputs = buses('output');
  return [
    'module harness(input clk, input shift_in, output shift_out);',
    `  reg  [${inputs.bits - 1}:0] inputs;`,
    `  wire [${outputs.bits - 1}:0] outputs;`,
    `  reg  [${outputs.bits - 1}:0] signature;`,
    '  always @(posedge clk) begin',
    '    inputs    <= {inputs, shift_in};',
    "    signature <= outputs ^ {signature, 1'b0};",
    '  end',
    `  assign shift_out = signature[${outputs.bits - 1}];`,
    `  ${top} dut(.clk_i(clk), ${[...inputs.connections, ...outputs.connections].join(', ')});`,
    'endmodule',
    '',
  ].join('\n');
}

/** Memories go where the tool likes: what the hardware model asks for is for devices with more kinds of them. */
const anyMemory = 'setattr -unset ram_style m:* */m:*';

/**
 * Undefined if it was stopped; from the cache if it was done before.
 * Throws LutraError COS004, COS006 where a tool is missing, COS005, COS007 where one fails.
 */
export async function place({ files, top }: PlacementJob, options: ToolOptions): Promise<Placement | undefined> {
  const versions = [yosysVersion(), placementVersion()];
  const key = sha256Hex(canonicalJson({ versions, top, files, seed, recipe }));
  const cache = new ResultCache<Placement>(options.cacheDirectory, 'nextpnr');
  const known = cache.read(key);
  if (known) return known;
  return inWorkFolder(files, async (work) => {
    const read = (more: string) => `read_verilog -sv ${files.map(({ path }) => path).join(' ')} ${more}\n`;
    const ports = `${read('')}hierarchy -check -top ${top}\nproc\nwrite_json ports.json\n`;
    if (!(await runYosys(ports, work, top, options))) return undefined;
    const netlist = JSON.parse(readFileSync(join(work, 'ports.json'), 'utf8')) as Netlist;
    writeFileSync(join(work, 'harness.v'), harness(top, netlist));
    const mapping = `hierarchy -check -top harness\nproc\n${anyMemory}\nsynth_ice40 -top harness -json netlist.json\n`;
    const statistics = 'tee -q -o statistics.json stat -json\n';
    if (!(await runYosys(`${read('harness.v')}${mapping}${statistics}`, work, top, options))) return undefined;
    const counts = countIce40(parseStatistics(readFileSync(join(work, 'statistics.json'), 'utf8'), 'harness'));
    const found = tooLarge(counts) ?? (await placeNetlist(work, top, options));
    if (!found) return undefined;
    const placement: Placement = { ...counts, ...found };
    cache.write(key, placement);
    return placement;
  });
}

type Counts = Pick<Placement, 'lut4' | 'registers' | 'blockRams'>;
type Outcome = Pick<Placement, 'megahertz' | 'why'>;

/** Cells by kind, from Yosys's counts. */
function countIce40(cells: Readonly<Record<string, number>>): Counts {
  const sum = (pattern: RegExp) =>
    Object.entries(cells).reduce((total, [name, count]) => (pattern.test(name) ? total + count : total), 0);
  return { lut4: sum(/^SB_LUT4$/), registers: sum(/^SB_DFF/), blockRams: sum(/^SB_RAM40/) };
}

function tooLarge({ lut4, registers, blockRams }: Counts): Outcome | undefined {
  const over = (what: string, need: number, has: number) => (need > has ? [`${need} ${what} of ${has}`] : []);
  const faults = [
    ...over('LUT4', lut4, placementDevice.logicCells),
    ...over('registers', registers, placementDevice.logicCells),
    ...over('block RAMs', blockRams, placementDevice.blockRams),
  ];
  return faults.length > 0 ? { megahertz: null, why: `does not fit: ${faults.join(', ')}` } : undefined;
}

async function placeNetlist(work: string, top: string, options: ToolOptions): Promise<Outcome | undefined> {
  const startedAt = performance.now();
  const late = () => performance.now() - startedAt > longestMilliseconds;
  const end = await runProgram(
    'nextpnr-ice40',
    ['--hx8k', '--package', 'ct256', '--json', 'netlist.json', '--pcf-allow-unconstrained', '--quiet']
      .concat(['--seed', String(seed), '--freq', String(targetMegahertz), '--report', 'report.json'])
      // Slow is no fault here.
      .concat(['--timing-allow-fail']),
    work,
    { ...options, stopped: () => late() || options.stopped?.() === true },
  );
  if (end === 'missing') throw missing();
  if (end === 'stopped') {
    return late() ? { megahertz: null, why: `not placed within ${longestMilliseconds / 1000} s` } : undefined;
  }
  if (end !== 'ended') {
    const why = /ERROR: (.*)/.exec(end.messages)?.[1] ?? `ended by ${end.reason}`;
    // More logic cells than there are, once registers that share none with a LUT have cells of their own.
    if (/Unable to (find|place)|no more|failed to place/i.test(why))
      return { megahertz: null, why: `does not fit: ${why}` };
    throw new LutraError({ code: 'COS007', message: `nextpnr-ice40 gave up on ${top}: ${why}`, exit: 'tool' });
  }
  const report = JSON.parse(readFileSync(join(work, 'report.json'), 'utf8')) as {
    fmax: Record<string, { achieved: number }>;
  };
  const [clock] = Object.values(report.fmax);
  return clock ? { megahertz: clock.achieved, why: null } : { megahertz: null, why: 'has no path between registers' };
}
