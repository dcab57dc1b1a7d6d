import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';

/** A browser without a window that asks nobody for anything. */
const quiet = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface Opened {
  readonly page: Page;
  /** What the page said on the console, and what it asked for beside itself. */
  readonly complaints: string[];
}

/** Opens files in a browser that lives as long as the group of tests. */
export function useBrowser(): (file: string, options?: BrowserContextOptions) => Promise<Opened> {
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: quiet });
  });
  afterAll(async () => {
    await browser?.close();
  });
  return async (file, options = {}) => {
    const context = await (browser as Browser).newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
    page.on('request', (request) => {
      const url = request.url();
      if (url !== `file://${file}` && !url.startsWith('data:')) complaints.push(`request: ${url}`);
    });
    await page.goto(`file://${file}`);
    if (options.javaScriptEnabled !== false) await page.waitForSelector('html[data-ready]');
    return { page, complaints };
  };
}
