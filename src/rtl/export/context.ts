/** What the templates of an export are given: numbers and names, worked out once from the hardware model and the board. */
import { type Derived, estimateResources } from '../../hw/index.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { registerMap } from '../registerMap.ts';
import { controlRegister, kernelArgumentOffset } from '../registers.ts';
import { controlBus, masterBus, type TopPort, topModule, topPorts } from '../topPorts.ts';
import { type Board, type ExportTarget, type MemoryPort, needs } from './boards.ts';
import { grouped } from './fit.ts';
import { linuxNames } from './hostFiles.ts';
import { type ComponentFile, component } from './ipXact.ts';

/** The module that Platform Designer is given. */
export const intelTop = 'lutra_intel';

/** Most that a network on chip is asked to guarantee [MB/s], shared among the ports: DDR4-3200 of 64 bits has 25,600. */
const guaranteedBandwidth = { read: 12_000, write: 2_000 };

/** Data widths that the ports of a Zynq UltraScale+ have. */
const processorPortBits = (bits: number) => Math.min(128, Math.max(32, bits));

/** How the registers AFIFM of a Zynq UltraScale+ (AMD UG1087) say the width of a port. */
const portWidthCode = (bits: number) => Math.log2(128 / bits);

const isInput = ({ direction }: TopPort) => direction === 'input';
const range = (bits: number) => (bits > 1 ? `[${bits - 1}:0] ` : '');

/** Every bit of a port, as constraints name it: in Tcl, where brackets outside braces would be a command. */
const everyBit = ({ name, bits }: TopPort) => (bits > 1 ? `{${name}[*]}` : name);

/** Ports that Platform Designer wants and the machine has no use for. */
function intelExtras(hw: HardwareModel): TopPort[] {
  const port = (bus: string, direction: TopPort['direction'], name: string, bits: number): TopPort => ({
    name: `${bus}_${name}`,
    direction,
    bits,
    bus,
    logical: name.toUpperCase(),
  });
  return [
    port(controlBus, 'input', 'awprot', 3),
    port(controlBus, 'input', 'arprot', 3),
    ...Array.from({ length: hw.memory.ports }, (_, index) => [
      port(masterBus(index), 'output', 'arid', 1),
      port(masterBus(index), 'output', 'awid', 1),
      port(masterBus(index), 'input', 'rid', 1),
      port(masterBus(index), 'input', 'bid', 1),
    ]).flat(),
  ];
}

const intelPort = (port: TopPort) => ({
  ...port,
  range: range(port.bits).padEnd(9),
  direction: port.direction.padEnd(6),
  everyBit: everyBit(port),
  /** As Quartus writes it in its settings, which are no Tcl. */
  settingName: port.bits > 1 ? `${port.name}[*]` : port.name,
  isInput: isInput(port),
  isClock: port.name === 'ap_clk',
  role: port.logical.toLowerCase(),
  way: isInput(port) ? 'Input' : 'Output',
});

function memoryTarget(board: Board, index: number): MemoryPort | undefined {
  return board.memoryPorts?.[index];
}

/** Arguments of the Vitis kernel that are numbers: what a host writes before a start. */
const scalarArguments = [
  'codeAddress',
  'memoryLast',
  'writeFirst',
  'writeLast',
  'watchdog',
  'programDigestLow',
  'programDigestHigh',
  'programIsa',
];

/** Arguments of the Vitis kernel: the memory, what a host writes before a start, and the banks of the further ports. */
function kernelArguments(hw: HardwareModel) {
  const pointer = (id: number, port: number, offset: number) => ({
    name: `memory${port}`,
    id,
    qualifier: 1,
    port: masterBus(port),
    size: 8,
    offset,
    type: 'void*',
  });
  const scalars = scalarArguments.map((name, index) => ({
    name,
    id: index + 1,
    qualifier: 0,
    port: controlBus,
    size: 4,
    offset: controlRegister(name).offset,
    type: 'unsigned int',
  }));
  const further = Array.from({ length: hw.memory.ports - 1 }, (_, index) =>
    pointer(scalars.length + index + 1, index + 1, kernelArgumentOffset(index)),
  );
  return [pointer(0, 0, controlRegister('memoryLow').offset), ...scalars, ...further];
}

/** Estimate and device side by side. */
function fitTable(hw: HardwareModel, derived: Derived, board: Board) {
  const need = needs(board, estimateResources(hw, derived).total);
  return Object.entries(board.capacity).map(([name, capacity]) => ({
    name,
    need: grouped(need[name] as number),
    capacity: grouped(capacity),
    share: capacity === 0 ? '–' : `${Math.round((100 * (need[name] as number)) / capacity)} %`,
  }));
}

/** The context of all templates of one export. */
export function exportContext(
  hw: HardwareModel,
  derived: Derived,
  board: Board,
  targets: readonly ExportTarget[],
  files: readonly ComponentFile[],
) {
  const map = registerMap(hw);
  const all = topPorts(hw);
  const timed = all.filter(({ name }) => name !== 'ap_clk');
  const { ports: portCount, portBits } = hw.memory;
  const bandwidth = (total: number) => Math.floor(Math.min(total / portCount, (portBits / 8) * (hw.clockHz / 1e6)));
  const extras = intelExtras(hw);
  const intel = [...all.slice(0, -1), ...extras, all.at(-1) as TopPort].map(intelPort);
  const period = 1e9 / hw.clockHz;
  const ports = Array.from({ length: portCount }, (_, index) => ({
    index,
    bus: masterBus(index),
    target: memoryTarget(board, index),
    dataBits: processorPortBits(portBits),
    widthCode: portWidthCode(processorPortBits(portBits)),
    readWidthRegister: 2 * (memoryTarget(board, index)?.parameter ?? 0),
    writeWidthRegister: 2 * (memoryTarget(board, index)?.parameter ?? 0) + 1,
    readBandwidth: bandwidth(guaranteedBandwidth.read),
    writeBandwidth: bandwidth(guaranteedBandwidth.write),
    intelPorts: intel.filter(({ bus }) => bus === masterBus(index)),
  }));
  const name = board.name.toLowerCase();
  return {
    hw,
    map,
    digest: map.digest,
    digest16: map.digest.slice(0, 16),
    board: {
      ...board,
      isGeneric: board.family === 'generic',
      isIntel: board.family === 'arria10',
      imageEnding: board.family === 'versal' ? 'pdi' : 'bit',
      lastStep: board.family === 'versal' ? 'write_device_image' : 'write_bitstream',
    },
    project: `lutra_${name}`,
    coreName: `lutra:accelerator:${hw.name.replaceAll('-', '_')}:1.0.0`,
    top: topModule,
    intelTop,
    control: controlBus,
    ip: component,
    clock: {
      mhz: String(hw.clockHz / 1e6),
      periodNs: period.toFixed(3),
      quarterNs: (period / 4).toFixed(3),
    },
    ports,
    topPorts: all,
    intelPorts: intel,
    inputs: timed.filter(isInput).map((port) => ({ name: everyBit(port) })),
    outputs: timed.filter((port) => !isInput(port)).map((port) => ({ name: everyBit(port) })),
    kernelArguments: kernelArguments(hw),
    files: files.map((file) => ({ ...file })),
    has: Object.fromEntries(
      ['vivado', 'vitis', 'quartus', 'fusesoc'].map((each) => [each, targets.includes(each as ExportTarget)]),
    ),
    linux: linuxNames,
    unitAddress: (board.controlAddress ?? 0).toString(16),
    fit: fitTable(hw, derived, board),
  };
}

export type ExportContext = ReturnType<typeof exportContext>;
