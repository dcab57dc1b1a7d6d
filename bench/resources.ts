/**
 * Synthesises the Verilog of kv260 with Yosys, unit by unit, and keeps the counts in golden/kv260.resources.json together
 * with a digest of that Verilog, so that a test knows at once whether they are those of the Verilog of today:
 * `npx tsx bench/resources.ts`. Takes minutes where the Verilog has changed.
 */
import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFor } from '../test/rtl/export/projects.ts';
import { verilogDigest } from '../test/rtl/export/verilogDigest.ts';

const root = join(import.meta.dirname, '..');
const golden = join(root, 'golden/kv260.resources.json');
const verb = ['rtl', '--hw', 'hw-models/kv260.json', '--resources', '--json'];

const { tool, units, total, board } = JSON.parse(
  execFileSync(process.execPath, ['bin/lutra.mjs', ...verb], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }),
) as { tool: string; units: Record<string, unknown>[]; total: unknown; board: unknown };
const contents = {
  regenerate: 'npx tsx bench/resources.ts',
  tool,
  verilog: verilogDigest(projectFor('KV260', 'kv260')),
  units: units.map(({ unit, lut, ff, bram36, uram288, dsp, picoseconds }) => ({
    unit,
    lut,
    ff,
    bram36,
    uram288,
    dsp,
    picoseconds,
  })),
  total,
  board,
};
writeFileSync(`${golden}.tmp`, `${JSON.stringify(contents, null, 2)}\n`);
renameSync(`${golden}.tmp`, golden);
process.stdout.write(`${golden}: ${JSON.stringify(total)} of ${JSON.stringify(board)}\n`);
