import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HardwareModel } from '../../src/hw/schema.ts';

const folder = join(import.meta.dirname, '../../hw-models');

function model(name: string): HardwareModel {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as HardwareModel;
}

const tiny = model('tiny');
const odd = model('odd');

/** Hardware models that are quick to build: the smallest, an awkward one, and one with 16-bit buffers and four ports. */
export const smallModels: readonly HardwareModel[] = [
  { ...tiny, memory: { ...tiny.memory, outstandingBursts: 2 } },
  { ...odd, memory: { ...odd.memory, kind: 'fixed' } },
  {
    ...odd,
    name: 'half',
    memory: { ...odd.memory, kind: 'fixed', ports: 3, portBits: 128, burstBeats: 64, latencyCycles: 9 },
    matmul: { ...odd.matmul, columns: 4, inputElements: 4096, accumulatorElements: 4096 },
    vector: {
      ...odd.vector,
      lanes: 4,
      format: 'float16',
      activationElements: 4096,
      activationBanks: 2,
      coefficientElements: 2048,
    },
    attention: { ...odd.attention, lanes: 16 },
    kvStore: { ...odd.kvStore, format: 'float16', bytes: 16384 },
  },
];
