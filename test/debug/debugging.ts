/** What tests of the debugger share. */
import { Debugger } from '../../src/debug/debugger.ts';
import type { DebugTarget } from '../../src/debug/target.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { assemble, programImage } from '../../src/isa/index.ts';
import { commandBlock } from '../../src/machine/run.ts';
import { hardware } from '../machine/harness.ts';

const request = { prompt: [0], maxNewTokens: 1, temperature: 0, topK: 0, seed: 0, stopTokens: [] };

/** A debugger of an assembled program. */
export function debuggerOf(
  source: string,
  hw: HardwareModel = hardware('odd'),
  other: Partial<DebugTarget> = {},
): Debugger {
  const program = assemble(source, 'test.lasm', { hw });
  const image = programImage(program, hw);
  const { sourceLines } = program;
  return new Debugger({
    image,
    hw,
    commandBlock: commandBlock(request, image),
    values: true,
    sourceLines,
    historyBytes: 2 ** 28,
    ...other,
  });
}

/** Runs one command to its end. */
export function say(debug: Debugger, line: string): readonly string[] {
  const answer = debug.execute(line);
  for (;;) {
    const { done, value } = answer.next();
    if (done) return value;
  }
}
