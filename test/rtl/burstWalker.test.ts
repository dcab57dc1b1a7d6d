import fc from 'fast-check';
import { compile } from 'verilator-wasm';
import { expect, it } from 'vitest';
import { BurstCursors } from '../../src/machine/memory/burst.ts';
import { describeVerilog } from '../describeWith.ts';
import { templatesFromDisk } from './templates.ts';

const shapes = [
  { portBytes: 4, burstBeats: 16 },
  { portBytes: 8, burstBeats: 24 },
  { portBytes: 16, burstBeats: 256 },
  { portBytes: 128, burstBeats: 1 },
];

describeVerilog.each(shapes)(
  'burst_walker, $portBytes bytes a beat, bursts of $burstBeats',
  ({ portBytes, burstBeats }) => {
    it('cuts streams as the machine does', async () => {
      const text = templatesFromDisk().get('lib/burst_walker.sv') as string;
      const module = await compile({
        files: [{ name: 'burst_walker.sv', text }],
        top: 'burst_walker',
        parameters: { PORT_BYTES: portBytes, BURST_BEATS: burstBeats, LAST_APART: 1 },
      });
      const stream = fc.record({
        address: fc.nat(4000),
        rowBytes: fc.oneof(fc.integer({ min: 1, max: 3 * portBytes }), fc.integer({ min: 1, max: 10_000 })),
        rows: fc.integer({ min: 1, max: 5 }),
        stride: fc.integer({ min: -300, max: 300 }),
        // The last row lies where the rows before it lead, or elsewhere.
        last: fc.option(fc.record({ address: fc.nat(4000), bytes: fc.integer({ min: 1, max: 5000 }) })),
        waits: fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }),
      });
      fc.assert(
        fc.property(fc.array(stream, { minLength: 1, maxLength: 4 }), (streams) => {
          const sim = module.instantiate();
          const port = (name: string) => sim.port(name);
          port('rst_ni').set(0);
          sim.tick();
          port('rst_ni').set(1);
          for (const { address, rowBytes, rows, stride, last, waits } of streams) {
            const base = (address + 3000) * portBytes;
            const cursors = new BurstCursors(1, 1, portBytes, burstBeats * portBytes);
            const apart = last !== null && rows > 1;
            const end = apart
              ? { address: last.address * portBytes, bytes: last.bytes }
              : { address: base + (rows - 1) * stride * portBytes, bytes: rowBytes };
            if (apart) cursors.begin(0, 0, base, rowBytes, rows - 1, stride * portBytes, end.address, end.bytes);
            else cursors.begin(0, 0, base, rowBytes, rows, stride * portBytes);
            port('last_address_i').set(end.address);
            port('last_beats_i').set(Math.ceil(end.bytes / portBytes));
            port('start_i').set(1);
            port('next_i').set(0);
            port('address_i').set(base);
            port('row_beats_i').set(Math.ceil(rowBytes / portBytes));
            port('rows_i').set(rows);
            port('stride_i').set((stride * portBytes) >>> 0);
            sim.tick();
            port('start_i').set(0);
            sim.eval();
            expect(port('valid_o').get()).toBe(0);
            sim.tick();
            for (let burst = 0; cursors.has(0, 0); burst++) {
              cursors.load(0, 0);
              const { address: expectedAddress, beats } = cursors;
              cursors.advance(0, 0);
              const expected = { valid: 1, address: expectedAddress, beats, last: cursors.has(0, 0) ? 0 : 1 };
              for (let wait = waits[burst % waits.length] as number; wait >= 0; wait--) {
                port('next_i').set(wait === 0 ? 1 : 0);
                sim.eval();
                expect({
                  valid: port('valid_o').get(),
                  address: port('address_o').get(),
                  beats: port('beats_o').get(),
                  last: port('last_o').get(),
                }).toEqual(expected);
                sim.tick();
              }
            }
            expect(port('valid_o').get()).toBe(0);
          }
        }),
        { numRuns: 60 },
      );
    });
  },
);
