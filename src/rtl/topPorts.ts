/** The ports of `lutra_top`, the module that vendor tools are given. */
import type { HardwareModel } from '../hw/schema.ts';
import { controlAddressBits } from './registers.ts';

/** An AXI4 master's pins without prefix. */
export const masterPins = [
  ...['ar', 'aw'].flatMap((channel) => [
    ['output', '64', `${channel}addr`],
    ['output', '8', `${channel}len`],
    ['output', '3', `${channel}size`],
    ['output', '2', `${channel}burst`],
    ['output', '1', `${channel}lock`],
    ['output', '4', `${channel}cache`],
    ['output', '3', `${channel}prot`],
    ['output', '4', `${channel}qos`],
    ['output', '1', `${channel}user`],
    ['output', '1', `${channel}valid`],
    ['input ', '1', `${channel}ready`],
  ]),
  ['input ', 'PORT_BITS', 'rdata'],
  ['input ', '2', 'rresp'],
  ['input ', '1', 'rlast'],
  ['input ', '1', 'rvalid'],
  ['output', '1', 'rready'],
  ['output', 'PORT_BITS', 'wdata'],
  ['output', 'PORT_BITS/8', 'wstrb'],
  ['output', '1', 'wlast'],
  ['output', '1', 'wvalid'],
  ['input ', '1', 'wready'],
  ['input ', '2', 'bresp'],
  ['input ', '1', 'bvalid'],
  ['output', '1', 'bready'],
] as const;

/** The AXI4-Lite slave's pins without prefix. */
export const controlPins = [
  ['input ', String(controlAddressBits), 'awaddr'],
  ['input ', '1', 'awvalid'],
  ['output', '1', 'awready'],
  ['input ', '32', 'wdata'],
  ['input ', '4', 'wstrb'],
  ['input ', '1', 'wvalid'],
  ['output', '1', 'wready'],
  ['output', '2', 'bresp'],
  ['output', '1', 'bvalid'],
  ['input ', '1', 'bready'],
  ['input ', String(controlAddressBits), 'araddr'],
  ['input ', '1', 'arvalid'],
  ['output', '1', 'arready'],
  ['output', '32', 'rdata'],
  ['output', '2', 'rresp'],
  ['output', '1', 'rvalid'],
  ['input ', '1', 'rready'],
] as const;

/** The module that vendor tools are given. */
export const topModule = 'lutra_top';

export interface TopPort {
  readonly name: string;
  readonly direction: 'input' | 'output';
  readonly bits: number;
  /** The bus interface it belongs to; clock, reset and interrupt belong to one of their own name. */
  readonly bus: string;
  /** Its name in that interface. */
  readonly logical: string;
}

export const controlBus = 's_axi_control';
export const masterBus = (port: number) => `m_axi_gmem${port}`;

/** Every port of `lutra_top`, in the order of its declaration. */
export function topPorts(hw: HardwareModel): TopPort[] {
  const widths: Readonly<Record<string, number>> = {
    PORT_BITS: hw.memory.portBits,
    'PORT_BITS/8': hw.memory.portBits / 8,
  };
  const port =
    (bus: string) =>
    ([direction, width, name]: readonly [string, string, string]): TopPort => ({
      name: `${bus}_${name}`,
      direction: direction.trim() as TopPort['direction'],
      bits: widths[width] ?? Number(width),
      bus,
      logical: name.toUpperCase(),
    });
  const single = (name: string, direction: TopPort['direction'], logical: string): TopPort => ({
    name,
    direction,
    bits: 1,
    bus: name,
    logical,
  });
  return [
    single('ap_clk', 'input', 'CLK'),
    single('ap_rst_n', 'input', 'RST'),
    ...controlPins.map(port(controlBus)),
    ...Array.from({ length: hw.memory.ports }, (_, index) =>
      masterPins.map((pin) => port(masterBus(index))(pin as readonly [string, string, string])),
    ).flat(),
    single('interrupt', 'output', 'INTERRUPT'),
  ];
}
