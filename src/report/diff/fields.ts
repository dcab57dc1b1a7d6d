/** Fields that differ between two objects. */

export interface FieldChange {
  /** Dotted: `matmul.columns`. */
  readonly field: string;
  /** As text; null where there is none. */
  readonly a: string | null;
  readonly b: string | null;
}

export const listOf = (values: readonly unknown[]): string => (values.length === 0 ? 'none' : values.join(', '));

/** Every field inside, dotted; lists are one value. */
function flat(value: unknown, path: string, into: Map<string, string>): void {
  if (value === undefined) return;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [name, member] of Object.entries(value)) flat(member, path === '' ? name : `${path}.${name}`, into);
  } else into.set(path, typeof value === 'string' ? value : JSON.stringify(value));
}

/** Fields of two objects that are not equal, those of the first in its order before those that only the second has. */
export function fieldChanges(a: unknown, b: unknown): FieldChange[] {
  const [first, second] = [new Map<string, string>(), new Map<string, string>()];
  flat(a, '', first);
  flat(b, '', second);
  return [...new Set([...first.keys(), ...second.keys()])]
    .filter((field) => first.get(field) !== second.get(field))
    .map((field) => ({ field, a: first.get(field) ?? null, b: second.get(field) ?? null }));
}
