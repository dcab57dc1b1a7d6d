/** Units and classes of cycles as people read them. */

/** Unit as a heading, and in a sentence. */
const units: Readonly<Record<string, readonly [title: string, words: string]>> = {
  frontEnd: ['front end', 'the front end'],
  dma: ['dma', 'the dma unit'],
  weightBuffer: ['weight buffer', 'the weight stream'],
  matmul: ['matmul', 'the matmul engine'],
  vector: ['vector', 'the vector unit'],
  attention: ['attention', 'the attention unit'],
  kvStore: ['KV store', 'the KV store'],
  sampler: ['sampler', 'the sampler'],
};

/** The units of a machine in the order in which reports list them: along the way of the data. */
export const unitOrder = ['frontEnd', 'dma', 'weightBuffer', 'matmul', 'vector', 'attention', 'kvStore', 'sampler'];

export const unitTitle = (unit: string) => units[unit]?.[0] ?? unit;
/** With its article: `the matmul engine`. */
export const unitWords = (unit: string) => units[unit]?.[1] ?? `the unit ${unit}`;
/** The same at the beginning of a sentence. */
export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What classes of cycles have in common, in the order in which they are stacked. */
export const classFamilies = [
  { family: 'working', title: 'working', meaning: 'moves data at its full rate' },
  { family: 'tableBuild', title: 'table build', meaning: 'the matmul engine fills the tables of a tile' },
  { family: 'pipeline', title: 'pipeline', meaning: 'a pipeline fills or drains' },
  { family: 'bandwidth', title: 'bandwidth', meaning: 'memory gives less than all ports could take' },
  { family: 'latency', title: 'latency', meaning: 'waits for the first data of a transfer, or for code' },
  { family: 'port', title: 'port', meaning: 'another unit holds a port of an on-chip buffer' },
  { family: 'queue', title: 'queue full', meaning: 'the front end waits for room in a queue' },
  { family: 'waiting', title: 'waiting', meaning: 'waits for another unit' },
  { family: 'idle', title: 'idle', meaning: 'has nothing to do' },
] as const;
export type ClassFamily = (typeof classFamilies)[number]['family'];

const families: Readonly<Record<string, ClassFamily>> = {
  working: 'working',
  tableBuild: 'tableBuild',
  pipeline: 'pipeline',
  memoryBandwidth: 'bandwidth',
  memoryLatency: 'latency',
  fetch: 'latency',
  port: 'port',
  queueFull: 'queue',
  drain: 'waiting',
  idle: 'idle',
};

export const familyOf = (cycleClass: string): ClassFamily => families[cycleClass] ?? 'waiting';

const titles: Readonly<Record<string, string>> = {
  tableBuild: 'building tables',
  pipeline: 'filling or draining its pipeline',
  memoryLatency: 'waiting for memory to answer',
  memoryBandwidth: 'memory at its limit',
  fetch: 'fetching code',
  queueFull: 'waiting for room in a queue',
  drain: 'waiting for units to finish',
  port: 'waiting for a buffer port',
  working: 'working',
  idle: 'nothing to do',
};

/** A class of cycles in a few words. */
export function classTitle(cycleClass: string): string {
  if (cycleClass.startsWith('wait.')) return `waiting for ${unitWords(cycleClass.slice('wait.'.length))}`;
  return titles[cycleClass] ?? cycleClass;
}

/** What a compiled program makes one unit wait for another for. */
const reasons: Readonly<Record<string, string>> = {
  'matmul vector': 'its inputs are not computed yet',
  'matmul weightBuffer': 'its weights are not there yet',
  'vector matmul': 'the products are not computed yet',
  'vector attention': 'the result of attention is not there yet',
  'vector dma': 'its coefficients are not there yet',
  'weightBuffer matmul': 'no slot of the buffer is free yet',
  'attention kvStore': 'keys and values are not stored yet',
  'attention vector': 'its inputs are not computed yet',
  'kvStore vector': 'keys and values are not computed yet',
  'kvStore attention': 'keys and values are still in use',
  'dma vector': 'the place to load to is still in use',
  'dma sampler': 'the token is not known yet',
  'sampler vector': 'the logits are not computed yet',
  'frontEnd sampler': 'the next step needs the token',
  'frontEnd vector': 'the next step needs its result',
};

/** Why a compiled program makes `unit` wait for `other`; undefined where there is no saying. */
export const waitReason = (unit: string, other: string): string | undefined => reasons[`${unit} ${other}`];
