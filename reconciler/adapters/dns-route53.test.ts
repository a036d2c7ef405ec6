// A zone at Route 53: the official SDK talks to a double on loopback, which checks its signatures.
import { expect, it, test } from 'vitest';
import { zoneContract } from '../../test/contract/dns-zone.ts';
import type { NameChange, RecordSet, ZoneChange } from '../ports/dns-zone.ts';
import { startRoute53Double } from './dns-route53.fixture.ts';
import { createRoute53Zone } from './dns-route53.ts';
import { CREDENTIALS, never, openRoute53, ZONE } from './dns-route53-open.fixture.ts';

zoneContract('route53', async () => {
  const double = await startRoute53Double({ credentials: CREDENTIALS, pageSets: 40 });
  const zone = double.state.addZone(ZONE);
  const { endpoint } = double;
  return {
    zone: ZONE,
    access: createRoute53Zone({ zone: ZONE, credentials: CREDENTIALS, endpoint, requestsPerSecond: 10_000 }),
    put: async (name, type, ttl, values) => double.state.put(zone, name, type, ttl, values),
    remove: async (name, type) => double.state.remove(zone, name, type),
    stands: async (name) => double.state.stands(zone, name),
    lists: true,
    async close() {
      await double.close();
      expect(double.problems).toEqual([]);
    },
  };
});

const A: RecordSet = { type: 'A', ttl: 60, values: ['203.0.113.1'] };
const AAAA: RecordSet = { type: 'AAAA', ttl: 60, values: ['2001:db8::1'] };
const TXT: RecordSet = { type: 'TXT', ttl: 60, values: ['ours'] };
const change = (label: string, before: RecordSet[], after: RecordSet[]): NameChange => ({
  name: `${label}.${ZONE}`,
  before,
  after,
});
const ALIAS = { type: 'A', values: [], alias: { hostedZone: 'Z2FDTNDATAQYW2', name: 'd1.cloudfront.example.' } };
const WEIGHTED = { type: 'A', ttl: 60, values: ['203.0.113.1'], identifier: 'one', weight: 10 };
const CHECKED = { type: 'A', ttl: 60, values: ['203.0.113.1'], healthCheck: 'c0ffee' };

test('a zone of a thousand sets is read whole, also where a page ends between two sets of one name and type', async () => {
  const { access, put, add, double } = await openRoute53({ double: { pageSets: 9 } });
  for (let index = 0; index < 1_000; index += 1) put(`n${index}`, 'A', '203.0.113.1');
  for (let index = 0; index < 40; index += 1) add('w', { ...WEIGHTED, identifier: `i${index}` });
  const listed = (await access.list(never))!;
  expect(listed.size).toBe(1_002);
  expect(listed.get(`w.${ZONE}`)).toEqual({ sets: [A], others: [], steered: expect.stringMatching(/routing policy/) });
  expect([...(await access.read([`w.${ZONE}`, `n7.${ZONE}`], never)).keys()].sort()).toEqual([
    `n7.${ZONE}`,
    `w.${ZONE}`,
  ]);
  expect(double.asked.filter((on) => on === 'zones')).toHaveLength(1);
});

test('many names, or more than a small zone has pages, cost one list', async () => {
  const { access, put, double } = await openRoute53();
  put('a', 'A', '203.0.113.1');
  const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}.${ZONE}`);
  const cost = async (count: number) => {
    double.asked.length = 0;
    await access.read(names(count), never);
    return double.asked.filter((on) => on === 'list').length;
  };
  expect([await cost(20), await cost(21), await cost(20)]).toEqual([20, 1, 1]);
});

it.each([
  ['an alias', ALIAS, { sets: [], others: ['A'] }],
  ['a weighted set', WEIGHTED, { sets: [A], others: [] }],
  ['a set with a health check', CHECKED, { sets: [A], others: [] }],
])('%s is seen as steered, and never touched', async (_, set, seen) => {
  const { access, add, kept, put } = await openRoute53();
  add('x', set);
  put('x', 'AAAA', '2001:db8::1');
  const sets = [...seen.sets, AAAA];
  expect((await access.read([`x.${ZONE}`], never)).get(`x.${ZONE}`)).toEqual({
    ...seen,
    sets,
    steered: expect.any(String),
  });
  const before = structuredClone(kept.sets);
  const tries = [
    change('x', sets, [{ ...A, values: ['203.0.113.9'] }]),
    change('x', sets, []),
    change('x', [AAAA], []),
  ];
  for (const one of tries)
    expect(await access.write([[one]], never)).toEqual({ outcomes: [{ kind: 'clash', name: `x.${ZONE}` }] });
  expect(kept.sets).toEqual(before);
  // A text there is another decision.
  expect(await access.write([[change('x', [], [TXT])]], never)).toEqual({ outcomes: [{ kind: 'done' }] });
});

test('a text that cannot be said in our spelling is not deleted with the one beside it', async () => {
  const { access, put, kept } = await openRoute53();
  put('x', 'TXT', '"ours"', '"say \\"no\\""');
  put('y', 'TXT', '"\\303\\274"');
  const before = structuredClone(kept.sets);
  for (const one of [change('x', [TXT], []), change('y', [], [TXT])])
    expect(await access.write([[one]], never)).toEqual({ outcomes: [{ kind: 'clash', name: one.name }] });
  expect(kept.sets).toEqual(before);
});

test('texts in pieces and with octal escapes are read as one', async () => {
  const { access, put } = await openRoute53();
  put('x', 'TXT', '"o\\165" "rs"');
  expect((await access.read([`x.${ZONE}`], never)).get(`x.${ZONE}`)).toEqual({ sets: [TXT], others: [] });
  expect(await access.write([[change('x', [TXT], [])]], never)).toEqual({ outcomes: [{ kind: 'done' }] });
});

test('names are read without their escapes, and an escaped dot is no dot', async () => {
  const { access, add } = await openRoute53();
  for (const name of ['\\052.star', '\\137dmarc', 'a\\056b', 'x\\052y', '\\303\\274']) add(name, { ...A });
  const names = [...(await access.list(never))!.keys()].sort();
  expect(names).toEqual([`*.star.${ZONE}`, `_dmarc.${ZONE}`, ZONE].sort());
});

test('the public zone is found among private ones and among others', async () => {
  const { access, double, put } = await openRoute53();
  double.state.addZone(ZONE, { isPrivate: true, id: 'Z0' });
  double.state.addZone('aaa.example');
  double.state.addZone(`sub.${ZONE}`);
  put('x', 'A', '203.0.113.1');
  expect((await access.list(never))?.get(`x.${ZONE}`)?.sets).toEqual([A]);
});

test('of two public zones none is chosen, but the one that was named is', async () => {
  const { access, double, kept, put } = await openRoute53();
  const other = double.state.addZone(ZONE);
  await expect(access.list(never)).rejects.toMatchObject({
    code: 'dns_refused',
    message: expect.stringMatching(/2 public/),
  });
  const { outcomes, stopped } = await access.write([[change('x', [], [A])]], never);
  expect([outcomes, stopped]).toMatchObject([[{ kind: 'unknown' }], { code: 'dns_refused' }]);

  put('x', 'A', '203.0.113.1');
  const { endpoint } = double;
  const named = createRoute53Zone({ zone: ZONE, credentials: CREDENTIALS, endpoint, hostedZoneId: kept.id });
  double.asked.length = 0;
  expect((await named.list(never))?.get(`x.${ZONE}`)?.sets).toEqual([A]);
  expect(double.asked).toEqual(['list']);
  expect(other.sets).toHaveLength(2);
});

test('a zone that the account does not have is a matter of credentials', async () => {
  const { access } = await openRoute53({ zone: 'fuga.example' });
  await expect(access.list(never)).rejects.toMatchObject({ code: 'dns_credentials' });
});

test('a zone that was deleted and made again is found again, and no change is blamed for it', async () => {
  const { access, double, kept } = await openRoute53();
  const remake = (id: string) => {
    double.state.zones.length = 0;
    double.state.addZone(ZONE, { id });
  };
  await access.list(never);
  remake('ZAGAIN');
  await expect(access.list(never)).rejects.toMatchObject({ code: 'dns_credentials' });
  expect((await access.list(never))?.size).toBe(1);

  double.misbehave('batch', { kind: 'before', happens: () => remake('ZTHIRD') });
  double.asked.length = 0;
  const changes = ['a', 'b', 'c'].map((label): ZoneChange => [change(label, [], [A])]);
  const { outcomes, stopped } = await access.write(changes, never);
  expect([outcomes, stopped]).toMatchObject([outcomes.map(() => ({ kind: 'unknown' })), { code: 'dns_credentials' }]);
  expect(double.asked).toEqual(['list', 'batch']);
  expect((await access.write(changes, never)).outcomes).toEqual(changes.map(() => ({ kind: 'done' })));
  expect(kept.sets).toHaveLength(2);
});

test('what is more than one batch takes is sent in several, and one change that is more is refused', async () => {
  const { access, double } = await openRoute53();
  const long = (label: string, texts: number): ZoneChange => [
    change(
      label,
      [],
      [{ ...TXT, values: Array.from({ length: texts }, (_, index) => `${index}`.padEnd(900, 'x')).sort() }],
    ),
  ];
  const { outcomes } = await access.write([long('a', 20), long('b', 20), long('c', 40), long('d', 10)], never);
  expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'done', 'refused', 'done']);
  expect(double.asked.filter((on) => on === 'batch')).toHaveLength(2);
});

test('records are counted, not sets', async () => {
  const { access, double } = await openRoute53();
  const addresses = (count: number) => Array.from({ length: count }, (_, at) => `203.0.${at >> 8}.${at & 255}`).sort();
  const changes = ['a', 'b', 'c'].map((label): ZoneChange => [change(label, [], [{ ...A, values: addresses(400) }])]);
  const big = [change('d', [], [{ ...A, values: addresses(1_001) }])];
  const { outcomes } = await access.write([...changes, big], never);
  expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'done', 'done', 'refused']);
  expect(double.asked.filter((on) => on === 'batch')).toHaveLength(2);
});
