// Every step says what must stand there, and no line can be broken.
import { expect, it } from 'vitest';
import type { RecordSet, RecordType, ZoneChange } from '../../ports/dns-zone.ts';
import { isWritable, messages, updateLines } from './update-lines.ts';

const NAME = 'a.hoge.com';
const set = (type: RecordType, ...values: string[]): RecordSet => ({ type, ttl: 30, values });
const A = set('A', '203.0.113.1', '203.0.113.2');
const CNAME = set('CNAME', 'pool.hoge.com');
const TXT = set('TXT', 'kokoa1 x');

it.each([
  [
    'an address, where nothing is',
    { before: [], after: [set('A', '203.0.113.1')] },
    ['nxrrset A', 'nxrrset AAAA', 'nxrrset CNAME'],
    ['add 30 A 203.0.113.1'],
  ],
  [
    'fewer addresses',
    { before: [A], after: [set('A', '203.0.113.1')] },
    ['yxrrset A 203.0.113.1', 'yxrrset A 203.0.113.2', 'nxrrset AAAA', 'nxrrset CNAME'],
    ['delete A', 'add 30 A 203.0.113.1'],
  ],
  ['a CNAME, where nothing is', { before: [], after: [CNAME] }, ['nxdomain'], ['add 30 CNAME pool.hoge.com.']],
  [
    'a CNAME, where one is',
    { before: [CNAME], after: [set('CNAME', 'x.example')] },
    ['nxrrset A', 'nxrrset AAAA', 'yxrrset CNAME pool.hoge.com.'],
    ['delete CNAME', 'add 30 CNAME x.example.'],
  ],
  ['a text', { before: [], after: [TXT] }, ['nxrrset TXT', 'nxrrset CNAME'], ['add 30 TXT "kokoa1 x"']],
  ['no text any more', { before: [TXT], after: [] }, ['yxrrset TXT "kokoa1" " x"', 'nxrrset CNAME'], ['delete TXT']],
])('writes %s', (_, change, prerequisites, updates) => {
  const line = (verb: string) => (rest: string) => `${verb} ${rest}`.replace(/^(\w+ \w+)/, `$1 ${NAME}.`);
  const spelling = () => ['kokoa1', ' x'];
  expect(updateLines({ name: NAME, ...change }, spelling)).toEqual([
    ...prerequisites.map(line('prereq')),
    ...updates.map(line('update')),
  ]);
});

it('asks for each type that cannot stand beside a CNAME, where addresses become one', () => {
  const lines = updateLines({ name: NAME, before: [A], after: [CNAME] });
  for (const type of ['AAAA', 'TXT', 'MX', 'NS', 'SOA', 'CAA'])
    expect(lines).toContain(`prereq nxrrset ${NAME}. ${type}`);
});

it.each([
  ['another zone', 'a.hoge.net', A],
  ['a name that only ends like the zone', 'ahoge.com', A],
  ['a name that is not canonical', 'A.hoge.com', A],
  ['a line break in the name', 'a\nsend\n.hoge.com', A],
  ['a line break in a text', NAME, set('TXT', 'x"\nupdate delete hoge.com. A\n')],
  ['a quote in a text', NAME, set('TXT', '"')],
  ['a line break in a target', NAME, set('CNAME', 'x.example.\nsend')],
  ['an address that is not canonical', NAME, set('A', '203.0.113.01')],
  ['no value', NAME, set('A')],
  ['a TTL that is none', NAME, { ...A, ttl: Number.NaN }],
  ['another type', NAME, set('MX' as RecordType, 'x')],
])('writes nothing for %s', (_, name, one) => {
  expect(isWritable([{ name, before: [], after: [one] }], 'hoge.com')).toBe(false);
  expect(isWritable([{ name, before: [one], after: [] }], 'hoge.com')).toBe(false);
});

it('writes at the zone, below it and at wildcards', () => {
  const change: ZoneChange = ['hoge.com', 'a.b.hoge.com', '*.hoge.com', '_x.hoge.com'].map((name) => ({
    name,
    before: [],
    after: [A],
  }));
  expect(isWritable(change, 'hoge.com')).toBe(true);
});

it('fills messages of 48 000 bytes and 100 changes, each change in one and no name twice in one', () => {
  const change = (name: string, text = 'x') => ({ change: [{ name, before: [], after: [set('TXT', text)] }] });
  const sizes = (all: { change: ZoneChange }[]) => messages(all).map(({ length }) => length);
  expect(sizes([])).toEqual([]);
  const many = Array.from({ length: 250 }, (_, index) => change(`n${index}.hoge.com`));
  expect(messages(many).flat()).toEqual(many);
  expect(sizes(many)).toEqual([100, 100, 50]);
  const large = messages(Array.from({ length: 90 }, (_, index) => change(`n${index}.hoge.com`, 'x'.repeat(1_000))));
  expect(large.length).toBe(3);
  for (const message of large) {
    const lines = message.flatMap((one) => one.change).flatMap((one) => updateLines(one));
    expect(lines.join('').length).toBeLessThan(48_000);
  }
  expect(sizes([change('a.hoge.com'), change('b.hoge.com'), change('a.hoge.com'), change('b.hoge.com')])).toEqual([
    2, 2,
  ]);
});
