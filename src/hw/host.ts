/** What the host of a machine does while the machine waits: the named terms of a hardware model, in time. */
import type { HardwareModel } from './schema.ts';

/** How often each kind of host work is done. */
export interface HostCounts {
  /** Passes over the model's weights. */
  readonly passes: number;
  /** Rows of all passes: positions of all sequences. */
  readonly rows: number;
  /** Positions that all rows attend to, together. */
  readonly positions: number;
  /** Tokens that are picked. */
  readonly tokens: number;
}

export interface HostTime {
  readonly name: string;
  readonly milliseconds: number;
}

const countOf = {
  pass: 'passes',
  row: 'rows',
  position: 'positions',
  token: 'tokens',
} as const satisfies Record<string, keyof HostCounts>;

/** The time of every term of `hw.host`, in its order; none where the machine has no host in the loop. */
export function hostTimes(hw: HardwareModel, counts: HostCounts): HostTime[] {
  return (hw.host ?? []).map(({ name, milliseconds, per }) => ({
    name,
    milliseconds: milliseconds * counts[countOf[per]],
  }));
}

/** All terms together, milliseconds. */
export function hostMilliseconds(hw: HardwareModel, counts: HostCounts): number {
  return hostTimes(hw, counts).reduce((sum, { milliseconds }) => sum + milliseconds, 0);
}

/**
 * What `steps` decode steps of one sequence count, the first of which attends to `first` positions, its own included.
 */
export function decodeCounts(first: number, steps: number): HostCounts {
  return { passes: steps, rows: steps, positions: steps * first + (steps * (steps - 1)) / 2, tokens: steps };
}
