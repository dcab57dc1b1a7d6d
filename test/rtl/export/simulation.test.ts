import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ExportProject } from '../../../src/rtl/export/project.ts';
import { describeWith } from '../../describeWith.ts';
import { exportBoards, projectFor, textOf } from './projects.ts';

/** Writes a project to a folder of its own, far from the repository. */
function exported({ files, images }: ExportProject): string {
  const folder = mkdtempSync(join(tmpdir(), 'lutra-sim-'));
  const write = (path: string, contents: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), contents);
  };
  for (const { path, text } of files) write(path, text);
  for (const { path, bytes } of images) write(path, bytes);
  return folder;
}

/** `make` in an export, with nothing of this process's environment but the path; what it printed, and how it ended. */
function make(folder: string, ...words: string[]) {
  const { status, stdout, stderr } = spawnSync('make', words, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
    timeout: 400_000,
    killSignal: 'SIGKILL',
  });
  return { status, text: `${stdout}${stderr}` };
}

const small = 'sim/vectors/small';

describeWith(
  'verilator',
  'make',
  'g++',
)('the test bench of an export, by make sim', () => {
  let folder = '';
  beforeAll(() => {
    folder = exported(projectFor('generic'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (...options: string[]) => make(folder, 'sim', 'OPT=-O0', `ARGS=${options.join(' ')}`);

  /** Runs a changed copy of the vector. */
  function changed(
    change: { text?: (text: string) => string; memory?: (bytes: Buffer) => void },
    ...options: string[]
  ) {
    const text = readFileSync(join(folder, `${small}.txt`), 'utf8');
    const memory = readFileSync(join(folder, `${small}.bin`));
    change.memory?.(memory);
    writeFileSync(join(folder, 'changed.txt'), change.text?.(text) ?? text);
    writeFileSync(join(folder, 'changed.bin'), memory);
    return run('vector=../../../changed', ...options);
  }

  /** The end of what is said of a run that must fail. */
  function failure({ status, text }: { status: number | null; text: string }): string {
    expect(status, text).toBe(2);
    expect(text).not.toMatch(/^PASS/m);
    return /(^the run was stopped[\s\S]*)?^FAIL .*$/m.exec(text)?.[0] ?? text;
  }

  it.each([
    [],
    ['runs=3'],
    ['polling'],
    ['stalls=60', 'seed=7', 'runs=4'],
    ['latency=0'],
    ['latency=300', 'stalls=10'],
    ['base=8_0000_0000'],
  ])('passes with %s %s %s', (...options) => {
    const { status, text } = run(...options);
    const runs = /runs=(\d)/.exec(options.join(' '))?.[1] ?? '1';
    expect(text.match(/^token \d of 2: 000000(29|2a) \(4[12]\)/gm)?.length, text).toBe(2 * Number(runs));
    expect(text).toMatch(/^PASS .*: 2 tokens as they should be/m);
    expect(status).toBe(0);
  });

  it('takes another number of cycles where memory is slower', () => {
    const cycles = (...options: string[]) => Number(/; (\d+) cycles$/m.exec(run(...options).text)?.[1]);
    const [fast, slow] = [cycles('latency=0'), cycles('latency=100')];
    expect(fast).toBeGreaterThan(100);
    expect(slow).toBeGreaterThan(fast + 200);
  });

  it('says why it fails: golden tokens', () => {
    const text = (before: string | RegExp, after: string) =>
      failure(changed({ text: (whole) => whole.replace(before, after) }));
    expect(text('token 0000002a', 'token 0000002b')).toContain('a token is wrong');
    expect(text(/token 0000002a.*\n/, '')).toContain('more tokens came than are wanted');
    expect(text('end', 'token 0000002b more\nend')).toContain('tokens are missing');
    expect(text('end', 'counter 00000408 00000003 frontEnd\nend')).toContain('a counter is wrong');
    expect(text('token', 'tokens')).toContain('the vector is damaged');
    expect(text('end', '')).toContain('the vector is damaged');
    expect(text('memoryBytes 00003000', 'memoryBytes 00103000')).toContain('more memory than MEMORY_BYTES');
    expect(failure(run('vector=../../../none'))).toContain('there is no such vector');
  });

  it('says why it fails: memory', () => {
    // Another immediate in the first `li`, where the code begins; an opcode that does not exist would stop the machine.
    const code = Number.parseInt(
      /codeAddress (\w+)/.exec(readFileSync(join(folder, `${small}.txt`), 'utf8'))?.[1] ?? '',
      16,
    );
    const memory = (change: (bytes: Buffer) => void) => failure(changed({ memory: change }));
    const at = readFileSync(join(folder, `${small}.bin`)).indexOf(41, code);
    expect(memory((bytes) => bytes.writeUInt8(43, at))).toContain('a token is wrong');
    expect(memory((bytes) => bytes.fill(0xff, code))).toContain('illegalInstruction');
    expect(failure(run('read_error=2'))).toMatch(/code 1, .*response 2\n +readError: [\s\S]*the run was stopped/);
    expect(failure(run('write_error=1'))).toMatch(/code 2, .*response 2\n +writeError: [\s\S]*the run was stopped/);
    expect(failure(run('timeout=20'))).toContain('time-out');
    const text = (before: string | RegExp, after: string) =>
      failure(changed({ text: (whole) => whole.replace(before, after) }));
    // The machine keeps to its windows, so that nothing of this is seen on AXI.
    expect(text(/writeLast \w+/, 'writeLast 00000000')).toContain('writeWindow');
    expect(text(/memoryLast \w+/, 'memoryLast 00000000')).toContain('readWindow');
    expect(text(/programIsa \w+/, 'programIsa 00000001')).toContain('wrongProgram');
  });
});

describeWith(
  'yosys',
  'iverilog',
  'vvp',
  'make',
)('the test bench of an export, in Icarus', () => {
  /** Runs a project's bench with a piece of its Verilog changed. */
  function icarus(path: string, before: string, after: string): { status: number | null; text: string } {
    const folder = exported(projectFor('generic'));
    try {
      const file = join(folder, path);
      const text = readFileSync(file, 'utf8');
      expect(text).toContain(before);
      writeFileSync(
        file,
        text.replace(before, () => after),
      );
      return make(folder, 'sim', 'SIM=icarus', 'ARGS=stalls=20 runs=2');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  it('passes with stalls, by interrupt and by polling', () => {
    const { status, text } = icarus('rtl/control.sv', 'emit_token_i', 'emit_token_i');
    expect(text).toMatch(/^PASS .*: 2 tokens as they should be/m);
    expect(status).toBe(0);
  });

  it.each([
    ['rtl/control.sv', '.data_i (emit_token_i)', ".data_i (emit_token_i ^ 32'd4)", /FAIL .* a token is wrong/],
    ['rtl/memory_port.sv', 'beat_q == write_length;', "beat_q == write_length + 1'b1;", /axi_memory: .*WLAST|FAIL .*/],
  ])('finds a mistake in %s: %s → %s', (path, before, after, said) => {
    const { status, text } = icarus(path, before, after);
    expect(text).toMatch(said);
    expect(text).not.toMatch(/^PASS/m);
    expect(status).toBe(2);
  });
});

const simulators = ['verilator', 'icarus', 'xsim', 'questa'];

describeWith('make')('the Makefile of an export', () => {
  it.each(simulators)('has all that %s needs', (simulator) => {
    const folder = exported(projectFor('generic'));
    try {
      const { status, text } = make(folder, '--dry-run', '--warn-undefined-variables', 'sim', `SIM=${simulator}`);
      expect([status, text.includes('warning')], text).toEqual([0, false]);
      const named = [...text.matchAll(/(?:\.\.\/){3}([\w/]+\.s?v)\b/g)].map(([, path]) => path as string);
      const project = projectFor('generic');
      expect(new Set(named)).toEqual(
        new Set(project.files.map(({ path }) => path).filter((path) => /^(rtl|sim)\/.*\.s?v$/.test(path))),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('names the simulators that there are', () => {
    const folder = exported(projectFor('generic'));
    const { status, text } = make(folder, 'sim', 'SIM=modelsim');
    rmSync(folder, { recursive: true, force: true });
    expect([status, text]).toEqual([
      2,
      expect.stringContaining('SIM=modelsim: there are verilator, icarus, xsim and questa'),
    ]);
  });
});

it.each(exportBoards)('has memory enough for every vector of %s, and the same files every time', (board) => {
  const project = projectFor(board);
  const bytes = Number(/MEMORY_BYTES = (\d+)/.exec(textOf(project, 'sim/lutra_tb.v'))?.[1]);
  const memories = project.images.filter(({ path }) => path.startsWith('sim/'));
  expect(memories.map(({ path }) => path)).toEqual(['sim/vectors/small.bin']);
  for (const memory of memories) expect(memory.bytes.length).toBeLessThanOrEqual(bytes);
  expect(projectFor(board).images).toEqual(project.images);
});
