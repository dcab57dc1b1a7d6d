import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { commandBlock } from '../../src/machine/run.ts';
import { everything, type Selection } from '../../src/trace/selection.ts';
import { fstFile } from '../../src/trace/waves/fst.ts';
import { gtkwFile } from '../../src/trace/waves/gtkw.ts';
import { waveTrace } from '../../src/trace/waves/trace.ts';
import { vcdFile } from '../../src/trace/waves/vcd.ts';
import { temporaryDirectory } from '../cli/capture.ts';
import { describeWith } from '../describeWith.ts';
import { compileSmall } from '../e2e/smallModel.ts';
import { hardware } from '../machine/harness.ts';
import { runTool } from '../tools.ts';
import { type Recorded, type Traced, traceImage, traceRandom } from './traced.ts';
import { readVcd, type Waves } from './vcdReader.ts';

const directory = temporaryDirectory();
/** Of the header of an FST file. */
const headerBytes = 330;
const compression = {
  deflate: (bytes: Uint8Array) => deflateSync(bytes),
  gzip: (bytes: Uint8Array) => gzipSync(bytes),
};

/** What signals were, from the calls of the probe: by `scope.name`, the last value of each cycle where it is new. */
function expectedWaves(run: Recorded, { from, to }: Selection): Map<string, [number, string][]> {
  const { units, ports, operations, instructions, clockHz } = run.facts;
  const signals = new Map<string, [number, string][]>();
  const set = (name: string, cycle: number, value: string | number | undefined) => {
    if (cycle >= to) return;
    const list = signals.get(name) ?? [];
    signals.set(name, list);
    const time = Math.max(cycle, from);
    if (list.at(-1)?.[0] === time) list.pop();
    const shown = String(value ?? 'x');
    if (list.at(-1)?.[1] !== shown) list.push([time, shown]);
  };
  const state = (unit: string, cycle: number, values: (string | number | undefined)[]) => {
    ['state', 'pc', 'instruction', 'operation', 'layer', 'token'].forEach((name, index) => {
      set(`${unit}.${name}`, cycle, values[index] ?? (index === 0 || index === 2 || index === 3 ? '-' : undefined));
    });
  };
  for (const unit of units) state(unit, 0, ['idle']);
  for (const unit of units.slice(1)) set(`${unit}.queue`, 0, 0);
  for (const port of ports) set(`ports.${port.replaceAll(/\W/g, '_')}`, 0, '-');
  set('tokens.count', 0, 0);
  set('tokens.latest', 0, undefined);
  const some = (value: number | undefined) => (value === undefined || value < 0 ? undefined : value);
  for (const call of run.calls) {
    if (call.what === 'state') {
      const { unit, cycleClass, pc, cycle, marks } = call;
      const operation = some(marks?.operation);
      const named = operation === undefined ? undefined : (operations[operation] ?? operation);
      state(units[unit] as string, cycle, [
        cycleClass,
        some(pc),
        instructions[pc]?.name,
        pc < 0 ? undefined : named,
        pc < 0 ? undefined : some(marks?.layer),
        pc < 0 ? undefined : some(marks?.token),
      ]);
    } else if (call.what === 'queue') set(`${units[call.unit]}.queue`, call.cycle, call.depth);
    else if (call.what === 'semaphore') {
      const name = `semaphores.${units[call.from]}_to_${units[call.to]}`;
      if (!signals.has(name)) set(name, 0, 0);
      set(name, call.cycle, call.count);
    } else set(`ports.${ports[call.port]?.replaceAll(/\W/g, '_')}`, call.cycle, units[call.holder] ?? '-');
  }
  run.tokens.forEach(({ cycle, token }, index) => {
    set('tokens.count', cycle, index + 1);
    set('tokens.latest', cycle, token >>> 0);
  });
  const picoseconds = (cycle: number) => Math.round((cycle * 1e12) / clockHz);
  return new Map([...signals].map(([name, list]) => [name, list.map(([cycle, value]) => [picoseconds(cycle), value])]));
}

/** Both are equal; semaphores that nothing ever happened to may be there beside. */
function compare(run: Recorded, read: Waves, selection: Selection): void {
  const expected = expectedWaves(run, selection);
  const start = Math.round((selection.from * 1e12) / run.facts.clockHz);
  for (const [name, changes] of read.signals) {
    // Readers repeat values: at the start, where a file has several parts, and where a trace ends.
    const seen = changes.filter(([, value], index) => changes[index - 1]?.[1] !== value);
    const wanted = expected.get(name) ?? [[start, '0']];
    expect(seen, name).toEqual(wanted);
  }
  for (const name of expected.keys()) expect(read.signals.has(name), name).toBe(true);
  expect(read.end).toBe(Math.round((Math.min(run.cycles, selection.to) * 1e12) / run.facts.clockHz));
}

const selections: Selection[] = [everything, { ...everything, from: 100 }, { ...everything, from: 50, to: 333 }];
const cases = Array.from({ length: 12 }, (_, index): [number, Selection] => [
  7300 + index,
  selections[index % selections.length] as Selection,
]);

const open: readonly Parameters<typeof traceRandom>[1][number][] = [
  (facts, part, write) => waveTrace(facts, part, (f, signals) => vcdFile(f, signals, write)),
  (facts, part, write) => waveTrace(facts, part, (f, signals) => fstFile(f, signals, write, compression, write)),
];

/** The names of the files of a run. */
function files(name: string, run: Traced): { vcd: string; fst: string } {
  const [vcd, grown] = run.bytes as [Uint8Array, Uint8Array];
  // What the file was closed with goes to its beginning.
  const fst = grown.slice(0, -headerBytes);
  fst.set(grown.subarray(-headerBytes));
  const paths = { vcd: join(directory, `${name}.vcd`), fst: join(directory, `${name}.fst`) };
  writeFileSync(paths.vcd, vcd);
  writeFileSync(paths.fst, fst);
  return paths;
}

const gtkwave = describeWith('fst2vcd', 'vcd2fst');

gtkwave.each(cases)('the waveforms of random program %i, %o', (seed, selection) => {
  const run = traceRandom(seed, open, selection);
  const { vcd, fst } = files(String(seed), run);

  it('are read from the VCD file', () => {
    compare(run, readVcd(readFileSync(vcd, 'utf8')), selection);
  });

  it('are read from the VCD file by GTKWave', () => {
    runTool('vcd2fst', ['-v', vcd, '-f', `${vcd}.fst`], directory);
    compare(run, readVcd(runTool('fst2vcd', [`${vcd}.fst`], directory)), selection);
  });

  it('are read from the FST file by GTKWave', () => {
    compare(run, readVcd(runTool('fst2vcd', [fst], directory)), selection);
  });
});

gtkwave('the waveforms of the small model', () => {
  const hw = hardware('kv260');
  const image = compileSmall(hw);
  const request = { prompt: [1, 2, 3], maxNewTokens: 40, temperature: 0, topK: 1, seed: 0, stopTokens: [] };
  const command = commandBlock(request, image);

  it('are read from files of several parts', () => {
    const run = traceImage(image, command, hw, open);
    const { vcd, fst } = files('small', run);
    expect(run.tokens).toHaveLength(40);
    compare(run, readVcd(readFileSync(vcd, 'utf8')), everything);
    compare(run, readVcd(runTool('fst2vcd', [fst], directory)), everything);
    expect(partsOf(readFileSync(fst))).toBeGreaterThan(2);
  });

  it('are those of one layer of one token, where that is selected', () => {
    const short = commandBlock({ ...request, maxNewTokens: 5 }, image);
    const whole = traceImage(image, short, hw, open);
    const part = { ...everything, token: 2, layer: 4 };
    const run = traceImage(image, short, hw, open, part);
    const read = readVcd(runTool('fst2vcd', [files('part', run).fst], directory));
    const all = readVcd(runTool('fst2vcd', [files('whole', whole).fst], directory));
    let times = 0;
    for (const unit of run.facts.units) {
      const of = (waves: Waves, name: string) => waves.signals.get(`${unit}.${name}`) ?? [];
      const at = (waves: Waves, name: string, time: number) => of(waves, name).findLast(([from]) => from <= time)?.[1];
      const changes = ['state', 'pc', 'token', 'layer'].flatMap((name) => of(all, name).map(([time]) => time));
      for (const time of new Set(changes)) {
        const selected = at(all, 'token', time) === '2' && at(all, 'layer', time) === '4';
        if (selected) times += 1;
        for (const name of ['state', 'pc', 'instruction', 'operation']) {
          const nothing = name === 'pc' ? 'x' : '-';
          const wanted = selected ? at(all, name, time) : nothing;
          if (at(read, name, time) !== wanted) expect(at(read, name, time), `${unit}.${name} at ${time}`).toBe(wanted);
        }
      }
    }
    expect(times).toBeGreaterThan(20);
  });
});

/** Blocks of changes in an FST file. */
function partsOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let parts = 0;
  for (let at = 0; at < bytes.length; at += 1 + Number(view.getBigUint64(at + 1))) if (bytes[at] === 8) parts += 1;
  return parts;
}

it('GTKWave is shown signals that are there', () => {
  const run = traceRandom(7300, open);
  const text = new TextDecoder().decode(run.bytes[0]);
  const declared = new Set<string>();
  for (const [name] of readVcd(text).signals) declared.add(`lutra.${name}`);
  const lines = gtkwFile(run.facts, everything, 'a.vcd').trimEnd().split('\n');
  expect(lines[0]).toBe('[dumpfile] "a.vcd"');
  const shown = lines.filter((line) => line.startsWith('lutra.')).map((line) => line.replace(/\[.*$/, ''));
  expect(new Set(shown)).toEqual(declared);
  expect(shown).toHaveLength(declared.size);
  const ranges = [...text.matchAll(/\$var wire (\d+) \S+ (\S+) \[(\d+):0\]/g)];
  for (const [, bits, , high] of ranges) expect(Number(high)).toBe(Number(bits) - 1);
});
