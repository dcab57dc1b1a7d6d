/** The Verilog as a native program by Verilator, to see how fast it is: it is given again what a recording holds. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { LutraError } from '../base/diagnostics.ts';
import { sha256Hex } from '../base/digest.ts';
import { renderAll } from '../rtl/render.ts';
import type { VerilogBuild } from './build.ts';
import { digestSeed, type PortShape, type Recording, wordsOf } from './recording.ts';

/** A program that replays recordings. */
export interface NativeVerilog {
  /** The first line of what Verilator says of itself. */
  readonly version: string;
  /** Seconds that it took. Throws LutraError COS001 if it fails, COS005 if other outputs came than were recorded. */
  readonly replay: (recording: Recording) => number;
}

const top = 'lutra';

/**
 * Builds a native program from the Verilog of a hardware model; undefined where Verilator or a C++ compiler is missing.
 * Kept in the cache directory. Throws LutraError COS001 if a tool fails.
 */
export async function buildNative(
  build: Pick<VerilogBuild, 'hw' | 'templates' | 'cacheDirectory'>,
  { inputs, outputs }: Pick<Recording, 'inputs' | 'outputs'>,
): Promise<NativeVerilog | undefined> {
  const { error, stdout } = spawnSync('verilator', ['--version'], { encoding: 'utf8' });
  if (error || spawnSync('c++', ['--version']).error || spawnSync('make', ['--version']).error) return undefined;
  const version = stdout.trim();
  const sources = renderAll(build.hw, build.templates, { monitors: true }).filter(({ path }) => path.endsWith('.sv'));
  const files = [...sources, { path: 'replay.cpp', text: harness(inputs, outputs) }];
  const key = sha256Hex(JSON.stringify([version, options, files]));
  const folder = join(build.cacheDirectory, 'native');
  const program = join(folder, key);
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    await make(files, program);
  }
  return { version, replay: (recording) => replay(program, recording) };
}

/** Optimised as far as Verilator and the compiler go without a profile. */
const options = [
  ...['--cc', '--exe', '--build', '-O3', '--x-initial', '0', '--x-assign', 'fast', '-Wno-fatal', '-Wno-lint'],
  ...['-CFLAGS', '-O3 -march=native', '--prefix', 'Vtop', '--top-module', top, '--Mdir', 'obj', '-o', 'replay'],
  ...['-MAKEFLAGS', 'OPT_FAST=-O3 OPT_SLOW=-O1 OPT_GLOBAL=-O3'],
];

async function make(
  files: readonly { readonly path: string; readonly text: string }[],
  program: string,
): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'lutra-native-'));
  try {
    for (const { path, text } of files) writeFileSync(join(work, path), text);
    const argv = [...options, '-j', String(availableParallelism()), ...files.map(({ path }) => path)];
    const child = spawn('verilator', argv, { cwd: work, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    if (code !== 0) throw failed('verilator', stderr);
    const built = `${program}.${process.pid}.tmp`;
    const copied = spawnSync('cp', [join(work, 'obj', 'replay'), built]);
    if (copied.status !== 0) throw failed('cp', String(copied.stderr));
    renameSync(built, program);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function replay(program: string, { words, evaluations, digest }: Recording): number {
  const directory = mkdtempSync(join(tmpdir(), 'lutra-replay-'));
  try {
    const file = join(directory, 'words');
    writeFileSync(file, words);
    const { status, stdout, stderr } = spawnSync(program, [file, String(evaluations)], { encoding: 'utf8' });
    if (status !== 0) throw failed(program, stderr);
    const [seconds, found] = stdout.trim().split(' ').map(Number) as [number, number];
    if (found === digest) return seconds;
    throw new LutraError({
      code: 'COS005',
      message: `the native Verilog gave other outputs than were recorded (digest ${found}, not ${digest})`,
      exit: 'internal',
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function failed(tool: string, text: string): LutraError {
  return new LutraError({ code: 'COS001', message: `${tool} failed: ${text.trim().slice(0, 2000)}`, exit: 'tool' });
}

/** C++ that gives the inputs, evaluates, digests the outputs, and prints the seconds and the digest. */
function harness(inputs: readonly PortShape[], outputs: readonly PortShape[]): string {
  const give = ({ name, width }: PortShape) => {
    if (width <= 32) return `top->${name} = *words++;`;
    if (width <= 64) return `top->${name} = words[0] | (QData)words[1] << 32; words += 2;`;
    return `for (int i = 0; i < ${wordsOf({ name, width })}; i++) top->${name}[i] = *words++;`;
  };
  const take = ({ name, width }: PortShape) => {
    if (width <= 32) return `step(top->${name});`;
    if (width <= 64) return `step((uint32_t)top->${name}); step((uint32_t)(top->${name} >> 32));`;
    return `for (int i = 0; i < ${wordsOf({ name, width })}; i++) step(top->${name}[i]);`;
  };
  return `// Gives a recording to the model: FILE EVALUATIONS.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>
#include "Vtop.h"
#include "verilated.h"

static uint32_t digest = ${digestSeed}u;
static inline void step(uint32_t word) { digest = (digest ^ word) * 16777619u; }

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const long evaluations = atol(argv[2]);
  FILE* file = fopen(argv[1], "rb");
  if (!file) return 3;
  fseek(file, 0, SEEK_END);
  std::vector<uint32_t> all(ftell(file) / 4);
  rewind(file);
  if (fread(all.data(), 4, all.size(), file) != all.size()) return 3;
  const uint32_t* words = all.data();
  VerilatedContext context;
  Vtop* top = new Vtop(&context);
  const auto begun = std::chrono::steady_clock::now();
  for (long i = 0; i < evaluations; i++) {
${inputs.map((port) => `    ${give(port)}`).join('\n')}
    top->eval();
${outputs.map((port) => `    ${take(port)}`).join('\n')}
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  printf("%.6f %u\\n", took.count(), digest);
  return 0;
}
`;
}
