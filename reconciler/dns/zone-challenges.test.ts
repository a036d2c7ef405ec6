import { expect, test } from 'vitest';
import { createMemoryZone } from '../../test/fakes/memory-zone.ts';
import { challengesIn } from './zone-challenges.ts';

const ZONE = 'hoge.com';
const NAME = '_acme-challenge.hoge.com';
const [A, B] = ['A'.repeat(43), `${'B'.repeat(42)}A`];

function open() {
  const zone = createMemoryZone(ZONE);
  return { zone, challenges: challengesIn(ZONE, zone) };
}

test('a value stands beside others, and goes alone', async () => {
  const { zone, challenges } = open();
  zone.put(NAME, 'TXT', 300, ['"somebody else’s"'.replace('’', ' ')]);
  await challenges.addChallenge(NAME, A);
  await challenges.addChallenge(NAME, B);
  await challenges.addChallenge(NAME, B);
  expect((await challenges.txt(NAME)).sort()).toEqual([A, B, 'somebody else s'].sort());
  await challenges.removeChallenge(NAME, A);
  await challenges.removeChallenge(NAME, A);
  expect((await challenges.txt(NAME)).sort()).toEqual([B, 'somebody else s'].sort());
});

test.each([
  ['another name', 'app.hoge.com', A],
  ['a name of another zone', '_acme-challenge.fuga.com', A],
  ['a value that is none', NAME, 'v=spf1 -all'],
])('nothing is written at %s', async (_, name, value) => {
  const { zone, challenges } = open();
  await expect(challenges.addChallenge(name, value)).rejects.toMatchObject({ code: 'dns_refused' });
  await expect(challenges.removeChallenge(name, value)).rejects.toMatchObject({ code: 'dns_refused' });
  expect(zone.writes).toEqual([]);
});

test('a CNAME in the way is said', async () => {
  const { zone, challenges } = open();
  zone.put(NAME, 'CNAME', 300, ['elsewhere.example']);
  await expect(challenges.addChallenge(NAME, A)).rejects.toMatchObject({
    code: 'dns_refused',
    message: expect.stringContaining('a CNAME stands at'),
  });
});

test('what a wildcard makes up is served and not of its own', async () => {
  const { zone, challenges } = open();
  zone.put('*.hoge.com', 'CNAME', 300, ['edges.hoge.com']);
  zone.put('own.hoge.com', 'A', 300, ['198.51.100.1']);
  zone.put('text.hoge.com', 'TXT', 300, ['"only words"']);
  const facts = async (name: string) => [
    await challenges.isServed(name),
    await challenges.hasOwnRecords(name),
    await challenges.cname(name),
  ];
  expect(await facts('app.hoge.com')).toEqual([true, false, 'edges.hoge.com']);
  expect(await facts('own.hoge.com')).toEqual([true, true, undefined]);
  expect(await facts('text.hoge.com')).toEqual([false, true, undefined]);
});

test.each([
  ['dead', { unreachable: true }, 'dns_unreachable'],
  ['refusing', { refuses: [NAME] }, 'dns_refused'],
  ['busy', { throttles: { afterChanges: 0, retryAfterMs: 1000 } }, 'dns_throttled'],
])('a provider that is %s is told as it is', async (_, faults, code) => {
  const { zone, challenges } = open();
  zone.faults = faults;
  await expect(challenges.addChallenge(NAME, A)).rejects.toMatchObject({ code });
});
