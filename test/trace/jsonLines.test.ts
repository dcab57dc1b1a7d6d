import { expect, it } from 'vitest';
import { jsonLinesTrace } from '../../src/trace/jsonLines.ts';
import { everything, type Selection } from '../../src/trace/selection.ts';
import { factsOf } from './facts.ts';

const marks = { pass: 1, layer: 2, operation: 3, token: 4 };
const instruction = {
  unit: 'matmul',
  pc: 7,
  name: 'matmul.run',
  sequence: 0,
  fetched: 10,
  issued: 11,
  started: 12,
  first: 20,
  finished: 30,
  marks,
};

function trace(selection: Selection = everything) {
  const blocks: string[] = [];
  const writer = jsonLinesTrace(factsOf(), selection, (bytes) => {
    blocks.push(new TextDecoder().decode(bytes));
    return true;
  });
  return { writer, sink: writer.sink!, blocks };
}

it('writes one JSON object per line, in the order of the events', () => {
  const { writer, sink, blocks } = trace();
  sink.instruction(instruction);
  sink.span?.('matmul', 'wait.vector', 30, 44, 8, marks);
  sink.span?.('sampler', 'idle', 0, 44, -1, undefined);
  sink.token({ cycle: 31, token: 5 });
  expect(blocks).toEqual([]);
  writer.finish(50);
  expect(
    blocks
      .join('')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { type: 'instruction', ...instruction },
    { type: 'span', unit: 'matmul', class: 'wait.vector', from: 30, to: 44, pc: 8, marks },
    { type: 'span', unit: 'sampler', class: 'idle', from: 0, to: 44, pc: -1, marks: null },
    { type: 'token', cycle: 31, token: 5 },
  ]);
  expect(writer.written).toBe(3);
});

it('keeps no more than a block of text, and loses nothing', () => {
  const { writer, sink, blocks } = trace();
  for (let i = 0; i < 1000; i++) sink.instruction({ ...instruction, sequence: i });
  expect(blocks.length).toBeGreaterThan(1);
  writer.finish(100);
  for (const block of blocks) expect(block.endsWith('\n')).toBe(true);
  const lines = blocks.join('').trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).sequence)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect(Math.max(...blocks.map((block) => block.length))).toBeLessThan(70_000);
});

it.each([
  ['a range of cycles', { from: 30, to: 40 }, ['span']],
  ['a range of cycles that only touches the rest', { from: 0, to: 12 }, ['span']],
  ['units', { units: 1 << 3 }, ['instruction', 'span', 'token']],
  ['a token', { token: 4 }, ['instruction', 'span']],
  ['another token', { token: 0 }, ['token']],
  ['a layer', { layer: 2 }, ['instruction', 'span', 'token']],
  ['another layer', { layer: 3 }, ['token']],
])('holds %s', (_, part, expected) => {
  const { writer, sink, blocks } = trace({ ...everything, ...part });
  sink.instruction(instruction);
  sink.span?.('matmul', 'wait.vector', 30, 44, 8, marks);
  sink.span?.('sampler', 'idle', 0, 12, -1, undefined);
  sink.token({ cycle: 50, token: 5 });
  writer.finish(50);
  const lines = blocks.join('').split('\n').filter(Boolean);
  expect(lines.map((line) => JSON.parse(line).type)).toEqual(expected);
});
