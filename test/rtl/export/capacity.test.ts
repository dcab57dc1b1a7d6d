import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { synthesise, yosysVersion } from '../../../src/cosim/index.ts';
import type { Resources } from '../../../src/hw/index.ts';
import { boards } from '../../../src/rtl/export/boards.ts';
import { countCells, filesBelow, renderAll } from '../../../src/rtl/index.ts';
import { describeWith } from '../../describeWith.ts';
import { hardware } from '../../hw/models.ts';
import { templatesFromDisk } from '../templates.ts';
import { projectFor } from './projects.ts';
import { verilogDigest } from './verilogDigest.ts';

interface Golden {
  readonly regenerate: string;
  readonly tool: string;
  readonly verilog: string;
  readonly units: readonly (Resources & { readonly unit: string })[];
  readonly total: Resources;
}

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../golden/kv260.resources.json'), 'utf8'),
) as Golden;

describe('the export for the KV260', () => {
  const capacity = boards.find(({ name }) => name === 'KV260')?.capacity as unknown as Resources;

  it('is the Verilog whose synthesis is on record', () => {
    expect(verilogDigest(projectFor('KV260', 'kv260')), `to synthesise it again: ${golden.regenerate}`).toBe(
      golden.verilog,
    );
  });

  it.each(['lut', 'ff', 'bram36', 'uram288', 'dsp'] as const)('is within the capacity of the device: %s', (name) => {
    expect(golden.total[name]).toBeGreaterThan(0);
    expect(golden.total[name]).toBe(golden.units.reduce((sum, unit) => sum + unit[name], 0));
    expect(golden.total[name]).toBeLessThanOrEqual(capacity[name]);
  });
});

// Units whose synthesis takes seconds.
describeWith('yosys')('synthesis of the export for the KV260', () => {
  const cacheDirectory = mkdtempSync(join(tmpdir(), 'lutra-capacity-'));
  afterAll(() => rmSync(cacheDirectory, { recursive: true, force: true }));
  const files = renderAll(hardware('kv260'), templatesFromDisk());

  it.each(['control', 'memory'])('gives what is on record for %s', async (top) => {
    const job = { files: filesBelow(files, top), top, family: 'xcup', flatten: true } as const;
    const counted = countCells((await synthesise(job, { cacheDirectory }))?.cells ?? {});
    const recorded = golden.units.find(({ unit }) => unit === top);
    const same = yosysVersion() === golden.tool;
    for (const name of ['lut', 'ff'] as const) {
      const ratio = counted[name] / (recorded?.[name] ?? 0);
      if (same) expect(ratio, name).toBe(1);
      else expect(Math.abs(ratio - 1), name).toBeLessThan(0.1);
    }
  });
});
