import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { cacheDirectory } from '../cosim/harness.ts';
import { describeVerilog } from '../describeWith.ts';
import { lutra, temporaryDirectory } from './capture.ts';

const directory = temporaryDirectory();
const { PATH, LUTRA_CACHE } = process.env;

afterEach(() => {
  process.env['PATH'] = PATH;
  if (LUTRA_CACHE === undefined) delete process.env['LUTRA_CACHE'];
  else process.env['LUTRA_CACHE'] = LUTRA_CACHE;
});

describe('where a tool is missing', () => {
  it('lutra cosim names the package, and what works without it', async () => {
    process.env['PATH'] = '';
    process.env['LUTRA_CACHE'] = join(directory, 'cache');
    const { code, stdout, stderr } = await lutra('cosim', 'programs/norm.lasm', '--engine', 'verilator');
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(/^error\[COS001\] .*verilator.*apt-get install.*--engine cxxrtl/);
  });

  it('lutra rtl --resources does so, too', async () => {
    process.env['PATH'] = '';
    const { code, stderr } = await lutra('rtl', '--resources', '--hw', 'hw-models/tiny.json', '--unit', 'counters');
    expect(code).toBe(4);
    expect(stderr).toMatch(/^error\[COS004\] .*yosys.*apt-get install yosys/);
  });
});

describeVerilog('lutra cosim', () => {
  it('stops at Ctrl-C, and says how far the two were equal', async () => {
    process.env['LUTRA_CACHE'] = cacheDirectory;
    // Packing listens too: let it be done.
    const image = join(directory, 'tiny.img');
    expect(await lutra('compile', 'models/tern-stories-5m', '--hw', 'hw-models/tiny.json', '-o', image)).toMatchObject({
      code: 0,
    });
    const before = process.listenerCount('SIGINT');
    const ending = lutra('cosim', '--hw', 'hw-models/tiny.json', '--max-tokens', '200');
    // The verb listens from the first simulated cycle on.
    const ask = setInterval(() => {
      if (process.listenerCount('SIGINT') === before) return;
      process.emit('SIGINT');
      clearInterval(ask); // a second one would end this process
    }, 100);
    const { code, stdout } = await ending;
    expect(code).toBe(130);
    expect(stdout).toMatch(/verdict {3}equal on tiny as far as it ran/);
  });

  it('injects faults into a program, and prints how they ended', async () => {
    process.env['LUTRA_CACHE'] = cacheDirectory;
    const args = ['cosim', 'programs/kv-spill.lasm', '--hw', 'hw-models/tiny.json', '--faults', '19', '--disturb', '3'];
    const { code, stdout } = await lutra(...args);
    expect(stdout).toMatch(/verdict {3}19 of 19 faults borne on tiny\n$/);
    expect(stdout).toMatch(/error on a read +1 +0 +1 +0 +0 +0 +1 readError\n/);
    expect(stdout).toMatch(/other hardware +1 +0 +1 +0 +0 +0 +1 wrongProgram\n/);
    expect(stdout).toMatch(/all +19 +\d+ +19 +0 +0 +0 /);
    expect(code).toBe(0);
    const { records, borne } = JSON.parse((await lutra(...args, '--json')).stdout);
    expect(borne).toBe(true);
    expect(records).toHaveLength(19);
  });

  it('writes no waveform where nothing differs', async () => {
    process.env['LUTRA_CACHE'] = cacheDirectory;
    const folder = join(directory, 'waves');
    mkdirSync(folder);
    const waveform = join(folder, 'x.vcd');
    const args = ['cosim', 'programs/attention-decode.lasm', '--hw', 'hw-models/tiny.json', '--waveform', waveform];
    expect(await lutra(...args)).toMatchObject({ code: 0, stdout: expect.stringContaining('equal on tiny\n') });
    expect(readdirSync(folder)).toEqual([]);
  });
});
