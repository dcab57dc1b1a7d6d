/** What pages are made of: template, style, and the script bundled with its plotting library. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type PageAssets, scriptSafe } from '../report/page/render.ts';
import { lutraVersion, packageRoot, readText } from './files.ts';

/** Where the parts of a page are, below `src/report`. */
const pages = {
  report: { script: 'main.ts', template: 'page/page.hbs' },
  diff: { script: 'diff.ts', template: 'diff/page/diff.hbs' },
} as const;

/** Reads and bundles what a page needs; takes a fraction of a second. */
export async function pageAssets(page: keyof typeof pages): Promise<PageAssets> {
  const { script: entry, template } = pages[page];
  const folder = join(packageRoot, 'src', 'report');
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'client', entry)],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    write: false,
    logLevel: 'silent',
  });
  const script = scriptSafe(outputFiles[0]?.text ?? '');
  return {
    template: readText(join(folder, template)),
    style: readText(join(folder, 'page', 'page.css')),
    script,
    scriptDigest: `sha256-${createHash('sha256').update(script).digest('base64')}`,
    version: lutraVersion(),
  };
}
