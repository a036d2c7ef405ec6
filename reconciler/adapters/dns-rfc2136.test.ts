// The adapter alone, against a real knot: what a server says no to, and what must not be asked of it.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type LoopbackKnot, startLoopbackKnot } from '../../test/loopback-knot.ts';
import { createRfc2136 } from './dns-rfc2136.ts';
import type { Rfc2136Options } from './nsupdate.ts';

vi.setConfig({ testTimeout: 30_000 });

const VALUE = `${'a'.repeat(42)}A`;
const RECORD = '_acme-challenge.hoge.com';
let knot: LoopbackKnot;

beforeAll(async () => {
  knot = await startLoopbackKnot({
    'hoge.com': ['@ A 203.0.113.1', '_acme-challenge.old CNAME x.example.', '* A 203.0.113.2'],
  });
});

afterAll(() => knot.close());

const zone = (change: Partial<Rfc2136Options> = {}) =>
  createRfc2136({ zone: 'hoge.com', address: '127.0.0.1', port: knot.port, key: knot.key, ...change });

it('tells records of a name from what a wildcard makes up', async () => {
  const names = ['hoge.com', 'any.hoge.com', 'a.b.hoge.com', '_acme-challenge.old.hoge.com'];
  expect(await Promise.all(names.map((name) => zone().isServed(name)))).toEqual([true, true, true, true]);
  expect(await Promise.all(names.map((name) => zone().hasOwnRecords(name)))).toEqual([true, false, false, true]);
  expect(await zone().cname('_acme-challenge.old.hoge.com')).toBe('x.example');
  expect(await zone().cname('hoge.com')).toBeUndefined();
});

it('adds and removes one value, and does both twice without harm', async () => {
  for (const _ of ['once', 'again']) await zone().addChallenge(RECORD, VALUE);
  expect(await zone().txt(RECORD)).toEqual([VALUE]);
  for (const _ of ['once', 'again']) await zone().removeChallenge(RECORD, VALUE);
  expect(await zone().txt(RECORD)).toEqual([]);
});

it('does not put a value beside a CNAME, which the server would ignore', async () => {
  await expect(zone().addChallenge('_acme-challenge.old.hoge.com', VALUE)).rejects.toMatchObject({
    code: 'dns_refused',
    message: expect.stringContaining('YXRRSET'),
    hint: expect.stringContaining('CNAME'),
  });
});

it.each([
  ['a name that visitors use', 'www.hoge.com', VALUE],
  ['the zone itself', 'hoge.com', VALUE],
  ['another zone', '_acme-challenge.fuga.com', VALUE],
  ['a name that ends like the zone', '_acme-challenge.ahoge.com', VALUE],
  ['a line break in the name', '_acme-challenge.x\nsend\n.hoge.com', VALUE],
  ['a line break in the value', RECORD, `a"\nupdate delete hoge.com. A\nsend\n${'a'.repeat(10)}`],
  ['no value of a challenge', RECORD, 'hello'],
])('writes nothing for %s', async (_, record, value) => {
  await expect(zone().addChallenge(record, value)).rejects.toMatchObject({ code: 'dns_refused' });
  await expect(zone().removeChallenge(record, value)).rejects.toMatchObject({ code: 'dns_refused' });
  expect(await zone().isServed('hoge.com')).toBe(true);
});

it('is refused with another key, and says so without a word of it', async () => {
  const secret = randomBytes(32).toString('base64');
  const failure = await zone({ key: { ...knot.key, secret } })
    .addChallenge(RECORD, VALUE)
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'dns_refused', message: expect.stringMatching(/NOTAUTH|BADSIG|REFUSED/) });
  expect(JSON.stringify(failure) + String(failure)).not.toContain(secret);
  expect(await zone().txt(RECORD)).toEqual([]);
});

it('takes silence for silence, and never for a record that is not there', async () => {
  const silent = zone({ port: 1 });
  for (const asked of [
    silent.txt(RECORD),
    silent.cname(RECORD),
    silent.isServed('hoge.com'),
    silent.hasOwnRecords('hoge.com'),
  ])
    await expect(asked).rejects.toMatchObject({ code: 'dns_unreachable' });
  await expect(silent.addChallenge(RECORD, VALUE)).rejects.toMatchObject({ code: 'dns_unreachable' });
});
