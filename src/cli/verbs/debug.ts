import { createInterface, type Interface } from 'node:readline';
import { exitCodes, LutraError } from '../../base/diagnostics.ts';
import { Debugger } from '../../debug/debugger.ts';
import { commandBlock } from '../../machine/run.ts';
import { Dialogue, drive } from '../dialogue.ts';
import { defaultModel, readText } from '../files.ts';
import { openHardware, openProgram } from '../inputs.ts';
import { type Interrupt, withInterrupt } from '../interrupt.ts';
import type { DebugVerbOptions } from '../options.ts';
import { isStdoutClosed, Progress, printLine, printWarning } from '../output.ts';
import { readPrompt, runRequest } from '../prompt.ts';

/** `lutra debug`: a dialogue on a terminal, else the commands of standard input or a file. Returns the exit code. */
export async function debugVerb(target: string | undefined, options: DebugVerbOptions): Promise<number> {
  const path = target ?? defaultModel;
  // A file that is not there must not cost a compilation.
  const script = options.commands === undefined ? undefined : readText(options.commands);
  const hw = openHardware(options, path);
  const progress = new Progress(true);
  const program = await openProgram(path, hw, options, (text) => progress.update(() => text));
  progress.clear();
  for (const warning of program.warnings) printWarning(warning);
  const { image, tokenizer, sourceLines } = program;
  const asked = readPrompt(program, options);
  const request = runRequest(program, asked, options);
  const values = options.timingOnly !== true;
  const debug = new Debugger({
    image,
    hw,
    // As in a run: without values stop tokens cannot be recognised.
    commandBlock: commandBlock(values ? request : { ...request, stopTokens: [] }, image),
    values,
    sourceLines,
    sourceText: sourceLines && readText(path).split(/\r?\n/),
    ...(tokenizer === undefined
      ? {}
      : {
          decode: (tokens: readonly number[]) => {
            const stream = tokenizer.stream();
            return tokens.map((token) => stream.push(token)).join('') + stream.end();
          },
        }),
    cycleLimit: options.maxCycles,
    assumedGroups: options.headGroups,
    historyBytes: options.snapshotMemory * 2 ** 20,
  });
  const { modelName } = image.metadata;
  const what = modelName === 'none' ? path : modelName;
  const given = modelName === 'none' ? '' : `, a prompt of ${asked.ids.length} tokens`;
  printLine(`${what} on ${hw.name}: ${image.code.length} instructions${given}; help lists the commands`);
  if (script === undefined && process.stdin.isTTY && process.stdout.isTTY)
    return new Dialogue(debug, process.stdin, process.stdout).run();
  return withInterrupt((interrupt) => runScript(debug, options, script, interrupt));
}

/** Commands one by one, each echoed; a wrong one is named with its line. */
async function runScript(
  debug: Debugger,
  { commands, strict }: DebugVerbOptions,
  script: string | undefined,
  interrupt: Interrupt,
): Promise<number> {
  const input =
    script === undefined ? createInterface({ input: process.stdin, terminal: false }) : script.split(/\r?\n/);
  let line = 0;
  try {
    for await (const text of input) {
      line += 1;
      if (text.trim() === '') continue;
      printLine(`> ${text.trim()}`);
      try {
        for (const answer of await drive(debug, text, () => interrupt.asked)) printLine(answer);
      } catch (error) {
        const placed = inScript(error, commands ?? 'stdin', line);
        printLine(placed.message);
        if (strict) return exitCodes.badInput;
      }
      if (interrupt.asked) return exitCodes.interrupted;
      if (debug.ended || isStdoutClosed()) break;
    }
  } finally {
    if (!Array.isArray(input)) (input as Interface).close();
  }
  return exitCodes.ok;
}

/** The same error at a line of the script. Anything else than a LutraError goes on. */
function inScript(error: unknown, file: string, line: number): LutraError {
  if (!(error instanceof LutraError) || error.exit === 'internal') throw error;
  return new LutraError(error.diagnostics.map((diagnostic) => ({ ...diagnostic, place: { file, line } })));
}
