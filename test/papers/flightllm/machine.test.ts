import { describe, expect, it } from 'vitest';
import { loadTokenMachine } from '../../../src/papers/flightllm/machine.ts';
import { messageOf } from '../../hw/models.ts';
import { inputs } from '../inputs.ts';

const { text } = inputs.description('flightllm-vhk158');

/** The message after one text of the description was replaced. */
function fault(from: string, to: string): string {
  expect(text).toContain(from);
  return messageOf(() => loadTokenMachine(text.replace(from, to), 'f.json'));
}

describe('a description of a token machine', () => {
  it.each(['flightllm-vhk158', 'flightllm-u280'])('%s is named like its file', (name) => {
    const { file, text: own } = inputs.description(name);
    expect(loadTokenMachine(own, file).name).toBe(name);
  });

  it('is refused with the place of a wrong field', () => {
    expect(fault('"lanes": 16', '"lanes": 0')).toMatch(/^error\[PAP003\] f\.json:\d+:\d+ misc\.lanes: /);
    expect(fault('"count": 4, ', '')).toMatch(/^error\[PAP003\] f\.json:\d+:\d+ dies\.count: /);
    expect(fault('"query": 0.7', '"queries": 0.7')).toMatch(/^error\[PAP003\] f\.json:\d+:\d+ formats\.density/);
  });

  it('is refused with the place of a broken rule', () => {
    expect(fault('"decode": 16', '"decode": 24')).toMatch(
      /^error\[PAP004\] f\.json:\d+:\d+ bucket\.decode: 24 is not a multiple of block = 16/,
    );
    expect(fault('"tileColumns": 512', '"tileColumns": 500')).toMatch(
      /vector\.tileColumns: 500 is not a multiple of block · buffers\.a\.channels = 128$/,
    );
    expect(fault('"channels": 32', '"channels": 4')).toMatch(
      /buffers\.a\.channels: the buffers use more channels than/,
    );
  });
});
