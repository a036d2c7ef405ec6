// What a hostile server prints is a record as it says, or none.
import { expect, it } from 'vitest';
import { piecesOf, readNameRecords, readRecord, textPieces } from './printed-record.ts';

it.each([
  ['hoge.com.\t\t30\tIN\tA\t203.0.113.1', { name: 'hoge.com', ttl: 30, type: 'A', data: '203.0.113.1' }],
  ['*.HOGE.com. 0 IN CNAME X.example.', { name: '*.hoge.com', ttl: 0, type: 'CNAME', data: 'X.example.' }],
  ['a.hoge.com. 1 IN TXT "a b" "c"', { name: 'a.hoge.com', ttl: 1, type: 'TXT', data: '"a b" "c"' }],
  ['a.hoge.com. 1 IN TYPE999 \\# 0', { name: 'a.hoge.com', ttl: 1, type: 'TYPE999', data: '\\# 0' }],
  ['a\\.b.hoge.com. 1 IN A 1.2.3.4', { name: undefined, ttl: 1, type: 'A', data: '1.2.3.4' }],
  ['\\000.hoge.com. 1 IN A 1.2.3.4', { name: undefined, ttl: 1, type: 'A', data: '1.2.3.4' }],
  ['. 1 IN NS a.example.', { name: undefined, ttl: 1, type: 'NS', data: 'a.example.' }],
  ['hoge.com 30 IN A 203.0.113.1', undefined],
  ['hoge 30 IN A 203.0.113.1', undefined],
  ['hoge.com. IN A 203.0.113.1', undefined],
  ['hoge.com. 30 CH A 203.0.113.1', undefined],
  ['hoge.com. -1 IN A 203.0.113.1', undefined],
  ['hoge.com. 1h IN A 203.0.113.1', undefined],
  ['\t\t30 IN A 203.0.113.1', undefined],
  ['; hoge.com. 30 IN A 203.0.113.1', undefined],
  ['', undefined],
])('reads %j', (line, record) => {
  expect(readRecord(line)).toEqual(record);
});

it.each([
  ['"a"', ['a']],
  ['"a" "b c"', ['a', 'b c']],
  ['""', ['']],
  ['"\\"x\\" \\\\ ;"', ['"x" \\ ;']],
  ['"\\065\\255"', ['A\u00ff']],
  ['"a" b', undefined],
  ['a', undefined],
  ['"a', undefined],
  ['"a\\"', undefined],
  ['"a""b"', undefined],
  ['', undefined],
])('reads the text %j', (data, pieces) => {
  expect(textPieces(data)).toEqual(pieces);
});

it('sends a text in pieces that a record can hold, and reads them as one', () => {
  const text = 'x'.repeat(600);
  expect(piecesOf(text).map(({ length }) => length)).toEqual([255, 255, 90]);
  const data = piecesOf(text).map((piece) => `"${piece}"`);
  expect(readNameRecords([{ name: 'a', ttl: 1, type: 'TXT', data: data.join(' ') }])?.sets[0]?.values).toEqual([text]);
});

it('says that something stands where it cannot read what, and nothing where only a signature stands', () => {
  const at = (type: string, data: string) => readNameRecords([{ name: 'a', ttl: 1, type, data }]);
  for (const [type, data] of [
    ['TXT', 'no quotes'],
    ['TXT', '"\\255"'],
    ['CNAME', 'relative'],
    ['CNAME', 'a\\.b.example.'],
    ['A', '1.2.3'],
    ['AAAA', '203.0.113.1'],
  ])
    expect(at(type!, data!)).toEqual({ sets: [], others: [type] });
  for (const type of ['RRSIG', 'NSEC', 'NSEC3']) expect(at(type, 'x')).toBeUndefined();
});
