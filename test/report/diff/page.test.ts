import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RunDiff } from '../../../src/report/diff/diff.ts';
import { lutra, smallConfig, temporaryDirectory } from '../../cli/capture.ts';
import { describeWith } from '../../describeWith.ts';
import { useBrowser } from '../page/browser.ts';

const directory = temporaryDirectory();
const at = (...parts: string[]) => join(directory, ...parts);
const file = at('diff.html');
const hostile = '"><img src=x onerror=alert(1)><script>alert(1)<';
let diff: RunDiff & { readonly sentences: readonly string[] };

beforeAll(async () => {
  mkdirSync(at(hostile));
  writeFileSync(at(hostile, 'config.json'), JSON.stringify(smallConfig));
  const request = ['--weights', 'synthetic:1', '--prompt-tokens', '5', '--max-tokens', '6', '--ignore-stop'];
  expect(await lutra('run', at(hostile), ...request, '--out', at('a'))).toMatchObject({ code: 0 });
  const lanes = ['--set', 'vector.lanes=8', '--out', at('b')];
  expect(await lutra('run', at(hostile), ...request, ...lanes)).toMatchObject({ code: 0 });
  expect(await lutra('diff', at('a'), at('b'), '--html', file)).toMatchObject({ code: 0 });
  diff = JSON.parse((await lutra('diff', at('a'), at('b'), '--json')).stdout);
});

const escaped = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('=', '&#x3D;');

describe('the page of a difference', () => {
  it('says what the text says, without a script as well', () => {
    const page = readFileSync(file, 'utf8').replaceAll('\u00a0', ' ');
    for (const sentence of diff.sentences)
      expect([sentence, page.includes(escaped(sentence))]).toEqual([sentence, true]);
    for (const title of ['Machine', 'Figures', 'Cycles by unit and class', 'Cycles by layer, unit and class']) {
      expect(page.includes(`<h2>${title}</h2>`)).toBe(true);
    }
  });

  it('takes nothing from outside, and names from outside as text', () => {
    const [body = ''] = readFileSync(file, 'utf8').split('<script type="application/json"').slice(0, 1);
    expect(body).toContain(escaped(hostile));
    expect(body).not.toContain('<img');
    expect(body).not.toMatch(/<script/);
    expect(/(src|href)="?https?:/.test(body)).toBe(false);
  });

  it('has the same bytes for the same runs', async () => {
    expect((await lutra('diff', at('a'), at('b'), '--html', at('again.html'))).code).toBe(0);
    expect(readFileSync(at('again.html'), 'utf8')).toBe(readFileSync(file, 'utf8'));
  });

  it('is refused where a page stands already, before anything is read', async () => {
    const { code, stderr } = await lutra('diff', at('a'), at('nowhere'), '--html', file);
    expect([code, stderr]).toEqual([3, expect.stringContaining('IO003')]);
    expect((await lutra('diff', at('a'), at('b'), '--html', file, '--force')).code).toBe(0);
  });

  it('says so where there is no difference', async () => {
    expect((await lutra('diff', at('a'), at('a'), '--html', at('same.html'))).code).toBe(0);
    const page = readFileSync(at('same.html'), 'utf8');
    expect(page.includes('<h1>No difference')).toBe(true);
    expect(page.includes('<div class="plot"')).toBe(false);
  });
});

describeWith('chromium')('the page of a difference in a browser', () => {
  const open = useBrowser();

  it.each([
    ['light', 1280],
    ['dark', 390],
  ] as const)('draws its plot, %s and %d pixels wide', async (colorScheme, width) => {
    const { page, complaints } = await open(file, { colorScheme, viewport: { width, height: 900 } });
    expect(complaints).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(
      true,
    );
    const bars = await page.$$eval('#changes svg [aria-label="bar"] rect', (rects) => rects.length);
    expect(bars).toBe(diff.units.length);
    await page.context().close();
  });

  it('shows the change of the length above the bars', async () => {
    const { page } = await open(file);
    const net = diff.b.cycles - diff.a.cycles;
    const label = `${net < 0 ? '−' : '+'}${Math.abs(net).toLocaleString('en-US')} cycles`;
    expect(await page.$$eval('#changes svg text', (texts) => texts.map((text) => text.textContent))).toContain(label);
  });

  it('shows its tables where scripts do not run', async () => {
    const { page, complaints } = await open(file, { javaScriptEnabled: false });
    expect(complaints).toEqual([]);
    expect(await page.isVisible('text=The plot needs JavaScript')).toBe(true);
    expect(await page.isVisible('text=Cycles by unit and class')).toBe(true);
  });
});
