/** Pass 6, schedule: channels become semaphores. The argument that they suffice is in `channels.ts`. */
import { LutraError } from '../base/diagnostics.ts';
import { type Instruction, instruction, type OperandValue } from '../isa/instruction.ts';
import type { IssueUnit } from '../isa/table.ts';
import type { DraftProgram } from './builder.ts';
import { type Channel, everyChannel } from './channels.ts';

export interface ScheduledProgram {
  readonly code: readonly Instruction[];
  readonly labels: ReadonlyMap<string, number>;
}

/**
 * Resolves labels and channels.
 * Throws CMP040 (an instruction's unit is not that end of its channel), CMP041 (no such label).
 */
export function schedule({ drafts, labels }: DraftProgram): ScheduledProgram {
  const code = drafts.map(({ name, operands, needs, gives }) => {
    const values: Record<string, OperandValue> = {};
    for (const [operand, value] of Object.entries(operands)) {
      values[operand] = typeof value === 'string' ? resolve(labels, value) : value;
    }
    const built = instruction(name, values, {
      wait: needs.map((channel) => everyChannel[channel].from),
      post: gives.map((channel) => everyChannel[channel].to),
    });
    const { unit } = built.spec;
    for (const channel of needs) refuseWrongEnd(name, unit, channel, everyChannel[channel].to);
    for (const channel of gives) refuseWrongEnd(name, unit, channel, everyChannel[channel].from);
    return built;
  });
  return { code, labels };
}

function refuseWrongEnd(name: string, unit: IssueUnit, channel: Channel, end: IssueUnit): void {
  if (unit === end) return;
  throw new LutraError({
    code: 'CMP040',
    message: `${name} uses channel ${channel}, whose end here is ${end}`,
    exit: 'internal',
  });
}

function resolve(labels: ReadonlyMap<string, number>, name: string): number {
  const index = labels.get(name);
  if (index !== undefined) return index;
  throw new LutraError({
    code: 'CMP041',
    message: `the program goes to ${name}, which is not there`,
    exit: 'internal',
  });
}
