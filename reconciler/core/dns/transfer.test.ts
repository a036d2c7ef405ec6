// A transfer is the whole zone, or it is none.
import { expect, it } from 'vitest';
import { namesAbove, readTransfer } from './transfer.ts';

const SOA = 'hoge.com. 30 IN SOA ns.hoge.com. admin.hoge.com. 7 3600 900 86400 30';
const A = 'a.hoge.com. 30 IN A 203.0.113.1';
const zone = (...lines: string[]) => [SOA, ...lines, SOA, ''].join('\n');
const names = (text: string) => {
  const found = readTransfer(text, 'hoge.com');
  return found && [...found].map(([name, records]) => [name, ...records.map(({ type }) => type)].join(' '));
};

it.each([
  ['the zone', zone(A), ['hoge.com SOA', 'a.hoge.com A']],
  ['a zone without a name', zone(), ['hoge.com SOA']],
  ['comments', `; a comment\n${zone(A)};; Query time: 0 msec\n`, ['hoge.com SOA', 'a.hoge.com A']],
  ['names in upper case', zone('A.Hoge.COM. 30 IN A 203.0.113.1', A), ['hoge.com SOA', 'a.hoge.com A A']],
  ['names that nobody reads', zone('a\\.b.hoge.com. 1 IN A 1.2.3.4', A), ['hoge.com SOA', 'a.hoge.com A']],
  ['names of other zones', zone('hoge.net. 1 IN A 1.2.3.4', 'ahoge.com. 1 IN A 1.2.3.4'), ['hoge.com SOA']],
  [
    'what leads to another zone',
    zone('s.hoge.com. 1 IN NS ns.s.hoge.com.', 's.hoge.com. 1 IN A 1.2.3.4', 'x.ns.s.hoge.com. 1 IN A 1.2.3.4', A),
    ['hoge.com SOA', 's.hoge.com NS', 'a.hoge.com A'],
  ],
])('reads %s', (_, text, found) => {
  expect(names(text)).toEqual(found);
});

it.each([
  ['nothing', ''],
  ['an end that is missing', `${SOA}\n${A}\n`],
  ['a beginning that is missing', `${A}\n${SOA}\n`],
  ['one SOA alone', `${SOA}\n`],
  ['something behind the end', `${zone(A)}${A}\n`],
  ['an end of another serial', `${SOA}\n${A}\n${SOA.replace(' 7 ', ' 8 ')}\n`],
  ['a difference between two serials', zone(SOA.replace(' 7 ', ' 6 '), A)],
  ['the SOA of another zone', zone(A).replaceAll('hoge.com. 30 IN SOA', 'hoge.net. 30 IN SOA')],
  ['a line that is no record', zone(A, 'a.hoge.com. 30 IN')],
  ['a line that is cut off', zone(A, 'b.hoge.com. 30')],
  ['a relative name', zone('a 30 IN A 203.0.113.1')],
  ['a name that is left out', zone(A, '\t30 IN A 203.0.113.2')],
])('takes %s for no zone', (_, text) => {
  expect(readTransfer(text, 'hoge.com')).toBeUndefined();
});

it('knows the names between a name and its zone', () => {
  expect(namesAbove('a.b.c.hoge.com', 'hoge.com')).toEqual(['b.c.hoge.com', 'c.hoge.com']);
  for (const name of ['a.hoge.com', 'hoge.com']) expect(namesAbove(name, 'hoge.com')).toEqual([]);
});
