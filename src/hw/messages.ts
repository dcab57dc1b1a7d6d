/** Turns zod's issues into the plain sentences of a hardware model's messages. */
import type { z } from 'zod';
import type { Diagnostic, Place } from '../base/diagnostics.ts';
import { expectation, fieldNamesIn, hardwareField, nearestName } from './fields.ts';

type Issue = z.core.$ZodIssue;
type Path = (string | number)[];

/** Where faults are reported: at the value, or at the key. */
export interface Places {
  placeOf(path: Path): Place;
  keyPlaceOf(path: Path): Place;
}

/** Faults that are listed at most. */
const faultLimit = 50;

/**
 * One diagnostic per fault: HW001 wrong type, HW002 missing, HW003 unknown, HW004 range, HW005 choice, HW006 form;
 * HW007 counts those that are not listed.
 */
export function fieldDiagnostics(issues: readonly Issue[], value: unknown, places: Places): Diagnostic[] {
  const seen = new Set<string>();
  const faults = issues.flatMap((issue): (() => Diagnostic)[] => {
    const path = issue.path as Path;
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => () => unknownField(path, key, places));
    // zod may give two issues for one value (not a safe integer, and too large).
    const name = path.join('.');
    if (seen.has(name)) return [];
    seen.add(name);
    return [() => wrongValue(path, valueAt(value, path), places)];
  });
  const listed = faults.slice(0, faultLimit).map((fault) => fault());
  const { file } = places.placeOf([]);
  const more = faults.length - listed.length;
  if (more > 0) {
    const message = `there ${more === 1 ? 'is 1 more fault' : `are ${more} more faults`} of this kind`;
    listed.push({ code: 'HW007', message, ...(file === undefined ? {} : { place: { file } }) });
  }
  return listed;
}

/** An unknown field, with the field that was probably meant. */
function unknownField(section: Path, key: string, places: Places): Diagnostic {
  const names = fieldNamesIn(section.join('.'));
  return {
    code: 'HW003',
    message: `${[...section, key].join('.')}: there is no such field`,
    place: places.keyPlaceOf([...section, key]),
    hint: fieldHint(key, names),
  };
}

/** `did you mean columns?`, or the list of what there is. */
export function fieldHint(name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names);
  const list = `the fields here are ${names.join(', ')}`;
  return nearest === undefined ? list : `did you mean ${nearest}? ${list}`;
}

function wrongValue(path: Path, value: unknown, places: Places): Diagnostic {
  const name = path.join('.');
  const place = places.placeOf(path);
  const field = hardwareField(name);
  const subject = name === '' ? 'the hardware model' : name;
  const expected = field !== undefined ? expectation(field) : itemExpectation(path);
  if (value === undefined) {
    const what = field?.type === 'section' ? 'this section' : 'this field';
    const hint = `${expected}${field?.description ? `: ${field.description}` : ''}`;
    return { code: 'HW002', message: `${subject}: ${what} is missing`, place, hint };
  }
  const got = show(value);
  if (field?.type === 'choice') {
    return {
      code: 'HW005',
      message: `${subject}: ${got} is not one of the choices`,
      place,
      hint: `expected ${expected}`,
    };
  }
  if (typeof value === 'number' && (field?.type === 'integer' || field?.type === 'number')) {
    if (field.type === 'integer' && !Number.isInteger(value)) {
      return {
        code: 'HW001',
        message: `${subject}: ${got} is not a whole number`,
        place,
        hint: `expected ${expected}`,
      };
    }
    const unit = field.unit === undefined ? '' : ` ${field.unit}`;
    const hint = `expected ${field.minimum} to ${field.maximum}${unit}`;
    return { code: 'HW004', message: `${subject}: ${got} is out of range`, place, hint };
  }
  if (typeof value === 'string' && field?.type === 'text') {
    const hint =
      name === 'name' ? 'lower-case letters, digits and hyphens, such as kv260-wide' : 'write at least one character';
    return { code: 'HW006', message: `${subject}: ${got} does not have the right form`, place, hint };
  }
  return { code: 'HW001', message: `${subject}: ${got} has the wrong type`, place, hint: `expected ${expected}` };
}

/** Items of a list have no field of their own: what they may be follows from their list. */
function itemExpectation(path: Path): string {
  const list = hardwareField(path.slice(0, -1).join('.'));
  return path.length === 0 || list?.type === 'list of objects' ? 'an object' : 'a text';
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, step) => (inner === null || inner === undefined ? undefined : (inner as Record<string, unknown>)[step]),
    value,
  );
}

/** A value in a message: short, and never a whole section. */
function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value !== null && typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
