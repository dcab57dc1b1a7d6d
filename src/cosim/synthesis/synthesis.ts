import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LutraError } from '../../base/diagnostics.ts';
import { canonicalJson, sha256Hex } from '../../base/digest.ts';
import type { VerilogFile } from '../../rtl/render.ts';
import { parsePath, parseStatistics, type SlowestPath } from '../../rtl/resources.ts';
import { inWorkFolder, ResultCache, runProgram, type ToolOptions } from './toolRun.ts';

/** UltraScale+, or 7 series as the second opinion on LUTs and FFs. */
export type SynthesisFamily = 'xcup' | 'xc7';

export interface SynthesisJob {
  readonly files: readonly VerilogFile[];
  readonly top: string;
  readonly family: SynthesisFamily;
  /** Modules of which only the ports are kept. */
  readonly blackBoxes?: readonly string[];
  /** What is below `top` becomes one module, and its slowest path is found. Without: each module by itself, quicker. */
  readonly flatten: boolean;
}

export interface SynthesisResult {
  /** Cells of the netlist by type; black boxes by name of the module. */
  readonly cells: Readonly<Record<string, number>>;
  readonly path: SlowestPath | null;
}

/** First line of what the tool says of itself, for example `Yosys 0.23 (git sha1 7ce5011c24b)`. Throws LutraError COS004. */
export function yosysVersion(): string {
  const { error, stdout } = spawnSync('yosys', ['-V'], { encoding: 'utf8' });
  if (error) throw missing();
  return stdout.trim();
}

function missing(): LutraError {
  return new LutraError({
    code: 'COS004',
    message: 'yosys is not installed; it counts the cells of the Verilog',
    hint: 'apt-get install yosys; without it lutra rtl -o DIR writes the Verilog, and lutra check estimates its resources',
    exit: 'tool',
  });
}

function script({ files, top, family, blackBoxes = [], flatten }: SynthesisJob): string {
  const isBlackBox = ({ path }: VerilogFile) => blackBoxes.includes(path.replace(/\.\w+$/, ''));
  const list = (some: readonly VerilogFile[]) => some.map(({ path }) => path).join(' ');
  const shells = files.filter(isBlackBox);
  const timing = [`read_verilog -lib -specify -overwrite +/xilinx/cells_sim.v`, `tee -q -o path.txt sta`];
  return [
    // `sta` counts no wires, so the mapping shall not weigh them either.
    'scratchpad -set synth_xilinx.abc9.W 0',
    ...(shells.length > 0 ? [`read_verilog -sv -lib ${list(shells)}`] : []),
    `read_verilog -sv ${list(files.filter((file) => !isBlackBox(file)))}`,
    `hierarchy -check -top ${top}`,
    `synth_xilinx ${flatten ? '-abc9 -flatten ' : ''}-family ${family} -noiopad -noclkbuf -top ${top}`,
    'tee -q -o statistics.json stat -json',
    ...(flatten ? timing : []),
    '',
  ].join('\n');
}

/**
 * Synthesises a module with Yosys, or takes the answer from the cache, whose key is the Verilog, the script and the
 * version of the tool. Undefined if `stopped`.
 * Throws LutraError COS004 where yosys is missing, COS005 where it fails, RTL011 where its answer is not understood.
 */
export async function synthesise(job: SynthesisJob, options: ToolOptions): Promise<SynthesisResult | undefined> {
  const text = script(job);
  const key = sha256Hex(canonicalJson({ version: yosysVersion(), script: text, files: job.files }));
  const cache = new ResultCache<SynthesisResult>(options.cacheDirectory, 'yosys');
  const known = cache.read(key);
  if (known) return known;
  return inWorkFolder(job.files, async (work) => {
    if (!(await runYosys(text, work, job.top, options))) return undefined;
    const path = job.flatten ? (parsePath(readFileSync(join(work, 'path.txt'), 'utf8')) ?? null) : null;
    const cells = parseStatistics(readFileSync(join(work, 'statistics.json'), 'utf8'), job.top);
    const result = { cells, path };
    cache.write(key, result);
    return result;
  });
}

/** Runs a script; false if it was stopped. Throws LutraError COS004 where yosys is missing, COS005 where it fails. */
export async function runYosys(script: string, work: string, top: string, options: ToolOptions): Promise<boolean> {
  writeFileSync(join(work, 'script.ys'), script);
  const end = await runProgram('yosys', ['-q', '-s', 'script.ys'], work, options);
  if (end === 'missing') throw missing();
  if (end === 'ended' || end === 'stopped') return end === 'ended';
  const why = /ERROR: .*/.exec(end.messages)?.[0] ?? `ended by ${end.reason}`;
  throw new LutraError({ code: 'COS005', message: `yosys gave up on ${top}: ${why}`, exit: 'tool' });
}
