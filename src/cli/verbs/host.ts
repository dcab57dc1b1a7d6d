import { exitCodes, LutraError } from '../../base/diagnostics.ts';
import { Accelerator, type Loaded } from '../../host/index.ts';
import { type HardwareModel, hardwareDigest } from '../../hw/index.ts';
import type { ProgramImage } from '../../isa/index.ts';
import type { RunRequest } from '../../machine/run.ts';
import { controlRegisters } from '../../rtl/registers.ts';
import { selfTest } from '../../selftest/index.ts';
import { defaultModel } from '../files.ts';
import { type OpenDevice, openDevice } from '../hostDevice.ts';
import { describeRegisters, describeRun, type HostFacts, hex } from '../hostText.ts';
import { openHardware, openProgram, type Program } from '../inputs.ts';
import { type Interrupt, withInterrupt } from '../interrupt.ts';
import type { HostVerbOptions } from '../options.ts';
import { Progress, printJson, printLine, printNote, printWarning, reportError } from '../output.ts';
import { readPrompt, runRequest } from '../prompt.ts';
import { Story } from '../story.ts';

/** How often Ctrl-C is looked for, milliseconds. */
const interruptPeriod = 20;
/** The buffer of a simulated accelerator that nothing is loaded into. */
const smallBuffer = 65_536;

/** `lutra host`: drives an accelerator at its registers. Returns the exit code. */
export async function hostVerb(target: string | undefined, options: HostVerbOptions): Promise<number> {
  checkActions(options);
  const path = target ?? defaultModel;
  const hw = openHardware(options, path);
  const progress = new Progress(options.json !== true);
  if (options.status) return withDevice(hw, smallBuffer, options, (opened) => showStatus(opened, options));
  if (options.stop) return withDevice(hw, smallBuffer, options, (opened) => stopRun(opened, options));
  if (options.selfTest) return runSelfTest(hw, options, progress);
  const program = await openProgram(path, hw, options, (text) => progress.update(() => text));
  progress.clear();
  for (const warning of program.warnings) printWarning(warning);
  const prompt = readPrompt(program, options);
  const request = runRequest(program, prompt, options);
  const story = new Story({
    speaks: options.json !== true,
    values: true,
    tokenizer: program.tokenizer,
    prompt: prompt.text,
    progress,
  });
  const onToken = (token: number) => story.token(token | 0, request.stopTokens);
  return withDevice(hw, program.image.memoryBytes, options, async (opened) => {
    story.begin();
    const end = await drive(opened, { hw, image: program.image, request, options, progress, onToken });
    progress.clear();
    story.end();
    return tell(end, program, story.text, options, opened);
  });
}

/** Throws LutraError CLI013 for what excludes each other. */
function checkActions({ status, stop, selfTest: test }: HostVerbOptions): void {
  if ([status, stop, test].filter((asked) => asked === true).length < 2) return;
  throw new LutraError({
    code: 'CLI013',
    message: '--status, --stop and --self-test exclude each other',
    hint: 'give one of them',
    exit: 'usage',
  });
}

async function withDevice(
  hw: HardwareModel,
  memoryBytes: number,
  options: HostVerbOptions,
  work: (opened: OpenDevice) => Promise<number>,
): Promise<number> {
  const opened = await openDevice(hw, memoryBytes, options);
  try {
    return await work(opened);
  } finally {
    await opened.device.close();
  }
}

interface Task {
  readonly hw: HardwareModel;
  readonly image: ProgramImage;
  /** Undefined: the program reads no command block. */
  readonly request: RunRequest | undefined;
  readonly options: HostVerbOptions;
  readonly progress: Progress;
  readonly onToken: (token: number) => void;
}

/** How a run ended: its facts, and a negative answer or Ctrl-C if that was its end. */
interface End {
  readonly facts: HostFacts;
  readonly error: LutraError | undefined;
  readonly interrupted: boolean;
}

async function drive({ device }: OpenDevice, task: Task): Promise<End> {
  const { hw, image, request, options, progress, onToken } = task;
  const accelerator = await Accelerator.open(device, {
    hw,
    timeoutMilliseconds: 1000 * options.timeout,
    pollMilliseconds: options.poll,
    ...(options.watchdog === undefined ? {} : { watchdogCycles: options.watchdog }),
  });
  const startedAt = performance.now();
  const loaded = await accelerator.load(image, {
    verify: options.verify === true,
    onProgress: (done, total) => progress.update(() => `loading, ${((100 * done) / total).toFixed(0)} %`),
  });
  const loadSeconds = (performance.now() - startedAt) / 1000;
  progress.clear();
  const found: number[] = [];
  let error: LutraError | undefined;
  const interrupted = await withInterrupt(async (interrupt) => {
    const { signal, end } = signalOf(interrupt);
    try {
      for await (const { token, cycles } of accelerator.generate(request, { signal })) {
        found.push(cycles);
        onToken(token);
      }
    } catch (thrown) {
      if (!(thrown instanceof LutraError) || thrown.exit !== 'no') throw thrown;
      error = thrown;
    } finally {
      end();
    }
    return interrupt.asked;
  });
  return { facts: await factsOf(accelerator, hw, found, loaded, loadSeconds), error, interrupted };
}

/** Ctrl-C as a signal that aborts. */
function signalOf(interrupt: Interrupt): { readonly signal: AbortSignal; readonly end: () => void } {
  const abort = new AbortController();
  const timer = setInterval(() => {
    if (interrupt.asked) abort.abort();
  }, interruptPeriod);
  return { signal: abort.signal, end: () => clearInterval(timer) };
}

async function factsOf(
  accelerator: Accelerator,
  { clockHz }: HardwareModel,
  found: readonly number[],
  loaded: Loaded,
  loadSeconds: number,
): Promise<HostFacts> {
  const { name, memoryBytes, memoryBase } = accelerator.device;
  const cycles = await accelerator.cycles();
  return {
    tokens: found.length,
    cycles,
    tokensPerSecond: found.length > 0 ? (found.length * clockHz) / cycles : null,
    firstTokenCycles: found[0] ?? null,
    clockHz,
    device: { name, memoryBytes, memoryBase: hex(memoryBase, 1) },
    loaded: { ...loaded, seconds: loadSeconds },
    counters: await accelerator.counters(),
  };
}

/** Prints what came of a run, and says with which exit code it ends. */
function tell(end: End, { image }: Program, text: string, options: HostVerbOptions, { stuck }: OpenDevice): number {
  const { facts, error, interrupted } = end;
  if (options.json) {
    printJson({
      schema: 'lutra.host/1',
      model: { name: image.metadata.modelName, digest: image.metadata.modelDigest },
      hardware: { name: image.metadata.hardwareName, digest: image.metadata.hardwareDigest },
      text,
      ended: error ? 'stopped' : interrupted ? 'interrupted' : 'halted',
      error: error?.diagnostics ?? null,
      ...facts,
    });
  } else for (const line of describeRun(facts)) printLine(line);
  const why = error ? stuck() : undefined;
  if (why) printNote(`the simulated machine says: ${why.diagnostics[0]?.message}`);
  if (error) return reportError(error);
  return interrupted ? exitCodes.interrupted : exitCodes.ok;
}

async function showStatus({ device }: OpenDevice, options: HostVerbOptions): Promise<number> {
  const { registers } = await Accelerator.open(device);
  const values: Record<string, number> = {};
  // Reading some registers takes a token or clears an event: those are left alone.
  const shown = controlRegisters.filter(({ name }) => name !== 'token');
  for (const { name } of shown) values[name] = await registers.read(name);
  if (options.json) printJson({ schema: 'lutra.hostStatus/1', device: device.name, registers: values });
  else for (const line of describeRegisters(values)) printLine(line);
  return exitCodes.ok;
}

async function stopRun({ device }: OpenDevice, options: HostVerbOptions): Promise<number> {
  const accelerator = await Accelerator.open(device);
  const { running } = await accelerator.registers.fields('status');
  await accelerator.stop();
  const cycles = await accelerator.cycles();
  if (options.json) printJson({ schema: 'lutra.hostStop/1', device: device.name, wasRunning: running === 1, cycles });
  else printLine(running === 1 ? `stopped in cycle ${cycles}` : 'nothing ran');
  return exitCodes.ok;
}

/** The self-test, its tokens and counters compared with what they have to be. */
async function runSelfTest(hw: HardwareModel, options: HostVerbOptions, progress: Progress): Promise<number> {
  progress.update(() => `making the self-test of ${hw.name}`);
  const test = selfTest(hw);
  return withDevice(hw, test.image.memoryBytes, options, async (opened) => {
    const tokens: number[] = [];
    const onToken = (token: number) => void tokens.push(token);
    const { facts, error, interrupted } = await drive(opened, {
      hw,
      image: test.image,
      request: undefined,
      options,
      progress,
      onToken,
    });
    progress.clear();
    const checks = test.checks.map(({ token, unit, what }, index) => ({
      unit,
      what,
      ok: tokens[index] === token,
      found: tokens[index] ?? null,
    }));
    const counters = test.counters.map(({ unit, cycleClass, cycles }) => {
      const found = facts.counters[unit]?.[cycleClass] ?? 0;
      return { unit, cycleClass, cycles, found, ok: found === cycles };
    });
    const passed =
      !error && !interrupted && tokens.length === checks.length && [...checks, ...counters].every(({ ok }) => ok);
    if (options.json) {
      const hardware = { name: hw.name, digest: hardwareDigest(hw) };
      printJson({
        schema: 'lutra.hostSelfTest/1',
        hardware,
        passed,
        checks,
        counters,
        error: error?.diagnostics ?? null,
      });
    } else {
      for (const { unit, what, ok, found } of checks) {
        printLine(`${ok ? 'ok    ' : 'FAILED'} ${unit}: ${what}${ok ? '' : `, ${verdict(found)}`}`);
      }
      for (const { unit, cycleClass, cycles, found, ok } of counters) {
        printLine(
          `${ok ? 'ok    ' : 'FAILED'} ${unit}: counter ${cycleClass} ${ok ? cycles : `${found}, not ${cycles}`}`,
        );
      }
      printLine(passed ? 'self-test passed' : 'self-test FAILED');
    }
    if (error) return reportError(error);
    if (interrupted) return exitCodes.interrupted;
    return passed ? exitCodes.ok : exitCodes.no;
  });
}

/** What a token that is not the expected one says. */
function verdict(token: number | null): string {
  if (token === null) return 'no token';
  const wrong = token % 256;
  return token >>> 24 === 0x5a ? `${wrong === 255 ? 'at least 255' : wrong} wrong words` : `token ${hex(token, 8)}`;
}
