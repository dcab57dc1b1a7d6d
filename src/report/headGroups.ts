/** How many groups of rows a two-pass head scored, from the events of a run. */
import { mailboxDepth } from '../hw/derive.ts';
import type { TraceSink } from '../trace/events.ts';

/**
 * A sink that counts the shortlist's answers. A program asks for the best group, then for `mailboxDepth` groups ahead,
 * and for one more with every group that it scores (src/compiler/emitTwoPass.ts).
 */
export function headGroupsSink(): TraceSink & { result(): number | undefined } {
  /** Since the last token, of tokens with a shortlist that was not too short, and those tokens. */
  let asked = 0;
  let groups = 0;
  let tokens = 0;
  return {
    instruction(event) {
      if (event.name === 'sampler.next') asked += 1;
      if (event.name !== 'sampler.pick') return;
      // Drawn picks ask for none, and those that score everything only for the best.
      if (asked > mailboxDepth) {
        groups += asked - 1 - mailboxDepth;
        tokens += 1;
      }
      asked = 0;
    },
    token: () => {},
    result: () => (tokens === 0 ? undefined : groups / tokens),
  };
}
