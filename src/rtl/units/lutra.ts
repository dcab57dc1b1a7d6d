import type { Derived } from '../../hw/derive.ts';
import type { HardwareModel } from '../../hw/schema.ts';
import { type IssueUnit, issueUnits } from '../../isa/table.ts';
import { controlAddressBits } from '../registers.ts';
import { controlPins, masterPins } from '../topPorts.ts';
import { addressBits, buffersContext } from './buffers.ts';
import { matmulContext } from './matmul.ts';

interface Pin {
  readonly pin: string;
  readonly wire: string;
}

/** A wire between modules: its name, and its width as a Verilog expression (1: a single bit). */
interface Wire {
  readonly name: string;
  readonly width: string;
}

const range = (width: string) => {
  if (width === '1') return '';
  return /^\d+$/.test(width) ? `[${Number(width) - 1}:0] ` : `[${width}-1:0] `;
};

/** Names in a list of declarations stand below each other. */
const column = (text: string) => text.padEnd(20);

/** Those of a master that a monitor looks at. */
const unmonitored = /lock|cache|prot|qos|user|rdata|resp/;

type Buffer = 'act' | 'coef' | 'input' | 'acc';

const bufferUsers: Readonly<Record<'read' | 'write', Readonly<Record<Buffer, readonly IssueUnit[]>>>> = {
  read: {
    act: ['vector', 'attention', 'kvStore', 'sampler', 'dma'],
    coef: ['vector', 'dma'],
    input: ['matmul', 'dma'],
    acc: ['vector', 'dma', 'matmul'],
  },
  write: { act: ['vector', 'attention', 'dma'], coef: ['dma'], input: ['vector', 'dma'], acc: ['matmul', 'dma'] },
};
const elementBits: Readonly<Record<Buffer, number>> = { act: 32, coef: 32, input: 8, acc: 32 };
const buffers = Object.keys(elementBits) as Buffer[];

/** The engine's ports to the sums, one for each row of a step, count elements, not words, and enable all columns at once. */
const isEngine = (unit: IssueUnit, buffer: Buffer) => unit === 'matmul' && buffer === 'acc';

/** Data that are read come to all users of a buffer alike, but from act and to the engine. */
const hasOwnData = (unit: IssueUnit, buffer: Buffer) => buffer === 'act' || isEngine(unit, buffer);

/** Wires of one unit at one buffer: what follows `UNIT_BUFFER_` in the wire's name, and its width. */
function unitWires(unit: IssueUnit, buffer: Buffer, rows: number): Wire[] {
  const upper = buffer.toUpperCase();
  const times = rows > 1 ? `${rows}*` : '';
  const wide = isEngine(unit, buffer) ? `${times}COLUMNS*32` : `${upper}_LANES*${elementBits[buffer]}`;
  const address = isEngine(unit, buffer) ? `${times}SUM_ADDRESS_BITS` : `${upper}_ADDRESS_BITS`;
  const enable = isEngine(unit, buffer) ? `${rows}` : '1';
  const wires: Wire[] = [];
  if (bufferUsers.read[buffer].includes(unit)) {
    wires.push({ name: 'read_enable', width: enable }, { name: 'read_address', width: address });
    if (hasOwnData(unit, buffer)) wires.push({ name: 'read_data', width: wide });
  }
  if (bufferUsers.write[buffer].includes(unit)) {
    wires.push(
      isEngine(unit, buffer)
        ? { name: 'write_enable', width: enable }
        : { name: 'write_mask', width: `${upper}_LANES` },
      { name: 'write_address', width: address },
      { name: 'write_data', width: wide },
    );
  }
  return wires;
}

const usersOf = (buffer: Buffer) => issueUnits.filter((unit) => unitWires(unit, buffer, 1).length > 0);

/** Ports of `sharedPorts` that any instruction of the unit may hold, as a mask. */
function possiblePorts(unit: IssueUnit, hw: HardwareModel): number {
  const users: readonly (readonly IssueUnit[])[] = [
    bufferUsers.read.act,
    bufferUsers.write.act,
    ['attention', 'kvStore'],
    ['kvStore'],
    hw.weightBuffer.columnsPerBank === 2 ? ['weightBuffer', 'matmul'] : [],
    bufferUsers.read.input,
    bufferUsers.write.input,
    bufferUsers.read.acc.filter((user) => !isEngine(user, 'acc')),
    bufferUsers.write.acc,
    bufferUsers.read.coef,
    hw.vector.activationBanks === 2 ? bufferUsers.read.act : [],
    hw.vector.activationBanks === 2 ? bufferUsers.write.act : [],
  ];
  return users.reduce((mask, port, index) => (port.includes(unit) ? mask | (1 << index) : mask), 0);
}

/** The engine's addresses, each in 32 bits. */
function widened(wire: string, rows: number): string {
  if (rows === 1) return `32'(${wire})`;
  const each = Array.from({ length: rows }, (_, row) => `32'(${wire}[${row}*SUM_ADDRESS_BITS +: SUM_ADDRESS_BITS])`);
  return `{${each.reverse().join(', ')}}`;
}

function bufferPins(rows: number): Pin[] {
  return buffers.flatMap((buffer) => [
    ...(buffer === 'act' ? [] : [{ pin: `${buffer}_read_data_o`, wire: `${buffer}_read_data` }]),
    ...usersOf(buffer).flatMap((unit) =>
      unitWires(unit, buffer, rows).map(({ name }) => {
        const wire = `${unit}_${buffer}_${name}`;
        const isAddress = isEngine(unit, buffer) && name.endsWith('address');
        return { pin: `${wire}_${name === 'read_data' ? 'o' : 'i'}`, wire: isAddress ? widened(wire, rows) : wire };
      }),
    ),
  ]);
}

/** Pins of a unit's core at the buffers. */
function corePins(unit: IssueUnit): Pin[] {
  return buffers.flatMap((buffer) => {
    const reads = bufferUsers.read[buffer].includes(unit) && !hasOwnData(unit, buffer);
    const shared = reads ? [{ pin: `${buffer}_read_data_i`, wire: `${buffer}_read_data` }] : [];
    const own = unitWires(unit, buffer, 1).map(({ name }) => ({
      pin: `${buffer}_${name}_${name === 'read_data' ? 'i' : 'o'}`,
      wire: `${unit}_${buffer}_${name}`,
    }));
    return [...own, ...shared];
  });
}

/** Pins of a user of memory. */
function memoryPins(unit: 'dma' | 'weightBuffer' | 'kvStore'): Pin[] {
  const outputs = ['burst_valid', 'burst_address', 'burst_beats'];
  const inputs = ['burst_grant', 'read_valid'];
  if (unit !== 'weightBuffer') {
    outputs.push('burst_write', 'write_valid', 'write_data', 'write_strobe');
    inputs.push('write_pop', 'write_done');
  }
  if (unit === 'dma') outputs.push('burst_gather');
  return [
    ...outputs.map((name) => ({ pin: `${name}_o`, wire: `${unit}_${name}` })),
    ...inputs.map((name) => ({ pin: `${name}_i`, wire: `${unit}_${name}` })),
    { pin: 'read_data_i', wire: unit === 'weightBuffer' ? 'read_data[SLICES*PORT_BITS-1:0]' : 'read_data' },
  ];
}

const readPort = (space: string, direction: 'user' | 'owner'): Pin[] =>
  [
    [`${space}_read_enable`, 'o'],
    [`${space}_read_address`, 'o'],
    [`${space}_read_data`, 'i'],
  ].map(([name, way]) => ({
    pin: `${name}_${(way === 'o') === (direction === 'user') ? 'o' : 'i'}`,
    wire: `${name}`,
  }));

function extraPins(unit: IssueUnit): Pin[] {
  switch (unit) {
    case 'dma':
      return memoryPins('dma');
    case 'weightBuffer':
      return [...memoryPins('weightBuffer'), ...readPort('weights', 'owner')];
    case 'matmul':
      return readPort('weights', 'user');
    case 'attention':
      return [...readPort('kv', 'user'), { pin: 'push_i', wire: `push[${issueUnits.indexOf('attention')}]` }];
    case 'kvStore':
      return [...memoryPins('kvStore'), ...readPort('kv', 'owner')];
    case 'sampler':
      return [
        { pin: 'pick_valid_o', wire: 'pick_valid' },
        { pin: 'pick_token_o', wire: 'pick_token' },
      ];
    default:
      return [];
  }
}

/** `unit` of `lutra.sv.hbs`: the modules, their pins and the wires between them. */
export function lutraContext(hw: HardwareModel, derived: Derived): Record<string, unknown> {
  const engine = matmulContext(hw, derived);
  const units = issueUnits.map((name, bit) => ({
    name,
    bit,
    position: bit - 1,
  }));
  const issuing = units.slice(1).map((unit) => ({
    ...unit,
    queueDepth: hw[unit.name as Exclude<IssueUnit, 'frontEnd'>].queueDepth,
    stall: unit.name === 'sampler' ? 'picking && mailbox_full' : "1'b0",
    portsLow: 12 * unit.position,
    portsHigh: 12 * unit.position + 11,
    classHigh: 4 * unit.bit + 3,
    classLow: 4 * unit.bit,
  }));
  const possible = issuing.map(({ name }) => `12'h${possiblePorts(name, hw).toString(16).padStart(3, '0')}`);
  const shared: Wire[] = [
    ...buffers
      .filter((buffer) => buffer !== 'act')
      .map((buffer) => ({
        name: `${buffer}_read_data`,
        width: `${buffer.toUpperCase()}_LANES*${elementBits[buffer]}`,
      })),
    { name: 'weights_read_enable', width: '1' },
    { name: 'weights_read_address', width: 'WEIGHT_ADDRESS_BITS' },
    { name: 'weights_read_data', width: 'WEIGHT_BITS' },
    { name: 'kv_read_enable', width: '1' },
    { name: 'kv_read_address', width: 'KV_ADDRESS_BITS' },
    { name: 'kv_read_data', width: 'KV_BITS' },
  ];
  const own = issueUnits.flatMap((unit) =>
    buffers.flatMap((buffer) =>
      unitWires(unit, buffer, derived.rowsPerStep).map(({ name, width }) => ({
        name: `${unit}_${buffer}_${name}`,
        width,
      })),
    ),
  );
  return {
    ...buffersContext(hw, derived),
    controlPins: controlPins.map(([direction, width, name]) => ({ direction, name, range: column(range(width)) })),
    masterPins: masterPins.map(([direction, width, name]) => ({
      direction,
      name,
      range: column(range(width)),
      address: name === 'araddr',
      // The same as araddr.
      unused: name === 'awaddr',
    })),
    monitoredMasterPins: masterPins.map(([, , name]) => name).filter((name) => !unmonitored.test(name)),
    controlAddressBits,
    units,
    issuing,
    // The highest unit first, as in a concatenation.
    possiblePorts: `{${possible.reverse().join(', ')}}`,
    weightAddressBits: addressBits(hw.weightBuffer.words),
    weightBits: hw.matmul.columns * hw.matmul.tables * (engine['indexBits'] as number),
    sumAddressBits: engine['accAddressBits'],
    kvBits: 8 * derived.kvWordBytes,
    kvAddressBits: addressBits(derived.kvWords),
    wires: [...shared, ...own].map(({ name, width }) => ({ name, range: column(range(width)) })),
    bufferPins: bufferPins(derived.rowsPerStep),
    cores: units.slice(1).map(({ name, position }) => ({
      name,
      position,
      pins: [...corePins(name), ...extraPins(name)],
    })),
  };
}

/** `unit` of `lutra_top.v.hbs`: the pins, with their widths as numbers. */
export function topContext(hw: HardwareModel): Record<string, unknown> {
  const sizes: Readonly<Record<string, string>> = {
    PORT_BITS: String(hw.memory.portBits),
    'PORT_BITS/8': String(hw.memory.portBits / 8),
  };
  const pin = ([direction, width, name]: readonly [string, string, string]) => ({
    direction,
    name,
    range: column(range(sizes[width] ?? width)),
  });
  return { controlPins: controlPins.map(pin), masterPins: masterPins.map((entry) => pin(entry as never)) };
}
