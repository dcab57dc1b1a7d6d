/**
 * The accelerator in IP-XACT, IEEE 1685-2009 (the version that Vivado reads): interfaces, memory map, ports, files.
 */
import type { HardwareModel } from '../../hw/schema.ts';
import { type RegisterMap, registerMap } from '../registerMap.ts';
import type { RegisterAccess } from '../registers.ts';
import { controlBus, masterBus, type TopPort, topModule, topPorts } from '../topPorts.ts';
import { type ExportTemplates, renderExport } from './render.ts';

/** Vendor, library, name and version of the component. */
export const component = { vendor: 'lutra', library: 'accelerator', name: topModule, version: '1.0' } as const;

interface Parameter {
  readonly name: string;
  readonly value: string | number;
}

/** What IP-XACT says of a way to access a register. */
const accesses: Readonly<Record<RegisterAccess, Readonly<Record<string, string>>>> = {
  r: { access: 'read-only' },
  rw: { access: 'read-write' },
  rc: { access: 'read-only', readAction: 'clear' },
  rs: { access: 'read-write', modifiedWriteValue: 'oneToSet' },
  tow: { access: 'read-write', modifiedWriteValue: 'oneToToggle' },
};
const plainAccess = { modifiedWriteValue: undefined, readAction: undefined };

/** Names of counter classes by number; a number may have two. */
function classesByNumber(map: RegisterMap): [number, string[]][] {
  const names = new Map<number, string[]>();
  for (const { number, name } of map.counters.classes) names.set(number, [...(names.get(number) ?? []), name]);
  return [...names];
}

/** Registers with the counters behind them, both halves of each by name: `counter_matmul_working_low`. */
function registersOf(map: RegisterMap) {
  const { offset, bytesPerUnit, bytesPerCounter, units } = map.counters;
  const counters = units.flatMap((unit) =>
    classesByNumber(map).flatMap(([number, names]) =>
      ['low', 'high'].map((half, index) => ({
        name: `counter_${unit.name}_${names.join('_or_').replaceAll('.', '_')}_${half}`,
        doc: `Cycles of ${unit.name} in ${names.join(' or ')}, ${half === 'low' ? 'lower' : 'upper'} half.`,
        offset: offset + unit.number * bytesPerUnit + number * bytesPerCounter + 4 * index,
        access: 'read-only',
        reset: 0,
        fields: [],
      })),
    ),
  );
  const registers = map.registers.map((register) => ({
    ...register,
    access: register.access === 'r' ? 'read-only' : 'read-write',
    fields: register.fields.map((field) => ({ ...field, ...plainAccess, ...accesses[field.access] })),
  }));
  return [...registers, ...counters];
}

function masterParameters(hw: HardwareModel): Parameter[] {
  return [
    { name: 'PROTOCOL', value: 'AXI4' },
    { name: 'ADDR_WIDTH', value: 64 },
    { name: 'DATA_WIDTH', value: hw.memory.portBits },
    { name: 'MAX_BURST_LENGTH', value: hw.memory.burstBeats },
    { name: 'NUM_READ_OUTSTANDING', value: hw.memory.outstandingBursts },
    { name: 'NUM_WRITE_OUTSTANDING', value: hw.memory.outstandingBursts },
    { name: 'SUPPORTS_NARROW_BURST', value: 0 },
  ];
}

/** Files by path, in the order of compilation, relative to the description. */
export interface ComponentFile {
  readonly path: string;
  readonly type: 'systemVerilogSource' | 'verilogSource';
}

/** The component description of a hardware model. */
export function renderIpXact(templates: ExportTemplates, hw: HardwareModel, files: readonly ComponentFile[]): string {
  const map = registerMap(hw);
  const ports = topPorts(hw);
  const of = (bus: string): TopPort[] => ports.filter((port) => port.bus === bus);
  const masters = Array.from({ length: hw.memory.ports }, (_, index) => masterBus(index));
  const axi = [
    {
      name: controlBus,
      isMaster: false,
      dataBits: 32,
      ports: of(controlBus),
      parameters: [
        { name: 'PROTOCOL', value: 'AXI4LITE' },
        { name: 'ADDR_WIDTH', value: map.addressBits },
        { name: 'DATA_WIDTH', value: 32 },
      ],
    },
    ...masters.map((name) => ({
      name,
      isMaster: true,
      dataBits: hw.memory.portBits,
      ports: of(name),
      parameters: masterParameters(hw),
    })),
  ];
  const clock: Parameter[] = [
    { name: 'ASSOCIATED_BUSIF', value: [controlBus, ...masters].join(':') },
    { name: 'ASSOCIATED_RESET', value: 'ap_rst_n' },
    { name: 'FREQ_HZ', value: hw.clockHz },
  ];
  const low: Parameter[] = [{ name: 'POLARITY', value: 'ACTIVE_LOW' }];
  const level: Parameter[] = [{ name: 'SENSITIVITY', value: 'LEVEL_HIGH' }];
  const signals = [
    { name: 'ap_clk', kind: 'clock', logical: 'CLK', isMaster: false, parameters: clock },
    { name: 'ap_rst_n', kind: 'reset', logical: 'RST', isMaster: false, parameters: low },
    { name: 'interrupt', kind: 'interrupt', logical: 'INTERRUPT', isMaster: true, parameters: level },
  ];
  return renderExport(templates, 'ip/component.xml', {
    map,
    ip: {
      ...component,
      control: controlBus,
      top: topModule,
      axi,
      signals,
      registers: registersOf(map),
      ports: ports.map(({ name, direction, bits }) => ({
        name,
        direction: direction === 'input' ? 'in' : 'out',
        isVector: bits > 1,
        left: bits - 1,
      })),
      files,
      description: `lutra accelerator ${map.hardware}, digest ${map.digest.slice(0, 16)}`,
    },
  });
}
