import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { place } from '../../src/cosim/index.ts';
import { harness } from '../../src/cosim/synthesis/placement.ts';
import { filesBelow, renderAll } from '../../src/rtl/index.ts';
import { describeWith } from '../describeWith.ts';
import { hardware } from '../hw/models.ts';
import { templatesFromDisk } from '../rtl/templates.ts';

const port = (direction: string, bits: number) => ({ direction, bits: new Array(bits).fill(0) });

describe('the harness of a unit', () => {
  it('has a register at every port, and three pins', () => {
    const ports = { clk_i: port('input', 1), a_i: port('input', 3), b_i: port('input', 2), c_o: port('output', 4) };
    const text = harness('unit', { modules: { unit: { ports } } });
    expect(text).toContain('module harness(input clk, input shift_in, output shift_out);');
    expect(text).toContain('reg  [4:0] inputs;');
    expect(text).toContain('reg  [3:0] signature;');
    expect(text).toContain('unit dut(.clk_i(clk), .a_i(inputs[0 +: 3]), .b_i(inputs[3 +: 2]), .c_o(outputs[0 +: 4]));');
  });
});

describeWith('yosys', 'nextpnr-ice40')('placement', () => {
  const cacheDirectory = mkdtempSync(join(tmpdir(), 'lutra-placement-'));
  afterAll(() => rmSync(cacheDirectory, { recursive: true, force: true }));
  const files = renderAll(hardware('tiny'), templatesFromDisk());
  const job = (top: string) => ({ files: filesBelow(files, top), top });

  it('finds a clock with wires, the same again, from the cache without the tool', async () => {
    let ticks = 0;
    const options = { cacheDirectory, tick: () => (ticks += 1) };
    const first = await place(job('sampler_random'), options);
    expect(first?.why).toBeNull();
    // Cells alone would give several hundred, and nothing of this device runs at 400.
    expect(first?.megahertz).toBeGreaterThan(20);
    expect(first?.megahertz).toBeLessThan(400);
    expect(first?.lut4).toBeGreaterThan(0);
    expect(ticks).toBeGreaterThan(0);
    ticks = 0;
    expect(await place(job('sampler_random'), options)).toEqual(first);
    expect(ticks).toBe(0);
  });

  it('places the control port of a small machine, with its memories in block RAM', async () => {
    const placed = await place(job('control'), { cacheDirectory });
    expect(placed).toMatchObject({ why: null });
    expect(placed?.blockRams).toBeGreaterThan(0);
    expect(placed?.megahertz).toBeGreaterThan(hardware('tiny').clockHz / 1e6);
  });

  it('says what does not fit', async () => {
    const placed = await place(job('buffers'), { cacheDirectory });
    expect(placed?.megahertz).toBeNull();
    expect(placed?.why).toMatch(/^does not fit: \d+ block RAMs of 32$/);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const before = readdirSync(join(cacheDirectory, 'nextpnr'));
    expect(await place(job('dma'), { cacheDirectory, stopped: () => true })).toBeUndefined();
    expect(readdirSync(join(cacheDirectory, 'nextpnr'))).toEqual(before);
  });
});
