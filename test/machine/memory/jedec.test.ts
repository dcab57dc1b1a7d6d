import fc from 'fast-check';
import { expect, test } from 'vitest';
import { derive } from '../../../src/hw/derive.ts';
import type { HardwareModel } from '../../../src/hw/schema.ts';
import { Dram } from '../../../src/machine/memory/dram.ts';
import type { DramCommand } from '../../../src/machine/memory/dramBanks.ts';
import { timeBase } from '../../../src/machine/memory/time.ts';
import { hardware } from '../../hw/models.ts';
import { roundModel } from './harness.ts';

/** An independent reading of the JEDEC rules: every pair of commands of one channel is compared. */
function faults(hw: HardwareModel, commands: readonly DramCommand[]): string[] {
  const { memory } = hw;
  const { ticksOf, ticksPerTransfer } = timeBase(hw);
  const t = Object.fromEntries(Object.entries(memory.timing).map(([name, time]) => [name, ticksOf(time)])) as Record<
    keyof typeof memory.timing,
    number
  >;
  const burst = ticksPerTransfer * memory.transfersPerBurst;
  const found: string[] = [];
  const group = (command: DramCommand) => command.bank % memory.bankGroups;
  const need = (rule: string, before: DramCommand, after: DramCommand, least: number) => {
    if (after.tick - before.tick < least)
      found.push(`${rule}: ${before.kind} ${before.tick}, ${after.kind} ${after.tick}`);
  };
  for (let channel = 0; channel < memory.channels; channel++) {
    // Two commands of one tick happen in the order in which they were given.
    const trace = commands
      .map((command, given) => ({ command, given }))
      .filter(({ command }) => command.channel === channel)
      .sort((a, b) => a.command.tick - b.command.tick || a.given - b.given)
      .map(({ command }) => command);
    const rows = new Map<number, number>();
    const activates: DramCommand[] = [];
    trace.forEach((after, index) => {
      if (after.kind === 'activate') {
        if (rows.has(after.bank)) found.push(`activate of an open bank at ${after.tick}`);
        rows.set(after.bank, after.row);
        const fourth = activates.at(-4);
        if (fourth) need('tFaw', fourth, after, t.tFaw);
        activates.push(after);
      } else if (after.kind === 'precharge') rows.delete(after.bank);
      else if (after.kind === 'refresh') {
        // Refreshes of idle time have closed the rows, however long ago.
        rows.clear();
      } else if (!rows.has(after.bank)) found.push(`${after.kind} of a closed bank at ${after.tick}`);
      for (const before of trace.slice(Math.max(0, index - 200), index)) {
        const sameBank = before.bank === after.bank;
        const sameGroup = group(before) === group(after);
        const pair = `${before.kind} ${after.kind}`;
        if (before.kind === 'refresh') need('tRfc', before, after, after.kind === 'refresh' ? 0 : t.tRfc);
        if (pair === 'activate activate') need('tRrd', before, after, sameGroup ? Math.max(t.tRrd, t.tRrdL) : t.tRrd);
        if (pair === 'activate activate' && sameBank) need('tRc', before, after, t.tRc);
        if (pair === 'precharge activate' && sameBank) need('tRp', before, after, t.tRp);
        if (pair === 'precharge refresh') need('tRp', before, after, t.tRp);
        if (pair === 'activate precharge' && sameBank) need('tRas', before, after, t.tRas);
        if (/^activate (read|write)$/.test(pair) && sameBank) need('tRcd', before, after, t.tRcd);
        if (pair === 'read precharge' && sameBank) need('tRtp', before, after, t.tRtp);
        if (pair === 'write precharge' && sameBank) need('tWr', before, after, t.tCwl + burst + t.tWr);
        if (pair === 'read read' || pair === 'write write') {
          need('tCcd', before, after, sameGroup ? Math.max(burst, t.tCcdL) : burst);
        }
        if (pair === 'write read') need('tWtr', before, after, t.tCwl + burst + (sameGroup ? t.tWtrL : t.tWtr));
        if (pair === 'read write') need('tRtw', before, after, t.tCl + burst + t.tRtw - t.tCwl);
      }
    });
  }
  return found;
}

const traffic = fc.array(
  fc.record({
    pause: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(60), fc.nat(12_000)),
    port: fc.nat(3),
    write: fc.oneof({ weight: 2, arbitrary: fc.constant(false) }, fc.boolean()),
    // Few rows of many banks, or anywhere.
    address: fc.oneof(fc.nat(2 ** 15), fc.nat(2 ** 20)),
    bytes: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(1024)),
  }),
  { minLength: 1, maxLength: 120 },
);

const machines: [string, HardwareModel][] = [
  ['kv260', hardware('kv260')],
  ['kv260 with DDR4-2400', hardware('kv260', 'memory.device=ddr4-2400-x8')],
  ['odd', hardware('odd', 'memory.ports=4', 'memory.controllerPorts=[0,0,1,2]')],
  [
    'HBM2',
    hardware(
      'kv260',
      'memory.device=hbm2-2000',
      'memory.channels=4',
      'memory.interleaveBytes=256',
      'memory.arbitrationBytes=256',
    ),
  ],
  [
    'one bank group, long times',
    roundModel({ ports: 4, bankGroups: 1, reorderLimit: 3, timing: { tRc: 70, tRtp: 30 } }),
  ],
  [
    'hurried',
    roundModel({
      ports: 4,
      reorderLimit: 3,
      lookaheadNanoseconds: 0,
      timing: { tCcdL: 25, tRrdL: 21, tWtrL: 15, tRefi: 700, tCwl: 9 },
    }),
  ],
];

test.each(machines)('%s: every command keeps its distance, all is served, lanes keep their order', (_, model) => {
  const hw = { ...model, memory: { ...model.memory, outstandingBursts: 64 } };
  fc.assert(
    fc.property(traffic, (accesses) => {
      const commands: DramCommand[] = [];
      const dram = new Dram(hw, derive(hw), accesses.length, (command) => commands.push(command));
      const perLane = new Map<number, number[]>();
      let now = 0;
      let taken = 0;
      for (const [burst, { pause, port, write, address, bytes }] of accesses.entries()) {
        const lane = 2 * port + (write ? 1 : 0);
        const own = perLane.get(lane) ?? [];
        // As AXI ports do: no burst over a page, no more than 64 in flight.
        if (own.length === 64) continue;
        perLane.set(lane, [...own, burst]);
        now += pause;
        dram.advance(now - 1);
        dram.take(lane, burst, now, address, Math.min(bytes, 4096 - (address % 4096)), false);
        taken += 1;
      }
      dram.advance(now + 1_000_000);
      expect(faults(hw, commands)).toEqual([]);
      expect([...dram.lastReady].filter((cycle) => !Number.isNaN(cycle))).toHaveLength(taken);
      if (hw.memory.channels > 1) return;
      for (const bursts of perLane.values()) {
        const ends = bursts.map((burst) => dram.lastReady[burst] as number);
        expect(ends).toEqual([...ends].sort((a, b) => a - b));
      }
    }),
    { numRuns: 40 },
  );
});
