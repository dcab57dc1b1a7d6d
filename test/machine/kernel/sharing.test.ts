import { expect, test } from 'vitest';
import { hardware, runAssembly } from '../harness.ts';

const hw = hardware('kv260', 'memory.kind=ideal');
const row = 'rows=1, remoteStride=0, localPitch=0';
const shape = 'rows=1, elements=16, dstPitch=16, srcPitch=16';

const others = {
  quantise: `vector.quantise dst=0, src=0, gain=0, ${shape}, epsilon=0`,
  dequantise: `vector.dequantise dst=0, src=0, scale=0, ${shape}`,
  product:
    'matmul.run input=0, weights=0, output=0, rows=1, blocks=1, steps=1, alphabet=ternary, planes=1, inputPitch=0',
};
const formats = { act: 'float32', coef: 'float32', acc: 'int32', input: 'int8' };

/** Whether the instruction starts while a long transfer of other elements of the buffer is running. */
function beside(verb: 'load' | 'store', space: keyof typeof formats, other: keyof typeof others): boolean {
  const text = others[other];
  const run = runAssembly(
    `.reserve rows = 0x10000, 65536
    dma.${verb} space=${space}, format=${formats[space]}, local=4096, remote=rows, elements=8000, ${row}
    ${text}
    halt`,
    hw,
    { values: false },
  );
  const [name = ''] = text.split(' ');
  const { started } = run.stamps(name);
  const { finished } = run.stamps(`dma.${verb}`);
  expect(started === finished + 1 || started < finished).toBe(true);
  return started < finished;
}

test.each([
  ['store', 'acc', 'dequantise'],
  ['store', 'coef', 'dequantise'],
  ['store', 'coef', 'quantise'],
  ['store', 'act', 'quantise'],
  ['store', 'input', 'product'],
  ['load', 'input', 'quantise'],
  ['load', 'act', 'dequantise'],
  ['load', 'acc', 'product'],
] as const)('dma.%s of %s and a %s take the same port, one after the other', (verb, space, other) => {
  expect(beside(verb, space, other)).toBe(false);
});

test.each([
  ['load', 'coef', 'dequantise'],
  ['load', 'acc', 'dequantise'],
  ['load', 'act', 'quantise'],
  ['store', 'input', 'quantise'],
  ['store', 'acc', 'product'],
  ['load', 'input', 'product'],
  ['store', 'act', 'dequantise'],
] as const)('dma.%s of %s and a %s run side by side', (verb, space, other) => {
  expect(beside(verb, space, other)).toBe(true);
});
