import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Chunk, WireRoute } from '../../bundle/config.ts';
import {
  answered,
  followed,
  planVisits,
  resumed,
  VISITS_AT_ONCE,
  VISITS_MAX,
  type Visit,
  withoutCertificate,
} from './visit-plan.ts';

const DATE = '2030-01-01T00:00:00.000Z';
const LATER = '2030-01-01T00:01:00.000Z';

function route(hostname: string, more: Partial<WireRoute> = {}): WireRoute {
  return { hostname, backends: [{ address: '10.100.1.1', port: 8080 }], limits: { maxBodyBytes: 1024 }, ...more };
}
const chunk = (...routes: WireRoute[]): Chunk => ({ routes });
const names = (visits: readonly Visit[]) => visits.map(({ hostname }) => hostname);
const first = (...routes: WireRoute[]) => followed([], [], [chunk(...routes)], 0);
const at = (nowMs: number, date = DATE) => ({ nowMs, date });

describe('what a change touches', () => {
  const before = [chunk(route('a.test'), route('b.test'))];
  it.each<[string, WireRoute[], string[]]>([
    ['nothing', [route('a.test'), route('b.test')], []],
    ['a new host', [route('a.test'), route('b.test'), route('c.test')], ['c.test']],
    ['a host that goes elsewhere', [route('a.test', { backends: [] }), route('b.test')], ['a.test']],
    ['a host whose limits are others', [route('a.test'), route('b.test', { limits: { maxBodyBytes: 1 } })], ['b.test']],
    ['another orderer, which no visitor sees', [route('a.test', { orderer: 'x' }), route('b.test')], []],
    ['a removed host', [route('b.test')], []],
    ['a wildcard, which has no name', [...before[0]!.routes, route('*.c.test')], []],
    ['a name that passes through', [...before[0]!.routes, route('c.test', { protocol: 'tls' })], []],
    ['several, sorted', [route('d.test'), route('c.test'), ...before[0]!.routes], ['c.test', 'd.test']],
  ])('%s', (_, wanted, asked) => {
    const visits = followed([], before, [chunk(...wanted)], 5);
    expect(names(visits)).toEqual(asked);
    for (const visit of visits) expect(visit).toMatchObject({ tries: 0, dueMs: 5 });
  });

  it('comes first; what it left alone keeps its answer; what it removed or changed does not', () => {
    const visits = first(route('a.test'), route('b.test'), route('c.test')).map((one) =>
      answered(one, { status: 200 }, at(0)),
    );
    const wanted = [chunk(route('b.test'), route('c.test', { closed: 'expired' }), route('z.test'))];
    const next = followed(visits, [chunk(route('a.test'), route('b.test'), route('c.test'))], wanted, 9);
    expect(next.map(({ hostname, answer }) => [hostname, answer?.status])).toEqual([
      ['c.test', undefined],
      ['z.test', undefined],
      ['b.test', 200],
    ]);
  });

  it('forgets a host that is passed through from now on', () => {
    const visits = first(route('a.test'));
    expect(followed(visits, [chunk(route('a.test'))], [chunk(route('a.test', { protocol: 'tls' }))], 0)).toEqual([]);
  });

  it('never has more than its bound, and lets the oldest go', () => {
    const many = Array.from({ length: 150 }, (_, index) => route(`n${1000 + index}.test`));
    const [old, all] = [[chunk(route('old.test'))], [chunk(route('old.test'), ...many)]];
    const visits = followed(first(route('old.test')), old, all, 0);
    expect([visits.length, visits[0]?.hostname]).toEqual([VISITS_MAX, 'n1000.test']);
    expect(names(visits)).not.toContain('old.test');
  });

  it('is the same whatever chunks the routes lie in', () => {
    const some = fc.uniqueArray(fc.record({ name: fc.nat(30), port: fc.integer({ min: 1, max: 2 }) }), {
      selector: ({ name }) => name,
    });
    const routesOf = (list: { name: number; port: number }[]) =>
      list.map(({ name, port }) => route(`h${name}.test`, { backends: [{ address: '10.100.1.1', port }] }));
    fc.assert(
      fc.property(some, some, (one, two) => {
        const [before, wanted] = [routesOf(one), routesOf(two)];
        const whole = followed([], [chunk(...before)], [chunk(...wanted)], 0);
        // Routes that are equal are the same chunk in both, as they are when a chunk is named by its content.
        const chunks = new Map([...before, ...wanted].map((each) => [JSON.stringify(each), chunk(each)]));
        const split = (list: WireRoute[]) => list.map((each) => chunks.get(JSON.stringify(each))!);
        expect(followed([], split(before), split(wanted), 0)).toEqual(whole);
        expect(followed(whole, split(wanted), split(wanted), 1)).toEqual(whole);
      }),
    );
  });
});

describe('who is asked next', () => {
  const plan = (visits: readonly Visit[], nowMs: number, more: Partial<Parameters<typeof planVisits>[0]> = {}) => {
    const found = planVisits({ visits, inFlight: new Set(), holds: () => true, nowMs, ...more });
    return { ask: names(found.ask), refused: names(found.refused), wakeAtMs: found.wakeAtMs };
  };

  it('is whoever is due, and nobody who has answered', () => {
    const [a, b] = first(route('a.test'), route('b.test'));
    const done = answered(a!, { status: 302 }, at(0));
    expect(plan([done, b!], 0)).toEqual({ ask: ['b.test'], refused: [], wakeAtMs: undefined });
    expect(plan([done], 1e9)).toEqual({ ask: [], refused: [], wakeAtMs: undefined });
  });

  it('is a few at once, and nobody twice', () => {
    const visits = first(...Array.from({ length: 20 }, (_, index) => route(`${index}.test`)));
    expect(plan(visits, 0).ask).toHaveLength(VISITS_AT_ONCE);
    const inFlight = new Set(names(visits).slice(0, 5));
    const { ask } = plan(visits, 0, { inFlight });
    expect(ask).toHaveLength(VISITS_AT_ONCE - 5);
    expect(ask.some((hostname) => inFlight.has(hostname))).toBe(false);
  });

  it('waits for a certificate, says so once, and is asked when it has come', () => {
    const [visit] = first(route('a.test'));
    expect(plan([visit!], 0, { holds: () => undefined })).toEqual({ ask: [], refused: [], wakeAtMs: 500 });
    expect(plan([visit!], 0, { holds: () => false })).toEqual({ ask: [], refused: ['a.test'], wakeAtMs: 500 });
    const told = withoutCertificate(visit!, DATE);
    expect(told.answer).toEqual({
      hostname: 'a.test',
      failure: expect.stringMatching(/^no_certificate: /),
      since: DATE,
    });
    expect(plan([told], 0, { holds: () => false })).toEqual({ ask: [], refused: [], wakeAtMs: 500 });
    expect(plan([told], 0).ask).toEqual(['a.test']);
  });

  it.each([[{ failure: 'timeout: no answer' }], [{ status: 502 }], [{ status: 503 }]])(
    'asks again after %j, later each time, and not for ever',
    (bad) => {
      let [visit] = first(route('a.test'));
      const asked: number[] = [];
      for (let nowMs = 0; visit!.dueMs !== undefined; nowMs = visit!.dueMs ?? nowMs) {
        expect(plan([visit!], nowMs - 1).ask).toEqual([]);
        expect(plan([visit!], nowMs).ask).toEqual(['a.test']);
        asked.push(nowMs / 1000);
        visit = answered(visit!, bad, at(nowMs, asked.length === 1 ? DATE : LATER));
      }
      expect(asked.slice(0, 7)).toEqual([0, 1, 3, 8, 18, 48, 108]);
      expect([asked.length, asked.at(-1)]).toEqual([16, 648]);
      expect(visit!.answer).toEqual({ hostname: 'a.test', ...bad, since: DATE });
      expect(plan([visit!], 1e9)).toEqual({ ask: [], refused: [], wakeAtMs: undefined });
    },
  );

  it.each([200, 204, 301, 302, 401, 403, 404])('takes %i for the last word', (status) => {
    const visit = answered(first(route('a.test'))[0]!, { status }, at(7));
    expect(visit).toEqual({
      hostname: 'a.test',
      route: visit.route,
      tries: 0,
      answer: { hostname: 'a.test', status, since: DATE },
    });
  });

  it('says since when it is this answer', () => {
    const one = answered(first(route('a.test'))[0]!, { status: 502 }, at(0, DATE));
    const two = answered(one, { status: 503 }, at(1, LATER));
    expect([one.answer?.since, two.answer?.since]).toEqual([DATE, LATER]);
    expect(answered(two, { status: 200 }, at(2, DATE)).answer).toEqual({
      hostname: 'a.test',
      status: 200,
      since: DATE,
    });
  });
});

describe('after a start', () => {
  const routes = [route('a.test'), route('b.test'), route('c.test'), route('d.test')];
  const [a, b, c, d] = first(...routes);
  const kept = [
    answered(a!, { status: 200 }, at(0)),
    answered(b!, { failure: 'timeout: x' }, at(0)),
    c!,
    answered(d!, { status: 200 }, at(0)),
  ];

  it('good answers stay, bad ones and questions without an answer are asked again', () => {
    const visits = resumed(kept, [chunk(...routes)], 70);
    expect(visits.map(({ hostname, dueMs, answer }) => [hostname, dueMs, answer?.status ?? answer?.failure])).toEqual([
      ['a.test', undefined, 200],
      ['b.test', 70, 'timeout: x'],
      ['c.test', 70, undefined],
      ['d.test', undefined, 200],
    ]);
  });

  it('an answer to another route counts for nothing, and a host that is gone is forgotten', () => {
    const now = [
      chunk(route('a.test', { closed: 'expired' }), route('b.test', { protocol: 'tls' }), route('new.test')),
    ];
    expect(resumed(kept, now, 70)).toEqual([{ hostname: 'a.test', route: expect.any(String), tries: 0, dueMs: 70 }]);
    expect(resumed([], now, 70)).toEqual([]);
  });
});
