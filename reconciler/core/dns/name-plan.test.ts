import { describe, expect, test } from 'vitest';
import type { NameRecords, RecordSet } from '../../ports/dns-zone.ts';
import { planName, shownSets } from './name-plan.ts';
import { ownerRecord, ownerText, readOwner } from './owner-text.ts';

const ZONE = 'hoge.com';
const NAME = 'app.hoge.com';
const [OURS, THEIRS] = ['0'.repeat(32), 'f'.repeat(32)];
const RECORD = ownerRecord(NAME, ZONE);

const alias = (target: string, ttl = 30): RecordSet => ({ type: 'CNAME', ttl, values: [target] });
const address = (value: string): RecordSet => ({ type: 'A', ttl: 300, values: [value] });
const text = (value: string): RecordSet => ({ type: 'TXT', ttl: 30, values: [value] });
const saysOwner = (owner: string) => text(ownerText({ owner, name: NAME }));
const WANTED = [alias('edges.hoge.com')];

interface Place {
  here?: RecordSet[];
  others?: string[];
  steered?: string;
  said?: RecordSet[];
}

function plan({ here = [], others = [], steered, said = [] }: Place, wanted: RecordSet[] | undefined, adopt = false) {
  const found = new Map<string, NameRecords>();
  if (here.length + others.length > 0)
    found.set(NAME, { sets: here, others, ...(steered !== undefined && { steered }) });
  if (said.length > 0) found.set(RECORD, { sets: said, others: [] });
  return planName({ name: NAME, zone: ZONE, owner: OURS, wanted, adopt }, found);
}

describe('what is done at a name', () => {
  test.each<[string, Place, RecordSet[] | undefined, boolean, string]>([
    ['nothing stands there', {}, WANTED, false, 'create'],
    ['it is ours and right', { here: WANTED, said: [saysOwner(OURS)] }, WANTED, false, 'settled'],
    [
      'it is ours and leads elsewhere',
      { here: [alias('evil.example')], said: [saysOwner(OURS)] },
      WANTED,
      false,
      'change',
    ],
    [
      'it is ours and lives too long',
      { here: [alias('edges.hoge.com', 3600)], said: [saysOwner(OURS)] },
      WANTED,
      false,
      'change',
    ],
    ['it is ours and was taken away', { said: [saysOwner(OURS)] }, WANTED, false, 'change'],
    ['it is ours and proxied', { here: WANTED, steered: 'proxied', said: [saysOwner(OURS)] }, WANTED, false, 'change'],
    ['it is ours and not wanted', { here: WANTED, said: [saysOwner(OURS)] }, [], false, 'delete'],
    ['only our text is left', { said: [saysOwner(OURS)] }, [], false, 'delete'],
    ['nobody knows what is wanted', { here: WANTED, said: [saysOwner(OURS)] }, undefined, false, 'settled'],
    ['somebody’s address stands there', { here: [address('203.0.113.9')] }, WANTED, false, 'foreign'],
    ['the same stands there and is nobody’s', { here: WANTED }, WANTED, false, 'foreign'],
    ['it belongs to another installation', { here: WANTED, said: [saysOwner(THEIRS)] }, WANTED, false, 'foreign'],
    ['a strange text stands where the owner would', { said: [text('v=spf1 -all')] }, WANTED, false, 'foreign'],
    [
      'two owners are named',
      {
        here: WANTED,
        said: [{ type: 'TXT', ttl: 30, values: [saysOwner(OURS), saysOwner(THEIRS)].flatMap(({ values }) => values) }],
      },
      WANTED,
      false,
      'foreign',
    ],
    ['foreign and not wanted', { here: [address('203.0.113.9')] }, [], false, 'settled'],
    ['of another installation and not wanted', { here: WANTED, said: [saysOwner(THEIRS)] }, [], false, 'settled'],
    ['foreign and given to us', { here: [address('203.0.113.9')] }, WANTED, true, 'adopt'],
    ['of another installation and given to us', { here: WANTED, said: [saysOwner(THEIRS)] }, WANTED, true, 'adopt'],
    ['a mail server stands beside it', { others: ['MX'] }, WANTED, false, 'foreign'],
    ['a mail server stands beside it, and it was given to us', { others: ['MX'] }, WANTED, true, 'foreign'],
    ['a text stands beside it', { here: [text('v=spf1 -all')] }, WANTED, false, 'foreign'],
    [
      'texts and mail servers stand beside an address',
      { here: [text('v=spf1 -all')], others: ['MX', 'NS', 'SOA'] },
      [address('198.51.100.1')],
      false,
      'create',
    ],
  ])('%s', (_, place, wanted, adopt, expected) => {
    const made = plan(place, wanted, adopt);
    expect(made.kind === 'change' ? made.verb : made.kind).toBe(expected);
    if (made.kind !== 'change') return;
    // What is expected there is what stands there, of the types that change; and no text of anybody else's is touched.
    for (const { name, before, after } of made.change) {
      const stands = (name === NAME ? place.here : place.said) ?? [];
      const isText = name === RECORD;
      expect(before).toEqual(stands.filter(({ type }) => (type === 'TXT') === isText));
      expect([...before, ...after].every(({ type }) => (type === 'TXT') === isText)).toBe(true);
    }
  });

  test('a text beside ours that cannot be read makes the name somebody else’s', () => {
    const found = new Map([[RECORD, { sets: [saysOwner(OURS)], others: ['TXT'] }]]);
    const made = planName({ name: NAME, zone: ZONE, owner: OURS, wanted: WANTED }, found);
    expect(made).toMatchObject({ kind: 'foreign', reason: 'it belongs to somebody else' });
  });

  test('whose it is stands there before the name does, and goes after it', () => {
    const names = (place: Place, wanted: RecordSet[]) => {
      const made = plan(place, wanted);
      return made.kind === 'change' ? made.change.map(({ name }) => name) : [];
    };
    expect(names({}, WANTED)).toEqual([RECORD, NAME]);
    expect(names({ here: WANTED, said: [saysOwner(OURS)] }, [])).toEqual([NAME, RECORD]);
    expect(names({ here: [alias('evil.example')], said: [saysOwner(OURS)] }, WANTED)).toEqual([NAME]);
    expect(names({ said: [saysOwner(OURS)] }, [])).toEqual([RECORD]);
  });
});

test('an owner is read only from the record of its name', () => {
  const said = ownerText({ owner: OURS, name: NAME });
  expect(readOwner(said, RECORD, ZONE)).toEqual({ owner: OURS, name: NAME });
  expect(readOwner(said, ownerRecord('b.hoge.com', ZONE), ZONE)).toBeUndefined();
  expect(readOwner(said, RECORD, 'fuga.com')).toBeUndefined();
  for (const other of [
    `${said} `,
    said.replace(OURS, 'x'.repeat(32)),
    said.replace('kokoa1', 'kokoa2'),
    '',
    said.replace(NAME, 'APP.hoge.com'),
  ])
    expect(readOwner(other, RECORD, ZONE)).toBeUndefined();
  expect(RECORD).toMatch(/^[0-9a-f]{32}\._kokoa-owner\.hoge\.com$/);
});

test('records are shown in one line', () => {
  expect(shownSets([address('198.51.100.1'), alias('edges.hoge.com')])).toBe('A 198.51.100.1, CNAME edges.hoge.com');
});
