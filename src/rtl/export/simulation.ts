/**
 * The test bench of an export: what its templates are given, and the vectors that it runs. A vector is a program's memory
 * and what must come out of it, which someone who has a compiler and a machine hands in.
 */
import { pageBytes, wholePages } from '../../hw/pages.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { issueUnits } from '../../isa/table.ts';
import { type MappedRegister, registerMap } from '../registerMap.ts';
import { counterOffset } from '../registers.ts';
import type { VerilogFile } from '../render.ts';
import { topModule, topPorts } from '../topPorts.ts';
import { type ExportTemplates, renderExport } from './render.ts';

/** A token that must come out, and what it stands for. */
export interface GoldenToken {
  readonly token: number;
  readonly label: string;
}

/** A counter whose value does not depend on how fast memory is. */
export interface GoldenCounter {
  readonly unit: number;
  readonly counterClass: number;
  readonly cycles: number;
  readonly label: string;
}

/** A program that the bench runs. */
export interface SimulationVector {
  /** Of its files and of its target in the Makefile: `sim-NAME`. */
  readonly name: string;
  /** What it is, for README.md. */
  readonly what: string;
  /** From the machine's address 0 on; what lies behind is zero. */
  readonly memory: Uint8Array;
  /** End of the memory that the program uses. */
  readonly memoryBytes: number;
  /** What a host writes to which register before a start, in this order; where memory lies is the bench's own business. */
  readonly writes: readonly { readonly register: string; readonly value: number }[];
  readonly tokens: readonly GoldenToken[];
  readonly counters: readonly GoldenCounter[];
  /** Length of the run on the simulated machine, with the memory of the hardware model. */
  readonly cycles: number;
}

const hex = (value: number) => value.toString(16).padStart(8, '0');

/** A label as one word, which is what `$fscanf` reads, short enough for the bench: blanks become underscores. */
function oneWord(label: string): string {
  const plain = label.replace(/\s/g, '_').replace(/[^\x21-\x7e]/g, '?');
  return plain.slice(0, 60) || '-';
}

/** Cycles that the bench waits for a token: many times what the machine takes for everything. */
const patienceOf = (cycles: number) => Math.min(16 * cycles + 100_000, 2 ** 31);

/** What must come out of a vector, in the format that the bench reads. */
function vectorText(vector: SimulationVector): string {
  const { memoryBytes, writes, tokens, counters, cycles } = vector;
  return [
    `memoryBytes ${hex(wholePages(memoryBytes))}`,
    ...writes.map(({ register, value }) => `${register} ${hex(value)}`),
    `patience ${hex(patienceOf(cycles))}`,
    ...tokens.map(({ token, label }) => `token ${hex(token >>> 0)} ${oneWord(label)}`),
    ...counters.map(
      ({ unit, counterClass, cycles: value, label }) =>
        `counter ${hex(counterOffset(unit, counterClass))} ${hex(value)} ${oneWord(label)}`,
    ),
    'end\n',
  ].join('\n');
}

/** Pins of the machine's memory ports and the part of the bench's wires that each belongs to. */
function memoryPins(hw: HardwareModel) {
  const without = new Set(['lock', 'cache', 'prot', 'qos', 'user']);
  return topPorts(hw)
    .filter(({ bus }) => bus.startsWith('m_axi_gmem'))
    .map(({ name, bus, bits }) => {
      const pin = name.slice(bus.length + 1);
      const port = Number(bus.slice('m_axi_gmem'.length));
      if (without.has(pin.slice(2))) return { name, net: '' };
      return { name, net: bits === 1 ? `mem_${pin}[${port}]` : `mem_${pin}[${bits * port} +: ${bits}]` };
    });
}

/** What the templates of `sim/` are given. */
function simulationContext(hw: HardwareModel, vectors: readonly SimulationVector[]) {
  const map = registerMap(hw);
  const registers = (names: readonly string[]) =>
    names.map((name) => map.registers.find((register) => register.name === name) as MappedRegister);
  const written = vectors[0]?.writes.map(({ register }) => register) ?? [];
  const [error] = registers(['error']) as [MappedRegister];
  return {
    hw,
    map,
    top: topModule,
    classCount: Math.max(...map.counters.classes.map(({ number }) => number)) + 1,
    identity: registers(['magic', 'version', 'digestLow', 'digestHigh', 'counterBits', 'isa']),
    hostRegisters: registers(written),
    errorFields: error.fields,
    codeBits: error.fields.find(({ name }) => name === 'code')?.bits,
    memoryPins: memoryPins(hw),
    memoryBytes: wholePages(Math.max(pageBytes, ...vectors.map(({ memoryBytes }) => memoryBytes))),
    halfPeriodNs: (5e8 / hw.clockHz).toFixed(3),
    clock: { mhz: String(hw.clockHz / 1e6) },
    latency: hw.memory.latencyCycles,
    firstVector: vectors[0]?.name ?? '',
  };
}

/** The texts of `sim/`. */
export function simulationFiles(
  templates: ExportTemplates,
  hw: HardwareModel,
  vectors: readonly SimulationVector[],
): VerilogFile[] {
  const context = simulationContext(hw, vectors);
  return [
    { path: 'sim/lutra_tb.v', text: renderExport(templates, 'sim/lutra_tb.v', context) },
    { path: 'sim/axi_memory.v', text: renderExport(templates, 'sim/axi_memory.v', context) },
    ...vectors.map((vector) => ({ path: `sim/vectors/${vector.name}.txt`, text: vectorText(vector) })),
  ];
}

/** What the README shows of the first vector's run: its first tokens, and the last line. */
export function expectedOutput(vectors: readonly SimulationVector[]): string[] {
  const [first] = vectors;
  if (!first) return [];
  const { name, tokens, counters } = first;
  const line = ({ token, label }: GoldenToken, index: number) =>
    `token ${index + 1} of ${tokens.length}: ${hex(token >>> 0)} ${oneWord(label)}, cycle …`;
  const shown = tokens.slice(0, 3).map(line);
  return [
    ...shown,
    ...(tokens.length > shown.length ? ['…'] : []),
    `PASS …/${name}: ${tokens.length} tokens as they should be, ${counters.length} counters, the sums of ${issueUnits.length} units; … cycles`,
  ];
}
