import { issueUnits } from '../isa/table.ts';

/**
 * Classes of a unit's cycles by their number in hardware (`class_o`, and the counter window of the control registers);
 * the names are those of a run's summary. 3 is `tableBuild` of the engine, `drain` of the front end, and
 * `memoryBandwidth` of the units that move data; no unit has two of them.
 */
export const counterClasses: readonly (readonly string[])[] = [
  ['idle'],
  ['working'],
  ['pipeline'],
  ['tableBuild', 'drain', 'memoryBandwidth'],
  ['memoryLatency'],
  ['port'],
  ['fetch'],
  ['queueFull'],
  ...issueUnits.map((unit) => [`wait.${unit}`]),
];

/** What a unit's cycles of a class by number are called. */
export function counterClassName(unit: string, number: number): string {
  const names = counterClasses[number] ?? [];
  if (names.length < 2) return names[0] ?? String(number);
  return { matmul: 'tableBuild', frontEnd: 'drain' }[unit] ?? 'memoryBandwidth';
}

/** Number of a class in hardware. */
export function counterClass(name: string): number {
  return counterClasses.findIndex((names) => names.includes(name));
}
