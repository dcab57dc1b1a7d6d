import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LutraError } from '../base/diagnostics.ts';
import { canonicalJson, sha256Hex } from '../base/digest.ts';
import type { VerilogFile } from '../rtl/render.ts';
import { parsePath, parseStatistics, type SlowestPath } from '../rtl/resources.ts';

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

export interface SynthesisOptions {
  readonly cacheDirectory: string;
  /** Looked at now and then; true ends the tool, and `synthesise` gives undefined. */
  readonly stopped?: () => boolean;
  /** Called several times a second while the tool works. */
  readonly tick?: () => void;
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
export async function synthesise(job: SynthesisJob, options: SynthesisOptions): Promise<SynthesisResult | undefined> {
  const text = script(job);
  const key = sha256Hex(canonicalJson({ version: yosysVersion(), script: text, files: job.files }));
  const cache = new ResultCache(options.cacheDirectory);
  const known = cache.read(key);
  if (known) return known;
  const work = mkdtempSync(join(tmpdir(), 'lutra-yosys-'));
  const discard = () => rmSync(work, { recursive: true, force: true });
  process.on('exit', discard);
  try {
    for (const file of job.files) writeFileSync(join(work, file.path), file.text);
    writeFileSync(join(work, 'script.ys'), text);
    if (!(await runYosys(work, job.top, options))) return undefined;
    const path = job.flatten ? (parsePath(readFileSync(join(work, 'path.txt'), 'utf8')) ?? null) : null;
    const cells = parseStatistics(readFileSync(join(work, 'statistics.json'), 'utf8'), job.top);
    const result = { cells, path };
    cache.write(key, result);
    return result;
  } finally {
    process.removeListener('exit', discard);
    discard();
  }
}

const pollMilliseconds = 200;

/** False if it was stopped. */
function runYosys(work: string, top: string, { stopped, tick }: SynthesisOptions): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn('yosys', ['-q', '-s', 'script.ys'], { cwd: work, stdio: ['ignore', 'ignore', 'pipe'] });
    const kill = () => child.kill('SIGKILL');
    process.on('exit', kill);
    let messages = '';
    let ended = false;
    child.stderr.on('data', (chunk: Buffer) => {
      messages = `${messages}${chunk.toString()}`.slice(-4000);
    });
    const timer = setInterval(() => {
      tick?.();
      if (stopped?.() !== true) return;
      ended = true;
      kill();
    }, pollMilliseconds);
    const settle = () => {
      clearInterval(timer);
      process.removeListener('exit', kill);
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      settle();
      reject(error.code === 'ENOENT' ? missing() : failed(top, error.message));
    });
    child.on('close', (code, signal) => {
      settle();
      // A terminal interrupts both processes.
      if (ended || signal === 'SIGINT') resolve(false);
      else if (code === 0) resolve(true);
      else reject(failed(top, lastError(messages) ?? `ended by ${signal ?? `code ${code}`}`));
    });
  });
}

const lastError = (messages: string) => /ERROR: .*/.exec(messages)?.[0];

function failed(top: string, why: string): LutraError {
  return new LutraError({ code: 'COS005', message: `yosys gave up on ${top}: ${why}`, exit: 'tool' });
}

/** Answers by key, one file each. A file appears by a rename, so it is whole or absent. */
class ResultCache {
  private readonly directory: string;

  constructor(cacheDirectory: string) {
    this.directory = join(cacheDirectory, 'yosys');
  }

  /** Undefined if there is none, or its contents are not those that were written. */
  read(key: string): SynthesisResult | undefined {
    try {
      const { result, digest } = JSON.parse(readFileSync(this.file(key), 'utf8')) as Entry;
      return digest === sha256Hex(canonicalJson(result)) ? result : undefined;
    } catch {
      return undefined;
    }
  }

  write(key: string, result: SynthesisResult): void {
    const entry: Entry = { result, digest: sha256Hex(canonicalJson(result)) };
    const temporary = `${this.file(key)}.${process.pid}.tmp`;
    mkdirSync(this.directory, { recursive: true });
    writeFileSync(temporary, JSON.stringify(entry));
    renameSync(temporary, this.file(key));
  }

  private file(key: string): string {
    return join(this.directory, `${key}.json`);
  }
}

interface Entry {
  readonly result: SynthesisResult;
  readonly digest: string;
}
