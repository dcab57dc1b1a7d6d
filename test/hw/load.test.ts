import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LutraError } from '../../src/base/diagnostics.ts';
import { expectation, type Field, fieldNamesIn, hardwareFields, nearestName } from '../../src/hw/fields.ts';
import { loadHardwareModel } from '../../src/hw/load.ts';
import { fullText, hardware, hardwareText, messageOf, modelNames } from './models.ts';

type Json = Record<string, unknown>;

/** kv260.json, in full, after `change` has been made to the object that holds the last step of `path`, as text. */
function changed(path: string, change: (section: Json, name: string) => void): string {
  const model = JSON.parse(fullText('kv260')) as Json;
  const steps = path.split('.');
  const name = steps.pop() as string;
  change(
    steps.reduce((section, step) => section[step] as Json, model),
    name,
  );
  return JSON.stringify(model, null, 2);
}

/** `file:line:column` of the one place where `mark` stands. */
function placeOf(text: string, mark: string): string {
  const before = text.slice(0, text.indexOf(mark)).split('\n');
  expect(text.split(mark)).toHaveLength(2);
  return `f.json:${before.length}:${(before.at(-1) as string).length + 1}`;
}

const load = (text: string, ...overrides: string[]) => messageOf(() => loadHardwareModel(text, 'f.json', overrides));
const isNumber = ({ type }: Field) => type === 'integer' || type === 'number';

describe('each field of kv260.json, one fault at a time', () => {
  test.each(hardwareFields)('$path: wrong type', (field) => {
    const text = changed(field.path, (section, name) => {
      section[name] = { '@': 0 };
    });
    const place = placeOf(text, text.match(/\{\s*"@"/)?.[0] as string);
    const wrong =
      field.type === 'section'
        ? // An object is the right type: its fields are what is wrong.
          `there is no such field`
        : field.type === 'choice'
          ? `${field.path}: an object is not one of the choices (expected ${expectation(field)})`
          : `${field.path}: an object has the wrong type (expected ${expectation(field)})`;
    const message = load(text);
    if (field.type === 'section') expect(message).toContain(wrong);
    else expect(message).toBe(`error[${field.type === 'choice' ? 'HW005' : 'HW001'}] ${place} ${wrong}`);
  });

  test.each(hardwareFields)('$path: null', (field) => {
    const text = changed(field.path, (section, name) => {
      section[name] = null;
    });
    const message = load(text);
    expect(message.split('\n')).toHaveLength(1);
    const wrong = field.type === 'choice' ? 'is not one of the choices' : 'has the wrong type';
    expect(message).toContain(`${placeOf(text, 'null')} ${field.path}: null ${wrong} (expected ${expectation(field)})`);
  });

  test.each(hardwareFields.filter(isNumber))('$path: negative, too large and not a number', (field) => {
    const put = (value: unknown) =>
      changed(field.path, (section, name) => {
        section[name] = value;
      });
    const unit = field.unit === undefined ? '' : ` ${field.unit}`;
    const range = `is out of range (expected ${field.minimum} to ${field.maximum}${unit})`;
    for (const value of [-98765, 2 ** 53]) {
      const text = put(value);
      expect(load(text)).toBe(`error[HW004] ${placeOf(text, `${value}`)} ${field.path}: ${value} ${range}`);
    }
    const text = put('@');
    const expected = `has the wrong type (expected ${expectation(field)})`;
    expect(load(text)).toBe(`error[HW001] ${placeOf(text, '"@"')} ${field.path}: "@" ${expected}`);
  });

  test.each(hardwareFields.filter(({ type }) => type === 'integer'))('$path: a fraction', (field) => {
    const text = changed(field.path, (section, name) => {
      section[name] = 1.03125;
    });
    const expected = `is not a whole number (expected ${expectation(field)})`;
    expect(load(text)).toBe(`error[HW001] ${placeOf(text, '1.03125')} ${field.path}: 1.03125 ${expected}`);
  });

  test.each(hardwareFields)('$path: missing', (field) => {
    const text = changed(field.path, (section, name) => {
      delete section[name];
    });
    if (field.optional) return expect(load(text)).toBe('no error');
    const what = field.type === 'section' ? 'this section' : 'this field';
    const message = load(text);
    expect(message).toMatch(/^error\[HW002\] f\.json:\d+:\d+ /);
    expect(message).toContain(` ${field.path}: ${what} is missing (${expectation(field)}: ${field.description})`);
    expect(message.split('\n')).toHaveLength(1);
  });

  const sections = ['', ...hardwareFields.filter(({ type }) => type === 'section').map(({ path }) => path)];
  test.each(sections)('an unknown field in "%s"', (section) => {
    const path = section === '' ? 'zzzzzzzz' : `${section}.zzzzzzzz`;
    const text = changed(path, (members, name) => {
      members[name] = 1;
    });
    const fields = fieldNamesIn(section).join(', ');
    const place = placeOf(text, '"zzzzzzzz"');
    expect(load(text)).toBe(`error[HW003] ${place} ${path}: there is no such field (the fields here are ${fields})`);
  });
});

describe('messages', () => {
  const text = hardwareText('kv260');

  test('several faults come together', () => {
    const bad = text
      .replace('"columns": 8', '"colums": 8')
      .replace('"select"', '1')
      .replace('"cacheLines": 256', '"cacheLines": 0');
    const lines = load(bad).split('\n').sort();
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^error\[HW002\] f\.json:\d+:13 matmul\.columns: this field is missing \(a whole number/);
    expect(lines[1]).toMatch(
      /^error\[HW003\] f\.json:\d+:5 matmul\.colums: there is no such field \(did you mean columns\? the fields/,
    );
    expect(lines[2]).toMatch(
      /^error\[HW004\] f\.json:\d+:19 frontEnd\.cacheLines: 0 is out of range \(expected 1 to 4096 lines\)$/,
    );
  });

  test('faults of fields come before broken rules, and rules together', () => {
    expect(load(text, 'vector.lanes=3', 'matmul.maxRows=0')).not.toContain('HW012');
    expect(load(text, 'frontEnd.cacheLines=3', 'memory.banks=3').match(/HW012/g)).toHaveLength(2);
  });

  test.each([
    ['[]', 'error[HW001] f.json:1:1 the hardware model: a list has the wrong type (expected an object)'],
    ['"kv260"', 'error[HW001] f.json:1:1 the hardware model: "kv260" has the wrong type (expected an object)'],
    [
      '{"name": 1,}',
      'error[JSON001] f.json:1:12 a comma stands before the closing bracket (JSON allows no trailing comma)',
    ],
  ])('%s', (bad, message) => {
    expect(load(bad)).toBe(message);
  });

  test.each([
    [
      'name',
      '"KV 260"',
      '"KV 260" does not have the right form (lower-case letters, digits and hyphens, such as kv260-wide)',
    ],
    ['description', '""', '"" does not have the right form (write at least one character)'],
    ['notes', '["a", 2]', 'notes.1: 2 has the wrong type (expected a text)'],
    ['matmul.tableForm', '"quarter"', '"quarter" is not one of the choices (expected "select" or "half" or "full")'],
    ['weightBuffer.columnsPerBank', '3', '3 is not one of the choices (expected 1 or 2)'],
  ])('%s = %s', (path, value, message) => {
    const field = path === 'notes' ? '' : `${path}: `;
    const code = path === 'notes' ? 'HW001' : path.includes('.') ? 'HW005' : 'HW006';
    expect(load(text, `${path}=${value}`)).toBe(`error[${code}] --set ${path}=${value} ${field}${message}`);
  });

  test('a key named __proto__ is an unknown field', () => {
    expect(load(text.replace('{', '{"__proto__": {"name": "x"},'))).toMatch(
      /^error\[HW003\] f\.json:1:2 __proto__: there is no such field/,
    );
  });
});

describe('--set', () => {
  test('sets numbers, texts, JSON and whole sections; the last wins; the text stays as it is', () => {
    const hw = hardware(
      'kv260',
      'matmul.columns=4',
      'name=wide',
      'notes=["a"]',
      'matmul.columns=16',
      'dma={"queueDepth": 3}',
      'dma.queueDepth=5',
    );
    expect(hw).toMatchObject({ name: 'wide', notes: ['a'], matmul: { columns: 16 }, dma: { queueDepth: 5 } });
    expect(hardware('kv260').matmul.columns).toBe(8);
  });

  test('can add an optional section', () => {
    const hw = hardware('tiny', 'board.memoryPorts.count=1', 'board.memoryPorts.bits=64');
    expect(hw.board.memoryPorts).toEqual({ count: 1, bits: 64 });
  });

  const fields = fieldNamesIn('matmul').join(', ');
  test.each([
    [
      'matmul.colums=4',
      `error[HW011] --set matmul.colums=4 matmul.colums: there is no such field (did you mean columns? the fields here are ${fields})`,
    ],
    [
      'matmul.Columns.x=4',
      `error[HW011] --set matmul.Columns.x=4 matmul.Columns.x: there is no such field (did you mean columns? the fields here are ${fields})`,
    ],
    [
      'matmul.columns.x=4',
      'error[HW011] --set matmul.columns.x=4 matmul.columns.x: there is no such field (matmul.columns is a value, not a section)',
    ],
    [
      '__proto__.x=4',
      `error[HW011] --set __proto__.x=4 __proto__.x: there is no such field (the fields here are ${fieldNamesIn('').join(', ')})`,
    ],
    ['matmul.columns', 'error[HW010] --set matmul.columns expected path=value (for example matmul.columns=8)'],
    ['=4', 'error[HW010] --set =4 expected path=value (for example matmul.columns=8)'],
    [
      'matmul.columns=',
      'error[HW001] --set matmul.columns= matmul.columns: "" has the wrong type (expected a whole number from 1 to 256)',
    ],
  ])('%s', (setting, message) => {
    expect(load(hardwareText('kv260'), setting)).toBe(message);
  });

  test('a wrong path is a usage error, a wrong value bad input', () => {
    const exitOf = (setting: string) => {
      try {
        hardware('kv260', setting);
      } catch (error) {
        return (error as LutraError).exit;
      }
      return 'none';
    };
    expect(exitOf('matmul.colums=4')).toBe('usage');
    expect(exitOf('matmul.columns=0')).toBe('badInput');
  });

  test('a fault is placed at the last of several settings', () => {
    const message = load(hardwareText('kv260'), 'matmul.columns=400', 'matmul.columns=300');
    expect(message).toBe(
      'error[HW004] --set matmul.columns=300 matmul.columns: 300 is out of range (expected 1 to 256)',
    );
  });

  test('a broken rule is placed at the setting that broke it, not at the field that did not change', () => {
    expect(load(hardwareText('kv260'), 'vector.latency.add=9')).toBe(
      [
        'error[HW055] --set vector.latency.add=9 vector.partialSums: 8 is less than vector.latency.add = 9; a partial sum must have left the adder before its next turn (at least 9)',
        'error[HW060] --set vector.latency.add=9 attention.partialSums: 8 is less than vector.latency.add = 9; a partial sum must have left the adder before its next turn (at least 9)',
      ].join('\n'),
    );
  });
});

test.each(modelNames)('hw-models/%s.json is named like its file and names the schema', (name) => {
  const hw = hardware(name);
  expect(hw.name).toBe(name);
  expect(hw.$schema).toBe('../docs/hardware-model.schema.json');
});

test('whatever one value becomes, loading gives a model or a LutraError', () => {
  const paths = fc.constantFrom(...hardwareFields.map(({ path }) => path));
  fc.assert(
    fc.property(paths, fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.integer(), fc.nat(300)), (path, value) => {
      const text = changed(path, (section, name) => {
        section[name] = value;
      });
      try {
        loadHardwareModel(text, 'f.json');
      } catch (error) {
        expect(error).toBeInstanceOf(LutraError);
        for (const { code, place, message } of (error as LutraError).diagnostics) {
          expect(code).toMatch(/^HW\d{3}$/);
          expect(place?.line).toBeGreaterThan(0);
          expect(message).not.toMatch(/undefined|NaN|Invalid input/);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('the nearest name is at most a third away', () => {
  expect(nearestName('lane', ['lines', 'lanes'])).toBe('lanes');
  expect(nearestName('queuedept', ['words', 'queueDepth'])).toBe('queueDepth');
  expect(nearestName('lan', ['lines'])).toBeUndefined();
  expect(nearestName('anything', [])).toBeUndefined();
});
