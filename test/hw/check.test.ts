import { expect, test } from 'vitest';
import { describeHardware } from '../../src/hw/check.ts';
import { hardware, modelNames } from './models.ts';

test.each(modelNames)('the text for %s', async (name) => {
  await expect(`${describeHardware(hardware(name)).join('\n')}\n`).toMatchFileSnapshot(`check/${name}.txt`);
});

test('names the narrower of ports and bus', () => {
  expect(describeHardware(hardware('kv260', 'memory.megatransfersPerSecond=1000')).join('\n')).toContain(
    'limit    8.00 GB/s (bus)',
  );
  expect(describeHardware(hardware('kv260')).join('\n')).toContain('limit    16.00 GB/s (ports)');
});

test('a resource that the board does not have', () => {
  const share = describeHardware(hardware('kv260', 'board.resources.uram288=0')).at(-1);
  expect(share).toContain('none there');
});
