// `npm run pictures`: draws the pictures of docs/pictures/ from golden comments, and fails where one is wider than its window.
//   npm run pictures -- FOLDER FILE.md…      draws any comments instead, whole and in every window, to look at
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BROWSER, drawingOf, titleOf } from './picture-browser.ts';
import { PICTURES } from './picture-list.ts';
import { measuringPage, shownPage, VIEWS, type View } from './picture-page.ts';
import { missingPrograms } from './prerequisites.ts';

const TOP = fileURLToPath(new URL('..', import.meta.url));

interface Job {
  file: string;
  text: string;
  view: View;
  heightPxMax: number;
}

const [folder, ...files] = process.argv.slice(2);
const missing = missingPrograms([BROWSER]);
if (missing.length > 0) {
  console.error(`not installed: ${missing.join(', ')}; as root on Debian, npm run pictures installs it`);
  process.exitCode = 1;
} else {
  process.exitCode = await draw(folder === undefined ? ofTheDocuments() : toLookAt(folder, files));
}

function ofTheDocuments(): Job[] {
  mkdirSync(join(TOP, 'docs/pictures'), { recursive: true });
  const viewOf = Object.fromEntries(VIEWS.map((view) => [view.name, view]));
  return PICTURES.map(({ name, source, view, heightPxMax }) => ({
    file: join(TOP, 'docs/pictures', name),
    text: readFileSync(join(TOP, source), 'utf8'),
    view: viewOf[view]!,
    heightPxMax,
  }));
}

function toLookAt(folder: string, files: readonly string[]): Job[] {
  mkdirSync(folder, { recursive: true });
  return files.flatMap((from) =>
    VIEWS.map((view) => ({
      file: join(folder, `${basename(from, '.md')}-${view.name}.png`),
      text: readFileSync(from, 'utf8'),
      view,
      heightPxMax: Number.POSITIVE_INFINITY,
    })),
  );
}

/** Of a comment in its window. */
interface Measured {
  width: number;
  height: number;
  overflow: string[];
}

/** The exit code. */
async function draw(jobs: readonly Job[]): Promise<number> {
  const measured = JSON.parse(await titleOf(measuringPage(jobs))) as Measured[];
  let exitCode = 0;
  for (const [at, { file, text, view, heightPxMax }] of jobs.entries()) {
    const { width, height, overflow } = measured[at]!;
    const heightPx = Math.min(height, heightPxMax);
    const page = shownPage(text, view, heightPx, height > heightPx);
    const png = await drawingOf(page, { widthPx: view.shownPx, heightPx, scale: view.scale });
    writeFileSync(file, png);
    console.log(`${file}: ${width} px wide, ${heightPx} of ${height} px high, ${Math.ceil(png.length / 1024)} KiB`);
    for (const one of overflow) console.error(`  wider than the window: ${one}`);
    if (overflow.length > 0 || width !== view.windowPx) exitCode = 1;
  }
  return exitCode;
}
