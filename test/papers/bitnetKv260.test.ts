import { describe, expect, it } from 'vitest';
import { createPaperMachine, isOutside, paperRows } from '../../src/papers/index.ts';
import { messageOf } from '../hw/models.ts';
import { inputs } from './inputs.ts';

const machine = createPaperMachine('bitnet-kv260', inputs);
const rows = paperRows(machine, {});
const row = (figure: string, context: number | null = null) =>
  rows.find((one) => one.figure === figure && (context === null || one.context === context));
const simulated = (figure: string) => row(figure)?.simulated as number;

describe('bitnet-kv260', () => {
  it('gives every published figure within its tolerance, 5 % but for a prompt and for the sequences of a later build', () => {
    expect(rows.filter(isOutside)).toEqual([]);
    expect(rows.every(({ published }) => published !== null)).toBe(true);
    const loose = rows.filter(({ tolerance }) => (tolerance ?? 1) > 0.05);
    expect(loose.filter(({ figure }) => !/sequences? at once/.test(figure)).map(({ figure }) => figure)).toEqual([
      'prompt token, five prompts',
    ]);
  });

  it('predicts the step, the weight stream and everything about batches', () => {
    const predicted = rows.filter(({ kind }) => kind === 'predicted').map(({ figure }) => figure);
    expect(predicted).not.toContain('decode step, weight stream');
    expect(predicted).toContain('weight stream, 4 rows');
    expect(predicted.filter((figure) => /^clocks per weight beat/.test(figure))).toHaveLength(4);
    expect(predicted.filter((figure) => /sequences? at once/.test(figure))).toHaveLength(4);
    expect(row('decode step', 65)).toMatchObject({ published: 59.599, kind: 'predicted' });
  });

  it('finds three sequences slower than two, as the board does', () => {
    expect(simulated('3 sequences at once')).toBeLessThan(simulated('2 sequences at once'));
    expect(simulated('4 sequences at once')).toBeGreaterThan(simulated('2 sequences at once'));
  });

  it('gives a step at any context, its phases adding up', () => {
    const [step, ...phases] = machine.decode(500);
    expect(step).toMatchObject({ figure: 'decode step', context: 500, unit: 'ms' });
    expect(phases.reduce((sum, phase) => sum + phase.simulated, 0)).toBeCloseTo(step?.simulated as number, 9);
    // Only attention knows the context.
    const [later] = machine.decode(600);
    expect((later?.simulated as number) - (step?.simulated as number)).toBeCloseTo(7.76, 9);
  });

  it('takes a prompt four positions at a time', () => {
    const stream = (prompt: number) =>
      machine.prefill(prompt).find(({ figure }) => figure === 'prefill, weight stream')?.simulated as number;
    expect(stream(8)).toBeCloseTo(2 * stream(4), 9);
    expect(stream(5)).toBeCloseTo(stream(4) + stream(1), 9);
    expect(stream(2)).toBeLessThan(1.05 * stream(1));
    expect(stream(4)).toBeGreaterThan(1.5 * stream(1));
  });

  it('refuses positions that its model does not have', () => {
    expect(messageOf(() => machine.decode(4097))).toBe(
      'error[PAP002] bitnet-kv260: --context 4097 is more than the 4096 positions of its model (at most 4096)',
    );
    expect(messageOf(() => machine.prefill(5000))).toMatch(/PAP002.*--prompt 5000 is more than the 4096/);
  });
});
