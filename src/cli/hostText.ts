/** What `lutra host` says of a device and of a run, for people. */
import type { UnitCounters } from '../host/index.ts';
import { fieldsOf } from '../host/index.ts';
import { issueUnits, stopCauses } from '../isa/index.ts';
import { bytes, grouped, percent, seconds, table } from '../report/format.ts';
import { controlRegisters } from '../rtl/registers.ts';

/** A run as the host saw it; also what `--json` prints. */
export interface HostFacts {
  readonly tokens: number;
  readonly cycles: number;
  /** As counted by the device's clock; null without a token. */
  readonly tokensPerSecond: number | null;
  /** Cycles after which the first token had been found. */
  readonly firstTokenCycles: number | null;
  readonly clockHz: number;
  readonly device: { readonly name: string; readonly memoryBytes: number; readonly memoryBase: string };
  readonly loaded: {
    readonly bytesWritten: number;
    readonly bytesCleared: number;
    readonly bytesVerified: number;
    readonly seconds: number;
  };
  readonly counters: UnitCounters;
}

export function describeRun(facts: HostFacts): string[] {
  const { tokens, cycles, tokensPerSecond, firstTokenCycles, clockHz, device, loaded } = facts;
  const { bytesWritten, bytesCleared, bytesVerified } = loaded;
  const first = firstTokenCycles === null ? '' : `, the first by cycle ${grouped(firstTokenCycles)}`;
  const rate = tokensPerSecond === null ? 'no token' : `${grouped(tokensPerSecond)} tokens/s`;
  const back = bytesVerified > 0 ? `, ${bytes(bytesVerified)} read back` : '';
  return [
    `run      ${grouped(tokens)} token${tokens === 1 ? '' : 's'} in ${grouped(cycles)} cycles${first}`,
    `speed    ${rate}, ${seconds(cycles / clockHz)} at ${grouped(clockHz / 1e6)} MHz by the device’s count`,
    `device   ${device.name}, buffer of ${bytes(device.memoryBytes)} at ${device.memoryBase}`,
    `loaded   ${bytes(bytesWritten)} written, ${bytes(bytesCleared)} cleared${back}, in ${seconds(loaded.seconds)}`,
    'counters of each unit, in parts of all cycles',
    ...describeCounters(facts.counters, cycles),
  ];
}

/** A line for each unit, with what it spent most cycles on first. */
function describeCounters(counters: UnitCounters, cycles: number): string[] {
  const rows = issueUnits.map((unit) => {
    const classes = Object.entries(counters[unit] ?? {}).sort((a, b) => b[1] - a[1]);
    return [unit, classes.map(([name, count]) => `${name} ${percent(count / cycles)}`).join(', ')];
  });
  return table(rows, 'left');
}

/** Registers with their fields; those without a value are left out. */
export function describeRegisters(values: Readonly<Record<string, number>>): string[] {
  const shown = controlRegisters.filter(({ name }) => values[name] !== undefined);
  const rows = shown.map(({ name, offset, fields = [] }) => {
    const word = values[name] as number;
    const parts = fieldsOf(name, word);
    const text = fields.map((field) => `${field.name} ${meaning(name, field.name, parts[field.name] as number)}`);
    return [hex(offset, 3), name, hex(word, 8), text.join(', ')];
  });
  return table(rows, 'left');
}

function meaning(register: string, field: string, value: number): string {
  if (register !== 'error') return String(value);
  if (field === 'code') return `${value} (${stopCauses[value]?.name ?? 'unknown'})`;
  return field === 'unit' ? `${value} (${issueUnits[value] ?? 'unknown'})` : String(value);
}

export function hex(value: number | bigint, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
