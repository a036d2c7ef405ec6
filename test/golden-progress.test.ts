// Golden comments of what follows a merge: golden-progress/NNN-name.md. BLESS=1 writes what was found; review the diff.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { MergeFleet } from '../reconciler/core/pull-request/merge-fleet.ts';
import {
  added,
  answers,
  BLOG,
  behind,
  changed,
  edgeAt,
  fleetOf,
  mergeOf,
  NEW_EDGE,
  removed,
  report,
  SETTINGS,
  SINCE_MS,
  WIKI,
} from '../reconciler/core/pull-request/progress.fixture.ts';
import { progressOf } from '../reconciler/core/pull-request/progress.ts';
import { progressMarkdown } from '../reconciler/core/pull-request/progress-markdown.ts';
import type { FilePair } from '../reconciler/core/pull-request/touched.ts';
import { portRoute, route } from '../reconciler/core/world.fixture.ts';
import { COMMENT_CHARACTERS_MAX } from '../reconciler/ports/forge.ts';

const GOLDEN = join(import.meta.dirname, 'golden-progress');
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const TWO = [edgeAt('osaka-1'), edgeAt('tokyo-1')];
const LIVE = report(answers({ 'blog.hoge.com': 200 }));
const BEHIND = { isBehind: true } as const;
const REFUSES = report({
  ...{ state: 'rolled_back', applied: 'b'.repeat(64) },
  error: { stage: 'probe', code: 'probe_failed', detail: 'held before and not after: app.hoge.com' },
});
const ORDERING = { quarantined: [{ hostname: 'blog.hoge.com', reason: 'waiting for tokyo-1 to order it' }] };
const HOLD = {
  message: '12 of 14 hosts would vanish, more than 30 %',
  hint: 'if that is meant, paste the override into kokoa.yaml\nguards:\n  override:\n    plan: f4fc7e\n    base: 6b1f0c\n    reason: say here why this is meant',
};
const PROBLEM = {
  ...{ file: 'routes/hoge/blog.hoge.com.yaml', line: 2, column: 9, rule: 'KK305', severity: 'error' as const },
  ...{ message: 'origin: found "hme", expected an origin', hint: 'did you mean home?' },
};
const HOSTS = Array.from({ length: 5000 }, (_, n) => `host-${String(n).padStart(4, '0')}.hoge.com`);

interface Case {
  files: FilePair[];
  fleet: MergeFleet;
  afterMs?: number;
}

const NEW_BLOG = [added(BLOG)];

const CASES: Record<string, Case> = {
  '001-about-to-be-published': { files: NEW_BLOG, fleet: fleetOf(TWO, { isPublished: false }) },
  '002-published-and-waiting': {
    files: NEW_BLOG,
    fleet: fleetOf([edgeAt('osaka-1', behind()), edgeAt('tokyo-1', behind())]),
  },
  '003-waiting-for-its-certificate': {
    files: NEW_BLOG,
    fleet: fleetOf([
      edgeAt('osaka-1', report(ORDERING)),
      edgeAt('tokyo-1', report(answers({ 'blog.hoge.com': 'no_certificate: none yet' }))),
    ]),
  },
  '004-no-certificate': {
    files: NEW_BLOG,
    fleet: fleetOf([
      edgeAt('osaka-1', report(ORDERING)),
      edgeAt(
        'tokyo-1',
        report({
          quarantined: [{ hostname: 'blog.hoge.com', reason: 'unauthorized: 203.0.113.9: Invalid response: 404' }],
        }),
      ),
    ]),
  },
  '005-live': { files: NEW_BLOG, fleet: fleetOf([edgeAt('osaka-1', LIVE), edgeAt('tokyo-1', LIVE)]) },
  '006-half-live': { files: NEW_BLOG, fleet: fleetOf([edgeAt('osaka-1', behind()), edgeAt('tokyo-1', LIVE)]) },
  '007-a-login-and-a-redirect': {
    files: [...NEW_BLOG, added(WIKI)],
    fleet: fleetOf([edgeAt('tokyo-1', report(answers({ 'blog.hoge.com': 401, 'wiki.hoge.com': 302 })))]),
  },
  '008-the-origin-does-not-answer': {
    files: [...NEW_BLOG, added(WIKI)],
    fleet: fleetOf([
      edgeAt('osaka-1', report(answers({ 'blog.hoge.com': 502, 'wiki.hoge.com': 200 }))),
      edgeAt('tokyo-1', report(answers({ 'blog.hoge.com': 'timeout: no answer within 5 s', 'wiki.hoge.com': 200 }))),
    ]),
  },
  '009-quarantined': {
    files: [...NEW_BLOG, added(WIKI)],
    fleet: fleetOf([edgeAt('tokyo-1', report(answers({ 'wiki.hoge.com': 200 })))], {
      quarantined: new Map([[BLOG.path, PROBLEM]]),
    }),
  },
  '010-held-by-the-guard': { files: [removed(BLOG)], fleet: fleetOf(TWO, { isPublished: false, hold: HOLD }) },
  '011-removed-and-gone': { files: [removed(BLOG), removed(portRoute('mine', 25_565))], fleet: fleetOf(TWO) },
  '012-settings-and-machines': {
    files: [SETTINGS, NEW_EDGE],
    fleet: fleetOf([edgeAt('osaka-1', behind()), edgeAt('tokyo-1')]),
  },
  '013-an-edge-is-away': {
    files: NEW_BLOG,
    fleet: fleetOf([
      edgeAt('osaka-1', behind(), { lastSeenMs: SINCE_MS - 11 * MINUTE_MS }),
      edgeAt('osaka-2', 'silent', { lastSeenMs: undefined }),
      edgeAt('tokyo-1', LIVE),
    ]),
  },
  '014-given-up-after-an-hour': {
    files: NEW_BLOG,
    fleet: fleetOf([
      edgeAt('osaka-1', behind(), { lastSeenMs: SINCE_MS + 61 * MINUTE_MS }),
      edgeAt('tokyo-1', report(answers({ 'blog.hoge.com': 502 }))),
    ]),
    afterMs: 61 * MINUTE_MS,
  },
  '015-refused-by-an-edge': {
    files: NEW_BLOG,
    fleet: fleetOf([
      edgeAt(
        'osaka-1',
        report({
          state: 'refused',
          applied: 'b'.repeat(64),
          error: { stage: 'test', code: 'nginx_refused', detail: 'nginx: [emerg] …' },
        }),
      ),
      edgeAt('tokyo-1', LIVE),
    ]),
  },
  '016-what-nobody-asks': {
    files: [
      added(route('*.hoge.com', 'home')),
      added(route('mail.hoge.com', 'home', 993, { protocol: 'tls', proxyProtocol: true })),
      added(portRoute('mine', 25_565)),
      changed(
        route('old.hoge.com', 'home'),
        route('old.hoge.com', 'home', 8080, { expiresAt: '2027-01-01T00:00:00Z' }),
      ),
    ],
    fleet: fleetOf([edgeAt('tokyo-1')]),
  },
  '017-maintenance-and-another-pool': {
    files: [
      added(route('blog.hoge.com', 'home', 8080, { maintenance: { allow: [] } })),
      added(route('a.hoge.com', 'home', 8080, { pool: 'spare' })),
    ],
    fleet: fleetOf([edgeAt('tokyo-1', report(answers({ 'blog.hoge.com': 503 })))]),
  },
  '018-changed-again-since': {
    files: [...NEW_BLOG, added(WIKI)],
    fleet: fleetOf([edgeAt('tokyo-1', LIVE)], { changedSince: new Set([WIKI.path]) }),
  },
  '019-the-branch-was-rewritten': { files: NEW_BLOG, fleet: fleetOf(TWO, { isInBranch: false, isPublished: false }) },
  '020-nothing-for-visitors': { files: [], fleet: fleetOf(TWO) },
  '021-five-thousand-hosts': {
    files: HOSTS.map((name) => added(route(name, 'home'))),
    fleet: fleetOf(
      ['osaka-1', 'tokyo-1'].map((node) =>
        edgeAt(
          node,
          report({
            ...answers(Object.fromEntries(HOSTS.slice(0, 100).map((name, n) => [name, n % 10 === 0 ? 502 : 200]))),
            quarantined: HOSTS.slice(4900).map((hostname) => ({ hostname, reason: 'being ordered' })),
          }),
        ),
      ),
    ),
  },
  '022-nobody-is-there': {
    files: NEW_BLOG,
    fleet: fleetOf([edgeAt('tokyo-1', 'silent', { lastSeenMs: undefined })]),
    afterMs: 61 * MINUTE_MS,
  },
  '023-settings-in-waves': {
    files: [SETTINGS, ...NEW_BLOG],
    fleet: fleetOf([...['nara-1', 'osaka-1'].map((node) => edgeAt(node, LIVE, BEHIND)), edgeAt('tokyo-1', LIVE)]),
  },
  '024-a-wave-refuses-the-settings': {
    files: [SETTINGS],
    fleet: fleetOf([edgeAt('osaka-1', report(), BEHIND), edgeAt('tokyo-1', REFUSES)]),
  },
  '025-a-wave-that-never-came': {
    files: [SETTINGS],
    fleet: fleetOf([edgeAt('osaka-1', report(), BEHIND), edgeAt('tokyo-1')]),
    afterMs: 61 * MINUTE_MS,
  },
};

const markdownOf = ({ files, fleet, afterMs = SECOND_MS }: Case) =>
  progressMarkdown(progressOf(mergeOf(...files), fleet, SINCE_MS + afterMs));

test.each(Object.keys(CASES))('%s says exactly what was blessed', (name) => {
  const found = markdownOf(CASES[name]!);
  const file = join(GOLDEN, `${name}.md`);
  if (process.env.BLESS === '1') writeFileSync(file, found);
  expect(found).toBe(readFileSync(file, 'utf8'));
  expect(found.length).toBeLessThanOrEqual(COMMENT_CHARACTERS_MAX);
  expect(found).not.toMatch(/undefined|\[object|NaN/);
});

test('there is no case without a comment, and no comment without a case', () => {
  expect(readdirSync(GOLDEN)).toEqual(Object.keys(CASES).map((name) => `${name}.md`));
});

test('no moment and no count of minutes changes a comment while nothing happens', () => {
  for (const [name, one] of Object.entries(CASES)) {
    const { afterMs = SECOND_MS } = one;
    expect(markdownOf({ ...one, afterMs: afterMs + 8 * MINUTE_MS }), name).toBe(markdownOf(one));
  }
});
