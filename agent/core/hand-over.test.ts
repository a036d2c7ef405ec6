// What the mailbox lacks, and who gives it.
import { expect, test } from 'vitest';
import type { HeldCertificate } from '../ports/certificate-store.ts';
import { type HandOverSituation, type MailboxEntry, OTHERS_GRACE_MS, planHandOver, REPEAT_MS } from './hand-over.ts';

const NOW = 1_800_000_000_000;
const HELD: HeldCertificate = {
  hostname: 'a.hoge.com',
  source: 'relayed',
  notBefore: NOW - 1000,
  notAfter: NOW + 1_000_000,
  fingerprint256: 'f',
  keptFrom: [],
};
const ENTRY: MailboxEntry = {
  by: 'other',
  recipient: 'age1now',
  signature: 's',
  notBefore: HELD.notBefore,
  notAfter: HELD.notAfter,
  seenMs: 0,
};

function plan(change: Partial<HandOverSituation>) {
  return planHandOver({
    me: 'me',
    memberNames: new Set(['me', 'other']),
    recipient: 'age1now',
    hosts: new Map([['a.hoge.com', 'me']]),
    held: [HELD],
    mailbox: new Map([['a.hoge.com', ENTRY]]),
    lackingSince: new Map(),
    putAt: new Map(),
    now: NOW,
    ...change,
  });
}

test('gives nothing that the mailbox has', () => {
  expect(plan({})).toEqual({ put: [], lackingSince: new Map() });
});

test.each<[string, MailboxEntry | undefined]>([
  ['it is not there', undefined],
  ['it is for an earlier identity', { ...ENTRY, recipient: 'age1before' }],
  ['its uploader left', { ...ENTRY, by: 'gone' }],
  ['it is older than the one held', { ...ENTRY, notBefore: HELD.notBefore - 1 }],
  ['it was judged worthless', { ...ENTRY, refused: true }],
])('the orderer gives it at once when %s, another holder after a while', (_title, entry) => {
  const mailbox = new Map(entry ? [['a.hoge.com', entry]] : []);
  expect(plan({ mailbox }).put).toEqual(['a.hoge.com']);
  const hosts = new Map([['a.hoge.com', 'other']]);
  const first = plan({ mailbox, hosts });
  expect(first).toMatchObject({ put: [], wakeAtMs: NOW + OTHERS_GRACE_MS });
  expect(plan({ mailbox, hosts, now: NOW + OTHERS_GRACE_MS, lackingSince: first.lackingSince }).put).toEqual([
    'a.hoge.com',
  ]);
});

test('who ordered it gives it at once, orderer or not', () => {
  const hosts = new Map([['a.hoge.com', 'other']]);
  expect(plan({ mailbox: new Map(), hosts, held: [{ ...HELD, source: 'ordered' }] }).put).toEqual(['a.hoge.com']);
});

test.each<[string, Partial<HeldCertificate>, string]>([
  ['an imported one', { source: 'imported' }, 'a.hoge.com'],
  ['one that was given for its route', { source: 'given' }, 'a.hoge.com'],
  ['an expired one', { notAfter: NOW }, 'a.hoge.com'],
  ['one that the config does not have', {}, 'b.hoge.com'],
])('never gives %s', (_title, change, configured) => {
  const hosts = new Map([[configured, 'me']]);
  expect(plan({ mailbox: new Map(), hosts, held: [{ ...HELD, ...change }] }).put).toEqual([]);
});

test('does not repeat itself, unless the identity or the certificate is another one', () => {
  const { fingerprint256 } = HELD;
  const putAt = new Map([['a.hoge.com', { recipient: 'age1now', fingerprint256, atMs: NOW - 1 }]]);
  expect(plan({ mailbox: new Map(), putAt })).toMatchObject({ put: [], wakeAtMs: NOW - 1 + REPEAT_MS });
  expect(plan({ mailbox: new Map(), putAt, recipient: 'age1next' }).put).toEqual(['a.hoge.com']);
  const held = [{ ...HELD, source: 'ordered' as const, fingerprint256: 'another' }];
  expect(plan({ mailbox: new Map(), putAt, held }).put).toEqual(['a.hoge.com']);
});
