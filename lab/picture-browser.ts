// Chromium for one page at a time: what a page says in its title, and what it looks like. Law: no network, a folder of its own that is
// removed, and it is ended when its time is over.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { KokoaError } from '../bundle/error.ts';

export const BROWSER = 'chromium';
const TIMEOUT_MS = 60_000;
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;
const ARGUMENTS = [
  ...['--headless=new', '--disable-gpu', '--hide-scrollbars', '--no-first-run', '--disable-extensions'],
  // Root has no other way. The comment in the page runs no script.
  '--no-sandbox',
  ...['--host-resolver-rules=MAP * ~NOTFOUND', '--disable-background-networking', '--disable-breakpad'],
  // A picture is taken when all is painted, so that the same page is the same picture.
  ...['--run-all-compositor-stages-before-draw', '--virtual-time-budget=2000'],
  ...['--font-render-hinting=none', '--disable-lcd-text', '--force-color-profile=srgb'],
];

/** The title of `html` once it is loaded. @throws KokoaError picture_failed */
export async function titleOf(html: string): Promise<string> {
  return await withPage(html, async (run) => {
    const printed = await run(['--dump-dom']);
    const [, title] = /<title>([^<]*)<\/title>/.exec(printed) ?? [];
    if (!title) throw new KokoaError('picture_failed', 'the page has no title, expected what its script measured');
    return title.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&nbsp;', ' ').replaceAll('&amp;', '&');
  });
}

export interface Size {
  widthPx: number;
  heightPx: number;
  scale: number;
}

/** A PNG of the upper left corner of `html`. @throws KokoaError picture_failed */
export async function drawingOf(html: string, { widthPx, heightPx, scale }: Size): Promise<Buffer> {
  return await withPage(html, async (run, folder) => {
    const file = join(folder, 'page.png');
    await run([`--screenshot=${file}`, `--window-size=${widthPx},${heightPx}`, `--force-device-scale-factor=${scale}`]);
    return readFileSync(file);
  });
}

type Run = (more: readonly string[]) => Promise<string>;

async function withPage<T>(html: string, use: (run: Run, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'kokoa-picture-'));
  const page = join(folder, 'page.html');
  writeFileSync(page, html);
  try {
    return await use((more) => browse([...more, pathToFileURL(page).href], folder), folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function browse(args: readonly string[], folder: string): Promise<string> {
  const all = [...ARGUMENTS, `--user-data-dir=${join(folder, 'profile')}`, ...args];
  const env = { PATH: process.env.PATH ?? '', HOME: folder, LANG: 'C.UTF-8' };
  const options = { env, extendEnv: false, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', reject: false } as const;
  const ended = await execa(BROWSER, all, { ...options, maxBuffer: OUTPUT_BYTES_MAX });
  if (ended.exitCode === 0) return ended.stdout;
  throw new KokoaError('picture_failed', `${ended.shortMessage}\n${String(ended.stderr).slice(-2_000)}`);
}
