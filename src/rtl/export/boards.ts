/**
 * The boards that a project can be exported for, as data: what vendor tools call them, what their devices hold, and
 * where the machine is connected. Figures are those of the data sheets named beside them.
 */
import type { Resources } from '../../hw/index.ts';
import type { HardwareModel } from '../../hw/schema.ts';

export const exportTargets = ['vivado', 'vitis', 'quartus', 'fusesoc'] as const;
export type ExportTarget = (typeof exportTargets)[number];

/** How a design is put together around the machine. */
export type BoardFamily = 'zynqMp' | 'versal' | 'alveo' | 'arria10' | 'generic';

/** A port of the processor system that takes the machine's memory traffic (AMD UG1085). */
export interface MemoryPort {
  readonly name: string;
  /** Its number in the parameters of the processor system: `PSU__USE__S_AXI_GP2`. */
  readonly parameter: number;
  readonly clock: string;
}

export interface Board {
  /** What `board.name` of a hardware model says. */
  readonly name: string;
  readonly title: string;
  readonly family: BoardFamily;
  readonly part: string;
  /** What the device holds, by the vendor's names. */
  readonly capacity: Readonly<Record<string, number>>;
  /** Memory that the machine can reach [byte]. */
  readonly memoryBytes: number;
  readonly sources: readonly string[];
  readonly targets: readonly ExportTarget[];
  /** Pattern of Vivado's name of the board. */
  readonly boardPart?: string;
  /** Name of the platform that Vitis links with, unless the person has another. */
  readonly platform?: string;
  /** Memory banks of that platform which the ports of the machine reach. */
  readonly memoryBanks?: string;
  readonly memoryPorts?: readonly MemoryPort[];
  /** Where the processor sees the control registers, and the interrupt number that its interrupt controller gives. */
  readonly controlAddress?: number;
  readonly interruptNumber?: number;
}

const highPerformancePorts: readonly MemoryPort[] = [
  { name: 'S_AXI_HP0_FPD', parameter: 2, clock: 'saxihp0_fpd_aclk' },
  { name: 'S_AXI_HP1_FPD', parameter: 3, clock: 'saxihp1_fpd_aclk' },
  { name: 'S_AXI_HP2_FPD', parameter: 4, clock: 'saxihp2_fpd_aclk' },
  { name: 'S_AXI_HP3_FPD', parameter: 5, clock: 'saxihp3_fpd_aclk' },
  { name: 'S_AXI_HPC0_FPD', parameter: 0, clock: 'saxihpc0_fpd_aclk' },
  { name: 'S_AXI_HPC1_FPD', parameter: 1, clock: 'saxihpc1_fpd_aclk' },
];

const gibibyte = 2 ** 30;

/** pl_ps_irq0[0] is shared peripheral interrupt 89 of the GIC (AMD UG1085, table 13-1: interrupt 121). */
const zynqMp = {
  family: 'zynqMp',
  memoryPorts: highPerformancePorts,
  controlAddress: 0xa000_0000,
  interruptNumber: 89,
} as const;

export const boards: readonly Board[] = [
  {
    ...zynqMp,
    name: 'KV260',
    title: 'AMD Kria KV260 Vision AI Starter Kit',
    part: 'xck26-sfvc784-2LV-c',
    capacity: { lut: 117_120, ff: 234_240, bram36: 144, uram288: 64, dsp: 1248 },
    memoryBytes: 4 * gibibyte,
    sources: ['DS987 (Kria K26)', 'UG1085 (Zynq UltraScale+)', 'PG201 (zynq_ultra_ps_e)'],
    targets: ['vivado', 'fusesoc'],
    boardPart: 'xilinx.com:kv260_som:part0:*',
  },
  {
    ...zynqMp,
    name: 'ZCU102',
    title: 'AMD Zynq UltraScale+ ZCU102',
    part: 'xczu9eg-ffvb1156-2-e',
    capacity: { lut: 274_080, ff: 548_160, bram36: 912, uram288: 0, dsp: 2520 },
    memoryBytes: 4 * gibibyte,
    sources: ['DS891 (XCZU9EG)', 'UG1182 (ZCU102)', 'UG1085 (Zynq UltraScale+)', 'PG201 (zynq_ultra_ps_e)'],
    targets: ['vivado', 'vitis', 'fusesoc'],
    boardPart: 'xilinx.com:zcu102:part0:*',
    platform: 'xilinx_zcu102_base_202320_1',
    memoryBanks: 'HP',
  },
  {
    name: 'U280',
    title: 'AMD Alveo U280 with HBM',
    family: 'alveo',
    part: 'xcu280-fsvh2892-2L-e',
    capacity: { lut: 1_303_680, ff: 2_607_360, bram36: 2016, uram288: 960, dsp: 9024 },
    memoryBytes: 8 * gibibyte,
    sources: ['DS963 (Alveo U280)', 'UG1393 (Vitis)', 'UG1120 (Alveo platforms)'],
    targets: ['vivado', 'vitis', 'fusesoc'],
    platform: 'xilinx_u280_gen3x16_xdma_1_202211_1',
    memoryBanks: 'HBM[0:31]',
  },
  {
    name: 'VCK190',
    title: 'AMD Versal AI Core VCK190',
    family: 'versal',
    part: 'xcvc1902-vsva2197-2MP-e-S',
    capacity: { lut: 899_840, ff: 1_799_680, bram36: 967, uram288: 463, dsp: 1968 },
    memoryBytes: 8 * gibibyte,
    sources: ['DS950 (XCVC1902)', 'UG1366 (VCK190)', 'PG352 (CIPS)', 'PG313 (NoC)'],
    targets: ['vivado', 'vitis', 'fusesoc'],
    boardPart: 'xilinx.com:vck190:part0:*',
    platform: 'xilinx_vck190_base_202320_1',
    memoryBanks: 'DDR',
    controlAddress: 0xa400_0000,
  },
  {
    name: 'A10SOC',
    title: 'Intel Arria 10 SoC development kit',
    family: 'arria10',
    part: '10AS066N3F40E2SG',
    capacity: { alm: 251_680, register: 1_006_720, m20k: 2131, dsp: 1687 },
    memoryBytes: 2 * gibibyte,
    sources: [
      'A10-OVERVIEW (Arria 10 SX 660)',
      'UG-20144 (Platform Designer)',
      'UG-20132 (Quartus Prime Pro scripting)',
    ],
    targets: ['quartus', 'fusesoc'],
  },
];

/** For hardware models of no board: synthesis of the machine alone. */
export function genericBoard(hw: HardwareModel): Board {
  return {
    name: 'generic',
    title: `no board: synthesis of ${hw.name} alone`,
    family: 'generic',
    part: 'xczu7ev-ffvc1156-2-e',
    capacity: hw.board.resources,
    memoryBytes: Number.POSITIVE_INFINITY,
    sources: ['the hardware model (board.resources)'],
    targets: ['vivado', 'fusesoc'],
  };
}

const boardNames = boards.map(({ name }) => name);

/** What `--board` takes. */
export const knownBoards: readonly string[] = [...boardNames, 'generic'];

/** What the parts of a device of this board cost, from an estimate in the resources of UltraScale+. */
export function needs(board: Board, { lut, ff, bram36, uram288, dsp }: Resources): Record<string, number> {
  // An UltraRAM is 4,096 × 72 bits: eight block RAMs of 512 × 72, or 2 × 8 M20K of 512 × 40.
  if (board.family === 'arria10') {
    return { alm: lut, register: ff, m20k: Math.ceil(2 * bram36 + 16 * uram288), dsp };
  }
  if (board.capacity['uram288'] === 0) return { lut, ff, bram36: bram36 + 8 * uram288, uram288: 0, dsp };
  return { lut, ff, bram36, uram288, dsp };
}
