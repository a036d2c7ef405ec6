import { describe, expect, test } from 'vitest';
import type { NameRecords, RecordSet } from '../../ports/dns-zone.ts';
import { canonicalRecordName, canonicalValue, fits, isMade, nameRecords, recordSet, sameSets } from './record-set.ts';

const A = (values: string[], ttl = 30): RecordSet => ({ type: 'A', ttl, values });
const CNAME: RecordSet = { type: 'CNAME', ttl: 30, values: ['edges.hoge.com'] };
const TXT: RecordSet = { type: 'TXT', ttl: 30, values: ['v=spf1 -all'] };
const at = (sets: RecordSet[], others: string[] = []): NameRecords => ({ sets, others });

test.each<[string, string | undefined]>([
  ['App.Hoge.com.', 'app.hoge.com'],
  ['*.hoge.com', '*.hoge.com'],
  ['_acme-challenge.hoge.com', '_acme-challenge.hoge.com'],
  ['com', 'com'],
  ['a.*.hoge.com', undefined],
  ['-a.hoge.com', undefined],
  ['a b.hoge.com', undefined],
  ['a..hoge.com', undefined],
  ['', undefined],
  [`${'a'.repeat(64)}.com`, undefined],
  [`${'a.'.repeat(127)}com`, undefined],
])('name %s', (found, expected) => {
  expect(canonicalRecordName(found)).toBe(expected);
});

test.each<[RecordSet['type'], string, string | undefined]>([
  ['A', '198.51.100.1', '198.51.100.1'],
  ['A', '010.1.1.1', undefined],
  ['A', '1.2.3', undefined],
  ['A', '::1', undefined],
  ['AAAA', '2001:0DB8::0001', '2001:db8::1'],
  ['AAAA', '198.51.100.1', undefined],
  ['AAAA', 'fe80::1%eth0', undefined],
  ['CNAME', 'Edges.Hoge.com.', 'edges.hoge.com'],
  ['TXT', 'v=spf1 -all', 'v=spf1 -all'],
  ['TXT', 'with "quotes"', undefined],
  ['TXT', 'a\nb', undefined],
])('%s %s', (type, found, expected) => {
  expect(canonicalValue(type, found)).toBe(expected);
});

test('a set has its values sorted and once, and a TTL in its range', () => {
  expect(recordSet('A', 1e12, ['198.51.100.2', '198.51.100.1', '198.51.100.2', 'none'])).toEqual(
    A(['198.51.100.1', '198.51.100.2'], 2 ** 31 - 1),
  );
  expect(recordSet('A', -1, ['none'])).toBeUndefined();
});

test('what was found at a name is put in order; what cannot be read is there all the same', () => {
  const found = [
    { type: 'TXT', ttl: 300, value: 'v=spf1 -all' },
    { type: 'MX', ttl: 300, value: '10 mx.hoge.com.' },
    { type: 'a', ttl: 60, value: '198.51.100.2' },
    { type: 'A', ttl: 30, value: '198.51.100.1' },
    { type: 'AAAA', ttl: 30, value: 'none' },
  ];
  expect(nameRecords(found)).toEqual({
    sets: [A(['198.51.100.1', '198.51.100.2']), { ...TXT, ttl: 300 }],
    others: ['AAAA', 'MX'],
  });
  expect(nameRecords([])).toBeUndefined();
});

test('sets are compared in any order, with their TTL where that counts', () => {
  expect(sameSets([CNAME, TXT], [TXT, CNAME], { withTtl: true })).toBe(true);
  expect(sameSets([A(['198.51.100.1'], 60)], [A(['198.51.100.1'])], { withTtl: false })).toBe(true);
  expect(sameSets([A(['198.51.100.1'], 60)], [A(['198.51.100.1'])], { withTtl: true })).toBe(false);
});

describe('a change fits', () => {
  const address = A(['198.51.100.1']);
  test.each<[string, RecordSet[], RecordSet[], NameRecords | undefined, boolean]>([
    ['where nothing stands and nothing was expected', [], [CNAME], undefined, true],
    ['where something else stands', [], [CNAME], at([address]), false],
    ['where what was expected is gone', [address], [], undefined, false],
    ['whatever the TTL', [address], [], at([A(['198.51.100.1'], 300)]), true],
    ['an address beside texts and mail', [], [address], at([TXT], ['MX']), true],
    ['no CNAME beside a text', [], [CNAME], at([TXT]), false],
    ['no CNAME beside mail', [], [CNAME], at([], ['MX']), false],
    ['a text beside addresses', [], [TXT], at([address]), true],
    ['a text beside one that cannot be read', [TXT], [], at([TXT], ['TXT']), false],
    ['a text where another one stands', [], [TXT], at([{ ...TXT, values: ['other'] }]), false],
  ])('%s', (_, before, after, found, expected) => {
    expect(fits({ name: 'app.hoge.com', before, after }, found)).toBe(expected);
  });

  test('and is made when exactly its types stand as it leaves them', () => {
    const change = { name: 'app.hoge.com', before: [], after: [address] };
    expect(isMade(change, at([address, TXT], ['MX']))).toBe(true);
    expect(isMade(change, at([A(['198.51.100.1'], 300)]))).toBe(false);
    expect(isMade(change, at([address, CNAME]))).toBe(false);
    expect(isMade({ ...change, before: [address], after: [] }, undefined)).toBe(true);
  });
});
