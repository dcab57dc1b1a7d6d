import { LutraError } from '../../base/diagnostics.ts';
import { issueUnits } from '../../isa/table.ts';
import type { TransferRequest, TransferStream } from '../kernel/transfer.ts';
import type { DramStatistics } from './dramBanks.ts';

export interface MemoryStatistics extends DramStatistics {
  /** Bytes asked for, by user; counted when a burst is issued. */
  readonly bytesRead: Float64Array;
  readonly bytesWritten: Float64Array;
  /** Data beats, by port; the two directions have a channel each, so a port can move two in a cycle. */
  readonly portBusyCycles: Float64Array;
  /** AXI bursts. */
  bursts: number;
}

/** External memory, as its users see it: says when, and nothing else. `Memory` defines it. */
export interface ExternalMemory {
  readonly statistics: MemoryStatistics;
  /** The next cycle in which it has something to do; Infinity: none until the next request. */
  readonly nextWake: number;
  /**
   * Asks for a transfer, in cycle `cycle`; its bursts compete `delay` cycles later. One without bytes finishes without
   * a beat, in the cycle after that. Throws LutraError MEM002 (the user has a transfer already) and MEM003 (bytes
   * outside memory).
   */
  request(request: TransferRequest, cycle: number): void;
  /**
   * Makes every decision that is due in `cycle` and returns the next cycle in which it wants to be called. Must be called
   * in those cycles; may be called in others, in ascending order, without effect. Throws LutraError MEM004 otherwise.
   */
  evaluate(cycle: number): number;
  /**
   * The same for `nextWake`, and for those after it that come before cycle `until`, in which nothing is asked of memory;
   * not beyond a cycle in which the end of a transfer has become known. May stop earlier.
   */
  advance(until: number): void;
}

/** Throws LutraError MEM002 and MEM003, see `ExternalMemory.request`; `before` is the user's request before this one. */
export function checkRequest(
  request: TransferRequest,
  before: TransferRequest | undefined,
  cycle: number,
  capacityBytes: number,
): void {
  const { user } = request;
  if (before) {
    throw new LutraError({
      code: 'MEM002',
      message: `${issueUnits[user]} asked for a transfer in cycle ${cycle} before its last one had ended`,
      hint: 'a unit has one transfer at a time',
      exit: 'internal',
    });
  }
  for (const stream of request.streams) checkBounds(user, stream, capacityBytes);
}

function checkBounds(user: number, { address, rowBytes, rows, stride }: TransferStream, capacityBytes: number): void {
  const whole =
    Number.isSafeInteger(address) &&
    Number.isSafeInteger(rowBytes) &&
    Number.isSafeInteger(rows) &&
    Number.isSafeInteger(stride);
  const lastRow = address + (rows - 1) * stride;
  const low = Math.min(address, lastRow);
  const high = Math.max(address, lastRow) + rowBytes;
  const empty = rows === 0 || rowBytes === 0;
  if (whole && rows >= 0 && rowBytes >= 0 && (empty || (low >= 0 && high <= capacityBytes))) return;
  throw new LutraError({
    code: 'MEM003',
    message: `${issueUnits[user]} asked for ${rows} rows of ${rowBytes} bytes from address ${address}, ${stride} bytes apart: not inside memory`,
    hint: `memory.capacityBytes is ${capacityBytes}`,
  });
}

/** LutraError MEM004: an evaluation in cycle `cycle` after one in `now`, or after `wake`, when it was due. */
export function skipped(cycle: number, now: number, wake: number): LutraError {
  const message =
    cycle < now
      ? `memory was evaluated in cycle ${cycle} after cycle ${now}`
      : `memory was evaluated in cycle ${cycle}, but was due in cycle ${wake}`;
  return new LutraError({ code: 'MEM004', message, hint: 'this is a bug in the simulator', exit: 'internal' });
}
