// Markdown as GitHub shows it in a comment of a pull request, as a page to draw. Law: what stands in the comment runs no script and loads
// nothing, and the page is as wide as the window that it is meant for, whatever the browser's least window is.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Marked } from 'marked';
import markedAlert from 'marked-alert';

/** CSS pixels: `windowPx` is what the page lays itself out for, of which `shownPx` are drawn from the left; `scale` is pixels for each. */
export interface View {
  readonly name: 'phone' | 'desk';
  readonly windowPx: number;
  readonly shownPx: number;
  readonly scale: number;
}

/** A telephone, and a window with room for the column of a discussion; the column beside it is left out. */
export const VIEWS: readonly View[] = [
  { name: 'phone', windowPx: 390, shownPx: 390, scale: 2 },
  { name: 'desk', windowPx: 1280, shownPx: 960, scale: 1 },
];

/** Where a frame is before its height is known: enough for the longest comment there can be. */
const UNMEASURED_PX = 60_000;
const GITHUB_CSS = fileURLToPath(import.meta.resolve('github-markdown-css/github-markdown-light.css'));
/** Nothing is loaded and nothing runs, not even by mistake. */
const POLICY = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`;

const markdown = new Marked({ gfm: true }).use(markedAlert());

/** What a comment holds. Not cleaned: GitHub cleans what it shows, and a test says that here is nothing to clean. */
export function commentHtml(text: string): string {
  return markdown.parse(text, { async: false });
}

/** A comment in its discussion. */
export function commentPage(text: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">${POLICY}<style>${readFileSync(GITHUB_CSS, 'utf8')}${DISCUSSION_CSS}</style></head>
<body><div class="face"></div><div class="box"><div class="head"><b>kokoa</b> <span class="bot">bot</span> commented <span class="edited">edited</span></div>
<div class="markdown-body">${commentHtml(text)}</div></div></body></html>`;
}

const DISCUSSION_CSS = `
* { box-sizing: border-box; }
body { margin: 0; padding: 16px; background: #fff; font: 14px/1.5 Helvetica, Arial, sans-serif; color: #1f2328; }
.face { display: none; }
.box { border: 1px solid #d1d9e0; border-radius: 6px; overflow: hidden; }
.head { padding: 8px 16px; background: #f6f8fa; border-bottom: 1px solid #d1d9e0; color: #59636e; }
.head b { color: #1f2328; }
.bot { padding: 0 6px; border: 1px solid #d1d9e0; border-radius: 2em; font-size: 12px; }
.edited { float: right; }
.markdown-body { padding: 16px; font-size: 14px; overflow-wrap: break-word; }
@media (min-width: 768px) {
  body { display: grid; grid-template-columns: 40px 840px; gap: 16px; padding: 24px 32px; align-items: start; }
  .face { display: block; width: 40px; height: 40px; border-radius: 50%; background: #d1d9e0; }
}
`;

/** A page that shows `heightPx` of one comment, softly cut where it goes on. */
export function shownPage(text: string, view: View, heightPx: number, isCut: boolean): string {
  const cut = isCut ? '<i></i>' : '';
  return `<!doctype html><meta charset="utf-8"><style>${frameCss(heightPx)}
i { position: absolute; inset: auto 0 0; height: 64px; background: linear-gradient(transparent, #fff); }</style>${frame(text, view)}${cut}`;
}

/**
 * A page that measures comments. Once it is loaded, its title is JSON: for each comment `{ width, height, overflow }`, where `overflow`
 * names what is wider than the window. What is inside a block of code scrolls, as on GitHub.
 */
export function measuringPage(all: readonly { text: string; view: View }[]): string {
  const frames = all.map(({ text, view }) => frame(text, view)).join('');
  return `<!doctype html><meta charset="utf-8"><title></title><style>${frameCss(UNMEASURED_PX)}</style>${frames}<script>addEventListener('load', ${MEASURE});</script>`;
}

const MEASURE = `() => {
  document.title = JSON.stringify([...document.querySelectorAll('iframe')].map(({ contentWindow, contentDocument }) => {
    const width = contentWindow.innerWidth;
    const isWide = (one) => one.closest('pre *') === null && one.getBoundingClientRect().right > width;
    const wide = [...contentDocument.body.querySelectorAll('.box *')].filter(isWide);
    const height = Math.ceil(contentDocument.body.getBoundingClientRect().height);
    return { width, height, overflow: wide.map((one) => one.tagName.toLowerCase() + ' ' + one.textContent.slice(0, 60)) };
  }));
}`;

function frameCss(heightPx: number): string {
  return `body { margin: 0; overflow: hidden; } iframe { display: block; border: 0; height: ${heightPx}px; }`;
}

/** No script runs in it; same-origin, so that it can be measured. */
function frame(text: string, { windowPx }: View): string {
  const page = commentPage(text).replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  return `<iframe sandbox="allow-same-origin" style="width: ${windowPx}px" srcdoc="${page}"></iframe>`;
}
