// When a merge is done, what it waits for, and that it does not go back and forth.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kokoa, route } from '../world.fixture.ts';
import { AWAY_MS } from './edge-progress.ts';
import type { EdgeReport, MergeFleet } from './merge-fleet.ts';
import type { AtEdge } from './name-progress.ts';
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
} from './progress.fixture.ts';
import { isNameSettled, PATIENCE_MS, progressOf } from './progress.ts';
import { progressMarkdown } from './progress-markdown.ts';
import type { FilePair } from './touched.ts';

const MERGE = mergeOf(added(BLOG));
const at = (fleet: MergeFleet, nowMs = SINCE_MS, merge = MERGE) => progressOf(merge, fleet, nowMs);
const quarantined = (reason: string) => ({ quarantined: [{ hostname: 'blog.hoge.com', reason }] });
const one = (said: EdgeReport) => fleetOf([edgeAt('e1', said)]);

describe('a name at an edge', () => {
  it.each<[string, EdgeReport, AtEdge, boolean]>([
    ['has not taken it', behind(), { kind: 'waiting' }, false],
    ['is at work', behind({ state: 'converging' }), { kind: 'waiting' }, false],
    ['refused an older one, and has not seen this', behind({ state: 'refused' }), { kind: 'waiting' }, false],
    ['refused this one', report({ state: 'refused', applied: 'b' }), { kind: 'refused' }, true],
    ['rolled this one back', report({ state: 'rolled_back', applied: 'b' }), { kind: 'refused' }, true],
    ['took it and asks', report(), { kind: 'applied', isAsked: true }, false],
    [
      'took it and is too old to ask',
      (({ answers: _, ...old }) => old)(report()),
      { kind: 'applied', isAsked: false },
      true,
    ],
    ['got 200', report(answers({ 'blog.hoge.com': 200 })), { kind: 'live', status: 200 }, true],
    ['got a login', report(answers({ 'blog.hoge.com': 403 })), { kind: 'live', status: 403 }, true],
    ['got 499', report(answers({ 'blog.hoge.com': 499 })), { kind: 'live', status: 499 }, true],
    ['got 500', report(answers({ 'blog.hoge.com': 500 })), { kind: 'failing', status: 500 }, false],
    [
      'got 503, which nobody asked for',
      report(answers({ 'blog.hoge.com': 503 })),
      { kind: 'failing', status: 503 },
      false,
    ],
    [
      'got nothing',
      report(answers({ 'blog.hoge.com': 'timeout: no' })),
      { kind: 'failing', failure: 'timeout: no' },
      false,
    ],
    [
      'got an answer for another name',
      report(answers({ 'a.hoge.com': 200 })),
      { kind: 'applied', isAsked: true },
      false,
    ],
    ['orders', report(quarantined('being ordered')), { kind: 'certificate' }, false],
    [
      'could not order',
      report(quarantined('unauthorized: no')),
      { kind: 'certificate', reason: 'unauthorized: no' },
      false,
    ],
    [
      'has no certificate to answer with',
      report(answers({ 'blog.hoge.com': 'no_certificate: yet' })),
      { kind: 'certificate' },
      false,
    ],
    [
      'has the certificate and something else is wrong',
      report({
        ...quarantined('its users cannot be read'),
        certificates: [{ hostname: 'blog.hoge.com', notAfter: '2027' }],
      }),
      { kind: 'left_out', reason: 'its users cannot be read' },
      false,
    ],
  ])('%s', (_, said, expected, isDone) => {
    const progress = at(one(said));
    expect(progress.names[0]!.edges).toEqual([{ edge: 'e1', at: expected }]);
    expect([progress.isDone, progress.isLate]).toEqual([isDone, false]);
  });

  it('of a removed name is gone where the change was taken', () => {
    const merge = mergeOf(removed(BLOG));
    const progress = at(fleetOf([edgeAt('e1'), edgeAt('e2', behind())]), SINCE_MS, merge);
    expect(progress.names[0]!.edges.map(({ at: { kind } }) => kind)).toEqual(['gone', 'waiting']);
  });

  it('among more names than an edge asks for is applied, and not waited for', () => {
    const many = Array.from({ length: 101 }, (_, n) => added(route(`h${n}.hoge.com`, 'home')));
    expect(at(one(report()), SINCE_MS, mergeOf(...many)).isDone).toBe(true);
    expect(at(one(report()), SINCE_MS, mergeOf(...many.slice(0, 100))).isDone).toBe(false);
  });
});

describe('who is waited for', () => {
  const live = report(answers({ 'blog.hoge.com': 200 }));
  it.each<[string, MergeFleet, number, boolean]>([
    ['nobody when all answered', fleetOf([edgeAt('e1', live), edgeAt('e2', live)]), 0, true],
    ['the edge that did not', fleetOf([edgeAt('e1', live), edgeAt('e2', behind())]), 0, false],
    [
      'an edge that was silent for ten minutes, not yet',
      fleetOf([edgeAt('e1', live), edgeAt('e2', behind())]),
      AWAY_MS,
      false,
    ],
    ['an edge that is away: nobody', fleetOf([edgeAt('e1', live), edgeAt('e2', behind())]), AWAY_MS + 1, true],
    [
      'an edge that never came: nobody',
      fleetOf([edgeAt('e1', live), edgeAt('e2', 'silent', { lastSeenMs: undefined })]),
      0,
      true,
    ],
    ['somebody, where nobody is there', fleetOf([edgeAt('e1', 'silent', { lastSeenMs: undefined })]), 0, false],
    [
      'an edge of another pool: nobody',
      fleetOf([edgeAt('e1', live), edgeAt('e2', behind(), { pool: 'spare' })]),
      0,
      true,
    ],
    ['a draining edge', fleetOf([edgeAt('e1', live), edgeAt('e2', behind(), { state: 'draining' })]), 0, false],
    ['nobody where no edge serves the pool', fleetOf([]), 0, true],
  ])('%s', (_, fleet, afterMs, isDone) => {
    expect(at(fleet, SINCE_MS + afterMs).isDone).toBe(isDone);
  });

  it('is every edge of every pool after a change of settings or machines', () => {
    const fleet = fleetOf([edgeAt('e1'), edgeAt('e2', behind(), { pool: 'spare' })]);
    for (const file of [SETTINGS, NEW_EDGE]) {
      const progress = at(fleet, SINCE_MS, mergeOf(file));
      expect([progress.edges.map(({ state }) => state), progress.isDone]).toEqual([['took', 'waiting'], false]);
    }
  });

  it('is a pool where nobody is there, also when another pool is done', () => {
    const merge = mergeOf(added(BLOG), added(route('a.hoge.com', 'home', 8080, { pool: 'spare' })));
    const fleet = fleetOf([edgeAt('e1', live), edgeAt('e2', 'silent', { lastSeenMs: undefined, pool: 'spare' })]);
    expect(at(fleet, SINCE_MS, merge).isDone).toBe(false);
  });

  it('is nobody after an hour, and then it says who did not answer', () => {
    const fleet = fleetOf([edgeAt('e1', behind(), { lastSeenMs: SINCE_MS + PATIENCE_MS })]);
    expect(at(fleet, SINCE_MS + PATIENCE_MS).isDone).toBe(false);
    const late = at(fleet, SINCE_MS + PATIENCE_MS + 1);
    expect([late.isDone, late.isLate]).toEqual([true, true]);
    expect(progressMarkdown(late)).toContain('`e1` did not take it within an hour');
  });

  it('is nobody while it is held back or not published, however long that takes', () => {
    const hold = { message: 'no', hint: '' };
    for (const fleet of [
      fleetOf([edgeAt('e1')], { isPublished: false, hold }),
      fleetOf([edgeAt('e1')], { isPublished: false }),
    ])
      expect(at(fleet, SINCE_MS + 10 * PATIENCE_MS)).toMatchObject({ edges: [], isDone: false });
    expect(at(fleetOf([], { isInBranch: false }))).toMatchObject({ state: 'rewritten', isDone: true });
  });

  it('is not the hold of a later commit, when this one is live', () => {
    const hold = { message: 'no', hint: '' };
    const fleet = fleetOf([edgeAt('e1', live)], { hold, changedSince: new Set([BLOG.path]) });
    expect(at(fleet)).toMatchObject({ state: 'published', isDone: true, names: [{ state: 'edges' }] });
  });
});

describe('what was so stays so', () => {
  it('an edge that took it has taken it, also when something newer is published', () => {
    const before = at(one(report()));
    const later = progressOf(MERGE, one(behind()), SINCE_MS, before);
    expect(later.edges).toEqual(before.edges);
  });

  it('why a certificate was refused is not forgotten while the next order is on its way', () => {
    const refused = at(one(report(quarantined('unauthorized: no'))));
    const again = progressOf(MERGE, one(report(quarantined('being ordered'))), SINCE_MS, refused);
    expect(progressMarkdown(again)).toBe(progressMarkdown(refused));
    const other = progressOf(MERGE, one(report(quarantined('rate_limited: later'))), SINCE_MS, again);
    expect(other.names[0]!.edges[0]!.at).toEqual({ kind: 'certificate', reason: 'rate_limited: later' });
    const live = progressOf(MERGE, one(report(answers({ 'blog.hoge.com': 200 }))), SINCE_MS, other);
    expect(live.isDone).toBe(true);
  });
});

it('says nothing that counts as markup, mention or link, whatever an edge reports', () => {
  const hostile = fc
    .array(
      fc.constantFrom('@octo/all', '<img src=x>', '[a](https://evil.example)', '`', '```', '\n', '\u202e', '**', ' '),
      { minLength: 1, maxLength: 8 },
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(hostile, (text) => {
      const error = { stage: text, code: text, detail: text };
      const edges = [
        edgeAt('e1', report(quarantined(text))),
        edgeAt('e2', report({ state: 'refused', applied: 'b', error })),
        edgeAt('e3', report(answers({ 'blog.hoge.com': text }))),
        edgeAt('e4', behind({ offered: 'a'.repeat(64), error })),
      ];
      const holds = fleetOf(edges, { isPublished: false, hold: { message: text, hint: `${text}\n${text}` } });
      for (const fleet of [fleetOf(edges), holds]) {
        const rest = progressMarkdown(at(fleet))
          .replace(/(`{3,})yaml\n[\s\S]*?\n\1\n/g, '')
          .replace(/(?<!`)(`+)(?!`)[^\n]*?[^`]\1(?!`)/g, '');
        expect(rest).not.toMatch(/@octo|<img|evil|\u202e/);
      }
    }),
  );
});

describe('settings that go out in waves', () => {
  const behindEdge = (said: EdgeReport = report()) => edgeAt('e2', said, { isBehind: true });
  const first = fleetOf([edgeAt('e1'), behindEdge()]);
  const merge = mergeOf(changed(kokoa(), kokoa({ acme: { server: 'https://other.example/dir' } })), added(BLOG));
  const live = report(answers({ 'blog.hoge.com': 200 }));

  it('keep a merge open until the last wave, and its routes live before', () => {
    const queued = progressOf(merge, fleetOf([edgeAt('e1', live), behindEdge(live)]), SINCE_MS);
    expect([queued.isDone, queued.names.every(isNameSettled)]).toEqual([false, true]);
    expect(queued.edges).toMatchObject([{ state: 'took' }, { state: 'took', isQueued: true }]);
    // Its wave has come: what it took before is not what is published now.
    const reached = progressOf(merge, fleetOf([edgeAt('e1', live), edgeAt('e2', behind())]), SINCE_MS, queued);
    expect([reached.isDone, reached.edges[1]]).toEqual([false, { node: 'e2', pool: 'default', state: 'waiting' }]);
    const taken = progressOf(merge, fleetOf([edgeAt('e1', live), edgeAt('e2', live)]), SINCE_MS, reached);
    expect([taken.isDone, taken.isLate]).toEqual([true, false]);
  });

  it.each<[string, FilePair[], boolean]>([
    ['a merge of routes waits for no wave', [added(BLOG)], true],
    ['nor does one of teams', [changed(kokoa(), kokoa({ teams: [] }))], true],
    ['one of what edges are told does', [SETTINGS], false],
  ])('%s', (_, files, isDone) => {
    const fleet = fleetOf([edgeAt('e1', live), behindEdge(live)]);
    expect(progressOf(mergeOf(...files), fleet, SINCE_MS).isDone).toBe(isDone);
  });

  it('are given up like anything else, and that is said of who has nothing', () => {
    const late = progressOf(mergeOf(SETTINGS), first, SINCE_MS + PATIENCE_MS + 1);
    expect([late.isDone, late.isLate]).toEqual([true, true]);
    expect(progressMarkdown(late)).toContain('1 of 2 edges has not taken it');
  });
});
