import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { derive } from '../../src/hw/index.ts';
import { assemble, programImage } from '../../src/isa/index.ts';
import { Machine } from '../../src/machine/machine.ts';
import { renderAll } from '../../src/rtl/index.ts';
import { describeWith } from '../describeWith.ts';
import { hardware } from '../hw/models.ts';
import { templatesFromDisk } from '../rtl/templates.ts';
import { runTool } from '../tools.ts';
import { fourStateBench, toHexWords } from './fourState.ts';

const silent = { instruction: () => {}, token: () => {} };

/** Memory as `machine` has it, from byte 0 to the end of the last page that anything is in. */
function contents(machine: Machine, bytes: number): Uint8Array {
  return machine.store.read(0, bytes);
}

// Verilator has two states: what was never reset looks like a zero to it. Icarus has X.
describeWith(
  'yosys',
  'iverilog',
  'vvp',
)('four-state simulation of tiny', () => {
  it.each(['attention-decode', 'kv-spill', 'rope'])(
    '%s: nothing unknown gets out, and memory is the machine’s',
    (name) => {
      const hw = hardware('tiny');
      const { portBytes } = derive(hw);
      const source = readFileSync(new URL(`../../programs/${name}.lasm`, import.meta.url), 'utf8');
      const program = assemble(source, `${name}.lasm`, { hw });
      const image = programImage(program, hw);
      const machine = new Machine(image, hw, { values: true, dense: false, cycleLimit: 10_000, trace: silent });
      const bytes = Math.max(...machine.store.pageAddresses(), image.codeAddress) + machine.store.pageBytes;
      expect(bytes).toBeLessThan(1 << 21);
      const before = contents(machine, bytes);
      while (!machine.advance(1000));
      const work = mkdtempSync(join(tmpdir(), 'lutra-icarus-'));
      try {
        const files = renderAll(hw, templatesFromDisk()).filter(({ path }) => path.endsWith('.sv'));
        for (const { path, text } of files) writeFileSync(join(work, path), text);
        writeFileSync(join(work, 'bench.sv'), fourStateBench(hw, image, bytes / portBytes));
        writeFileSync(join(work, 'before.hex'), toHexWords(before, portBytes));
        // Lowered to nets and registers: Icarus would run in circles through always_comb blocks that share a vector.
        const script = `read_verilog -sv ${files.map(({ path }) => path).join(' ')}; hierarchy -check -top lutra; proc; write_verilog -noattr lowered.v`;
        runTool('yosys', ['-q', '-p', script], work);
        runTool('iverilog', ['-g2012', '-s', 'bench', '-o', 'bench.vvp', 'bench.sv', 'lowered.v'], work);
        expect(runTool('vvp', ['-n', 'bench.vvp'], work).trim()).toMatch(/^halted/);
        const after = readFileSync(join(work, 'after.hex'), 'utf8')
          .replace(/^\/\/.*\n/gm, '')
          .trim()
          .split('\n');
        const wanted = toHexWords(contents(machine, bytes), portBytes).trim().split('\n');
        const different = wanted.flatMap((word, index) =>
          word === after[index] ? [] : [`byte ${index * portBytes}: ${after[index]}, not ${word}`],
        );
        expect(different.slice(0, 8)).toEqual([]);
        expect(
          wanted.some(
            (word, index) =>
              word !== toHexWords(before.subarray(index * portBytes, (index + 1) * portBytes), portBytes).trim(),
          ),
        ).toBe(true);
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
    },
  );
});
