import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { synthesise } from '../../src/cosim/index.ts';
import { derive, estimateResources, type HardwareModel } from '../../src/hw/index.ts';
import { countCells, filesBelow, renderAll, withoutUltraRam } from '../../src/rtl/index.ts';
import { parsePath, parseStatistics } from '../../src/rtl/resources.ts';
import { describeWith } from '../describeWith.ts';
import { hardware, messageOf } from '../hw/models.ts';
import { templatesFromDisk } from '../rtl/templates.ts';

describe('what Yosys prints', () => {
  it('becomes LUT, FF, block RAM, UltraRAM and DSP', () => {
    const cells = { LUT6: 10, INV: 2, SRL16E: 3, RAM64M8: 2, RAM32M: 1, FDRE: 7, FDSE: 1, CARRY4: 9, MUXF7: 4 };
    expect(countCells(cells)).toEqual({ lut: 35, ff: 8, bram36: 0, uram288: 0, dsp: 0 });
    expect(countCells({ RAMB18E2: 3, RAMB36E2: 1, URAM288: 2, DSP48E2: 4 })).toEqual({
      lut: 0,
      ff: 0,
      bram36: 2.5,
      uram288: 2,
      dsp: 4,
    });
  });

  it('is refused where a cell is not known, unless it is a black box', () => {
    expect(messageOf(() => countCells({ FIFO36E2: 1 }))).toMatch(/RTL010.*1 cells FIFO36E2/);
    expect(countCells({ matmul: 1, LUT2: 1 }, ['matmul']).lut).toBe(1);
  });

  it('is summed over the hierarchy, also where the text goes on with what is no JSON', () => {
    const text = `{
   "modules": {
      "\\\\top": { "num_cells_by_type": { "lane": 2, "$paramod\\\\deep\\\\W=1": 1, "LUT1": 1 } },
      "\\\\lane": { "num_cells_by_type": { "$paramod\\\\deep\\\\W=1": 3, "FDRE": 1 } },
      "$paramod\\\\deep\\\\W=1": { "num_cells_by_type": { "LUT6": 5 } }
   },
       lane 2
`;
    expect(parseStatistics(text, 'top')).toEqual({ LUT6: 35, FDRE: 2, LUT1: 1 });
    expect(messageOf(() => parseStatistics(text, 'other'))).toMatch(/RTL011.*without other/);
    expect(messageOf(() => parseStatistics('nothing', 'top'))).toMatch(/RTL011.*not JSON/);
  });

  it('names the slowest path from its beginning to its end', () => {
    const text = `
Latest arrival time in 'dma' is 4537:
    4537 $auto$1 (FDSE.D)
           \\u_pack.rounded [12]
    3449 $abc$2 (LUT6.I1->O)
           \\chosen_q [60]
     303 $auto$3 (FDRE.C->Q)
       0   \\clk_i (<primary input>)

Arrival histogram:
`;
    expect(parsePath(text)).toEqual({ picoseconds: 4537, from: 'chosen_q[60]', to: 'u_pack.rounded[12]' });
    expect(parsePath('No timing paths found.')).toBeUndefined();
  });
});

describe('files below a module', () => {
  const files = renderAll(hardware('tiny'), templatesFromDisk());
  const names = (top: string, leaveOut: string[] = []) => filesBelow(files, top, leaveOut).map(({ path }) => path);

  it('are those that it is made of and no others', () => {
    expect(names('fifo')).toEqual(expect.arrayContaining(['fifo.sv', 'mem_distributed.sv']));
    expect(names('matmul')).not.toContain('vector.sv');
    expect(names('lutra_top').length).toBeGreaterThan(names('lutra').length);
    expect(names('lutra', ['vector'])).toContain('vector.sv');
    expect(names('lutra', ['vector'])).not.toContain('vector_lane.sv');
  });

  it('ask for no UltraRAM on 7 series', () => {
    expect(files.some(({ text }) => text.includes('"ultra"'))).toBe(true);
    expect(withoutUltraRam(files).some(({ text }) => text.includes('"ultra"'))).toBe(false);
  });
});

describeWith('yosys')('synthesis', () => {
  const cacheDirectory = mkdtempSync(join(tmpdir(), 'lutra-synthesis-'));
  afterAll(() => rmSync(cacheDirectory, { recursive: true, force: true }));
  const job = (hw: HardwareModel, top: string, flatten = true) =>
    ({ files: filesBelow(renderAll(hw, templatesFromDisk()), top), top, family: 'xcup', flatten }) as const;

  it('is done once for the same contents, and a damaged answer is none', async () => {
    const small = job(hardware('tiny'), 'fifo', false);
    let ticks = 0;
    const options = { cacheDirectory, tick: () => (ticks += 1) };
    const first = await synthesise(small, options);
    expect(countCells(first?.cells ?? {}).lut).toBeGreaterThan(0);
    expect(first?.path).toBeNull();
    const folder = join(cacheDirectory, 'yosys');
    const [entry = '', ...others] = readdirSync(folder);
    expect(others).toEqual([]);
    const kept = readFileSync(join(folder, entry), 'utf8');
    ticks = 0;
    expect(await synthesise(small, options)).toEqual(first);
    expect(ticks).toBe(0);
    for (const damaged of [kept.slice(0, 40), kept.replace(/"FDRE":\d+/, '"FDRE":1')]) {
      writeFileSync(join(folder, entry), damaged);
      expect(await synthesise(small, options)).toEqual(first);
      expect(readFileSync(join(folder, entry), 'utf8')).toBe(kept);
    }
  });

  it('finds the slowest path of a module as a whole', async () => {
    const result = await synthesise(job(hardware('tiny'), 'port_arbiter'), { cacheDirectory });
    expect(result?.path?.picoseconds).toBeGreaterThan(200);
    expect(result?.path?.to).not.toBe('');
  });

  it('leaves nothing behind when it is stopped', async () => {
    const before = readdirSync(join(cacheDirectory, 'yosys'));
    const stopped = await synthesise(job(hardware('tiny'), 'vector'), { cacheDirectory, stopped: () => true });
    expect(stopped).toBeUndefined();
    expect(readdirSync(join(cacheDirectory, 'yosys'))).toEqual(before);
  });

  it('says what is wrong with Verilog that it refuses', async () => {
    const files = [{ path: 'broken.sv', text: 'module broken(input logic a); nowhere u (.a); endmodule\n' }];
    const broken = synthesise({ files, top: 'broken', family: 'xcup', flatten: true }, { cacheDirectory });
    await expect(broken).rejects.toThrow(/COS005.*broken: ERROR: .*nowhere/);
  });

  // The formula, the estimate of `lutra check`, and what the Verilog becomes.
  it.each([hardware('tiny'), hardware('odd'), hardware('odd', 'weightBuffer.words=8192')])(
    'gives $name as many UltraRAMs for weights as the formula says',
    async (hw) => {
      const result = await synthesise(job(hw, 'weightBuffer', false), { cacheDirectory });
      const { weightBufferUltraRams } = derive(hw);
      const estimate = estimateResources(hw, derive(hw)).units.find(({ unit }) => unit === 'weightBuffer');
      expect(weightBufferUltraRams).toBeGreaterThan(0);
      expect(estimate?.resources.uram288).toBe(weightBufferUltraRams);
      expect(countCells(result?.cells ?? {}).uram288).toBe(weightBufferUltraRams);
    },
  );

  // Units whose synthesis takes seconds.
  const tables = ['matmul.group=3', 'matmul.tables=4', 'matmul.columns=2'];
  it.each([
    { unit: 'weightBuffer', settings: [] },
    { unit: 'matmul', settings: ['matmul.tableForm=half', ...tables] },
    { unit: 'matmul', settings: ['matmul.tableForm=full', ...tables] },
  ])('finds LUTs and FFs of $unit within 15 % of the estimate, $settings', async ({ unit, settings }) => {
    const hw = hardware('tiny', ...settings);
    const counted = countCells((await synthesise(job(hw, unit), { cacheDirectory }))?.cells ?? {});
    const estimate = estimateResources(hw, derive(hw)).units.find((row) => row.unit === unit)?.resources;
    for (const name of ['lut', 'ff'] as const) {
      expect(counted[name]).toBeGreaterThan(0);
      expect(Math.abs((estimate?.[name] ?? 0) / counted[name] - 1), `${name} ${counted[name]}`).toBeLessThan(0.15);
    }
  });
});
