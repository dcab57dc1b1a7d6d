import { expect, it } from 'vitest';
import { jsonLinesSink } from '../../src/trace/jsonLines.ts';

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

it('writes one JSON object per line, in the order of the events', () => {
  let text = '';
  const sink = jsonLinesSink((block) => {
    text += block;
  });
  sink.instruction(instruction);
  sink.token({ cycle: 31, token: 5 });
  expect(text).toBe('');
  sink.flush();
  expect(text).toBe(
    '{"type":"instruction","unit":"matmul","pc":7,"name":"matmul.run","sequence":0,"fetched":10,"issued":11,"started":12,"first":20,"finished":30,"marks":{"pass":1,"layer":2,"operation":3,"token":4}}\n{"type":"token","cycle":31,"token":5}\n',
  );
});

it('keeps no more than a block of text, and loses nothing', () => {
  const blocks: string[] = [];
  const sink = jsonLinesSink((block) => blocks.push(block));
  for (let i = 0; i < 1000; i++) sink.instruction({ ...instruction, sequence: i });
  expect(blocks.length).toBeGreaterThan(1);
  sink.flush();
  sink.flush();
  const lines = blocks.join('').trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).sequence)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect(Math.max(...blocks.map((block) => block.length))).toBeLessThan(70_000);
});
