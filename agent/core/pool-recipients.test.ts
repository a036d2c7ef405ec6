// Who is known, and who is a stranger.
import { expect, test } from 'vitest';
import { ESCROW_NAME } from '../../bundle/api.ts';
import { nextRecord, type RecipientSituation, recipientsOf } from './pool-recipients.ts';

const OSAKA = { name: 'osaka-1', recipient: 'age1osaka', signingKey: 'key-osaka' };
const KYOTO = { name: 'kyoto-1', recipient: 'age1kyoto', signingKey: 'key-kyoto' };
const NOW = Date.parse('2026-11-22T10:00:00Z');
const EARLIER = '2026-11-21T10:00:00.000Z';

function next(change: Partial<RecipientSituation>) {
  const { known, strangers } = nextRecord({
    pool: 'default',
    recipients: [OSAKA, KYOTO],
    record: { pool: 'default', known: [OSAKA], strangers: [{ ...KYOTO, since: EARLIER, given: true }] },
    approvals: [],
    wrappedFor: {},
    approvalIsRequired: false,
    nowMs: NOW,
    ...change,
  });
  return [
    known.map(({ name }) => name),
    strangers.map(({ name, since, given }) => `${name} ${since}${given ? ' given' : ''}`),
  ];
}

const NEW = '2026-11-22T10:00:00.000Z';

test.each<[string, Partial<RecipientSituation>, string[], string[]]>([
  ['nothing changes', {}, ['osaka-1'], [`kyoto-1 ${EARLIER} given`]],
  ['a stranger is approved', { approvals: [KYOTO] }, ['osaka-1', 'kyoto-1'], []],
  [
    'other keys under its name are approved',
    {
      approvals: [
        { ...KYOTO, recipient: 'age1x' },
        { ...KYOTO, signingKey: 'x' },
        { ...KYOTO, name: 'nara-1' },
      ],
    },
    ['osaka-1'],
    [`kyoto-1 ${EARLIER} given`],
  ],
  ['who was known leaves', { recipients: [KYOTO] }, [], [`kyoto-1 ${EARLIER} given`]],
  [
    'who was known comes back after that',
    { record: { pool: 'default', known: [], strangers: [] }, recipients: [OSAKA] },
    [],
    [`osaka-1 ${NEW}`],
  ],
  ['who was known has another key', { recipients: [{ ...OSAKA, signingKey: 'x' }] }, [], [`osaka-1 ${NEW}`]],
  ['a machine looks first', { record: undefined, wrappedFor: undefined }, ['osaka-1', 'kyoto-1'], []],
  [
    'an edge of an older version looks first',
    { record: undefined, wrappedFor: { 'osaka-1': 'age1osaka', 'kyoto-1': 'age1former' } },
    ['osaka-1'],
    [`kyoto-1 ${NEW}`],
  ],
  [
    'one looks first where approval is asked for',
    { record: undefined, wrappedFor: { 'osaka-1': 'age1osaka' }, approvalIsRequired: true },
    [],
    [`osaka-1 ${NEW}`, `kyoto-1 ${NEW}`],
  ],
  [
    'the edge moved to another pool',
    { record: { pool: 'other', known: [OSAKA], strangers: [] }, approvalIsRequired: true },
    [],
    [`osaka-1 ${NEW}`, `kyoto-1 ${NEW}`],
  ],
  [
    'it does where nobody asked for approval',
    { record: { pool: 'other', known: [OSAKA], strangers: [] }, wrappedFor: undefined },
    [],
    [`osaka-1 ${NEW}`, `kyoto-1 ${NEW}`],
  ],
  [
    'it comes back to an identity that it gave a stranger',
    { record: { pool: 'other', known: [], strangers: [] }, wrappedFor: { 'kyoto-1': 'age1kyoto' } },
    [],
    [`osaka-1 ${NEW}`, `kyoto-1 ${NEW}`],
  ],
])('when %s', (_title, change, known, strangers) => {
  expect(next(change)).toEqual([known, strangers]);
});

test('a move to another pool and back leaves the alarm, and a person ends it', () => {
  const situation = { wrappedFor: undefined, approvals: [], approvalIsRequired: false, nowMs: NOW };
  const look = (pool: string, record: RecipientSituation['record'], recipients: RecipientSituation['recipients']) =>
    nextRecord({ ...situation, pool, record, recipients });
  const home = look('default', undefined, [OSAKA]);
  expect(home).toMatchObject({ known: [OSAKA], strangers: [] });
  const away = look('other', look('default', home, [OSAKA, KYOTO]), []);
  const back = look('default', away, [OSAKA, KYOTO]);
  expect(back.known).toEqual([]);
  expect(back.strangers).toMatchObject([OSAKA, KYOTO]);
  const approved = nextRecord({
    ...situation,
    pool: 'default',
    record: back,
    recipients: [OSAKA, KYOTO],
    approvals: [OSAKA],
  });
  expect(approved).toMatchObject({ known: [OSAKA], strangers: [KYOTO] });
});

test('the recipients of a pool are its other members and the escrow key', () => {
  const members = [OSAKA, KYOTO].map(({ name: node, recipient, signingKey }) => ({ node, recipient, signingKey }));
  expect(recipientsOf({ members, escrow: 'age1e' }, 'osaka-1')).toEqual([
    KYOTO,
    { name: ESCROW_NAME, recipient: 'age1e', signingKey: '' },
  ]);
});
