/** Writing an exported project: it replaces an earlier export, and never anything else. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LutraError } from '../base/diagnostics.ts';
import { sha256Hex } from '../base/digest.ts';
import { type ExportProject, manifestFile } from '../rtl/index.ts';
import {
  checkOutputDirectory,
  createDirectory,
  type DirectoryKind,
  exists,
  isDirectory,
  readBytes,
  readText,
} from './files.ts';

/** What `--force` may replace: see `foreignFiles`. */
const exportDirectory: DirectoryKind = { name: 'export', marker: manifestFile, owns: () => true };

/** Digests by path, of an earlier export; undefined where there is none that can be read. */
function readManifest(directory: string): ReadonlyMap<string, string> | undefined {
  const file = join(directory, manifestFile);
  if (!exists(file)) return undefined;
  try {
    const { schema, files } = JSON.parse(readText(file)) as { schema?: unknown; files?: unknown };
    if (schema !== 'lutra.export/1' || typeof files !== 'object' || files === null) return undefined;
    return new Map(Object.entries(files as Record<string, string>));
  } catch {
    return undefined;
  }
}

/** Files of a directory that are no part of the export it holds, or were changed since. */
function foreignFiles(directory: string): string[] {
  const manifest = readManifest(directory) ?? new Map<string, string>();
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => {
    const file = join(directory, path);
    if (path === manifestFile) return manifest.size === 0;
    if (isDirectory(file)) return ![...manifest.keys()].some((known) => known.startsWith(`${path}/`));
    const digest = manifest.get(path);
    return digest === undefined || digest !== sha256Hex(readBytes(file));
  });
}

/**
 * Refuses an output directory that cannot be used, before any work is done: nothing is deleted that another export of
 * lutra has not written, and nothing that a person has changed.
 * @throws LutraError IO005
 */
export function checkExportDirectory(directory: string, force: boolean): void {
  if (force && isDirectory(directory)) {
    const foreign = foreignFiles(directory).sort();
    if (foreign.length > 0) {
      const more = foreign.length > 1 ? ` and ${foreign.length - 1} more` : '';
      throw new LutraError({
        code: 'IO005',
        place: { file: directory },
        message: `holds what lutra has not written, or what was changed since: ${foreign[0]}${more}; nothing was written`,
        hint: foreign.every((path) => /^build(\/|$)/.test(path))
          ? '`make clean` there removes what was built; or choose another directory'
          : 'move it away, or choose another directory',
      });
    }
  }
  checkOutputDirectory(directory, force, exportDirectory);
}

/** Writes all files at once. */
export function createExportDirectory(
  directory: string,
  force: boolean,
  { files, images }: Pick<ExportProject, 'files' | 'images'>,
): void {
  const growing = createDirectory(directory, force, exportDirectory);
  const write = (path: string, contents: string | Uint8Array) => {
    const file = growing.create(path);
    file.write(contents);
    file.finish();
  };
  for (const { path, text } of files) write(path, text);
  for (const { path, bytes } of images) write(path, bytes);
  // Again, as something may have come meanwhile.
  checkExportDirectory(directory, force);
  growing.finish();
}
