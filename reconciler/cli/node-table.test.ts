// The table of nodes at 80 columns: what somebody should look at stands below its node, whatever a node says of itself.
import { expect, test } from 'vitest';
import { type NodeRow, nodeTable } from './node-table.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const ROW: NodeRow = {
  name: 'osaka-1',
  ...{ state: 'active', reported: 'applied', fingerprint: 'abcd '.repeat(16).trim(), lastSeen: '2026-11-22T11:59:55Z' },
};

function notesOf(more: Partial<NodeRow>): string[] {
  const lines = nodeTable([{ ...ROW, ...more }], 'edges', NOW).split('\n');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  return lines.slice(2, -1);
}

test('a node that is well is one line', () => {
  expect(nodeTable([ROW], 'edges', NOW)).toBe(
    'NAME     STATE    FINGERPRINT                              SEEN\n' +
      'osaka-1  applied  abcd abcd abcd abcd abcd abcd abcd abcd  5 s\n',
  );
  expect(notesOf({ unacknowledged: [], certificates: [{}, {}] })).toEqual([]);
});

test.each<[string, Partial<NodeRow>, string[]]>([
  ['silence', { silent: true }, ['  silent: the other edges of its pool order its certificates']],
  [
    'recipients that nobody approved',
    { unacknowledged: [{ name: '*escrow' }, ...[1, 2, 3, 4, 5].map((n) => ({ name: `kyoto-${n}` }))] },
    [
      '  nobody approved here who gets the keys of its pool: the escrow key, kyoto-1,',
      '  kyoto-2, kyoto-3, kyoto-4 and 1 more',
    ],
  ],
  [
    'certificates to be ordered anew',
    { certificates: [{ exposed: 'tokyo-1 had its key' }, {}] },
    ['  to be ordered anew, because a compromised edge had the key: 1 of its', '  certificates'],
  ],
  [
    'a refused announcement',
    { refusedAnnouncement: 'another key', refusedAt: '2026-11-22T11:00:00Z' },
    ['  refused 60 min ago: another key'],
  ],
])('%s', (_, more, notes) => {
  expect(notesOf(more)).toEqual(notes);
});

test('what is no list of them, or moves a terminal, is neither shown nor fatal', () => {
  const hostile = { unacknowledged: [null, { name: '\x1b[2J' }], certificates: 'many' } as unknown as NodeRow;
  expect(notesOf(hostile).join()).not.toContain('\x1b');
  expect(notesOf({ unacknowledged: 'x' } as unknown as NodeRow)).toEqual([]);
});
