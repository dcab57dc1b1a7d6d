/** The faults of a question to a published machine. */
import { LutraError } from '../base/diagnostics.ts';

/**
 * Throws PAP002 unless `value` is at most `limit`.
 * @param machine its name
 * @param what is asked for, with its option: `--context 4096`
 * @param rule what the limit is and where it comes from: `positions in its KV space`
 */
export function checkLimit(machine: string, what: string, value: number, limit: number, rule: string): void {
  if (value <= limit) return;
  throw new LutraError({
    code: 'PAP002',
    message: `${machine}: ${what} is more than the ${limit} ${rule}`,
    hint: `at most ${limit}`,
  });
}

/** PAP001: a machine that nobody published here. */
export function unknownMachine(name: string, known: readonly string[]): LutraError {
  return new LutraError({
    code: 'PAP001',
    message: `there is no published machine ${JSON.stringify(name)}`,
    hint: `one of ${known.join(', ')}`,
    exit: 'usage',
  });
}
