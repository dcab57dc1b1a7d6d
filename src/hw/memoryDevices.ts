/**
 * DRAM devices by name (`memory.device`): organisation and JEDEC timing per speed grade, one data file each in
 * `hw-models/memory`. A hardware model that names one need not repeat its figures; those that it gives win.
 */

import ddr4x16r2133 from '../../hw-models/memory/ddr4-2133-x16.json' with { type: 'json' };
import ddr4x8r2400 from '../../hw-models/memory/ddr4-2400-x8.json' with { type: 'json' };
import ddr4x16r2400 from '../../hw-models/memory/ddr4-2400-x16.json' with { type: 'json' };
import ddr4x16r2666 from '../../hw-models/memory/ddr4-2666-x16.json' with { type: 'json' };
import hbm2r1800 from '../../hw-models/memory/hbm2-1800.json' with { type: 'json' };
import hbm2r2000 from '../../hw-models/memory/hbm2-2000.json' with { type: 'json' };

export const memoryDevices = {
  'ddr4-2133-x16': ddr4x16r2133,
  'ddr4-2400-x16': ddr4x16r2400,
  'ddr4-2400-x8': ddr4x8r2400,
  'ddr4-2666-x16': ddr4x16r2666,
  'hbm2-1800': hbm2r1800,
  'hbm2-2000': hbm2r2000,
} as const;

export const memoryDeviceNames = Object.keys(memoryDevices) as [keyof typeof memoryDevices];

type Members = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;

/** What a device says about `memory`, for a channel of `busBits`; `rowBytes` only if that is a number. */
function deviceFields(name: string, busBits: unknown): Members {
  const device = Object.hasOwn(memoryDevices, name) ? memoryDevices[name as keyof typeof memoryDevices] : undefined;
  if (device === undefined) return {};
  const { chipBits, pageBytes, ...fields } = device.memory;
  return isCount(busBits) ? { ...fields, rowBytes: (pageBytes * busBits) / chipBits } : fields;
}

/** Names of the fields of `memory` that a device gives. */
export const deviceFieldNames: readonly string[] = [
  'megatransfersPerSecond',
  'banks',
  'bankGroups',
  'rowBytes',
  'transfersPerBurst',
  'timing',
];

/**
 * A hardware model as it was written → the same with `memory` in full: first what it says itself, then its device, then
 * what follows from the rest (a model without bank groups of its own has up to four; a long time is the short one). What
 * is not an object, and what is still missing, is left for the schema to refuse.
 */
export function resolveMemory(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.memory)) return value;
  const written = value.memory;
  const device = typeof written.device === 'string' ? deviceFields(written.device, written.busBits) : {};
  const memory: Members = { ...device, ...written };
  const timing =
    written.timing === undefined || isObject(written.timing) ? timingOf(device.timing, written.timing) : undefined;
  const { tCl, tCwl, tRcd, tRp } = timing ?? {};
  const change = [tCl, tCwl, tRcd, tRp].every((time) => typeof time === 'number')
    ? Math.max(tCl as number, tCwl as number) + (tRcd as number) + (tRp as number)
    : undefined;
  const banks = isCount(memory.banks) ? Math.min(4, memory.banks) : undefined;
  return {
    ...value,
    memory: {
      ...optional('bankGroups', banks),
      ...optional('lookaheadNanoseconds', change),
      arbitrationBytes: 4096,
      reorderLimit: 16,
      ...memory,
      ...optional('timing', timing),
    },
  };
}

const optional = (name: string, value: unknown): Members => (value === undefined ? {} : { [name]: value });

function timingOf(device: unknown, written: unknown): Members | undefined {
  if (device === undefined && written === undefined) return undefined;
  const timing = { ...(device as Members | undefined), ...(written as Members | undefined) };
  const { tCl, tRas, tRp, tRrd, tWtr } = timing;
  const sum = typeof tRas === 'number' && typeof tRp === 'number' ? tRas + tRp : undefined;
  return {
    ...optional('tCwl', tCl),
    ...optional('tRc', sum),
    tRtp: 0,
    ...optional('tWtrL', tWtr),
    ...optional('tRrdL', tRrd),
    tCcdL: 0,
    ...timing,
  };
}
