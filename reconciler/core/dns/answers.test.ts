// What an authority says of one name, and of no other.
import { expect, it } from 'vitest';
import { readAnswers, toldOf } from './answers.ts';

const printed = (
  name: string,
  { status = 'NOERROR', flags = 'qr aa', answer = [] as string[], authority = [] as string[] } = {},
) =>
  [
    ';; Got answer:',
    `;; ->>HEADER<<- opcode: QUERY, status: ${status}, id: 1`,
    `;; flags: ${flags}; QUERY: 1, ANSWER: ${answer.length}, AUTHORITY: ${authority.length}, ADDITIONAL: 2`,
    '',
    ';; OPT PSEUDOSECTION:',
    '; EDNS: version: 0, flags:; udp: 1232',
    ';; QUESTION SECTION:',
    `;${name}.\t\tIN\tA`,
    '',
    ...(answer.length > 0 ? [';; ANSWER SECTION:', ...answer, ''] : []),
    ...(authority.length > 0 ? [';; AUTHORITY SECTION:', ...authority, ''] : []),
    '',
  ].join('\n');

const NAME = 'a.hoge.com';
const A = 'a.hoge.com. 30 IN A 203.0.113.1';
const CNAME = 'a.hoge.com. 30 IN CNAME b.hoge.com.';
const SOA = 'hoge.com. 30 IN SOA ns.hoge.com. admin.hoge.com. 7 3600 900 86400 30';
const NS = 'a.hoge.com. 30 IN NS ns.example.';

it.each([
  ['records', { answer: [A] }, ['A'], false],
  ['no record of this type', { authority: [SOA] }, [], false],
  ['no such name', { status: 'NXDOMAIN', authority: [SOA] }, [], true],
  ['a CNAME, and where it leads', { answer: [CNAME, 'b.hoge.com. 30 IN A 203.0.113.1'] }, ['CNAME'], true],
  ['a CNAME that leads nowhere', { status: 'NXDOMAIN', answer: [CNAME], authority: [SOA] }, ['CNAME'], true],
  ['a name in upper case', { answer: [A.replace('a.hoge', 'A.HOGE')] }, ['A'], false],
  ['a name below a DNAME', { answer: ['hoge.com. 30 IN DNAME x.example.', CNAME] }, [], true],
  ['where another zone begins', { flags: 'qr', authority: [NS] }, ['NS'], true],
  ['a name in another zone', { flags: 'qr', authority: [NS.replace('a.hoge', 'hoge')] }, undefined, undefined],
  ['a name of the root', { flags: 'qr', authority: ['. 30 IN NS a.example.'] }, undefined, undefined],
  ['a name from memory', { flags: 'qr ra', answer: [A] }, undefined, undefined],
  ['a failure', { status: 'SERVFAIL' }, undefined, undefined],
])('hears of %s', (_, said, types, isWhole) => {
  const [answer] = readAnswers(printed(NAME, said)) ?? [];
  const told = toldOf(answer!, 'hoge.com');
  if (types === undefined) return expect(told).toEqual({ kind: 'untold' });
  expect(told).toMatchObject({ kind: 'told', isWhole });
  expect(told.kind === 'told' && told.records.map(({ type }) => type)).toEqual(types);
});

it('hears nothing of a name in a zone that begins above it', () => {
  const [answer] = readAnswers(printed('x.a.hoge.com', { flags: 'qr', authority: [NS] })) ?? [];
  expect(toldOf(answer!, 'hoge.com')).toEqual({ kind: 'told', records: [], isWhole: true });
});

it('reads many answers in order, and none when a line is no part of one', () => {
  const two = printed('b.hoge.com') + printed(NAME, { answer: [A] });
  expect(readAnswers(two)?.map(({ name, answer }) => [name, answer.length])).toEqual([
    ['b.hoge.com', 0],
    [NAME, 1],
  ]);
  expect(readAnswers('')).toEqual([]);
  expect(readAnswers(two.replace(A, 'a.hoge.com. IN A 203.0.113.1'))).toBeUndefined();
  expect(readAnswers(two.replace(';; ANSWER SECTION:', ';; OTHER SECTION:'))).toBeUndefined();
  expect(readAnswers(two.replace(/^;a\.hoge.*$/m, ''))).toBeUndefined();
});
