import { lint } from 'verilator-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { misplaced, withMutants } from '../../bench/mutants.ts';
import { buildMutants, type MutantMachine } from '../../bench/mutationCampaign.ts';
import { mutations } from '../../bench/mutationList.ts';
import { type CampaignMachine, campaignMachines } from '../../bench/mutationPrograms.ts';
import { renderAll } from '../../src/rtl/render.ts';
import { describeVerilog } from '../describeWith.ts';
import { templatesFromDisk } from '../rtl/templates.ts';
import { cacheDirectory } from './harness.ts';

const templates = templatesFromDisk();
const number = (name: string) => mutations.findIndex((mutation) => mutation.name === name) + 1;

describe('the list of mutations', () => {
  it('names each once, and has some for every unit and for the library', () => {
    const names = mutations.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(36);
    const units = ['frontEnd', 'dma', 'weightBuffer', 'matmul', 'vector', 'attention', 'kvStore', 'sampler', 'memory'];
    const found = new Set(mutations.map(({ unit }) => unit));
    expect([...units, 'float', 'queue', 'transfer', 'buffers', 'counters'].filter((unit) => !found.has(unit))).toEqual(
      [],
    );
  });

  it('changes pieces that occur as often as it says, each to something else', () => {
    expect(misplaced(mutations, templates)).toEqual([]);
    for (const { name, at, becomes } of mutations) {
      expect(at.includes('«') ? at.split(/[«»]/)[1] : at, name).not.toBe(becomes);
    }
    expect(() => withMutants(templates, mutations)).not.toThrow();
  });
});

describeVerilog('mutated machines', () => {
  const machines = campaignMachines();

  it('are Verilog that Verilator accepts, and every mutation is in one of them', async () => {
    const seen = new Set<number>();
    for (const { hw } of machines) {
      const rendered = renderAll(hw, withMutants(templates, mutations)).filter(({ path }) => path.endsWith('.sv'));
      const files = rendered.map(({ path, text }) => ({ name: path, text }));
      const messages = await lint({ files, top: 'lutra' });
      expect(messages.filter(({ severity }) => severity === 'error')).toEqual([]);
      for (const { text } of files)
        for (const [, found] of text.matchAll(/mutation_i == 8'd(\d+) /g)) seen.add(Number(found));
    }
    expect(mutations.filter(({ name }) => !seen.has(number(name))).map(({ name }) => name)).toEqual([]);
  });

  describe('one of them', () => {
    let built: MutantMachine;

    beforeAll(async () => {
      built = await buildMutants(machines[0] as CampaignMachine, mutations, templates, cacheDirectory);
    }, 900_000);

    it('is equal while no mutation is on', () => {
      for (const program of built.machine.programs) expect(built.run(0, program), program.name).toBeUndefined();
    });

    it.each([
      ['start-late', 'random 1'],
      ['jam-lost', 'random 1'],
      ['logit-nan', 'corners'],
    ])('is different with %s, in program %s', (name, wanted) => {
      const program = built.machine.programs.find((entry) => entry.name === wanted);
      expect(program && built.run(number(name), program)).toMatchObject({ program: wanted });
    });
  });
});
