/** The hardware models of the repository, for tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { loadHardwareModel } from '../../src/hw/load.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';

const folder = new URL('../../hw-models/', import.meta.url);

export const modelNames = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length))
  .sort();

export function hardwareText(name: string): string {
  return readFileSync(new URL(`${name}.json`, folder), 'utf8');
}

/** A model with every field that the loader fills in written out, as text. */
export function fullText(name: string): string {
  return JSON.stringify(hardware(name), null, 2);
}

export function hardware(name: string, ...overrides: string[]): HardwareModel {
  return loadHardwareModel(hardwareText(name), `hw-models/${name}.json`, overrides);
}

/** The text of the error that `action` throws, or what it did instead. */
export function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
}
