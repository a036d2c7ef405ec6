// The tables of hostnames, zones and certificates.
import { expect, it } from 'vitest';
import { certificateTable, dnsTable, routeTable } from './host-tables.ts';

const HOSTILE = `\u001b[2J\u202e ${'word '.repeat(60)}`;
const SINCE = '2030-01-01T00:00:00Z';

it.each([
  ['routes', routeTable([{ hostname: 'a', pool: 'p', served: { by: 1, of: 2 }, quarantined: [{ reason: HOSTILE }] }])],
  ['zones', dnsTable([{ zone: 'a', unsettled: [{ name: 'b', kind: 'foreign', reason: HOSTILE, since: SINCE }] }])],
  ['certificates', certificateTable([{ name: 'a', notAfter: SINCE, ending: HOSTILE, missing: ['tokyo-1'] }])],
])('of %s stays within 80 columns, and nothing in it acts on a terminal', (_kind, text) => {
  expect(text).toContain('\\u{1b}[2J\\u{202e} word');
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

it('says that there is nothing, also where the answer is something else', () => {
  expect([routeTable([]), dnsTable('x'), certificateTable(undefined)]).toEqual([
    'no routes\n',
    'no zones are written\n',
    'no certificates\n',
  ]);
});
