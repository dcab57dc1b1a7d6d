import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasTool, runTool } from '../tools.ts';
import { readPerfetto } from '../trace/perfettoReader.ts';
import { readVcd } from '../trace/vcdReader.ts';
import { lutra, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const at = (...parts: string[]) => join(directory, ...parts);
const program = ['run', 'programs/attention-decode.lasm'];
const story = ['run', '--timing-only', '--prompt-tokens', '4', '--max-tokens', '4'];

describe('traces of a run', () => {
  it('all lie in the run directory where they have no names of their own, with digests', async () => {
    const out = at('run');
    const asked = ['--trace-perfetto', '--trace-jsonl', '--trace-vcd', '--trace-fst'];
    expect((await lutra(...story, '--out', out, ...asked)).code).toBe(0);
    const { files } = JSON.parse(readFileSync(join(out, 'digests.json'), 'utf8'));
    for (const name of ['trace.pftrace', 'trace.jsonl', 'trace.vcd', 'trace.fst', 'trace.fst.gtkw', 'trace.vcd.gtkw']) {
      const sum = execFileSync('sha256sum', [join(out, name)], { encoding: 'utf8' });
      expect(sum.slice(0, 64)).toBe(files[name]);
    }
    const again = at('again');
    expect((await lutra(...story, '--out', again, ...asked)).code).toBe(0);
    expect(readFileSync(join(again, 'digests.json'))).toEqual(readFileSync(join(out, 'digests.json')));
  });

  it('of the small model say what it did, tensor by tensor', async () => {
    const file = at('story.pftrace');
    const { code, stdout } = await lutra(...story, '--json', '--trace-perfetto', file);
    expect(code).toBe(0);
    const summary = JSON.parse(stdout);
    const { slices, instants, counters } = readPerfetto(readFileSync(file));
    const weights = slices.filter(({ name }) => name === 'weightBuffer.load');
    expect(new Set(weights.map(({ args }) => args['memory']))).toEqual(
      new Set(['head.weights', ...[0, 1, 2, 3, 4, 5].map((layer) => `layers.${layer}.weights`)]),
    );
    for (const { args } of weights) expect(args['instruction']).toContain('weightBuffer.load dst=r17, src=r16');
    expect(instants.map(({ args }) => args['token'])).toEqual([0, 1, 2, 3]);
    // Three passes after the prompt; the first finds the 4 positions of the prompt.
    expect(counters.get('positions in the KV store')?.map(([, value]) => value)).toEqual([0, 4, 5, 6]);
    for (const [unit, classes] of Object.entries(summary.units as Record<string, Record<string, number>>)) {
      const waited = slices.filter(({ track }) => track === `${unit} waits`);
      for (const [name, cycles] of Object.entries(classes)) {
        if (name === 'working' || name === 'idle') continue;
        const sum = waited
          .filter((slice) => slice.name === name)
          .reduce((n, { args }) => n + Number(args['cycles']), 0);
        expect(sum, `${unit} ${name}`).toBe(cycles);
      }
    }
    const listing = at('story.img');
    expect((await lutra('compile', 'models/tern-stories-5m', '-o', listing)).code).toBe(0);
    const lines = (await lutra('disasm', listing)).stdout.split('\n');
    for (const { args } of slices) expect(lines[Number(args['line']) - 1]?.trim()).toBe(args['instruction']);
  }, 60_000);

  it('hold the part that is selected, and say so where that is nothing', async () => {
    const trace = async (...options: string[]) => {
      const file = at('part.pftrace');
      const outcome = await lutra(...story, '--force', '--trace-perfetto', file, ...options);
      expect(outcome.code).toBe(0);
      return { ...outcome, ...readPerfetto(readFileSync(file)) };
    };
    const layer = await trace('--trace-layer', '3', '--trace-token', '1', '--trace-units', 'matmul, vector');
    expect(layer.slices.length).toBeGreaterThan(10);
    for (const { track, args } of layer.slices) {
      expect(track).toMatch(/^(matmul|vector)( waits)?$/);
      expect(args).toMatchObject({ layer: 3, token: 1 });
    }
    expect(layer.stderr).toBe('');
    const nothing = await trace('--trace-from', '900000000');
    expect(nothing.slices).toEqual([]);
    expect(nothing.stderr).toMatch(
      /^warning\[TRC002\] nothing that the run did is in the selected part \(cycles 900000000 to \d+\), so the traces are empty \(the run had \d+ cycles\)\n$/,
    );
    expect((await trace('--trace-layer', '77')).stderr).toContain('is in the selected part (layer 77)');
  }, 60_000);

  it.each([
    [['--trace-from', '10', '--trace-to', '10'], '--trace-from 10 --trace-to 10 is an empty range', true],
    [['--trace-to', '0'], '--trace-from 0 --trace-to 0 is an empty range', true],
    [['--trace-units', 'matmul,dmaa'], '--trace-units: "dmaa" is not a unit (there are frontEnd, dma,', true],
    [['--trace-units', ''], '--trace-units: "" is not a unit', true],
    [
      ['--trace-token', '-1'],
      "--trace-token <number>': '-1' does not fit; it takes a whole number of at least 0",
      true,
    ],
    [['--trace-layer', '3'], 'a part of the run is selected for a trace, and no trace is asked for', false],
  ])('refuses %j', async (options, message, asks) => {
    const file = at('refused.pftrace');
    const outcome = await lutra(...program, ...(asks ? ['--trace-perfetto', file] : []), ...options);
    expect(outcome.code).toBe(2);
    expect(outcome.stdout).toBe('');
    expect(outcome.stderr).toContain(message);
    expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(existsSync(file)).toBe(false);
  });

  it('do not share a file', async () => {
    const file = at('shared');
    const outcome = await lutra(...program, '--trace-perfetto', file, '--trace-jsonl', file);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toContain(`error[CLI015] two traces are to be written to ${file}`);
  });
});

/** Runs lutra where no file may be longer than so many kilobytes: the system's way to say that there is no room. */
function cramped(kilobytes: number, ...argv: string[]) {
  return spawnSync('bash', ['-c', `ulimit -f ${kilobytes}; exec "$0" bin/lutra.mjs "$@"`, process.execPath, ...argv], {
    encoding: 'utf8',
  });
}

describe('where there is no room for a trace', () => {
  it('the run goes on, and the trace ends with a whole block under a name that says so', () => {
    const workplace = at('cramped');
    mkdirSync(workplace);
    const names = { perfetto: 't.pftrace', jsonl: 't.jsonl', vcd: 't.vcd' };
    const asked = Object.entries(names).flatMap(([option, name]) => [`--trace-${option}`, join(workplace, name)]);
    const outcome = cramped(150, ...story, '--json', ...asked);
    expect(outcome.status).toBe(0);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ finished: true, newTokens: 4 });
    const warnings = outcome.stderr.trimEnd().split('\n');
    expect(warnings).toHaveLength(3);
    for (const warning of warnings) {
      expect(warning).toMatch(
        /^warning\[TRC001\] .*\/t\.incomplete\.\w+ the trace ends early, after \d+ bytes: cannot be written: /,
      );
    }
    expect(readdirSync(workplace).sort()).toEqual([
      't.incomplete.jsonl',
      't.incomplete.pftrace',
      't.incomplete.vcd',
      't.incomplete.vcd.gtkw',
    ]);
    expect(readPerfetto(readFileSync(join(workplace, 't.incomplete.pftrace'))).slices.length).toBeGreaterThan(100);
    const lines = readFileSync(join(workplace, 't.incomplete.jsonl'), 'utf8').trimEnd().split('\n');
    for (const line of lines) JSON.parse(line);
    expect(lines.length).toBeGreaterThan(100);
  });

  it('the run directory is whole but for the trace, and can be replaced', async () => {
    const out = at('cramped-run');
    const outcome = cramped(800, ...story, '--max-tokens', '16', '--out', out, '--trace-perfetto');
    expect(outcome.status).toBe(0);
    expect(outcome.stderr).toContain('trace.incomplete.pftrace the trace ends early');
    expect(readdirSync(out)).toContain('trace.incomplete.pftrace');
    expect(readdirSync(out)).not.toContain('trace.pftrace');
    expect(Object.keys(JSON.parse(readFileSync(join(out, 'digests.json'), 'utf8')).files)).toContain(
      'trace.incomplete.pftrace',
    );
    expect((await lutra(...program, '--out', out, '--force')).code).toBe(0);
  });
});

/** A file system of so many megabytes, or undefined where this user may make none. */
function smallDisk(megabytes: number): string | undefined {
  const path = at('disk');
  mkdirSync(path);
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]).status === 0 ? path : undefined;
}

describe('on a disk that gets full', () => {
  it('leaves room for all the rest of the run directory', async ({ skip }) => {
    const disk = smallDisk(4);
    if (disk === undefined) return skip('only root may mount a file system');
    try {
      const { code, stderr } = await lutra(
        ...story,
        '--max-tokens',
        '60',
        '--out',
        join(disk, 'run'),
        '--trace-perfetto',
      );
      expect({ code, warnings: stderr.match(/TRC001/g) }).toEqual({ code: 0, warnings: ['TRC001'] });
      const files = readdirSync(join(disk, 'run'));
      for (const name of ['run.json', 'summary.json', 'digests.json', 'trace.incomplete.pftrace']) {
        expect(files).toContain(name);
      }
      expect(files.filter((name) => name.startsWith('.'))).toEqual([]);
      readPerfetto(readFileSync(join(disk, 'run', 'trace.incomplete.pftrace')));
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});

describe('at Ctrl-C', () => {
  it('all traces are closed, and can be read', async () => {
    const out = at('stopped');
    const options = ['--trace-perfetto', '--trace-jsonl', '--trace-vcd', '--trace-fst', '--out', out];
    const child = spawn(process.execPath, ['bin/lutra.mjs', 'run', ...options], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let seen = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.length;
      // Once: the second ends the process at once.
      if (seen > 80 && seen - chunk.length <= 80) child.kill('SIGINT');
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
    const { cycles, newTokens } = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
    const { instants } = readPerfetto(readFileSync(join(out, 'trace.pftrace')));
    expect(instants).toHaveLength(newTokens);
    const lines = readFileSync(join(out, 'trace.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'token')).toHaveLength(newTokens);
    const waves = [readVcd(readFileSync(join(out, 'trace.vcd'), 'utf8'))];
    if (hasTool('fst2vcd')) waves.push(readVcd(runTool('fst2vcd', [join(out, 'trace.fst')], out)));
    for (const { signals, end } of waves) {
      expect(end).toBe(cycles.total * 4000);
      expect(signals.get('tokens.count')?.at(-1)?.[1]).toBe(String(newTokens));
    }
  });
});
