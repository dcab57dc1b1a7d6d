/** The fields of a hardware model as a flat list, read from the schema: for messages, overrides and the documentation. */
import { z } from 'zod';
import { hardwareModelSchema } from './schema.ts';

/** What this file reads of a JSON Schema node. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly { readonly const: string | number }[];
  readonly pattern?: string;
  readonly items?: Node;
  readonly powerOfTwo?: boolean;
  readonly resolved?: boolean;
}

export interface Field {
  /** Dotted, for example `matmul.columns`. */
  readonly path: string;
  readonly type:
    | 'section'
    | 'integer'
    | 'number'
    | 'choice'
    | 'text'
    | 'list of texts'
    | 'list of numbers'
    | 'list of objects';
  readonly description: string;
  /** Unit of a number, for example `cycles`; undefined for plain counts. */
  readonly unit?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly choices?: readonly (string | number)[];
  readonly optional: boolean;
  readonly powerOfTwo: boolean;
}

/** JSON Schema of a hardware model file, as zod gives it; what the loader fills in is optional. */
export const hardwareJsonSchema = withoutResolved(z.toJSONSchema(hardwareModelSchema) as Node);

function withoutResolved(node: Node): Node {
  if (node.properties === undefined) return node;
  const properties = Object.fromEntries(
    Object.entries(node.properties).map(([name, { resolved: _, ...child }]) => [name, withoutResolved(child)]),
  );
  const required = (node.required ?? []).filter((name) => node.properties?.[name]?.resolved !== true);
  return { ...node, properties, required };
}

function collect(node: Node, prefix: string): Field[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const optional = !(node.required ?? []).includes(name);
    return [field(child, path, optional), ...collect(child, path)];
  });
}

function field(node: Node, path: string, optional: boolean): Field {
  const [, description = '', unit] = /^(.*?)(?: \[([^\]]+)\])?$/.exec(node.description ?? '') ?? [];
  const choices = node.enum ?? node.anyOf?.map((choice) => choice.const);
  const { minimum, maximum } = node;
  return {
    path,
    type: fieldType(node, choices !== undefined),
    description,
    ...(unit === undefined ? {} : { unit }),
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    ...(choices === undefined ? {} : { choices }),
    optional,
    powerOfTwo: node.powerOfTwo === true,
  };
}

const listTypes: Readonly<Record<string, Field['type']>> = {
  object: 'list of objects',
  integer: 'list of numbers',
};

function fieldType(node: Node, choice: boolean): Field['type'] {
  if (choice) return 'choice';
  if (node.type === 'object') return 'section';
  if (node.type === 'array') return listTypes[node.items?.type ?? ''] ?? 'list of texts';
  if (node.type === 'string') return 'text';
  return node.type === 'integer' ? 'integer' : 'number';
}

/** Every field, sections before their members, in the order of the schema; not those of a list's items. */
export const hardwareFields: readonly Field[] = collect(hardwareJsonSchema, '');

/** The fields of the items of every list of objects: `host.*.name` is the name of any item of `host`. */
export const itemFields: readonly Field[] = Object.entries(hardwareJsonSchema.properties ?? {}).flatMap(
  ([name, { items }]) => (items?.type === 'object' ? collect(items, `${name}.*`) : []),
);

const byPath: ReadonlyMap<string, Field> = new Map(
  [...hardwareFields, ...itemFields].map((entry) => [entry.path, entry]),
);

/** `host.3.name` is called `host.*.name`. */
const anyItem = (path: string) => path.replace(/\.\d+(?=\.|$)/g, '.*');

export function hardwareField(path: string): Field | undefined {
  return byPath.get(anyItem(path));
}

/** Names of the fields directly inside a section or an item of a list; `''` is the whole file. */
export function fieldNamesIn(section: string): string[] {
  const prefix = section === '' ? '' : `${anyItem(section)}.`;
  return [...hardwareFields, ...itemFields]
    .filter(({ path }) => path.startsWith(prefix) && !path.slice(prefix.length).includes('.'))
    .map(({ path }) => path.slice(prefix.length));
}

/** What a field may hold, as a noun: `a whole number from 1 to 256`. */
export function expectation(entry: Field): string {
  switch (entry.type) {
    case 'section':
      return 'an object';
    case 'list of texts':
    case 'list of numbers':
    case 'list of objects':
      return `a ${entry.type}`;
    case 'text':
      return 'a text';
    case 'choice':
      return (entry.choices ?? []).map((choice) => JSON.stringify(choice)).join(' or ');
    default:
      return `a ${entry.type === 'integer' ? 'whole number' : 'number'} from ${entry.minimum} to ${entry.maximum}`;
  }
}

/** The name in `names` that `name` was probably meant to be, if one is near enough (Levenshtein distance). */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 3));
  const ranked = names
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= limit ? best.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replace, (previous[j] as number) + 1, (current[j - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[b.length] as number;
}
