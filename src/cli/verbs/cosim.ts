import { setImmediate as nextTurn } from 'node:timers/promises';
import { exitCodes } from '../../base/diagnostics.ts';
import {
  buildVerilog,
  type Difference,
  disturbance,
  Lockstep,
  type LockstepJob,
  type LockstepResult,
  waveformAround,
} from '../../cosim/index.ts';
import { hardwareDigest } from '../../hw/index.ts';
import { commandBlock } from '../../machine/run.ts';
import { cacheDirectory } from '../cache.ts';
import { checkOutputFile, defaultModel, readTemplates, shortName, viewName, writeFile } from '../files.ts';
import { openHardware, openProgram } from '../inputs.ts';
import { type Interrupt, withInterrupt } from '../interrupt.ts';
import type { CosimVerbOptions } from '../options.ts';
import { Progress, printJson, printLine, printNote, printWarning } from '../output.ts';
import { readPrompt, runRequest } from '../prompt.ts';
import { traceFacts } from '../traceFacts.ts';
import { cosimFaults } from './cosimFaults.ts';
import { cosimUnit } from './cosimUnit.ts';

/** Cycles before and after a difference that the waveform shows. */
const waveformMargin = 100;

/** `lutra cosim`: the program on the machine and on its Verilog side by side. Returns the exit code. */
export async function cosimVerb(target: string | undefined, options: CosimVerbOptions): Promise<number> {
  if (options.unit !== undefined || options.vectors !== undefined) {
    return cosimUnit(target, options, cacheDirectory());
  }
  if (options.waveform !== undefined) {
    checkOutputFile(options.waveform, options.force === true);
    checkOutputFile(viewName(options.waveform), options.force === true);
  }
  const path = target ?? defaultModel;
  const hw = openHardware(options, path);
  const progress = new Progress(options.json !== true);
  const program = await openProgram(path, hw, options, (text) => progress.update(() => text));
  for (const warning of program.warnings) printWarning(warning);
  const command = commandBlock(runRequest(program, readPrompt(program, options), options), program.image);
  const decoder = program.tokenizer?.stream();
  let text = '';
  const job: LockstepJob = {
    image: program.image,
    hw,
    command,
    ...(options.maxCycles === undefined ? {} : { maxCycles: options.maxCycles }),
    ...(options.disturb === undefined ? {} : { disturbance: disturbance(options.disturb) }),
    onToken: (token) => {
      text += decoder?.push(token) ?? `${token} `;
    },
  };
  progress.update(() => `building the Verilog of ${hw.name}`);
  const build = { hw, templates: readTemplates(), cacheDirectory: cacheDirectory(), engine: options.engine };
  const verilog = await buildVerilog({ ...build, waveform: false });
  if (options.faults !== undefined) {
    const asked = { count: options.faults, seed: options.disturb ?? 1, json: options.json === true };
    const run = { image: program.image, hw, command };
    return withInterrupt((interrupt) => cosimFaults(verilog, run, asked, progress, interrupt));
  }
  const startedAt = performance.now();
  const result = await withInterrupt((interrupt) =>
    drive(new Lockstep(verilog.instantiate(), job), progress, interrupt),
  );
  progress.clear();
  text += decoder?.end() ?? '';
  const seconds = (performance.now() - startedAt) / 1000;
  if (options.json) {
    printJson({
      schema: 'lutra.cosim/1',
      hardware: { name: hw.name, digest: hardwareDigest(hw) },
      engine: verilog.engine,
      equal: result.difference === undefined,
      text,
      ...result,
      difference: result.difference ?? null,
    });
  } else for (const line of describe(result, hw.name, verilog.engine, text, seconds)) printLine(line);
  if (result.difference && options.waveform !== undefined) {
    const { cycle } = result.difference;
    const traced = await buildVerilog({ ...build, waveform: true });
    const facts = traceFacts(program.image, hw, program.tokenizer);
    const { waveform, view } = waveformAround(traced.instantiate(), job, facts, cycle, waveformMargin);
    writeFile(options.waveform, [waveform], options.force === true);
    writeFile(viewName(options.waveform), [view(shortName(options.waveform))], options.force === true);
    printNote(`waveform: ${options.waveform} (gtkwave ${options.waveform} ${viewName(options.waveform)})`);
  }
  if (result.difference && options.waveform === undefined) {
    printNote('--waveform FILE writes what both sides did around it');
  }
  if (result.difference) return exitCodes.no;
  return result.halted || options.maxCycles !== undefined ? exitCodes.ok : exitCodes.interrupted;
}

async function drive(lockstep: Lockstep, progress: Progress, interrupt: Interrupt): Promise<LockstepResult> {
  const startedAt = performance.now();
  while (!lockstep.advance()) {
    progress.update(() => {
      const rate = lockstep.cycle / (performance.now() - startedAt);
      return `cycle ${lockstep.cycle} equal, ${rate.toFixed(0)} k cycles/s`;
    });
    await nextTurn();
    if (interrupt.asked) break;
  }
  return lockstep.result();
}

function describe(result: LockstepResult, name: string, engine: string, text: string, seconds: number): string[] {
  const { cycles, instructions, bursts, tokens, memoryBytes, counters, registers, difference, halted } = result;
  const said = tokens > 0 ? [`text      ${JSON.stringify(text)}`] : [];
  const compared = [
    `cycles    ${cycles} compared (${(cycles / seconds / 1000).toFixed(0)} k cycles/s, ${engine})`,
    `events    ${instructions} instructions with five stamps, ${bursts} memory bursts, ${tokens} tokens`,
  ];
  if (difference) return [...said, ...compared, `verdict   DIFFERENT on ${name}`, ...describeDifference(difference)];
  const end = halted
    ? [
        `after     ${memoryBytes} bytes of written memory, ${counters} counters, ${registers} other registers`,
        `verdict   equal on ${name}`,
      ]
    : [`verdict   equal on ${name} as far as it ran (no halt yet, memory not compared)`];
  return [...said, ...compared, ...end];
}

function describeDifference({ cycle, where, what, machine, verilog }: Difference): string[] {
  return [`first     cycle ${cycle}, ${where}: ${what}`, `  machine ${machine}`, `  verilog ${verilog}`];
}
