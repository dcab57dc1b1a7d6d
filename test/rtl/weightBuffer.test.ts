import fc from 'fast-check';
import type { Simulation } from 'verilator-wasm';
import { expect, test } from 'vitest';
import { type Derived, derive, digitsPerByte } from '../../src/hw/derive.ts';
import type { HardwareModel } from '../../src/hw/schema.ts';
import { sliceOffset, tileSlices } from '../../src/hw/slices.ts';
import { describeVerilog } from '../describeWith.ts';
import { hardware } from '../machine/harness.ts';
import { hasTool, needs } from '../tools.ts';
import { lintModule, lutMachines } from './lutMachines.ts';
import { lookupCode, packBits, runWords } from './lutWords.ts';
import { compileModule } from './verilog.ts';

const files = [
  'lib/burst_walker.sv',
  'lib/delay.sv',
  'lib/delay_valid.sv',
  'lib/digit_slice.sv',
  'lib/digit_split.sv',
  'lib/mem_pair.sv',
  'weightBuffer.sv.hbs',
];

interface Load {
  readonly binary: boolean;
  /** As a fraction of what there is room for. */
  readonly dst: number;
  readonly words: number;
  readonly page: number;
  readonly sync: boolean;
  readonly gap: number;
}

const load: fc.Arbitrary<Load> = fc.record({
  binary: fc.boolean(),
  dst: fc.double({ min: 0, max: 1, noNaN: true }),
  words: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 90 })),
  page: fc.nat(0x3fff),
  sync: fc.boolean(),
  gap: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 9 })),
});

/** The digits of a slice's bytes: five ternary or eight binary ones each. */
function digitsOf(bytes: readonly number[], binary: boolean): number[] {
  return bytes.flatMap((byte) =>
    binary
      ? Array.from({ length: 8 }, (_, i) => (byte >> i) & 1)
      : Array.from({ length: digitsPerByte }, (_, i) => Math.floor(byte / 3 ** (digitsPerByte - 1 - i)) % 3),
  );
}

/** The stored word, from the slices of its bytes. */
function storedWord(hw: HardwareModel, derived: Derived, binary: boolean, slices: readonly number[][]): bigint {
  const { columns, tables, group } = hw.matmul;
  const codes: number[] = [];
  for (let q = 0; q < columns; q++) {
    const digits = digitsOf(slices[Math.floor(q / derived.sliceColumns)] as number[], binary);
    const first = (q % derived.sliceColumns) * tables * group;
    for (let t = 0; t < tables; t++) {
      const at = first + t * group;
      codes.push(lookupCode(hw, derived, binary, digits.slice(at, at + group)));
    }
  }
  return packBits(codes, derived.ternary.indexBits);
}

function check(sim: Simulation, hw: HardwareModel, list: readonly Load[], seed: number): void {
  let state = seed | 1;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const derived = derive(hw);
  const { weightSlices: slices, portBytes, burstBytes } = derived;
  const port = (name: string) => sim.port(name);
  const [start, op, words] = [port('start_i'), port('op_i'), port('words_i')];
  const [done, first, kind] = [port('done_o'), port('first_o'), port('class_o')];
  const [valid, address, beats, grant] = ['burst_valid_o', 'burst_address_o', 'burst_beats_o', 'burst_grant_i'].map(
    port,
  );
  const [readValid, readData] = [port('read_valid_i'), port('read_data_i')];
  const [enable, readAddress, read] = ['weights_read_enable_i', 'weights_read_address_i', 'weights_read_data_o'].map(
    port,
  );
  const set = (p: ReturnType<typeof port>, value: bigint) => {
    if (p.width <= 32) p.set(Number(value));
    else p.setBig(value);
  };
  const get = (p: ReturnType<typeof port>): bigint => (p.width <= 32 ? BigInt(p.get()) : p.getBig());

  /** What every word should be, by address; words that nothing has loaded are not looked at. */
  const expected = new Map<number, bigint>();
  // Reads: an address every now and then, of a word that no load writes; its word three cycles later.
  const asked: (bigint | undefined)[] = [undefined, undefined, undefined];
  let forbidden: readonly [number, number] = [0, 0];

  port('rst_ni').set(0);
  start?.set(0);
  sim.tick();
  port('rst_ni').set(1);

  const shared = hw.weightBuffer.columnsPerBank === 2;
  const chooseRead = (busy: boolean) => {
    const candidates = [...expected.keys()].filter((word) => !busy || word < forbidden[0] || word >= forbidden[1]);
    if (candidates.length === 0 || (busy && shared) || random() % 2 === 0) {
      enable?.set(0);
      asked.push(undefined);
      return;
    }
    const word = candidates[random() % candidates.length] as number;
    enable?.set(1);
    readAddress?.set(word);
    asked.push(expected.get(word));
  };
  const checkRead = () => {
    const wanted = asked.shift();
    if (wanted !== undefined && get(read as ReturnType<typeof port>) !== wanted) {
      expect(get(read as ReturnType<typeof port>).toString(16)).toBe(wanted.toString(16));
    }
  };
  const idle = () => {
    readValid?.set(0);
    grant?.set(0);
    chooseRead(false);
    sim.eval();
    checkRead();
    sim.tick();
  };

  let due = [0, 0];
  for (const item of list) {
    const alphabet = derived[item.binary ? 'binary' : 'ternary'];
    const count = Math.min(item.words, hw.weightBuffer.words);
    const room = Math.floor((hw.weightBuffer.words - count) / alphabet.sliceWordsPerBeat);
    const dst = Math.floor(room * item.dst) * alphabet.sliceWordsPerBeat;
    const src = 0x10000 + Math.floor(item.page / portBytes) * portBytes;
    const tile = tileSlices(count, alphabet.sliceBytes, derived);
    const bytes = Array.from({ length: slices * tile.bytes }, () => (item.binary ? random() & 255 : random() % 243));

    if (item.sync) {
      start?.set(1);
      op?.set(15);
      readValid?.set(0);
      grant?.set(0);
      chooseRead(false);
      sim.eval();
      checkRead();
      expect([done?.get(), first?.get(), kind?.get()]).toEqual([...due, 0]);
      due = [1, 1];
      sim.tick();
    }
    forbidden = [dst, dst + count];
    words?.setWords(runWords('weightBuffer.load', { dst, src, words: count, alphabet: item.binary ? 1 : 0 }));
    op?.set(0);
    start?.set(1);

    // Each port takes its bursts when it likes, and brings their beats with gaps.
    const pending = Array.from({ length: slices }, () => [] as number[]);
    // Bytes of each slice that have been asked for.
    const requested = Array.from({ length: slices }, () => 0);
    const moving = Math.ceil((count * alphabet.wordBytes) / derived.portBytesPerCycle);
    let [firstBeat, lastBeat, after] = [-1, -1, 0];
    for (; lastBeat < 0 || after < lastBeat + derived.loadLatency; after++) {
      if (after > 2000) throw new Error('the load does not end');
      let data = 0n;
      let valids = 0;
      for (let s = 0; s < slices; s++) {
        const queue = pending[s] as number[];
        let beat = BigInt(random());
        if (queue.length > 0 && random() % 4 !== 0) {
          const at = queue.shift() as number;
          valids |= 1 << s;
          beat = 0n;
          for (let i = portBytes - 1; i >= 0; i--) beat = (beat << 8n) | BigInt(bytes[at - src + i] ?? 0);
          if (firstBeat < 0) firstBeat = after;
          if (queue.length === 0 && requested[s] === tile.bytes) {
            const others = pending.every((beats, other) => beats.length === 0 && requested[other] === tile.bytes);
            if (others) lastBeat = after;
          }
        }
        data |= (beat & ((1n << BigInt(portBytes * 8)) - 1n)) << BigInt(s * portBytes * 8);
      }
      readValid?.set(valids);
      set(readData, data);
      grant?.set(0);
      chooseRead(true);
      sim.eval();
      checkRead();
      let grants = 0;
      for (let s = 0; s < slices; s++) {
        const wants = ((valid?.get() ?? 0) >> s) & 1;
        const from = requested[s] as number;
        const left = from < tile.bytes && after >= derived.requestLatency;
        if (wants !== +left) throw new Error(`cycle ${after}: slice ${s} ${wants ? 'wants' : 'does not want'} a burst`);
        if (!left || random() % 3 === 0) continue;
        const at = src + sliceOffset(tile, s, from);
        // A burst ends with its turn.
        const turnEnd =
          from < tile.turns * tile.turnBytes ? from + tile.turnBytes - (from % tile.turnBytes) : tile.bytes;
        const length = Math.min(burstBytes, 4096 - (at % 4096), turnEnd - from);
        const shown = [
          Number((get(address as ReturnType<typeof port>) >> BigInt(32 * s)) & 0xffffffffn),
          Number((get(beats as ReturnType<typeof port>) >> BigInt(9 * s)) & 511n),
        ];
        expect(shown).toEqual([at, length / portBytes]);
        for (let beat = 0; beat < length; beat += portBytes) (pending[s] as number[]).push(at + beat);
        requested[s] = from + length;
        grants |= 1 << s;
      }
      grant?.set(grants);
      sim.eval();
      const wantedDone = after === 0 ? due : [0, +(firstBeat >= 0 && after === firstBeat + derived.loadLatency)];
      const seen = [done?.get(), first?.get(), kind?.get()];
      const streamed = firstBeat < 0 ? -1 : after - (firstBeat + derived.loadLatency);
      // Working (0) in the first cycle and, from the first beat on, as long as full ports would have taken.
      const wantedClass = after === 0 ? 0 : streamed < 0 ? 3 : streamed < moving - 1 ? 0 : 2;
      const wanted = [...wantedDone, wantedClass];
      if (seen.join() !== wanted.join()) expect({ after, seen }).toEqual({ after, seen: wanted });
      sim.tick();
      start?.set(0);
      words?.setWords(Array.from({ length: 7 }, random));
    }
    readValid?.set(0);
    grant?.set(0);
    for (let word = 0; word < count; word++) {
      const parts = Array.from({ length: slices }, (_, s) => {
        const from = word * alphabet.sliceBytes;
        return Array.from({ length: alphabet.sliceBytes }, (_, i) => bytes[sliceOffset(tile, s, from + i)] as number);
      });
      expected.set(dst + word, storedWord(hw, derived, item.binary, parts));
    }
    enable?.set(0);
    sim.eval();
    due = [1, +(firstBeat === lastBeat)];
    expect([done?.get(), first?.get()]).toEqual(due);
    for (let i = 0; i < item.gap; i++) {
      idle();
      due = [0, 0];
    }
  }
  // All that was loaded is there.
  for (const [word, value] of [...expected, [0, undefined], [0, undefined], [0, undefined]] as [number, bigint?][]) {
    readValid?.set(0);
    grant?.set(0);
    enable?.set(1);
    readAddress?.set(word);
    asked.push(value);
    sim.eval();
    checkRead();
    sim.tick();
  }
}

test.skipIf(!hasTool('verilator')).each(Object.entries({ kv260: () => hardware('kv260'), ...lutMachines }))(
  `the Verilog of weightBuffer has no lint: %s ${needs('verilator')}`,
  async (_, machine) => {
    expect(await lintModule(machine(), 'weightBuffer', ['lib/mem_simple.sv', ...files])).toEqual([]);
  },
);

describeVerilog.each(Object.entries(lutMachines))('the Verilog of weightBuffer: %s', (_, machine) => {
  const hw = machine();
  test('stores what memory brings, when it should', { timeout: 60_000 }, async () => {
    const module = await compileModule(hw, 'weightBuffer', files);
    fc.assert(
      fc.property(fc.array(load, { minLength: 1, maxLength: 4 }), fc.integer(), (list, seed) => {
        check(module.instantiate({ seed: seed & 0x7fffffff }), hw, list, seed);
      }),
      { numRuns: 8 },
    );
  });
});
