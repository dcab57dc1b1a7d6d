import type { TraceFacts } from '../facts.ts';
import { hasUnit, type Selection } from '../selection.ts';
import type { Track } from './packets.ts';

const root = 1;

/** Identifiers of tracks. */
export const unitTracks = {
  tokens: 2,
  bandwidth: 3,
  loadsReady: 4,
  positions: 5,
  instructions: (unit: number) => 16 + 4 * unit,
  waits: (unit: number) => 17 + 4 * unit,
  queue: (unit: number) => 18 + 4 * unit,
};

/** All tracks, parents first. */
export function tracks({ machine, model, units }: TraceFacts, selection: Selection): Track[] {
  const list: Track[] = [
    { uuid: root, name: model === 'none' ? machine : `${model} on ${machine}`, parent: 0, rank: 0 },
    { uuid: unitTracks.tokens, name: 'tokens', parent: root, rank: 0 },
  ];
  units.forEach((name, unit) => {
    if (!hasUnit(selection, unit)) return;
    const uuid = unitTracks.instructions(unit);
    list.push({ uuid, name, parent: root, rank: 1 + unit });
    list.push({ uuid: unitTracks.waits(unit), name: `${name} waits`, parent: uuid, rank: 0 });
    if (unit === 0) return;
    list.push({ uuid: unitTracks.queue(unit), name: `${name} queue`, parent: uuid, rank: 1, counterUnit: '' });
  });
  const counter = (uuid: number, name: string, counterUnit: string) =>
    list.push({ uuid, name, parent: root, rank: list.length, counterUnit });
  counter(unitTracks.bandwidth, 'memory bandwidth', 'GB/s');
  counter(unitTracks.loadsReady, 'weight loads ready for matmul', '');
  counter(unitTracks.positions, 'positions in the KV store', '');
  return list;
}
