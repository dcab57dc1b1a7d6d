import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exposedSink, operationSink } from '../../src/report/operations.ts';
import type { InstructionEvent, TraceSink } from '../../src/trace/events.ts';

function event(
  unit: string,
  started: number,
  finished: number,
  operation = 0,
  name = `${unit}.work`,
): InstructionEvent {
  const marks = { pass: 0, layer: 0, operation, token: 0 };
  return { unit, pc: 0, name, sequence: 0, fetched: 0, issued: 0, started, first: started, finished, marks };
}

const units = ['weightBuffer', 'matmul', 'vector', 'attention', 'kvStore', 'sampler'];

/** Per unit a chain of gaps and durations: what an in-order machine could do. */
const schedule = fc.record({
  work: fc.array(
    fc.array(
      fc.record({
        gap: fc.nat(6),
        length: fc.integer({ min: 1, max: 12 }),
        operation: fc.integer({ min: -1, max: 2 }),
      }),
      {
        maxLength: 12,
      },
    ),
    { minLength: units.length, maxLength: units.length },
  ),
  tokens: fc.uniqueArray(fc.nat(120), { maxLength: 5 }),
});

function eventsOf(
  work: readonly (readonly { gap: number; length: number; operation: number }[])[],
): InstructionEvent[] {
  const events = work.flatMap((chain, index) => {
    let at = 0;
    return chain.map(({ gap, length, operation }) => {
      const started = at + gap;
      at = started + length;
      return event(units[index] as string, started, at, operation);
    });
  });
  return events.sort((a, b) => a.finished - b.finished);
}

/** Events and tokens in the order in which a run gives them. */
function feed(sink: TraceSink, events: readonly InstructionEvent[], tokens: readonly number[]): void {
  const rest = [...tokens].sort((a, b) => a - b);
  for (const entry of events) {
    while (rest.length > 0 && (rest[0] as number) <= entry.finished)
      sink.token({ cycle: rest.shift() as number, token: 1 });
    sink.instruction(entry);
  }
  for (const cycle of rest) sink.token({ cycle, token: 1 });
}

describe('exposedSink', () => {
  it('counts float work that no weight transfer covers, between the first token and the last', () => {
    const sink = exposedSink();
    const events = [event('vector', 0, 20), event('weightBuffer', 12, 30), event('attention', 25, 40)];
    feed(sink, events, [10, 50]);
    // 10…12 and 30…40 of the 40 cycles.
    expect(sink.result()).toEqual({ cycles: 12, share: 0.3 });
  });

  it('takes no instruction that only synchronises for work', () => {
    const sink = exposedSink();
    feed(
      sink,
      [
        event('vector', 5, 6, 0, 'vector.sync'),
        event('weightBuffer', 5, 9, 0, 'weightBuffer.sync'),
        event('vector', 7, 9),
      ],
      [0, 20],
    );
    expect(sink.result()).toEqual({ cycles: 2, share: 0.1 });
  });

  it('has nothing to say about fewer than two tokens', () => {
    const sink = exposedSink();
    feed(sink, [event('vector', 0, 9)], [3]);
    expect(sink.result()).toBeNull();
  });

  it('agrees with counting cycle by cycle, however little it keeps', () => {
    fc.assert(
      fc.property(schedule, fc.constantFrom(48, 1 << 17), ({ work, tokens }, mostPending) => {
        const events = eventsOf(work);
        const sink = exposedSink(mostPending);
        feed(sink, events, tokens);
        const first = Math.min(...tokens);
        const last = Math.max(...tokens);
        const busy = (cycle: number, float: boolean) =>
          events.some(
            ({ unit, started, finished }) =>
              unit !== 'matmul' && (unit !== 'weightBuffer') === float && started <= cycle && cycle < finished,
          );
        let cycles = 0;
        for (let cycle = first; cycle < last; cycle++) if (busy(cycle, true) && !busy(cycle, false)) cycles += 1;
        expect(sink.result()).toEqual(tokens.length < 2 ? null : { cycles, share: cycles / (last - first) });
      }),
    );
  });
});

describe('operationSink', () => {
  it('counts busy cycles by operation and unit, cut at the first and the last token', () => {
    const names = ['qkv', 'ffn', 'head'];
    fc.assert(
      fc.property(schedule, ({ work, tokens }) => {
        const events = eventsOf(work);
        const sink = operationSink(names);
        feed(sink, events, tokens);
        const first = tokens.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...tokens);
        const last = Math.max(0, ...tokens);
        const count = (from: number, to: number) => {
          const result: Record<string, Record<string, number>> = {};
          for (const { unit, started, finished, marks } of events) {
            const cycles = Math.min(finished, to) - Math.max(started, from);
            if (cycles <= 0) continue;
            const name = names[marks.operation] ?? 'other';
            result[name] ??= {};
            result[name][unit] = (result[name][unit] ?? 0) + cycles;
          }
          return result;
        };
        expect(sink.result()).toEqual({ prefill: count(0, first), decode: count(first, last) });
      }),
    );
  });
});
