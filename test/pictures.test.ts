// The comments that the documents show in pictures: golden-story/N-name.md, one pull request from its mistakes to its end, and others. BLESS=1
// writes what was found; `npm run pictures` draws it. And what GitHub makes of any comment: nothing but the few elements that we use.
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PICTURES } from '../lab/picture-list.ts';
import { commentHtml, commentPage, measuringPage, VIEWS } from '../lab/picture-page.ts';
import { judgeData, type Loader } from '../reconciler/cli/judgement.ts';
import { plannedOf } from '../reconciler/cli/plan.ts';
import type { Changes } from '../reconciler/core/changes/change.ts';
import type { AnyLoadedFile, FileChange } from '../reconciler/core/files.ts';
import { loadFile } from '../reconciler/core/load.ts';
import type { Problem } from '../reconciler/core/problem.ts';
import {
  added,
  answers,
  edgeAt,
  fleetOf,
  mergeOf,
  removed,
  report,
  SINCE_MS,
} from '../reconciler/core/pull-request/progress.fixture.ts';
import { progressOf } from '../reconciler/core/pull-request/progress.ts';
import { progressMarkdown } from '../reconciler/core/pull-request/progress-markdown.ts';
import type { PullReport } from '../reconciler/core/pull-request/report.ts';
import { reportAsMarkdown } from '../reconciler/core/pull-request/report-markdown.ts';
import type { FilePair } from '../reconciler/core/pull-request/touched.ts';
import { route } from '../reconciler/core/world.fixture.ts';

const TOP = join(import.meta.dirname, '..');
const NOW = new Date('2026-11-21T12:00:00Z');
const BASE = '4e8b1d7a60c3f2955d1b0e7c9a86f4d3b2c1a0e9';
const ABOUT = { number: 7, base: BASE, branch: 'main' };
const FIRST_PUSH = 'c0ffee0d1c9eab95d3d5b9c23b56eff9b0302531';
const SECOND_PUSH = 'decaf1a7c9eab95d3d5b9c23b56eff9b03025310';
const COMMENT_CHARS_MAX = 60_000;
const PICTURE_BYTES_MAX = 150 * 1024;
const read = (path: string) => readFileSync(join(TOP, path), 'utf8');

type Texts = Readonly<Record<string, string>>;

/** Files of the team hoge as the lines after their hostname, beside the example data of this repository. */
function dataOf(routes: Texts): FileChange[] {
  const fleet = ['kokoa.yaml', ...globSync('{edges,origins}/*.yaml', { cwd: TOP })].map((path) => [path, read(path)]);
  const texts = Object.entries(routes).map(([hostname, lines]) => [
    `routes/hoge/${hostname}.yaml`,
    `hostname: ${hostname}\n${lines}\n`,
  ]);
  return [...fleet, ...texts].map(([path, text]) => ({ path: path!, blob: text!, bytes: Buffer.from(text!) }));
}

/** As the reconciler says it of a pull request with errors. */
function mistaken(routes: Texts): string {
  const files = dataOf(routes);
  const { problems } = judgeData({ files, problems: [] }, NOW);
  const lineOf = ({ file, line }: Problem) =>
    files
      .find(({ path }) => path === file)
      ?.bytes?.toString()
      .split('\n')[line - 1];
  const report = { kind: 'errors', problems, linesNeeded: [], lineOf } as const;
  return reportAsMarkdown({ ...ABOUT, commit: FIRST_PUSH, report });
}

type More = Partial<Omit<Extract<PullReport, { kind: 'planned' }>, 'kind'>>;

async function planned(before: Texts, after: Texts, more: More = {}): Promise<string> {
  const changes = more.changes ?? (await changesBetween(before, after));
  const report = { kind: 'planned', warnings: [], lineOf: () => undefined, ...more, changes } as const;
  return reportAsMarkdown({ ...ABOUT, commit: SECOND_PUSH, report });
}

async function changesBetween(before: Texts, after: Texts): Promise<Changes> {
  const known = new Map<string, AnyLoadedFile>();
  const load: Loader = ({ path, blob = '', bytes = new Uint8Array() }) => {
    const file = known.get(`${path} ${blob}`) ?? loadFile(path, blob, bytes);
    known.set(`${path} ${blob}`, file);
    return file;
  };
  const side = (routes: Texts) => judgeData({ files: dataOf(routes), problems: [] }, NOW, load);
  const sides = { before: side(before), after: side(after) };
  const plan = await plannedOf({ base: BASE, ...sides, from: 'main', notes: [], now: NOW });
  if (plan.kind === 'errors') throw new Error(JSON.stringify(plan.judgement.problems.slice(0, 3)));
  return plan.changes;
}

const OLD = { 'app.hoge.com': 'origin: home\nport: 8080' };
const MISTAKEN = { 'blog.hoge.com': 'origin: home\nprot: 9000', 'wiki.hoge.com': 'origin: hme\nport: 3000' };
const MENDED = { 'blog.hoge.com': 'origin: home\nport: 9000', 'wiki.hoge.com': 'origin: home\nport: 3000' };
const NEW = [route('blog.hoge.com', 'home', 9000), route('wiki.hoge.com', 'home', 3000)];
const EDGES = ['osaka-1', 'tokyo-1'];

function merged(files: FilePair[], said = report(), change: { commit?: string } = {}): string {
  const merge = { ...mergeOf(...files), ...change };
  return progressMarkdown(progressOf(merge, fleetOf(EDGES.map((node) => edgeAt(node, said))), SINCE_MS));
}

const STORY: Record<string, () => string | Promise<string>> = {
  '1-mistakes': () => mistaken({ ...OLD, ...MISTAKEN }),
  '2-mended': () => planned(OLD, { ...OLD, ...MENDED }),
  '3-merged': () =>
    merged(
      NEW.map(added),
      report({
        ...answers({ 'blog.hoge.com': 200 }),
        quarantined: [{ hostname: 'wiki.hoge.com', reason: 'being ordered' }],
      }),
    ),
  '4-live': () => merged(NEW.map(added), report(answers({ 'blog.hoge.com': 200, 'wiki.hoge.com': 302 }))),
  '5-reverted': () => merged(NEW.map(removed), report(), { commit: 'e5b1a7c04d2f98613a7be0c5d41f92a86b3c70de' }),
  'guard-refuses': () => planned({ ...OLD, ...MENDED }, {}),
};

describe('the story in pictures', () => {
  test.each(Object.keys(STORY))('%s shows what the programs say', async (name) => {
    const file = join(import.meta.dirname, 'golden-story', `${name}.md`);
    const said = await STORY[name]!();
    if (process.env.BLESS === '1') writeFileSync(file, said);
    expect(said).toBe(readFileSync(file, 'utf8'));
  });

  test.each(PICTURES)('$name is drawn from a golden comment, and small', ({ name, source }) => {
    expect(read(source)).toMatch(/^### /);
    expect(statSync(join(TOP, 'docs/pictures', name)).size).toBeLessThanOrEqual(PICTURE_BYTES_MAX);
  });
});

/** Elements and their attributes that a comment consists of; `input` and the like are not among them, and neither is a link or an image. */
const ALLOWED: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries(
    ['p', 'ul', 'li', 'strong', 'b', 'sub', 'br', 'h3', 'pre', 'details', 'summary'].map((tag) => [tag, /^$/]),
  ),
  code: /^( class="language-yaml")?$/,
  // A hostname that answers.
  a: /^ href="https:\/\/[a-z0-9-]+\.(hoge|fuga)\.com"$/,
  // The box of an alert and the sign in it.
  div: /^ class="markdown-alert markdown-alert-(caution|warning)"$/,
  svg: /^ class="octicon octicon-(stop|alert) mr-2" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"$/,
  path: /^ d="[-\dA-Za-z. ]+"$/,
};
const ALERT_TITLE = /^ class="markdown-alert-title"$/;

/** What the HTML has beyond that. Text has no `<` left, so whatever does not read as a tag is strange too. */
function strangeIn(html: string): string[] {
  const strange: string[] = [];
  const rest = html.replaceAll(
    /<(\/?)([a-z][a-z0-9]*)((?: [a-z-]+(?:="[^"<>]*")?)*)\s*\/?>/gi,
    (whole, end, tag, attributes) => {
      const known = tag === 'p' && ALERT_TITLE.test(attributes) ? /./ : ALLOWED[tag];
      if (known === undefined || !(end === '/' ? attributes === '' : known.test(attributes))) strange.push(whole);
      return '';
    },
  );
  return [...strange, ...(rest.match(/<.{0,40}/gs) ?? [])];
}

const COMMENTS = globSync('test/golden-{plan/*/expected,report,progress,story}/*.md', { cwd: TOP }).sort();

describe('on GitHub', () => {
  test('there are comments of every kind to look at', () => {
    for (const kind of ['plan', 'report', 'progress', 'story'])
      expect(COMMENTS.filter((path) => path.startsWith(`test/golden-${kind}/`)).length).toBeGreaterThan(4);
  });

  test.each(COMMENTS)('%s is made of nothing but the elements we use', (path) => {
    expect(strangeIn(commentHtml(read(path)))).toEqual([]);
  });

  test.each([
    ['a <img src=x> b', '<img src=x>'],
    ['[x](http://evil.example)', '<a href="http://evil.example">'],
    ['https://evil.example', '<a href="https://evil.example">'],
    ['![x](http://evil.example/x.png)', '<img src="http://evil.example/x.png" alt="x">'],
    ['<details open>', '<details open>'],
    ['<p onclick="a">b</p>', '<p onclick="a">'],
    ['<div>b</div>', '<div>'],
    ['| a |\n|---|\n| b |', '<table>'],
  ])('%s would be noticed', (text, found) => {
    expect(strangeIn(commentHtml(text)).join('\n')).toContain(found);
  });

  test.each(['<script', '<!-- x', '< img', '<IMG SRC=x'])('a torn %s would be noticed', (text) => {
    expect(strangeIn(`<p>${text}`)).not.toEqual([]);
  });
});

describe('the page of a picture', () => {
  test('runs no script of a comment, loads nothing, and does not let it out of its frame', () => {
    const hostile = `</iframe><script>a</script>" onload="b" ' &quot; <img src="http://evil.example">`;
    const page = measuringPage(VIEWS.map((view) => ({ text: hostile, view })));
    const outside = page.replaceAll(/ srcdoc="[^"]*"/g, '');
    expect(outside).not.toMatch(/evil|onload|&quot;/);
    expect(outside.match(/<iframe [^>]*>/g)).toEqual(
      [390, 1280].map((px) => `<iframe sandbox="allow-same-origin" style="width: ${px}px">`),
    );
    expect(commentPage(hostile)).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  });
});

describe('a pull request of 5 000 hosts', () => {
  const routes = (from: number, to: number, port: number) =>
    Object.fromEntries(
      Array.from({ length: to - from }, (_, n) => [`host-${from + n}.hoge.com`, `origin: home\nport: ${port}`]),
    );
  const warning = (): Problem => judgeData({ files: dataOf(MISTAKEN), problems: [] }, NOW).problems[0]!;
  const WORST = { held: '`'.repeat(2_000), warnings: Array.from({ length: 500 }, warning) };
  const many = () => [{ ...routes(0, 3_500, 8080) }, { ...routes(1_500, 3_500, 8081), ...routes(3_500, 5_000, 8080) }];

  test('fits into a comment, and says all counts, with the worst that can stand above and below it', async () => {
    const [before, after] = many();
    const comment = await planned(before!, after!, WORST);
    expect(comment.length).toBeGreaterThan(30_000);
    expect(comment.length).toBeLessThanOrEqual(COMMENT_CHARS_MAX);
    expect(comment).toMatch(
      /^### Plan: the guard refuses this merge: 1500 hosts removed, 1500 hosts added, 2000 hosts changed\n/,
    );
    const listed = (sign: string) => comment.match(new RegExp(`^- \\*\\*${sign}\\*\\*`, 'gm'))!.length;
    const rests = [...comment.matchAll(/^- … and (\d+) more$/gm)].map(([, rest]) => Number(rest));
    expect([listed('removed') + rests[0]!, listed('added') + rests[1]!, listed('changed') + rests[2]!]).toEqual([
      1500, 1500, 2000,
    ]);
    expect(comment).toContain('`default` (2 edges): 1500 hosts removed, 1500 hosts added, 2000 hosts changed');
    expect(comment).toContain('**Guard: refused**');
    expect(comment).toContain('500 warning');
    expect(strangeIn(commentHtml(comment))).toEqual([]);
  }, 60_000);

  test('with everything else changed too says less of it, and that it does', async () => {
    const hosts = await changesBetween(
      { ...routes(0, 400, 8080) },
      { ...routes(200, 400, 8081), ...routes(400, 600, 80) },
    );
    const fiveHundred = <T>(one: (name: string) => T) =>
      Array.from({ length: 500 }, (_, n) => one(`${n}-${'x'.repeat(40)}`));
    const node = (name: string) =>
      ({
        node: name,
        file: `edges/${name}.yaml`,
        role: 'edge',
        pool: 'default',
        state: 'active',
        fields: [] as never[],
      }) as const;
    const reason = (message: string) => ({ code: 'many_hosts_change', message, hint: 'split the change' }) as const;
    const changes: Changes = {
      ...hosts,
      hosts: { ...hosts.hosts, removed: fiveHundred((name) => ({ ...hosts.hosts.removed[0]!, name })) },
      ports: { removed: fiveHundred((name) => ({ ...hosts.hosts.removed[0]!, name })), added: [], changed: [] },
      nodes: { removed: fiveHundred(node), added: [], changed: [] },
      settings: fiveHundred((name) => ({ field: name, to: name })),
      certificates: { perWeek: 50, domains: fiveHundred((domain) => ({ domain, hostnames: [domain] })), wildcards: [] },
      addressesLost: fiveHundred((name) => name),
      refusedServices: fiveHundred((name) => ({ name, origin: 'home', service: 'port 80' })),
      absentAtBase: fiveHundred((name) => name),
      pools: fiveHundred((pool) => ({ ...hosts.pools[0]!, pool })),
      guard: { ...hosts.guard, ...(hosts.guard.kind === 'refused' && { reasons: fiveHundred(reason) }) },
    };
    const comment = await planned({}, {}, { ...WORST, changes });
    expect(comment.length).toBeGreaterThan(50_000);
    expect(comment.length).toBeLessThanOrEqual(COMMENT_CHARS_MAX);
    expect(comment).toContain('The rest does not fit into a comment: `kokoa plan` prints it.');
    expect(comment).toContain('500 warnings: see the check.');
    expect(comment).toMatch(/^### Plan: the guard refuses this merge: 500 hosts removed/);
  });
});
