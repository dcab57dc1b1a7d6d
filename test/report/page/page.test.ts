import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { openRun } from '../../../src/cli/readRun.ts';
import { pageAssets } from '../../../src/cli/reportPage.ts';
import { readTimeline } from '../../../src/cli/timeline.ts';
import { derive } from '../../../src/hw/index.ts';
import { type FindingFacts, findingsOf } from '../../../src/report/findings.ts';
import { renderPage, scriptSafe } from '../../../src/report/page/render.ts';
import type { Summary } from '../../../src/report/summary.ts';
import { lutra, smallConfig, temporaryDirectory } from '../../cli/capture.ts';
import { describeWith } from '../../describeWith.ts';
import { useBrowser } from './browser.ts';

const directory = temporaryDirectory();
const at = (...parts: string[]) => join(directory, ...parts);
const file = at('report.html');
let summary: Summary;

beforeAll(async () => {
  mkdirSync(at('small'));
  writeFileSync(at('small', 'config.json'), JSON.stringify(smallConfig));
  const request = ['--weights', 'synthetic:1', '--prompt-tokens', '5', '--max-tokens', '6', '--ignore-stop'];
  expect(await lutra('run', at('small'), ...request, '--out', at('run'))).toMatchObject({ code: 0 });
  expect(await lutra('report', at('run'), '--no-advice', '--html', file)).toMatchObject({ code: 0 });
  summary = JSON.parse(readFileSync(at('run', 'summary.json'), 'utf8'));
});

function factsOf(path: string): FindingFacts {
  const opened = openRun(path);
  return { summary: opened.summary, timeline: readTimeline(opened), hw: opened.hw, derived: derive(opened.hw) };
}

const pageWidths = '[document.documentElement.scrollWidth, document.documentElement.clientWidth]';
const paper = 'getComputedStyle(document.body).backgroundColor';

const figures = ['timeline', 'closeup', 'stalls', 'layers', 'roofline', 'bandwidth', 'tokens', 'memory', 'energy'];

/** Cells of the table of a figure, row by row. */
const tableOf = (page: Page, id: string): Promise<string[][]> =>
  page.$$eval(`#${id} tbody tr`, (rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent ?? '')));

const number = (cell: string | undefined) => Number((cell ?? '').replaceAll(',', ''));

/** The cycles that a figure shows. */
const rangeOf = (page: Page, id: string) =>
  page.evaluate<[number, number]>(
    `(({ from, to }) => [Number(from), Number(to)])(document.querySelector('#${id} .plot').dataset)`,
  );

async function settled(page: Page): Promise<void> {
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
}

it('is refused where a page stands already', async () => {
  const { code, stderr } = await lutra('report', at('run'), '--no-advice', '--html', file);
  expect([code, stderr]).toEqual([3, expect.stringContaining('IO003')]);
  expect((await lutra('report', at('run'), '--no-advice', '--html', file, '--force')).code).toBe(0);
});

it('may lie in its run directory, which can be read and replaced as before', async () => {
  expect((await lutra('run', 'programs/norm.lasm', '--out', at('norm'))).code).toBe(0);
  expect((await lutra('report', at('norm'), '--no-advice', '--html', at('norm', 'report.html'))).code).toBe(0);
  expect((await lutra('report', at('norm'), '--no-advice')).code).toBe(0);
  expect((await lutra('run', 'programs/norm.lasm', '--out', at('norm'), '--force')).code).toBe(0);
});

it('has the same bytes for the same run, and not many', async () => {
  expect((await lutra('report', at('run'), '--no-advice', '--html', at('again.html'))).code).toBe(0);
  const text = readFileSync(file, 'utf8');
  expect(readFileSync(at('again.html'), 'utf8')).toBe(text);
  expect(text.length).toBeLessThan(1_500_000);
});

it('puts nothing into a script that ends it', () => {
  expect(scriptSafe('a="</script>";b="</SCRIPT x";c="<!--"')).toBe('a="<\\/script>";b="<\\/SCRIPT x";c="<\\!--"');
});

describeWith('chromium')('the page in a browser', () => {
  const open = useBrowser();

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)(
    'draws every figure, %s at %i pixels, complains of nothing and asks nobody',
    async (colorScheme, width) => {
      const { page, complaints } = await open(file, { colorScheme, viewport: { width, height: 844 } });
      expect(await page.isVisible('.noscript')).toBe(false);
      for (const id of figures) expect(await page.$$eval(`#${id} .plot svg`, (all) => all.length)).toBeGreaterThan(0);
      const sizes = await page.evaluate<number[]>(pageWidths);
      expect(sizes[0]).toBe(sizes[1]);
      // No plot is wider than its place.
      const wide = await page.evaluate<number>(`[...document.querySelectorAll('.plot svg')].filter(
      (svg) => svg.getBoundingClientRect().right > svg.closest('.figure').getBoundingClientRect().right,
    ).length`);
      expect(wide).toBe(0);
      const [red = 0] = ((await page.evaluate<string>(paper)).match(/\d+/g) ?? []).map(Number);
      expect(red < 60).toBe(colorScheme === 'dark');
      expect(complaints).toEqual([]);
      await page.context().close();
    },
  );

  it('says the numbers of summary.json', async () => {
    const { page } = await open(file);
    const fact = (key: string) => page.$eval(`[data-fact="${key}"]`, (cell) => cell.textContent ?? '');
    expect(number(await fact('total'))).toBe(summary.cycles.total);
    expect(number(await fact('perToken'))).toBe(Math.round(summary.cycles.perToken as number));
    expect(number(await fact('tokensPerSecond'))).toBe(Math.round(summary.simulated.tokensPerSecond as number));

    const stalls = await tableOf(page, 'stalls');
    const titles: Record<string, string> = {
      'front end': 'frontEnd',
      'weight buffer': 'weightBuffer',
      'KV store': 'kvStore',
    };
    const sums: Record<string, number> = {};
    for (const [unit = '', , , , cycles] of stalls) {
      const name = titles[unit] ?? unit;
      sums[name] = (sums[name] ?? 0) + number(cycles);
    }
    const totals = Object.keys(summary.units).map((unit) => [unit, summary.cycles.total]);
    expect(sums).toEqual(Object.fromEntries(totals));
    const working = stalls.find(([unit, name]) => unit === 'matmul' && name === 'working');
    expect(number(working?.[4])).toBe(summary.units['matmul']?.['working']);

    const bandwidth = (await tableOf(page, 'bandwidth')).at(-1) ?? [];
    const moved = bandwidth.slice(1, -1).reduce((sum, cell) => sum + number(cell), 0);
    expect(moved).toBe(summary.memory.bytesRead + summary.memory.bytesWritten);
    const tokens = await tableOf(page, 'tokens');
    expect(tokens.length).toBe(summary.newTokens - 1);
    const decode = tokens.reduce((sum, row) => sum + number(row[3]), 0);
    expect(decode / tokens.length).toBeCloseTo(summary.cycles.perToken as number, 0);
    const path = await tableOf(page, 'closeup');
    expect(path.reduce((sum, row) => sum + number(row[1]), 0)).toBe(number(tokens.at(-1)?.[3]));
    await page.context().close();
  });

  it.each(['timeline', 'closeup'])('zooms and pans %s by keys, buttons and mouse', async (id) => {
    const { page, complaints } = await open(file);
    const [from, to] = await rangeOf(page, id);
    const length = to - from;
    const press = async (key: string) => {
      await page.keyboard.press(key);
      await settled(page);
      return rangeOf(page, id);
    };
    await page.focus(`#${id} [data-view]`);
    const [a, b] = await press('+');
    expect(b - a).toBeCloseTo(length / 1.6, 3);
    expect(a - from).toBeCloseTo(to - b, 3);
    const [c, d] = await press('ArrowRight');
    expect(c - a).toBeCloseTo(0.2 * (b - a), 3);
    expect(d - c).toBeCloseTo(b - a, 3);
    const [e] = await press('ArrowLeft');
    expect(e).toBeCloseTo(a, 3);
    expect(await press('-')).toEqual([from, to]);
    expect(await press('ArrowLeft')).toEqual([from, to]);

    await page.click(`#${id} [aria-label="zoom in"]`);
    await page.click(`#${id} [aria-label="zoom in"]`);
    await settled(page);
    const [f, g] = await rangeOf(page, id);
    expect(g - f).toBeCloseTo(length / 1.6 ** 2, 3);
    const view = await page.$(`#${id} [data-view]`);
    await view?.scrollIntoViewIfNeeded();
    const box = (await view?.boundingBox()) as NonNullable<
      Awaited<ReturnType<NonNullable<typeof view>['boundingBox']>>
    >;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x - 100, y, { steps: 4 });
    await page.mouse.up();
    await settled(page);
    const [h, i] = await rangeOf(page, id);
    expect(h).toBeGreaterThan(f);
    expect(i - h).toBeCloseTo(g - f, 3);
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -200);
    await page.keyboard.up('Control');
    await settled(page);
    const [j, k] = await rangeOf(page, id);
    expect(k - j).toBeLessThan(i - h);
    // What lies under the pointer is said.
    await page.mouse.move(x + 3, y);
    expect(await page.isVisible(`#${id} .tip`)).toBe(true);
    expect(await page.$eval(`#${id} .tip`, (tip) => tip.textContent)).toMatch(/cycles/);
    await page.click(`#${id} [aria-label="show all"]`);
    await settled(page);
    expect(await rangeOf(page, id)).toEqual([from, to]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('changes its colours when asked, plots included', async () => {
    const { page } = await open(file, { colorScheme: 'light' });
    const colours = () =>
      page.evaluate<string[]>(`[${paper}, getComputedStyle(document.querySelector('#stalls rect')).fill]`);
    const light = await colours();
    await page.click('[data-theme-choice="dark"]');
    const dark = await colours();
    expect(dark[0]).not.toBe(light[0]);
    expect(dark[1]).not.toBe(light[1]);
    await page.click('[data-theme-choice="auto"]');
    expect(await colours()).toEqual(light);
    await page.context().close();
  });

  it('has its tables and its findings without JavaScript', async () => {
    const { page } = await open(file, { javaScriptEnabled: false });
    expect(await page.textContent('h1')).toMatch(/decoding/);
    for (const id of figures) {
      await page.click(`#${id} summary`);
      expect(await page.isVisible(`#${id} table`)).toBe(true);
      expect(await page.locator(`#${id} tbody tr`).count()).toBeGreaterThan(0);
    }
    expect(await page.isVisible('.noscript')).toBe(true);
    await page.context().close();
  });

  it('prints', async () => {
    const { page } = await open(file, { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print' });
    expect(await page.isVisible('#timeline .tools')).toBe(false);
    expect(await page.evaluate(paper)).toBe('rgb(251, 251, 250)');
    expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(10_000);
    await page.context().close();
  });

  it('shows hostile names as what they are', async () => {
    const facts = factsOf(at('run'));
    const evil = `</script><script>window.taken=1</script><img src=x onerror="window.taken=1"> "' {{taken}} <!--`;
    const spoilt: FindingFacts = {
      ...facts,
      summary: { ...facts.summary, model: { ...facts.summary.model, name: evil }, prompt: evil, text: evil },
      timeline: {
        ...facts.timeline,
        memoryMap: facts.timeline.memoryMap.map((region) => ({ ...region, name: evil, kind: evil })),
        closeUp: {
          ...facts.timeline.closeUp,
          marks: facts.timeline.closeUp.marks.map(({ layer }) => ({ layer, operation: evil })),
        },
      },
    };
    const entry = { change: evil, set: [evil], gain: 0.1, fits: true, kind: 'step' as const };
    const advice = { entries: [entry], cycles: 1, runCycles: 1, method: evil, leftOut: [] };
    writeFileSync(at('evil.html'), renderPage(spoilt, findingsOf(spoilt), advice, await pageAssets('report')));
    const { page, complaints } = await open(at('evil.html'));
    expect(complaints).toEqual([]);
    expect(await page.evaluate(`'taken' in window`)).toBe(false);
    expect(await page.title()).toContain(evil);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.textContent('.advice code')).toBe(`--set ${evil}`);
    const sizes = await page.evaluate<number[]>(pageWidths);
    expect(sizes[0]).toBe(sizes[1]);
    await page.context().close();
  });

  it.each(['programs/norm.lasm', 'programs/weight-stream.lasm'])('draws %s, which makes no token', async (program) => {
    const out = at(program.replaceAll(/\W/g, ''));
    expect((await lutra('run', program, '--out', out)).code).toBe(0);
    expect((await lutra('report', out, '--no-advice', '--html', `${out}.html`)).code).toBe(0);
    const { page, complaints } = await open(`${out}.html`);
    expect(complaints).toEqual([]);
    expect(await page.$$eval('#closeup .plot svg', (all) => all.length)).toBe(1);
    expect(await page.locator('#tokens').count()).toBe(0);
    await page.context().close();
  });
});
