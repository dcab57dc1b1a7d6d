/** The text of `lutra check`: what a machine can do at best, what it holds, and what it is estimated to cost. */
import { type Derived, derive, floatFormatBytes } from './derive.ts';
import { hardwareDigest } from './digest.ts';
import { estimateResources, resourceNames, unitTitle } from './resources.ts';
import type { HardwareModel } from './schema.ts';

const resourceTitles = { lut: 'LUT', ff: 'FF', bram36: 'BRAM36', uram288: 'URAM288', dsp: 'DSP' } as const;

/** Lines for a person; the numbers are those of `derive` and `estimateResources`. */
export function describeHardware(hw: HardwareModel): string[] {
  const derived = derive(hw);
  return [
    `${hw.name}: ${hw.description}`,
    '',
    ...peakRates(hw, derived),
    '',
    'on-chip buffers',
    ...bufferLines(hw, derived),
    '',
    'latencies [cycles]',
    ...latencyLines(derived),
    '',
    ...resourceLines(hw, derived),
  ];
}

function peakRates(hw: HardwareModel, d: Derived): string[] {
  const { matmul, memory, clockHz } = hw;
  const gigabytes = (bytesPerCycle: number) => `${((bytesPerCycle * clockHz) / 1e9).toFixed(2)} GB/s`;
  const limit = Math.min(d.portBytesPerCycle, d.busBytesPerCycle);
  const limitedBy = d.portBytesPerCycle <= d.busBytesPerCycle ? 'ports' : 'bus';
  const share = Math.min(1, limit / d.ternary.wordBytes);
  const tables =
    matmul.tableForm === 'select' ? 'adders' : `${matmul.tableForm} tables of ${d.ternary.tableEntries} entries`;
  return table([
    ['board', `${hw.board.name} (${hw.board.part})`],
    ['digest', hardwareDigest(hw).slice(0, 16)],
    ['clock', `${Number((clockHz / 1e6).toFixed(3))} MHz`],
    [
      'weights',
      `${d.wordDigits} per cycle (G ${matmul.group} × T ${matmul.tables} × Q ${matmul.columns}, ${tables}), ${((d.wordDigits * clockHz) / 1e9).toFixed(1)} G/s`,
    ],
    [
      'ports',
      `${memory.ports} × ${memory.portBits} bit = ${d.portBytesPerCycle} B/cycle, ${gigabytes(d.portBytesPerCycle)}`,
    ],
    [
      'bus',
      `${memory.channels} × ${memory.busBits} bit × ${memory.megatransfersPerSecond} MT/s = ${d.busBytesPerCycle.toFixed(1)} B/cycle, ${gigabytes(d.busBytesPerCycle)} (${memory.kind})`,
    ],
    [
      'limit',
      `${gigabytes(limit)} (${limitedBy}); a weight word of ${d.ternary.wordBytes} B used once keeps the engine ${percent(share)} busy`,
    ],
  ]);
}

function bufferLines(hw: HardwareModel, d: Derived): string[] {
  const { weightBuffer, matmul, vector, attention, kvStore } = hw;
  const formatBytes = floatFormatBytes(vector.format);
  const line = (name: string, capacity: string, bytes: number): [string, string, string] => [
    name,
    capacity,
    kibibytes(bytes),
  ];
  return table(
    [
      line(
        'weights',
        `${weightBuffer.words} words (${d.weightBufferUltraRams} UltraRAMs)`,
        weightBuffer.words * d.wordBytes,
      ),
      line('input', `${matmul.inputElements} × int8`, matmul.inputElements),
      line('acc', `${matmul.accumulatorElements} × int32`, 4 * matmul.accumulatorElements),
      line('act', `${vector.activationElements} × ${vector.format}`, formatBytes * vector.activationElements),
      line('coef', `${vector.coefficientElements} × float32`, 4 * vector.coefficientElements),
      line('kv', `entries of ${kvStore.format}`, kvStore.bytes),
      line('attention', `${attention.stateElements} × float32`, 4 * attention.stateElements),
    ],
    '  ',
  );
}

function latencyLines(d: Derived): string[] {
  return table(
    [
      ['table build', `${d.ternary.buildCycles} ternary, ${d.binary.buildCycles} binary`],
      ['matmul', `${d.matmulLatency}`],
      ['reduce, scalar', `${d.reduceLatency}, ${d.scalarLatency}`],
      ['quantise, dequantise', `${d.quantiseLatency}, ${d.dequantiseLatency}`],
      ['gate, rope, elementwise', `${d.gateLatency}, ${d.ropeLatency}, ${d.elementwiseLatency}`],
      ['attention score, output', `${d.scoreLatency}, ${d.outputLatency}`],
      ['drawn pick', `${d.drawCycles}`],
    ],
    '  ',
  );
}

function resourceLines(hw: HardwareModel, d: Derived): string[] {
  const { units, total } = estimateResources(hw, d);
  const available = hw.board.resources;
  const row = (name: string, value: (resource: (typeof resourceNames)[number]) => string) => [
    name,
    ...resourceNames.map(value),
  ];
  return [
    `resources: an estimate from counts and fitted costs, not a synthesis result`,
    ...table(
      [
        row('unit', (name) => resourceTitles[name]),
        ...units.map(({ unit, resources }) => row(unitTitle(unit), (name) => `${resources[name]}`)),
        row('total', (name) => `${total[name]}`),
        row(hw.board.name, (name) => `${available[name]}`),
        row('share', (name) =>
          available[name] === 0 ? (total[name] === 0 ? '-' : 'none there') : percent(total[name] / available[name]),
        ),
      ],
      '  ',
      true,
    ),
  ];
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const kibibytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`;

/** Columns side by side; `numeric` sets all but the first to the right. */
function table(rows: readonly (readonly string[])[], indent = '', numeric = false): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return numeric && column > 0 ? cell.padStart(width) : cell.padEnd(width);
    });
    return `${indent}${cells.join('  ')}`.trimEnd();
  });
}
