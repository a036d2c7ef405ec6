// Route 53 that refuses, is slow, breaks off, lies or lets others be faster; and what lies between.
import { expect, it, test } from 'vitest';
import type { RecordSet, ZoneChange } from '../ports/dns-zone.ts';
import type { Mischief } from './dns-route53.fixture.ts';
import { never, openRoute53, ZONE } from './dns-route53-open.fixture.ts';
import { errorXml, setXml } from './dns-route53-xml.fixture.ts';

const A: RecordSet = { type: 'A', ttl: 60, values: ['203.0.113.1'] };
const create = (label: string): ZoneChange => [{ name: `${label}.${ZONE}`, before: [], after: [A] }];
const done = { kind: 'done' };
const unknown = { kind: 'unknown' };
const refusal = (status: number, code: string, headers: Record<string, string> = {}): Mischief => ({
  kind: 'answer',
  status,
  headers,
  body: errorXml(code, `${code} of the double`),
});
const body = (status: number, text: string): Mischief => ({ kind: 'answer', status, body: text });

it.each<[string, Mischief, number]>([
  ['Throttling', refusal(400, 'Throttling'), 5_000],
  ['ThrottlingException, with a time', refusal(400, 'ThrottlingException', { 'retry-after': '7' }), 7_000],
  ['PriorRequestNotComplete', refusal(400, 'PriorRequestNotComplete'), 5_000],
  ['503 with a time', refusal(503, 'ServiceUnavailable', { 'retry-after': '30' }), 30_000],
  ['503 with a time of years', refusal(503, 'ServiceUnavailable', { 'retry-after': '99999999' }), 3_600_000],
  [
    '503 with a time in the past',
    refusal(503, 'ServiceUnavailable', { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }),
    1_000,
  ],
  ['429 of something between', { ...body(429, '<html>slow down</html>') }, 5_000],
])('%s is dns_throttled, and is not asked again', async (_, how, retryAfterMs) => {
  const { access, double } = await openRoute53();
  double.misbehave('list', how);
  await expect(access.list(never)).rejects.toMatchObject({ code: 'dns_throttled', retryAfterMs });
  expect(double.asked).toEqual(['zones', 'list']);
  double.misbehave('batch', how);
  const { outcomes, stopped, retryAfterMs: told } = await access.write([create('a'), create('b')], never);
  expect([outcomes, stopped, told]).toMatchObject([[unknown, unknown], { code: 'dns_throttled' }, retryAfterMs]);
  expect(double.asked.filter((on) => on === 'batch')).toHaveLength(1);
});

it.each([
  'AccessDenied',
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'RequestExpired',
  'NotAuthorizedException',
])('%s is dns_credentials, with the actions that the key needs', async (code) => {
  const { access, double } = await openRoute53();
  double.misbehave('list', refusal(403, code));
  const hint = expect.stringMatching(/ListHostedZonesByName.*ListResourceRecordSets.*ChangeResourceRecordSets/);
  await expect(access.list(never)).rejects.toMatchObject({ code: 'dns_credentials', hint });
});

test('a key that may only read is told so when it writes', async () => {
  const { access, stands } = await openRoute53({ double: { allows: ['zones', 'list'] } });
  const { outcomes, stopped } = await access.write([create('a')], never);
  expect([outcomes, stopped]).toMatchObject([[unknown], { code: 'dns_credentials' }]);
  expect(stands('a')).toBeUndefined();
});

it.each<[string, Mischief]>([
  ['500', refusal(500, 'InternalFailure')],
  ['503', refusal(503, 'ServiceUnavailable')],
  ['502 in HTML', body(502, '<html><body>Bad Gateway</body></html>')],
  ['400 in HTML', body(400, '<html><body>Bad Request</body></html>')],
  ['404 in HTML', body(404, '<html><body>Not Found</body></html>')],
  ['200 in HTML', body(200, '<!DOCTYPE html><html><body><p>Welcome</p></body></html>')],
  ['HTML that is not even XML', body(200, '<html><br><p>Welcome')],
  ['a redirect', { kind: 'answer', status: 302, headers: { location: 'http://127.0.0.1:1/' } }],
  ['an empty answer', body(200, '')],
  ['JSON', body(200, '{"ok":true}')],
  ['nonsense', body(200, '\0\0\0')],
  ['XML that ends in the middle', { kind: 'lie', told: (text) => text.slice(0, text.length / 2) }],
  ['XML that ends before its last bracket', { kind: 'lie', told: (text) => text.slice(0, -3) }],
  [
    'XML of another kind',
    {
      kind: 'lie',
      told: (text) => text.replace(/<(\/?)[A-Za-z]*Response/g, '<$1Other').replace(/Resource|ChangeInfo/g, 'X'),
    },
  ],
  ['XML that nests without end', body(200, '<a>'.repeat(200_000))],
  ['a cut connection', { kind: 'cut' }],
  ['silence', { kind: 'late' }],
  ['an answer without an end', { kind: 'trickle' }],
  ['an answer that is too large', { kind: 'flood' }],
])('%s is dns_unreachable, soon, and no change is believed', async (_, how) => {
  const { access, double } = await openRoute53({ requestMsMax: 800 });
  double.misbehave('list', how);
  const began = performance.now();
  await expect(access.list(never)).rejects.toMatchObject({ code: 'dns_unreachable', cause: undefined });
  expect(performance.now() - began).toBeLessThan(5_000);
  double.misbehave('batch', how);
  const { outcomes, stopped } = await access.write([create('a'), create('b')], never);
  expect([outcomes, stopped]).toMatchObject([[unknown, unknown], { code: 'dns_unreachable' }]);
});

const withSets = (change: (sets: string[]) => string[]) => (text: string) => {
  const sets = text.match(/<ResourceRecordSet>.*?<\/ResourceRecordSet>/gs) ?? [];
  return text.replace(
    /<ResourceRecordSets>.*<\/ResourceRecordSets>/s,
    `<ResourceRecordSets>${change(sets).join('')}</ResourceRecordSets>`,
  );
};

it.each<[string, (text: string) => string]>([
  ['lists a set twice', withSets((sets) => [...sets, sets[0]!])],
  ['lists nothing', withSets(() => [])],
  ['leaves out SOA', withSets((sets) => sets.filter((set) => !set.includes('SOA')))],
  ['lists another zone', withSets((sets) => sets.map((set) => set.replaceAll(ZONE, 'fuga.example')))],
  ['lists a set without a type', withSets((sets) => sets.map((set) => set.replace(/<Type>.*?<\/Type>/, '')))],
  [
    'lists a set without values',
    withSets((sets) => sets.map((set) => set.replace(/<ResourceRecords>.*<\/ResourceRecords>/, ''))),
  ],
  ['lists a TTL that is none', withSets((sets) => sets.map((set) => set.replace(/<TTL>\d+/, '<TTL>-1')))],
  ['lists a TTL that is no number', withSets((sets) => sets.map((set) => set.replace(/<TTL>\d+/, '<TTL>soon')))],
  ['goes on, nobody knows where', (text) => text.replace('<IsTruncated>false', '<IsTruncated>true')],
  ['does not say whether it goes on', (text) => text.replace(/<IsTruncated>.*<\/IsTruncated>/, '')],
])('a list that %s is never taken for the zone', async (_, told) => {
  const { access, double, put } = await openRoute53();
  put('a', 'A', '203.0.113.1');
  double.misbehave('list', { kind: 'lie', told });
  await expect(access.list(never)).rejects.toMatchObject({ code: 'dns_unreachable' });
  expect((await access.list(never))?.size).toBe(2);
});

test('an answer without an end is left at the cap, long before its time', async () => {
  const { access, double } = await openRoute53();
  double.misbehave('list', { kind: 'flood' });
  await expect(access.list(never)).rejects.toMatchObject({ message: expect.stringMatching(/larger than/) });
});

test('where names of another zone are listed, no name of ours is taken for free', async () => {
  const { access, double } = await openRoute53();
  const told = withSets((sets) => sets.map((set) => set.replaceAll(ZONE, 'fuga.example')));
  double.misbehave('list', { kind: 'lie', told }, 2);
  await expect(access.read([ZONE], never)).rejects.toMatchObject({ code: 'dns_unreachable' });
  const { outcomes, stopped } = await access.write([[{ name: ZONE, before: [], after: [A] }]], never);
  expect([outcomes, stopped]).toMatchObject([[unknown], { code: 'dns_unreachable' }]);
});

test('a page that repeats the one before, and pages that lead back, end soon', async () => {
  const { access, double, put } = await openRoute53({ double: { pageSets: 2 } });
  for (const label of ['a', 'b', 'c', 'd', 'e']) put(label, 'A', '203.0.113.1');
  let first = '';
  double.misbehave('list', { kind: 'lie', told: (text) => (first = text) });
  double.misbehave('list', { kind: 'lie', told: () => first });
  await expect(access.list(never)).rejects.toMatchObject({ message: expect.stringMatching(/twice/) });

  const emptied = withSets(() => []);
  double.misbehave('list', { kind: 'lie', told: (text) => (first = emptied(text)) });
  double.misbehave('list', { kind: 'lie', told: () => first });
  await expect(access.list(never)).rejects.toMatchObject({ message: expect.stringMatching(/back/) });
});

test('one name that comes after others is not believed', async () => {
  const { access, double, put } = await openRoute53();
  for (const label of ['a', 'b']) put(label, 'A', '203.0.113.1');
  double.misbehave('list', { kind: 'lie', told: withSets((sets) => [...sets.slice(1), sets[0]!]) });
  await expect(access.read([`a.${ZONE}`], never)).rejects.toMatchObject({ code: 'dns_unreachable' });
});

it.each<Mischief>([{ kind: 'late' }, { kind: 'cut' }])(
  'a change whose answer is lost ($kind) is unknown, and found done',
  async (how) => {
    const { access, double, stands } = await openRoute53({ requestMsMax: 500 });
    double.misbehave('batch', how);
    const { outcomes, stopped } = await access.write([create('a')], never);
    expect([outcomes, stopped]).toMatchObject([[unknown], { code: 'dns_unreachable' }]);
    expect(stands('a')?.sets).toEqual([A]);
    expect((await access.read([`a.${ZONE}`], never)).get(`a.${ZONE}`)?.sets).toEqual([A]);
    const clash = { kind: 'clash', name: `a.${ZONE}` };
    expect(await access.write([create('a')], never)).toEqual({ outcomes: [clash] });
  },
);

it.each([true, false])(
  'of many changes in a batch the one that others were faster with is found (messages: %s)',
  async (hasMessages) => {
    const { access, double, put, stands } = await openRoute53({ double: { hasMessages } });
    const labels = Array.from({ length: 200 }, (_, index) => `n${index}`);
    put('n7', 'A', '203.0.113.1');
    double.misbehave('batch', {
      kind: 'before',
      happens() {
        put('n7', 'A', '203.0.113.77');
        put('n150', 'CNAME', 'elsewhere.example.');
      },
    });
    const changes = labels.map(
      (label): ZoneChange => (label === 'n7' ? [{ name: `n7.${ZONE}`, before: [A], after: [] }] : create(label)),
    );
    const { outcomes, stopped } = await access.write(changes, never);
    expect(stopped).toBeUndefined();
    const clashes = ['n7', 'n150'];
    expect(outcomes).toEqual(
      labels.map((label) => (clashes.includes(label) ? { kind: 'clash', name: `${label}.${ZONE}` } : done)),
    );
    expect(stands('n7')?.sets).toEqual([{ ...A, values: ['203.0.113.77'] }]);
    expect(stands('n150')?.sets).toMatchObject([{ type: 'CNAME' }]);
    expect(double.asked.filter((on) => on === 'batch').length).toBeLessThan(40);
    expect(double.asked.filter((on) => on === 'zones')).toHaveLength(1);
  },
);

it.each([true, false])(
  'a change that Route 53 itself refuses says why, and costs the others nothing (messages: %s)',
  async (hasMessages) => {
    const { access, put } = await openRoute53({ double: { hasMessages } });
    put('b', 'CNAME', 'elsewhere.example.');
    const text: ZoneChange = [{ name: `b.${ZONE}`, before: [], after: [{ type: 'TXT', ttl: 60, values: ['x'] }] }];
    const reason = expect.stringMatching(/not permitted as it conflicts/);
    expect(await access.write([create('a'), text, create('c')], never)).toEqual({
      outcomes: [done, { kind: 'refused', reason }, done],
    });
  },
);

test('who refuses everything is not asked for ever', async () => {
  const { access, double } = await openRoute53();
  double.misbehave('batch', refusal(400, 'InvalidInput'), 50);
  const { outcomes, stopped } = await access.write(
    Array.from({ length: 100 }, (_, index) => create(`n${index}`)),
    never,
  );
  expect(stopped).toMatchObject({ code: 'dns_refused' });
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['refused', 'unknown']));
  expect(double.asked.filter((on) => on === 'batch')).toHaveLength(50);
});

test('throttled between two batches, the first is done and the rest unknown', async () => {
  const { access, double } = await openRoute53();
  const long = (label: string): ZoneChange => [
    {
      name: `${label}.${ZONE}`,
      before: [],
      after: [{ type: 'TXT', ttl: 60, values: Array.from({ length: 20 }, (_, at) => `${at}`.padEnd(900, 'x')).sort() }],
    },
  ];
  double.misbehave('batch', { kind: 'before', happens: () => double.misbehave('batch', refusal(400, 'Throttling')) });
  const { outcomes, retryAfterMs } = await access.write([long('a'), long('b')], never);
  expect([outcomes, retryAfterMs]).toEqual([[done, unknown], 5_000]);
});

test('a zone that is more than it may be is refused and not kept', async () => {
  const { access, double } = await openRoute53();
  let at = 0;
  const endless = (text: string) => {
    const sets = Array.from({ length: 20_000 }, () => {
      at += 1;
      return setXml({ name: `n${at}.${ZONE}.`, type: 'A', ttl: 1, values: ['203.0.113.1'] });
    });
    const next = `<IsTruncated>true</IsTruncated><NextRecordName>n${at + 1}.${ZONE}.</NextRecordName>`;
    return withSets(() => sets)(text).replace(/<IsTruncated>.*<\/IsTruncated>/, next);
  };
  double.misbehave('list', { kind: 'lie', told: endless }, 11);
  await expect(access.list(never)).rejects.toMatchObject({ message: expect.stringMatching(/more than 200000/) });
}, 30_000);

test('no more requests are made in a second than are allowed', async () => {
  const { access, double } = await openRoute53({ requestsPerSecond: 2 });
  const began = performance.now();
  await access.read(
    ['a', 'b', 'c'].map((label) => `${label}.${ZONE}`),
    never,
  );
  expect(double.asked).toHaveLength(4);
  expect(performance.now() - began).toBeGreaterThan(900);
});

test('a reader that gives up does not wait for its turn, and what one asks for costs the others nothing', async () => {
  const { access, double } = await openRoute53({ requestsPerSecond: 1 });
  const [given, kept] = [access.list(AbortSignal.timeout(100)), access.read([`a.${ZONE}`], never)];
  const began = performance.now();
  await expect(given).rejects.toMatchObject({ code: 'dns_unreachable' });
  expect(performance.now() - began).toBeLessThan(900);
  expect((await kept).size).toBe(0);
  expect(double.asked.filter((on) => on === 'list')).toHaveLength(1);
});

test('a reader that gives up leaves at once, and the next one is served', async () => {
  const { access, double } = await openRoute53();
  double.misbehave('list', { kind: 'late' });
  await expect(access.list(AbortSignal.timeout(200))).rejects.toMatchObject({ code: 'dns_unreachable' });
  expect((await access.list(never))?.size).toBe(1);
});
