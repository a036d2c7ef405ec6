import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Asked, Body, Mischief } from './dns-cloudflare.fixture.ts';
import { A, creates, failure, never, openZone, write, ZONE } from './dns-cloudflare-zone.fixture.ts';

const HTML = {
  kind: 'answer',
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<html>Hello</html>',
} as const;
/** As when the token has not the form of one. */
const NO_HEADERS = JSON.stringify({ success: false, errors: [{ code: 6003, message: 'Invalid request headers' }] });
const PLAIN_NO = JSON.stringify({ success: false, errors: [{ code: 1004, message: 'not now' }], result: null });

const info = (changed: object) => (body: Body) => ({ ...body, result_info: { ...body.result_info, ...changed } });

describe('a list that contradicts itself is no list', () => {
  const other = { id: 'e'.repeat(32), name: 'www.other.com', type: 'A', ttl: 60, content: '203.0.113.1' };
  it.each<{ title: string; told: (body: Body) => unknown; pages?: number; message?: RegExp }>([
    { title: 'a total that is too large', told: info({ total_count: 31 }), pages: 4 },
    { title: 'a total that is too small', told: info({ total_count: 5 }) },
    {
      title: 'a total that changes between two pages',
      told: (body) => info({ total_count: 29 + body.result_info.page })(body),
      pages: 2,
    },
    { title: 'a total of nothing', told: info({ total_count: 0 }) },
    { title: 'a total beyond all zones', told: info({ total_count: 1e9 }) },
    { title: 'no total', told: ({ result_info: _, ...body }) => body },
    { title: 'the first page for the second', told: info({ page: 2 }) },
    {
      title: 'fewer records than it counts',
      told: (body) => ({ ...body, result: body.result.slice(1) }),
      message: /of 10 has 9/,
    },
    { title: 'a page without records', told: (body) => ({ ...info({ count: 0 })(body), result: [] }) },
    {
      title: 'a record twice',
      told: (body) => ({ ...body, result: body.result.fill(body.result[0]) }),
      message: /came twice/,
    },
    { title: 'a record of another zone', told: (body) => ({ ...body, result: [other, ...body.result.slice(1)] }) },
    { title: 'a record without a name', told: (body) => ({ ...body, result: body.result.fill({ id: 'x' }) }) },
    { title: 'no word of success', told: ({ success: _, ...body }) => body, message: /something else/ },
    { title: 'no list', told: (body) => ({ ...body, result: null }) },
    { title: 'nothing at all', told: () => null },
  ])('$title', async ({ told, pages = 1, message = /./ }) => {
    const { double, access, fill } = await openZone({ perPageMax: 10 });
    fill(30);
    double.misbehave('list', { kind: 'lie', told }, pages);
    const error = await failure(access.list(never));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(/1000000000/.test(error.message) ? 'dns_refused' : 'dns_unreachable');
    expect((await access.list(never))?.size).toBe(30);
  });

  it.each([
    { title: 'the same page twice', second: (pages: Body[]) => ({ ...pages[1], result: pages[0].result }) },
    { title: 'a page that is missing', second: (pages: Body[]) => ({ ...pages[1], result: pages[2].result }) },
  ])('$title', async ({ second }) => {
    const { double, access, fill } = await openZone({ perPageMax: 10 });
    fill(30);
    const pages: Body[] = [];
    const keep: Mischief = { kind: 'lie', told: (body) => pages.push(body) && body };
    double.misbehave('list', keep, 3);
    await access.list(never);
    double.misbehave('list', keep);
    double.misbehave('list', { kind: 'lie', told: () => second(pages) });
    expect(await failure(access.list(never))).toMatchObject({
      code: 'dns_unreachable',
      message: expect.stringMatching(/contradicts itself/),
    });
  });

  it('nor is one that ignores the name that was asked for', async () => {
    const { double, zone, access, fill } = await openZone();
    fill(2);
    const [first] = double.state.of(zone);
    double.misbehave('list', {
      kind: 'lie',
      told: (body) => ({ ...info({ count: 1, total_count: 1 })(body), result: [first] }),
    });
    expect(await failure(access.read([`host-1.${ZONE}`], never))).toMatchObject({ code: 'dns_unreachable' });
  });

  it('and nothing is written on it', async () => {
    const { double, access, fill } = await openZone();
    fill(3);
    double.misbehave('list', { kind: 'lie', told: (body) => ({ ...info({ count: 0 })(body), result: [] }) });
    const { outcomes, stopped } = await write(access, creates('host-1'));
    expect([outcomes, stopped]).toMatchObject([[{ kind: 'unknown' }], { code: 'dns_unreachable' }]);
    expect(double.asked).not.toContain('batch');
  });
});

describe('what goes wrong', () => {
  const broken: { title: string; how: Mischief; code?: string; message?: RegExp }[] = [
    { title: 'HTML in place of JSON', how: HTML, message: /something else than/ },
    { title: 'HTML with an error', how: { ...HTML, status: 521 }, message: /521/ },
    { title: 'half a JSON', how: { kind: 'answer', status: 200, body: '{"success":true,"result":[' } },
    { title: 'nothing', how: { kind: 'answer', status: 200, body: '' } },
    { title: 'no content', how: { kind: 'answer', status: 204 } },
    { title: 'an outage', how: { kind: 'answer', status: 503 }, message: /503/ },
    {
      title: 'an outage that says when to come back',
      how: { kind: 'answer', status: 503, headers: { 'retry-after': '5' } },
    },
    {
      title: 'a redirect',
      how: { kind: 'answer', status: 301, headers: { location: 'http://127.0.0.1:1/' } },
      message: /301/,
    },
    { title: 'a cut connection', how: { kind: 'cut' } },
    { title: 'no answer', how: { kind: 'late' }, message: /no answer in time/ },
    { title: 'an answer that never ends', how: { kind: 'trickle' }, message: /no answer in time/ },
    { title: 'an answer that is too large', how: { kind: 'flood' }, message: /larger than/ },
    {
      title: 'a no',
      how: { kind: 'answer', status: 400, body: PLAIN_NO },
      code: 'dns_refused',
      message: /not now \(1004\)/,
    },
    {
      title: 'a no with the status of a yes',
      how: { kind: 'answer', status: 200, body: PLAIN_NO },
      code: 'dns_refused',
    },
    { title: 'too many requests', how: { kind: 'answer', status: 429 }, code: 'dns_throttled' },
    { title: 'a login', how: { kind: 'answer', status: 401 }, code: 'dns_credentials' },
    { title: 'no to the headers', how: { kind: 'answer', status: 400, body: NO_HEADERS }, code: 'dns_credentials' },
  ];
  const each = broken.flatMap((row) => (['zones', 'list'] as Asked[]).map((on) => ({ ...row, on })));

  it.each(each)('when $on is answered with: $title, nothing is read', async ({ on, how, code, message }) => {
    const { double, access } = await openZone({ requestMsMax: how.kind === 'flood' ? 5_000 : 300 });
    double.misbehave(on, how);
    const error = await failure(access.read([`a.${ZONE}`], never));
    expect(error).toMatchObject({ code: code ?? 'dns_unreachable', message: expect.stringMatching(message ?? /./) });
    expect(double.asked.filter((asked) => asked === on)).toHaveLength(1);
    expect((await access.read([`a.${ZONE}`], never)).size).toBe(0);
  });

  it.each(broken.filter(({ code }) => code !== 'dns_refused'))(
    'when a change is answered with: $title, nobody knows, and the next reading does',
    async ({ how, code = 'dns_unreachable' }) => {
      const { double, access, stands } = await openZone({ requestMsMax: how.kind === 'flood' ? 5_000 : 300 });
      double.misbehave('batch', how);
      const name = `a.${ZONE}`;
      const { outcomes, stopped } = await write(access, creates('a'), creates('b'));
      expect([outcomes, stopped]).toMatchObject([[{ kind: 'unknown' }, { kind: 'unknown' }], { code }]);
      expect(double.asked.filter((asked) => asked === 'batch')).toHaveLength(1);

      const isMade = how.kind !== 'answer';
      expect((await access.read([name], never)).get(name)?.sets).toEqual(isMade ? [A] : undefined);
      expect((await write(access, creates('a'))).outcomes).toEqual([
        isMade ? { kind: 'clash', name } : { kind: 'done' },
      ]);
      expect(stands(name)?.sets).toEqual([A]);
      expect(stands(name)).toEqual((await access.list(never))?.get(name));
    },
  );

  it('when the first of several transactions goes through and the second does not, the first is done', async () => {
    const { double, access } = await openZone({ requestMsMax: 300 });
    double.misbehave('batch', { kind: 'lie', told: (body) => body });
    double.misbehave('batch', { kind: 'late' });
    const { outcomes } = await write(access, ...Array.from({ length: 450 }, (_, index) => creates(`h-${index}`)));
    const kinds = outcomes.map(({ kind }) => kind);
    expect([kinds.lastIndexOf('done'), kinds.indexOf('unknown'), kinds.length]).toEqual([199, 200, 450]);
    expect(double.asked.filter((asked) => asked === 'batch')).toHaveLength(2);
  });

  it.each([
    { retryAfter: '17', ms: 17_000 },
    { retryAfter: '0', ms: 1_000 },
    { retryAfter: '999999', ms: 3_600_000 },
    { retryAfter: '-5', ms: undefined },
    { retryAfter: 'soon', ms: 300_000 },
    { retryAfter: undefined, ms: 300_000 },
    { retryAfter: new Date(Date.now() + 3 * 3_600_000).toUTCString(), ms: 3_600_000 },
    { retryAfter: new Date(0).toUTCString(), ms: 1_000 },
  ])('when it is too much, it says how long to wait: $retryAfter', async ({ retryAfter, ms }) => {
    const { double, access } = await openZone();
    const headers = retryAfter === undefined ? {} : { headers: { 'retry-after': retryAfter } };
    double.misbehave('batch', { kind: 'answer', status: 429, ...headers });
    const { stopped, retryAfterMs } = await write(access, creates('a'));
    expect(stopped).toMatchObject({ code: 'dns_throttled' });
    if (ms !== undefined) expect(retryAfterMs).toBe(ms);
    expect(retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(retryAfterMs).toBeLessThanOrEqual(3_600_000);
    double.misbehave('list', { kind: 'answer', status: 429, ...headers });
    expect(await failure(access.list(never))).toMatchObject({ code: 'dns_throttled', retryAfterMs });
  });

  it('when it says no to one of several names, no more than those under way are asked', async () => {
    const { double, access } = await openZone();
    double.misbehave('list', { kind: 'answer', status: 429 });
    const names = Array.from({ length: 20 }, (_, index) => `host-${index}.${ZONE}`);
    expect(await failure(access.read(names, never))).toMatchObject({ code: 'dns_throttled' });
    await delay(100);
    expect(double.asked.length).toBeLessThan(12);
  });

  it('when nobody listens, it is unreachable', async () => {
    const { double, access } = await openZone();
    await double.close();
    expect(await failure(access.list(never))).toMatchObject({
      code: 'dns_unreachable',
      message: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  it('when it is stopped in the middle, it ends at once', async () => {
    const { double, access } = await openZone({ requestMsMax: 60_000 });
    for (const on of ['list', 'batch'] as const) {
      const stop = new AbortController();
      double.misbehave(on, { kind: 'late' });
      const run = access.write([creates(`stopped-${on}`)], stop.signal);
      setTimeout(() => stop.abort(), 100);
      const { outcomes, stopped } = await run;
      expect([outcomes, stopped]).toMatchObject([
        [{ kind: 'unknown' }],
        { code: 'dns_unreachable', message: expect.stringMatching(/stopped/) },
      ]);
    }
  });
});
