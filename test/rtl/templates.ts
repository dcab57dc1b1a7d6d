import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Templates } from '../../src/rtl/render.ts';

const folder = join(import.meta.dirname, '../../rtl-templates');

/** The repository's templates, read anew at every call. */
export function templatesFromDisk(): Templates {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.s?v(\.hbs)?$/.test(name),
  );
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}
