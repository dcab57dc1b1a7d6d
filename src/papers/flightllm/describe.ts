/** What `lutra check` says of a token machine. */
import { table } from '../../report/format.ts';
import { type TokenMachine, timingOf } from './machine.ts';

/** Whether a file describes a token machine; anything else is left to the loader of hardware models. */
export function isTokenMachine(text: string): boolean {
  try {
    return (JSON.parse(text) as { kind?: unknown } | null)?.kind === 'token-machine';
  } catch {
    return false;
  }
}

/** Rates of all dies together. */
export function describeTokenMachine(machine: TokenMachine): string[] {
  const { name, description = '', clockHz, dies, hbm, matrix, vector, misc, bucket, maxPositions, buffers } = machine;
  const timing = timingOf(machine);
  const teras = (perCycle: number) => `${(perCycle / timing.cycles(1) / 1e9).toFixed(2)} T/s`;
  const gigabytes = (milliseconds: number) => `${(1 / milliseconds / 1e6).toFixed(1)} GB/s`;
  return [
    `${name}: ${description}`,
    '',
    ...table(
      [
        ['clock', `${clockHz / 1e6} MHz, ${dies.count} dies at ${dies.efficiency}`],
        ['matrix', `${matrix.macsPerCycle} MAC per cycle and die, ${teras(matrix.macsPerCycle)}`],
        ['vector', `${vector.macsPerCycle} MAC per cycle and die, ${teras(vector.macsPerCycle)}`],
        ['float', `${misc.lanes} lanes per die, ${teras(misc.lanes)}`],
        [
          'memory',
          `${gigabytes(timing.same(1, buffers.a.channels))} into a buffer from its own ${buffers.a.channels} of ${hbm.channels} channels, ${gigabytes(timing.cross(1))} from another’s`,
        ],
        [
          'programs',
          `one per ${bucket.decode} positions (decode) and per ${bucket.prefill} tokens (prefill), up to ${maxPositions}`,
        ],
      ],
      'left',
    ).map((line) => line.slice(2)),
  ];
}
