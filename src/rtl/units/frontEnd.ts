import { mailboxDepth } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { ownInstructions } from './decoder.ts';

/** Words from which on a memory is worth a block RAM; a 64-word LUT RAM costs little. */
const blockRamWords = 128;

/** `unit` of `frontEnd.sv.hbs`. */
export function frontEndContext({ frontEnd }: HardwareModel): Record<string, unknown> {
  const { cacheLines, lineInstructions } = frontEnd;
  return {
    mailboxDepth,
    mailboxCounts: mailboxDepth + 1,
    // A tag has few bits, so it stays in LUTs for longer.
    tagStyle: cacheLines > 2 * blockRamWords ? 'block' : 'distributed',
    lineStyle: cacheLines * lineInstructions >= blockRamWords ? 'block' : 'distributed',
    instructions: ownInstructions(),
  };
}
