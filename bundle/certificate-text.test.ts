// The text in which a certificate travels: what it says of who had its key is read only where it can be true.
import { expect, test } from 'vitest';
import { readCertificateText, writeCertificateText } from './certificate-text.ts';

const PAIR = { fullchain: 'chain', key: 'key' };

test('what is written is read, and without compromised edges it is the two texts alone', () => {
  expect(writeCertificateText({ ...PAIR, keptFrom: [] })).toBe('{"fullchain":"chain","key":"key"}');
  const keptFrom = ['osaka-1/1', 'tokyo-1/12'];
  expect(readCertificateText(writeCertificateText({ ...PAIR, keptFrom }))).toEqual({ ...PAIR, keptFrom });
});

test.each<[string, unknown, string[]]>([
  ['nothing', undefined, []],
  ['a text', 'tokyo-1/1', []],
  [
    'what is no such edge',
    [1, null, 'tokyo-1', 'tokyo-1/0', 'TOKYO/1', '../tokyo/1', 'tokyo-1/1\n', 'tokyo-1/1'],
    ['tokyo-1/1'],
  ],
  ['itself', ['osaka-1/1', 'osaka-1/2', 'osaka-11/1'], ['osaka-11/1']],
  ['too many', Array(1_001).fill('tokyo-1/1'), []],
])('of %s', (_, keptFrom, read) => {
  expect(readCertificateText(JSON.stringify({ ...PAIR, keptFrom }), 'osaka-1')?.keptFrom).toEqual(read);
});

test.each(['', '[]', 'null', '{"fullchain":"chain"}', '{"fullchain":1,"key":"key"}'])('%s is none', (text) => {
  expect(readCertificateText(text)).toBeUndefined();
});
