import { expect, it } from 'vitest';
import type { RecordSet, RecordType } from '../../ports/dns-zone.ts';
import { linesByHand, missingByHand } from './by-hand.ts';
import { ownerRecord } from './owner-text.ts';

const set = (type: RecordType, ...values: string[]): RecordSet => ({ type, ttl: 30, values });
const EDGES = set('CNAME', 'edges.hoge.com');
const A = set('A', '203.0.113.1', '203.0.113.2');
const owner = { name: ownerRecord('app.hoge.com', 'hoge.com'), before: [], after: [set('TXT', 'kokoa1 owner')] };

it('what is to go stands in comments, before what is to stand', () => {
  const changes = [
    [{ name: 'app.hoge.com', before: [], after: [EDGES] }, owner],
    [{ name: 'hoge.com', before: [{ ...set('A', '203.0.113.1', '203.0.113.9'), ttl: 0 }], after: [A] }],
    [{ name: 'old.hoge.com', before: [EDGES], after: [] }],
    [{ name: '*.b.hoge.com', before: [set('AAAA', '2001:db8::1')], after: [EDGES] }],
    [{ name: 'text.hoge.com', before: [], after: [set('TXT', 'v=spf1 -all')] }],
  ];
  expect(linesByHand(changes, 'hoge.com')).toEqual([
    '; delete',
    '; hoge.com.      A      203.0.113.9',
    '; old.hoge.com.  CNAME  edges.hoge.com.',
    '; *.b.hoge.com.  AAAA   2001:db8::1',
    '',
    '; set',
    'app.hoge.com.   30  CNAME  edges.hoge.com.',
    'hoge.com.       30  A      203.0.113.1',
    'hoge.com.       30  A      203.0.113.2',
    '*.b.hoge.com.   30  CNAME  edges.hoge.com.',
    'text.hoge.com.  30  TXT    "v=spf1 -all"',
  ]);
});

it('one line stands as people write it', () => {
  expect(linesByHand([[{ name: 'app.hoge.com', before: [], after: [EDGES] }]], 'hoge.com')).toEqual([
    '; set',
    'app.hoge.com.  30  CNAME  edges.hoge.com.',
  ]);
});

it('a set that stands is not asked for beside one that does not', () => {
  const changes = [[{ name: 'hoge.com', before: [A], after: [A, set('AAAA', '2001:db8::1')] }]];
  expect(linesByHand(changes, 'hoge.com')).toEqual(['; set', 'hoge.com.  30  AAAA  2001:db8::1']);
});

it.each([[[]], [[[owner]]], [[[{ name: 'hoge.com', before: [A], after: [A] }]]]])('nothing is nothing', (changes) => {
  expect(linesByHand(changes, 'hoge.com')).toEqual([]);
});

it('columns give way to width, and only a line that cannot be shorter is longer', () => {
  const names = ['a', 'b'.repeat(20), 'c'.repeat(40), 'd'.repeat(44), 'e'.repeat(63)].map(
    (label) => `${label}.hoge.com`,
  );
  const changes = names.map((name) => [{ name, before: [EDGES], after: [{ ...A, ttl: 86_400 }] }]);
  const lines = linesByHand(changes, 'hoge.com');
  const long = lines.filter(({ length }) => length > 80);
  expect(long).toHaveLength(3);
  for (const line of long) expect(line).toContain('eee.hoge.com.  ');
  expect(lines).toContain(`; ${'d'.repeat(44)}.hoge.com.  CNAME  edges.hoge.com.`);
  expect(lines).toContain(`${'d'.repeat(44)}.hoge.com.     86400  A  203.0.113.1`);
});

it('a long text is cut into pieces that a record takes', () => {
  const lines = linesByHand([[{ name: 't.hoge.com', before: [], after: [set('TXT', 'x'.repeat(300))] }]], 'hoge.com');
  expect(lines[1]).toBe(`t.hoge.com.  30  TXT  "${'x'.repeat(255)}" "${'x'.repeat(45)}"`);
});

it('what the public sees is compared without its life, and other types do not count', () => {
  const found = new Map([
    ['app.hoge.com', { sets: [{ ...EDGES, ttl: 0 }], others: [] }],
    ['hoge.com', { sets: [{ ...A, ttl: 0 }, set('TXT', 'v=spf1 -all')], others: ['MX'] }],
    ['b.hoge.com', { sets: [set('A', '198.51.100.1'), set('TXT', 'x')], others: [] }],
    ['stays.hoge.com', { sets: [A], others: [] }],
  ]);
  const wanted = new Map([
    ['app.hoge.com', [EDGES]],
    ['hoge.com', [A]],
    ['b.hoge.com', [EDGES]],
    ['c.hoge.com', [EDGES]],
    ['gone.hoge.com', []],
    ['stays.hoge.com', undefined],
  ]);
  expect(missingByHand(wanted, found)).toEqual([
    [{ name: 'b.hoge.com', before: [set('A', '198.51.100.1')], after: [EDGES] }],
    [{ name: 'c.hoge.com', before: [], after: [EDGES] }],
  ]);
});
