import type { Port, Simulation } from 'verilator-wasm';

const pinNames = [
  'arvalid',
  'arready',
  'araddr',
  'arlen',
  'rvalid',
  'rready',
  'rdata',
  'rresp',
  'rlast',
  'awvalid',
  'awready',
  'awaddr',
  'awlen',
  'wvalid',
  'wready',
  'wdata',
  'wstrb',
  'wlast',
  'bvalid',
  'bresp',
] as const;
type Pin = (typeof pinNames)[number];

/** The pins of one AXI port of the Verilog. */
export type PortPins = Readonly<Record<Pin, Port>>;

export function portPins(simulation: Simulation, index: number): PortPins {
  const pin = (name: Pin): [Pin, Port] => [name, simulation.port(`m_axi_gmem${index}_${name}`)];
  return Object.fromEntries(pinNames.map(pin)) as Record<Pin, Port>;
}

/** An address of 64 bits. Doubles are exact: no physical address has 53 bits. */
export function wideAddress({ words }: Port): number {
  return (words[1] as number) * 2 ** 32 + (words[0] as number);
}
