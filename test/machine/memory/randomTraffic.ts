/** Random memories and what is asked of them. */
import fc from 'fast-check';
import type { HardwareModel } from '../../../src/hw/schema.ts';
import { type Outcome, roundModel, type Script, type Transfer } from './harness.ts';

const stream = fc.record({
  address: fc.integer({ min: 2 ** 18, max: 2 ** 20 }),
  rowBytes: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 100, max: 6000 })),
  rows: fc.nat(4),
  stride: fc.integer({ min: -5000, max: 9000 }),
  last: fc.record({ address: fc.nat(2 ** 18), bytes: fc.oneof(fc.constant(0), fc.nat(3000)) }),
});
const transfer = fc.record({
  write: fc.boolean(),
  gather: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.boolean()),
  streams: fc.array(stream, { minLength: 1, maxLength: 3 }),
  firstPort: fc.nat(4),
});
const script = fc.array(fc.record({ pause: fc.nat(120), transfer }), { maxLength: 5 });
export const scripts = fc.array(script, { minLength: 1, maxLength: 5 });
type Traffic = typeof scripts extends fc.Arbitrary<infer T> ? T : never;
/** The traffic on the ports that there are: streams of a transfer on ports that follow each other. */
export const onPorts = ({ memory: { ports } }: HardwareModel, traffic: Traffic): Script[] =>
  traffic.map((steps) =>
    steps.map(({ pause, transfer: { firstPort, streams, ...kind } }) => {
      const placed = streams.slice(0, ports).map((each, i) => ({ ...each, port: (firstPort + i) % ports }));
      const moved: Transfer = { ...kind, streams: placed };
      return { pause, transfer: moved };
    }),
  );
export const model = fc
  .record({
    kind: fc.constantFrom('dram' as const, 'dram' as const, 'fixed' as const, 'ideal' as const),
    ports: fc.integer({ min: 1, max: 5 }),
    outstandingBursts: fc.integer({ min: 1, max: 5 }),
    latencyCycles: fc.nat(25),
    portBits: fc.constantFrom(32, 128, 512),
    burstBeats: fc.constantFrom(3, 8, 64),
    channels: fc.integer({ min: 1, max: 3 }),
    interleaveBytes: fc.constantFrom(64, 1024),
    banks: fc.constantFrom(1, 2, 8, 16),
    arbitrationBytes: fc.constantFrom(64, 256, 4096),
    reorderLimit: fc.constantFrom(0, 1, 5),
    lookaheadNanoseconds: fc.constantFrom(0, 20, 60),
    controllerPorts: fc.constantFrom<number[] | undefined>(undefined, [0, 0, 1, 0, 1]),
    timing: fc.record({ tRefi: fc.constantFrom(400, 5000) }),
    clock: fc.constantFrom(1_000_000_000, 250_000_000, 333_333_333),
  })
  .map(({ clock, controllerPorts, ...fields }) => ({
    ...roundModel({ ...fields, ...(controllerPorts ? { controllerPorts } : {}) }),
    clockHz: clock,
  }));

export const ends = ({ transfers }: Outcome) =>
  transfers
    .map(([user, , first, finished]) => [user, first, finished])
    .sort((a, b) => (a[0] as number) - (b[0] as number));
