import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExportTemplates } from '../../src/rtl/export/render.ts';

const folder = join(import.meta.dirname, '../../export-templates');

/** The repository's templates of exports, read anew at every call. */
export function exportTemplatesFromDisk(): ExportTemplates {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(hbs|py)$/.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}
