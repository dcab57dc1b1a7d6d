import { LutraError } from '../../src/base/diagnostics.ts';
import type { HardwareModel } from '../../src/hw/index.ts';
import { type AttentionShape, attentionShape } from '../../src/isa/index.ts';
import type { Buffers } from '../../src/machine/kernel/buffers.ts';
import { Machine, type MachineOptions } from '../../src/machine/machine.ts';
import { type SelfTest, selfTest } from '../../src/selftest/index.ts';
import type { InstructionEvent } from '../../src/trace/events.ts';

const made = new Map<string, SelfTest>();

/** The self-test of a machine, made once. */
export function selfTestOf(hw: HardwareModel): SelfTest {
  const key = JSON.stringify(hw);
  const test = made.get(key) ?? selfTest(hw);
  made.set(key, test);
  return test;
}

/** What an instruction was that has just finished. */
export interface Finished {
  readonly event: InstructionEvent;
  readonly values: readonly number[];
  /** What the last `attention.configure` said. */
  readonly attention: AttentionShape | undefined;
}

export interface Defect {
  /** Done once, before the run. */
  readonly before?: (machine: Machine) => void;
  /** Done whenever an instruction of a unit has finished. */
  readonly after?: (finished: Finished, buffers: Buffers, machine: Machine) => void;
  readonly memory?: MachineOptions['memory'];
}

export interface Outcome {
  readonly machine: Machine;
  readonly tokens: readonly number[];
  /** Why it did not come to its end. */
  readonly stopped: string | undefined;
}

/** Runs the self-test on a machine that may have a defect. */
export function runDefective(test: SelfTest, hw: HardwareModel, defect: Defect = {}): Outcome {
  const tokens: number[] = [];
  let attention: AttentionShape | undefined;
  const { before, after, memory } = defect;
  const machine: Machine = new Machine(test.image, hw, {
    values: true,
    dense: false,
    cycleLimit: 3 * test.cycles,
    trace: {
      instruction: (event, _work, _cycles, values) => {
        if (event.name === 'attention.configure') attention = attentionShape(values as readonly number[]);
        after?.({ event, values: values as readonly number[], attention }, machine.buffers as Buffers, machine);
      },
      token: ({ token }) => {
        tokens.push(token >>> 0);
      },
    },
    ...(memory ? { memory } : {}),
  });
  before?.(machine);
  try {
    while (!machine.advance(1_000_000));
  } catch (error) {
    if (!(error instanceof LutraError)) throw error;
    return { machine, tokens, stopped: error.message };
  }
  return { machine, tokens, stopped: undefined };
}

/** The checks that did not pass: those with wrong words, or the first one that gave no token. */
export function failures({ checks }: SelfTest, { tokens }: Outcome): string[] {
  const missing = checks.slice(tokens.length, tokens.length + 1);
  const wrong = checks.filter(({ token }, index) => index < tokens.length && tokens[index] !== token);
  return [...wrong, ...missing].map(({ unit, what }) => `${unit}: ${what}`);
}
