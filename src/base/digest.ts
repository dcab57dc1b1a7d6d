/** Digests that name things by their content: the same value always gives the same text. */
import { createHash } from 'node:crypto';

/** SHA-256 in lower-case hexadecimal; a string is hashed as UTF-8. */
export function sha256Hex(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Bytes `first` to `first` + 3 of a hexadecimal digest as a little-endian word. */
export function digestWord(digest: string, first: number): number {
  const byte = (index: number) => Number.parseInt(digest.slice(2 * index, 2 * index + 2), 16);
  return [0, 1, 2, 3].reduce((word, index) => word | (byte(first + index) << (8 * index)), 0) >>> 0;
}

/** The digest of bytes that come piece by piece. */
export interface RunningDigest {
  add(data: Uint8Array | string): void;
  /** Of all that was added; to be asked once. */
  hex(): string;
}

export function runningSha256(): RunningDigest {
  const hash = createHash('sha256');
  return { add: (data) => void hash.update(data), hex: () => hash.digest('hex') };
}

/**
 * JSON without white space and with sorted keys (by UTF-16 unit), so that equal values give equal text.
 * Keys whose value is undefined are left out.
 * @throws TypeError for what JSON cannot hold: NaN, infinities, undefined, functions, bigints, instances of classes
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      throw new TypeError(`an instance of ${prototype.constructor?.name ?? 'a class'} has no JSON form`);
    }
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  throw new TypeError(`${typeof value} has no JSON form`);
}
