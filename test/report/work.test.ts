import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Resource, resources, workSink } from '../../src/report/work.ts';
import type { InstructionEvent } from '../../src/trace/events.ts';

function event(name: string, started: number, finished: number, operation = 0): InstructionEvent {
  const [unit = ''] = name.split('.');
  const marks = { pass: 0, layer: 0, operation, token: 0 };
  return { unit, pc: 0, name, sequence: 0, fetched: 0, issued: 0, started, first: started, finished, marks };
}

/** Two of them occupy memory, one its unit. */
const names = ['weightBuffer.load', 'dma.load', 'kvStore.fill', 'kvStore.append', 'matmul.run'];
const resourceOf: Record<string, Resource> = { 'kvStore.append': 'kvStore', 'matmul.run': 'matmul' };

const instructions = fc.array(
  fc.record({
    name: fc.constantFrom(...names),
    from: fc.nat(60),
    length: fc.integer({ min: 1, max: 30 }),
    operation: fc.integer({ min: -1, max: 1 }),
    macs: fc.nat(9),
  }),
  { maxLength: 40 },
);

describe('workSink', () => {
  it('counts what was done by phase and operation, and the cycles in which a resource was at it', () => {
    fc.assert(
      fc.property(instructions, fc.uniqueArray(fc.nat(90), { maxLength: 4 }), (list, tokens) => {
        const marks = ['a', 'b'];
        const sink = workSink(marks);
        const ends = [...tokens].sort((a, b) => a - b);
        const sorted = list.map((one) => ({ ...one, to: one.from + one.length })).sort((a, b) => a.to - b.to);
        const rest = [...ends];
        for (const { name, from, to, operation, macs } of sorted) {
          while (rest.length > 0 && (rest[0] as number) <= to) sink.token({ cycle: rest.shift() as number, token: 0 });
          sink.instruction(event(name, from, to, operation), { macs }, 1);
        }
        for (const cycle of rest) sink.token({ cycle, token: 0 });
        const first = ends[0] ?? Number.POSITIVE_INFINITY;
        const last = ends.at(-1) ?? 0;
        const { prefill, decode, total } = sink.result();
        expect(total.macs).toBe(sorted.reduce((sum, { macs }) => sum + macs, 0));
        for (const [phase, begin, end] of [
          [prefill, 0, first],
          [decode, first, last],
        ] as const) {
          for (const [index, operation] of [...marks, 'other'].entries()) {
            const own = sorted.filter((one) => (one.operation < 0 ? 2 : one.operation) === index);
            // A token is there before an instruction that finishes in its cycle.
            const done = own.filter(({ to }) => (phase === prefill ? to < begin || to < end : to >= begin && to < end));
            expect(phase[operation]?.counts.macs ?? 0).toBe(done.reduce((sum, { macs }) => sum + macs, 0));
            for (const resource of resources) {
              const spans = own.filter(({ name }) => (resourceOf[name] ?? 'memory') === resource);
              let cycles = 0;
              for (let cycle = begin; cycle < Math.min(end, 100); cycle++)
                if (spans.some(({ from, to }) => from <= cycle && cycle < to)) cycles += 1;
              expect(phase[operation]?.busy[resource] ?? 0).toBe(cycles);
              const computed = resource === 'memory' ? [] : done.filter(({ name }) => resourceOf[name] === resource);
              expect(phase[operation]?.fullRate[resource] ?? 0).toBe(computed.length);
            }
          }
        }
      }),
    );
  });
});
