import { expect, test } from 'vitest';
import { didYouMean, nearest } from '../../src/isa/suggest.ts';

test.each([
  ['vectr.add', ['vector.add', 'vector.norm'], 'vector.add'],
  ['run', ['matmul.run', 'rub'], 'matmul.run'],
  ['adress', ['address', 'rd'], 'address'],
  ['tow', ['two', 'ten'], 'two'],
  ['Halt', ['halt'], 'halt'],
  ['quantize', ['quantise', 'dequantise'], 'quantise'],
  ['elephant', ['halt', 'jmp'], undefined],
])('%s among %s is %s', (name, candidates, expected) => {
  expect(nearest(name, candidates)).toBe(expected);
});

test('a fallback where nothing is close', () => {
  expect(didYouMean('x', ['halt'], 'look it up')).toBe('look it up');
  expect(didYouMean('hal', ['halt'], 'look it up')).toBe('did you mean halt?');
});
