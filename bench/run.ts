/**
 * What a person waits for: `npx tsx bench/run.ts [runs]` starts the command as `npm start` does and prints how long it
 * takes to the first word of the story, how fast the story comes, and how much memory the process needs at most.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { table } from '../src/report/format.ts';
import type { HostFacts, Summary } from '../src/report/summary.ts';

const runs = Number(process.argv[2] ?? 3);
const prompt = 'Once upon a time, there was a little girl named Lily.';

const cases: readonly { readonly name: string; readonly argv: readonly string[] }[] = [
  { name: 'npm start', argv: [] },
  { name: '--temperature 0.8', argv: ['--temperature', '0.8'] },
  { name: '--hw hw-models/odd.json', argv: ['--hw', 'hw-models/odd.json', '--max-tokens', '32'] },
];

interface Measurement {
  readonly firstWordSeconds: number;
  readonly tokensPerSecond: number;
  readonly cyclesPerSecond: number;
  readonly peakMegabytes: number;
  readonly totalSeconds: number;
}

/** One process from its start to its end; the first word is there with the first letter after the prompt. */
async function measure(argv: readonly string[]): Promise<Measurement> {
  const directory = mkdtempSync(join(tmpdir(), 'lutra-bench-'));
  try {
    const out = join(directory, 'run');
    const startedAt = performance.now();
    const seconds = () => (performance.now() - startedAt) / 1000;
    const child = spawn(process.execPath, ['bin/lutra.mjs', 'run', '--prompt', prompt, '--out', out, ...argv], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let stdout = '';
    let firstWordSeconds = Number.NaN;
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      if (Number.isNaN(firstWordSeconds) && /\w/.test(stdout.slice(prompt.length))) firstWordSeconds = seconds();
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    if (code !== 0) throw new Error(`lutra run ended with ${code}`);
    const totalSeconds = seconds();
    const host = JSON.parse(readFileSync(join(out, 'host.json'), 'utf8')) as HostFacts;
    const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary;
    return {
      firstWordSeconds,
      tokensPerSecond: summary.newTokens / host.wallSeconds,
      cyclesPerSecond: host.cyclesPerSecond,
      peakMegabytes: host.peakMemoryBytes / 1e6,
      totalSeconds,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

const header = ['', 'first word [s]', 'tokens/s', 'Mcycles/s', 'memory [MB]', 'total [s]'];
const rows: string[][] = [];
for (const { name, argv } of cases) {
  const measurements: Measurement[] = [];
  for (let run = 0; run < runs; run++) measurements.push(await measure(argv));
  const of = (key: keyof Measurement) => median(measurements.map((measurement) => measurement[key]));
  rows.push([
    name,
    of('firstWordSeconds').toFixed(2),
    of('tokensPerSecond').toFixed(1),
    (of('cyclesPerSecond') / 1e6).toFixed(2),
    of('peakMegabytes').toFixed(0),
    of('totalSeconds').toFixed(2),
  ]);
}
console.log(
  `Median of ${runs} runs each, Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}`,
);
for (const line of table([header, ...rows], 'numbers')) console.log(line);
