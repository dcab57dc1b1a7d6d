/**
 * How the state of a machine is copied out of its parts and put back, so that a run can go on again from there.
 *
 * A part lists the names of its fields that change as time goes on. Numbers, typed arrays, lists, maps and other parts
 * are copied; any other object counts as a value that nobody changes (a command, a footprint, a clock on its way) and is
 * shared. A test goes through all that a machine holds and finds the field that was forgotten.
 */

/** The state of a part: plain data, which nobody changes. */
export type Saved = Readonly<Record<string, unknown>>;

/** A part of the machine whose state can be copied and put back. */
export interface Part {
  save(): Saved;
  restore(saved: Saved): void;
}

/** Copies the fields of these names. */
export function saveFields(part: object, names: readonly string[]): Saved {
  const fields = part as Record<string, unknown>;
  return Object.fromEntries(
    names.map((name) => {
      if (!(name in fields)) throw new Error(`${part.constructor.name} has no field ${name} to save`);
      return [name, saveValue(fields[name])];
    }),
  );
}

/** Gives the fields copies of what was saved of them. */
export function restoreFields(part: object, saved: Saved): void {
  const fields = part as Record<string, unknown>;
  for (const [name, value] of Object.entries(saved)) fields[name] = restoreValue(fields[name], value);
}

function saveValue(value: unknown): unknown {
  if (isPart(value)) return value.save();
  if (Array.isArray(value)) return value.map(saveValue);
  return copy(value);
}

function restoreValue(present: unknown, saved: unknown): unknown {
  if (isPart(present)) {
    present.restore(saved as Saved);
    return present;
  }
  if (Array.isArray(saved)) {
    const before = Array.isArray(present) ? present : [];
    return saved.map((value, index) => restoreValue(before[index], value));
  }
  return copy(saved);
}

function copy(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return (value as Uint8Array).slice();
  return value instanceof Map ? new Map(value) : value;
}

function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && 'restore' in value && 'save' in value;
}

/** Bytes of the typed arrays in what was saved; those in `seen` were counted before, and all are in it afterwards. */
export function savedBytes(saved: unknown, seen: Set<unknown>): number {
  if (typeof saved !== 'object' || saved === null || seen.has(saved)) return 0;
  if (ArrayBuffer.isView(saved)) {
    seen.add(saved);
    return saved.byteLength;
  }
  const inside = saved instanceof Map ? [...saved.values()] : Object.values(saved);
  return inside.reduce((sum: number, value) => sum + savedBytes(value, seen), 0);
}
