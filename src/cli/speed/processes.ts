/** What a person waits for: the command as a process of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostFacts } from '../../report/summary.ts';
import { packageRoot } from '../files.ts';
import type { SpeedReport } from './rows.ts';

const prompt = 'Once upon a time, there was a little girl named Lily.';

/** `npm start` from its start to the first word and to its end. */
export async function startRows(name: string, maxTokens: number, report: SpeedReport): Promise<void> {
  report.doing('lutra --version');
  const begun = performance.now();
  await lutra(['--version'], () => {});
  report.row('start-up, lutra --version', '·', 1, (performance.now() - begun) / 1000, 's');
  report.doing('npm start');
  let firstWord: number | undefined;
  const startedAt = performance.now();
  const host = await measured(['run', '--prompt', prompt, '--max-tokens', String(maxTokens)], (stdout) => {
    if (firstWord === undefined && /\w/.test(stdout.slice(prompt.length))) firstWord = performance.now() - startedAt;
  });
  report.row('npm start, first word after', name, 1, (firstWord ?? 0) / 1000, 's');
  report.row('npm start', name, host.threads, host.tokensPerSecond ?? 0, 'tokens/s');
  report.row('npm start, peak memory', name, host.threads, host.peakMemoryBytes / 1e6, 'MB');
}

/** Peak memory of a run of a model on all threads, and what its image has. */
export async function memoryRows(
  name: string,
  argv: readonly string[],
  imageBytes: number,
  report: SpeedReport,
): Promise<void> {
  report.doing(`peak memory of ${name}`);
  const host = await measured(['run', ...argv, '--max-tokens', '4'], () => {});
  report.row('peak memory', name, host.threads, host.peakMemoryBytes / 1e6, 'MB');
  report.row('image', name, 1, imageBytes / 1e6, 'MB');
}

/** Runs `lutra` with a run directory and gives what it says of the host. */
async function measured(argv: readonly string[], watch: (stdout: string) => void): Promise<HostFacts> {
  const directory = mkdtempSync(join(tmpdir(), 'lutra-speed-'));
  try {
    const out = join(directory, 'run');
    await lutra([...argv, '--out', out], watch);
    return JSON.parse(readFileSync(join(out, 'host.json'), 'utf8')) as HostFacts;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function lutra(argv: readonly string[], watch: (stdout: string) => void): Promise<void> {
  const command = join(packageRoot, 'bin', 'lutra.mjs');
  const child = spawn(process.execPath, [command, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    watch(stdout);
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`lutra ${argv.join(' ')} ended with ${code}: ${stderr}`);
}
